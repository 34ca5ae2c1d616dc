"""A NEW-VIEW is kept as long as its view lasts: who missed it needs it, however often everybody was restarted."""

from __future__ import annotations

import pytest

from consortium.protocols.pbft.messages import Ask, NewView, Suspect, Told, ViewChange
from consortium.protocols.pbft.records import NewViewRecord, decode_record
from tests.pbft_bench import Bench
from tests.pbft_network import PARAMETERS

WINDOW = PARAMETERS.window
A = b"a" * 32


def in_view_2() -> tuple[Bench, NewView]:
    bench = Bench(me="n1")
    message = bench.new_view(2, dict.fromkeys(("n0", "n2", "n3"), bench.view_change(2, bench.prepared(0, 1, A))))
    bench.hear("n2", message)
    assert bench.replica.view == 2
    return bench, message


def kept(bench: Bench, sealed: int) -> list[bytes]:
    """What a log holds that forgets all that it may."""
    return [record for record, height in bench.records if height is None or height > sealed]


def booted(before: Bench, sealed: int) -> Bench:
    return Bench(me="n1", records=kept(before, sealed), head=sealed, stable=sealed)


def told(bench: Bench) -> list[object]:
    """What n3 hears, which stands in view 0 yet."""
    bench.hear("n3", Suspect(0))
    bench.time_us += PARAMETERS.timer_base_us
    bench.hear("n3", Ask(b"n" * 16, 0, 0, 1))
    answers = [answer for answer in bench.said(Told) if answer.receiver == "n3"]
    assert len(answers) == 2, "to a suspicion of a leader that is gone, and to a question"
    return [bench.verifier.codec.decode(each.body, 0) for answer in answers for each in answer.statements]


@pytest.mark.parametrize("windows", [3, 31, 33, 100])
def test_who_missed_a_view_change_is_helped_long_after_it_by_those_who_were_restarted_since(windows: int) -> None:
    before, message = in_view_2()
    for sealed in range(WINDOW, windows * WINDOW + 1, WINDOW // 2):
        before.stabilise(sealed)
    assert told(booted(before, sealed)) == [message, message]


def test_it_is_kept_after_a_boot_as_before_it_and_after_one_great_step() -> None:
    bench, message = in_view_2()
    bench.stabilise(20 * WINDOW)
    for _ in range(3):
        sealed = bench.replica.state.stable + 40 * WINDOW
        bench.stabilise(sealed)
        bench = booted(bench, sealed)
        bench.records = [pair for pair in bench.records if not is_new_view(pair[0])] + [
            (record, sealed + 1) for record, _ in bench.records if is_new_view(record)
        ]  # which the next seal takes
    assert told(bench) == [message, message]


def is_new_view(record: bytes) -> bool:
    return isinstance(decode_record(record), NewViewRecord)


def test_it_is_written_rarely_and_no_more_once_the_view_is_over() -> None:
    bench, _ = in_view_2()
    for sealed in range(WINDOW, 100 * WINDOW + 1, WINDOW // 2):
        bench.stabilise(sealed)
    assert sum(is_new_view(record) for record, _ in bench.records) == 1 + 3
    change = ViewChange(3, sealed, bench.seal(sealed), ())
    following = bench.new_view(3, dict.fromkeys(("n0", "n2", "n3"), change))
    bench.hear("n3", following)
    assert bench.replica.view == 3
    for higher in range(sealed + WINDOW, sealed + 70 * WINDOW, WINDOW):
        bench.stabilise(higher)
    found = [decode_record(record) for record in kept(bench, higher) if is_new_view(record)]
    assert {record.message.view for record in found if isinstance(record, NewViewRecord)} == {3}
