"""A replayed boot begins with the private store that the recorded one had: what a death took is taken back."""

from consortium.core.machine import Drop, Keep
from consortium.runs.recording import boxes_mark
from consortium.runs.replay import WrittenBoxes
from consortium.vault.boxes import DictBoxes


def test_a_boot_goes_back_to_the_store_that_the_death_left() -> None:
    written, marks = WrittenBoxes(), [boxes_mark(DictBoxes())]
    boxes = written.go_back(marks[0])
    assert boxes is not None
    for output in (Keep("a", b"1"), Keep("b", b"2"), Keep("a", b"3"), Drop("b")):
        boxes.stage(output.name, output.value if isinstance(output, Keep) else None)
        written.wrote(output)
        marks.append(boxes_mark(boxes))
    assert len(set(marks)) == 5
    for mark, held in ((marks[4], {"a": b"3"}), (marks[2], {"a": b"1", "b": b"2"}), (marks[1], {"a": b"1"})):
        found = written.go_back(mark)
        assert found is not None and {name: found.get(name) for name in found.names()} == held
    assert written.go_back(marks[3]) is None, "nobody wrote that after the last boot"


def test_a_store_that_was_begun_anew_and_one_that_nobody_wrote() -> None:
    written = WrittenBoxes()
    lacking = written.go_back(boxes_mark(DictBoxes(is_lacking=True)))
    assert lacking is not None and lacking.names() == [".lacking"]
    assert written.go_back(b"x" * 16) is None
    assert written.go_back(b"") is not None, "an older recording says nothing of it"
