"""What is wrong with a frame is charged to its publisher: notes are rationed, and a budget ends in being shut out."""

from __future__ import annotations

from consortium.core.machine import Note
from consortium.node.publishers import FAULTS_MAX, NOTED_MAX, PUBLISHERS_MAX, SECOND_US, SHUT_OUT_US, Publishers


def test_a_few_refusals_a_second_are_noted_and_the_others_counted() -> None:
    publishers = Publishers()
    notes = [note for _ in range(50) for note in publishers.charge(0, "liar", "no frame")]
    assert len(notes) == NOTED_MAX and all(note.fields["sender"] == "liar" for note in notes)
    (later,) = publishers.charge(SECOND_US, "liar", "no frame")
    assert later.fields["more"] == 50 - NOTED_MAX
    (last,) = publishers.charge(SECOND_US, "liar", "no frame")
    assert "more" not in last.fields, "each is counted once"


def test_a_publisher_whose_frames_are_read_for_nothing_is_shut_out_for_the_stated_time() -> None:
    publishers = Publishers()
    for _ in range(FAULTS_MAX):
        publishers.charge(0, "liar", "the signature is wrong")
        publishers.charge(0, "honest", "once") if _ == 0 else None
    assert not publishers.is_shut_out(0, "liar")
    (note,) = publishers.charge(5, "liar", "the signature is wrong")
    assert note == Note(
        "shut_out",
        {
            "publisher": "liar",
            "why": "the signature is wrong",
            "for_us": SHUT_OUT_US,
            "more": FAULTS_MAX + 1 - NOTED_MAX,
        },
    )
    assert publishers.is_shut_out(5, "liar") and not publishers.is_shut_out(5, "honest")
    assert publishers.is_shut_out(4 + SHUT_OUT_US, "liar") and not publishers.is_shut_out(5 + SHUT_OUT_US, "liar")


def test_a_large_frame_that_is_none_counts_by_its_size() -> None:
    publishers = Publishers()
    publishers.charge(0, "liar", "no frame", 5_000_000)
    assert not publishers.is_shut_out(0, "liar")
    (note,) = publishers.charge(0, "liar", "no frame", 10_000_000)
    assert note.kind == "shut_out" and publishers.is_shut_out(0, "liar")


def test_faults_of_different_seconds_do_not_add_up() -> None:
    publishers = Publishers()
    for second in range(10):
        for _ in range(FAULTS_MAX):
            publishers.charge(second * SECOND_US, "clumsy", "no frame")
    assert not publishers.is_shut_out(10 * SECOND_US, "clumsy")


def test_any_number_of_names_is_kept_in_bounded_memory() -> None:
    publishers = Publishers()
    for number in range(3 * PUBLISHERS_MAX):
        publishers.charge(0, f"name {number}", "no frame")
    assert len(publishers._accounts) <= PUBLISHERS_MAX + 1
