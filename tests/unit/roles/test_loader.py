"""The load generator submits each of its bundles until it is executed, whatever its node lost or missed."""

from typing import Any

from consortium.core.contract import Receipt
from consortium.core.machine import Expired, Jumped, Now, Outcome, Receipted, Started, Submitted
from consortium.core.transaction import NUMBER_WINDOW
from consortium.roles.loader import RESERVED_EVERY, TIMER, Load, Loader, load_number, load_ordinal

NOW = Now(0, 0)
CALL: Any = ("settlement", "issue_and_claim", None)


def _loader(interval_us: int = 0) -> Loader:
    bundles = tuple((CALL, CALL) for _ in range(6))
    return Loader("a", Load(bundles, 4, interval_us, tuple(b"%d" % index for index in range(6))))


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
    loader = _loader(interval_us=10)
    assert _said(loader.step(NOW, Started(()))) == [b"0"]
    loader.step(NOW, _executed(3, 4))
    assert _said(loader.step(NOW, Expired(TIMER))) == [b"2"]


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
