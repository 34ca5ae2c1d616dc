"""The load generator submits each of its bundles until it is executed, whatever its node lost or missed."""

from typing import Any

from consortium.core.contract import Receipt
from consortium.core.machine import Expired, Jumped, Note, Now, Outcome, Receipted, SetTimer, Started, Submitted
from consortium.core.transaction import NUMBER_WINDOW
from consortium.node.run_start import RunStart
from consortium.roles.loader import RESERVED_EVERY, TIMER, Load, Loader, load_number, load_ordinal

NOW = Now(0, 0)


def _at(monotonic_us: int) -> Now:
    return Now(monotonic_us, 0)


CALL: Any = ("settlement", "issue_and_claim", None)


def _loader(due_us: tuple[int, ...] = (), outstanding: int = 4) -> Loader:
    bundles = tuple((CALL, CALL) for _ in range(6))
    load = Load(bundles, outstanding, due_us, tuple(b"%d" % index for index in range(6)), "constant")
    return Loader("a", load, RunStart())


def _executed(*numbers: int, is_replay: bool = False) -> Receipted:
    receipt = Receipt(b"", "ok", "", ())
    return Receipted(1, 0, tuple(Outcome("a", number, "", "", b"", receipt) for number in numbers), is_replay)


def _said(effects: Any) -> list[bytes]:
    return [bundle for effect in effects if isinstance(effect, Submitted) for bundle in effect.bundles]


def test_after_a_boot_a_hole_in_the_middle_is_submitted_again() -> None:
    loader = _loader()
    loader.step(NOW, _executed(1, 2, 5, 6, 7, 8, is_replay=True))
    assert _said(loader.step(NOW, Started(()))) == [b"1", b"4"]


def test_a_bundle_that_was_executed_meanwhile_is_not_submitted_again() -> None:
    loader = _loader(due_us=(0, 10, 20, 30, 40, 50))
    assert _said(loader.step(NOW, Started(()))) == [b"0"]
    loader.step(NOW, _executed(3, 4))
    assert _said(loader.step(_at(20), Expired(TIMER))) == [b"2"]


def test_what_came_due_while_a_node_stood_still_is_submitted_at_once_and_says_how_late_it_is() -> None:
    loader = _loader(due_us=(0, 10, 20, 30, 40, 500), outstanding=100)
    told, first, timer = loader.step(NOW, Started(()))
    assert told == Note("load", {"arrivals": "constant", "transactions": 12, "from_us": 0, "to_us": 500})
    assert first == Submitted((b"0",), (0,)) and timer == SetTimer(TIMER, 10)
    assert loader.step(_at(45), Expired(TIMER)) == [
        Submitted((b"1", b"2", b"3", b"4"), (35, 25, 15, 5)), SetTimer(TIMER, 455)]  # fmt: skip


def test_the_schedule_begins_with_the_run_also_for_a_node_that_boots_later() -> None:
    start = RunStart()
    start.monotonic_us = 1_000
    loader = Loader("a", Load(((CALL,),), 9, (200,), (b"0",)), start)
    assert loader.step(_at(1_500), Started(()))[-1] == Submitted((b"0",), (300,))


def test_an_open_load_waits_where_there_is_no_room_and_then_says_that_it_is_late() -> None:
    loader = _loader(due_us=(0,) * 6)
    assert _said(loader.step(NOW, Started(()))) == [b"0", b"1"], "four transactions may be under way"
    assert loader.step(_at(70), _executed(1, 2)) == [Submitted((b"2",), (70,))]
    assert loader.step(_at(80), _executed(3, 4, 5, 6)) == [Submitted((b"3", b"4"), (80, 80))]


def test_no_number_is_said_that_lies_beyond_the_window_of_the_oldest_that_waits() -> None:
    calls = tuple((CALL,) for _ in range(NUMBER_WINDOW + 10))
    signed = tuple(b"%d" % index for index in range(len(calls)))
    loader = Loader("a", Load(calls, 1 << 30, (0,) * len(calls), signed), RunStart())
    said = _said(loader.step(NOW, Started(())))
    assert load_number(len(said)) <= NUMBER_WINDOW < load_number(len(said) + 2)
    assert _said(loader.step(NOW, _executed(2, 3))) == [], "the first one still waits"
    assert len(_said(loader.step(NOW, _executed(1)))) == 3


def test_it_is_done_when_every_number_was_executed_and_counts_none_twice() -> None:
    loader = _loader()
    loader.step(NOW, Started(()))
    loader.step(NOW, _executed(*range(1, 12)))
    loader.step(NOW, _executed(*range(1, 12)))
    assert not loader.is_done
    loader.step(NOW, _executed(12))
    assert loader.is_done


def test_its_numbers_and_those_of_the_outbox_never_meet() -> None:
    numbers = [load_number(ordinal) for ordinal in range(1, 1_000)]
    assert numbers == [number for number in range(1, numbers[-1] + 1) if number % RESERVED_EVERY]
    assert [load_ordinal(number) for number in numbers] == list(range(1, 1_000))
    assert load_ordinal(RESERVED_EVERY) is None


def test_after_a_jump_used_numbers_and_those_below_the_window_are_not_submitted_again() -> None:
    loader = _loader()
    used = dict.fromkeys((7, NUMBER_WINDOW + 2), b"")
    loader.step(NOW, Jumped(5, lambda member: used))
    assert _said(loader.step(NOW, Started(()))) == [b"1", b"2"], "numbers 1, 2 are too old, 7 is used, 8 is not"
    assert _said(loader.step(NOW, _executed(3, 4, 5, 6))) == [b"3", b"4"]


def test_numbers_that_fell_out_of_the_window_are_the_outboxs_and_not_waited_for() -> None:
    loader = _loader()
    loader.step(NOW, Started(()))
    loader.step(NOW, _executed(*range(3, 13)))
    assert not loader.is_done
    loader.step(NOW, _executed(NUMBER_WINDOW + 2))
    assert loader.is_done
