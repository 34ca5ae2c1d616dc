"""Duties ring what is due by themselves: once, whoever is there, however many there are, whatever was missed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from consortium.contracts.access import BUREAU, REGULATOR
from consortium.contracts.insurance import institution
from consortium.contracts.oversight import due
from consortium.core.calendar import DAY_US, MINUTE_US, compute_day
from consortium.core.codec import encode
from consortium.core.contract import Receipt
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.core.machine import Outcome, Receipted
from consortium.roles.duties import LOOK_US, PAGE, Duties
from tests.unit.roles.small_ledger import START_US, TICK_US, SmallDay, SmallLedger

OFFSET = 480
RANKS = {"bureau": 0, "regulator": 1}
MIDNIGHT_US = DAY_US - (START_US + OFFSET * MINUTE_US) % DAY_US  # of the run's first day, from its start on


def licences(count: int, licence_to: int) -> list[GenesisCall]:
    return [
        genesis_call("institution", "sign", institution.Sign(f"H{n}", "hospital", 1, "h1", f"L{n}", licence_to))
        for n in range(count)
    ]


def day_of(calls: list[GenesisCall]) -> SmallDay:
    ledger = SmallLedger({"bureau": BUREAU, "regulator": REGULATOR, "h1": "hospital"}, calls)
    return SmallDay(ledger, {name: duties(ledger, name) for name in RANKS})


def duties(ledger: SmallLedger, name: str) -> Duties:
    return Duties(name, ledger.reader, OFFSET, RANKS[name])


def told(day: SmallDay) -> Counter[tuple[Any, Any]]:
    events = [event for outcome in day.ledger.outcomes for event in outcome.receipt.events]
    return Counter((event.fields["why"], event.fields["record"]) for event in events if event.kind == "notice")


def ticks(day: SmallDay, time_us: int) -> None:
    for _ in range(time_us // TICK_US):
        day.tick()


def ringers(day: SmallDay) -> Counter[str]:
    return Counter(outcome.member for outcome in day.ledger.outcomes)


def test_what_was_due_before_the_start_is_told_once_and_the_first_rank_does_all_of_it() -> None:
    day = day_of(licences(3, 20200101))
    day.run()
    assert told(day) == {("licence-ended", f"institution/H{n}"): 1 for n in range(3)}
    assert ringers(day) == {"bureau": 6}


def test_much_that_is_due_is_rung_a_page_at_a_time() -> None:
    day = day_of(licences(PAGE + 5, 20200101))
    day.run()
    assert sum(told(day).values()) == PAGE + 5
    assert max(len(block.outcomes) for block in day.ledger.blocks) <= PAGE


def test_the_second_rank_rings_where_the_first_is_away() -> None:
    day = day_of(licences(2, 20200101))
    day.away.add("bureau")
    day.waiting.clear()  # what it said is lost, too
    ticks(day, 3 * LOOK_US)
    assert sum(told(day).values()) == 2
    assert ringers(day) == {"regulator": 4}


def test_two_that_ring_at_once_tell_it_once() -> None:
    ledger = SmallLedger({"bureau": BUREAU, "regulator": REGULATOR}, licences(3, 20200101))
    day = SmallDay(ledger, {name: Duties(name, ledger.reader, OFFSET, 0) for name in RANKS})
    day.run()
    assert ringers(day) == {"bureau": 6, "regulator": 6}
    assert set(told(day).values()) == {1} and len(told(day)) == 3


def test_at_midnight_of_the_chains_calendar_what_the_new_day_brings_is_rung_without_any_block() -> None:
    first_day = day_of([])
    assert first_day.is_done
    today = compute_day(START_US, OFFSET)
    day = day_of(licences(1, today))  # the notice of its coming end is due at once, the other one tomorrow
    ticks(day, 2 * LOOK_US)
    assert told(day) == {("licence-ending", "institution/H0"): 1}
    day.now_us = MIDNIGHT_US - LOOK_US
    ticks(day, 3 * LOOK_US)
    assert told(day)["licence-ended", "institution/H0"] == 1


def test_a_ringer_that_was_down_or_took_a_snapshot_finds_what_stands() -> None:
    day = day_of(licences(2, 20200101))
    day.away |= {"bureau", "regulator"}
    day.waiting.clear()
    day.ledger.block([], START_US)
    day.away.clear()
    day.rebuild("bureau", duties(day.ledger, "bureau"), base=1)
    day.run()
    assert sum(told(day).values()) == 2


def test_a_snapshot_that_rang_what_was_under_way_leaves_nothing_open() -> None:
    day = day_of(licences(1, 20200101))
    calls, day.waiting = day.waiting, []
    day.ledger.block(calls, START_US)  # executed, and heard by nobody
    for name in RANKS:
        day.jump(name, 1)
    assert day.is_done and sum(told(day).values()) == 1


def test_a_clock_that_is_ahead_of_the_chain_is_refused_and_tries_again() -> None:
    ledger = SmallLedger({"bureau": BUREAU, "h1": "hospital"}, licences(1, 20200101))
    day = SmallDay(ledger, {"bureau": duties(ledger, "bureau")})
    calls, day.waiting = day.waiting, []
    past_us = START_US - 20 * 365 * DAY_US
    day.tell("bureau", ledger.block(calls, past_us))
    assert [outcome.receipt.code for outcome in ledger.outcomes] == ["not-due", "not-due"]
    assert not day.is_done
    day.run()
    assert sum(told(day).values()) == 1


def test_what_was_refused_today_is_rung_again_tomorrow() -> None:
    ledger = SmallLedger({"bureau": BUREAU, "h1": "hospital"}, licences(1, 20200101))
    day = SmallDay(ledger, {"bureau": duties(ledger, "bureau")})
    calls, day.waiting = day.waiting, []
    refused = [outcome_of(call) for call in calls]
    ledger.blocks.append(Receipted(1, START_US, tuple(refused), False))
    day.tell("bureau", ledger.blocks[-1])
    ticks(day, 5 * LOOK_US)
    assert told(day) == {} and day.is_done
    day.now_us = MIDNIGHT_US
    ticks(day, 5 * LOOK_US)
    assert sum(told(day).values()) == 1


def test_what_refuses_for_good_is_noted_once_and_does_not_stand_in_the_way() -> None:
    ledger = SmallLedger({"bureau": BUREAU, "h1": "hospital"}, licences(PAGE, 20200101))
    for number in range(PAGE):
        name = due.entry_name(20000101, "funds.open", f"{number}")  # an operation that takes no Ring
        ledger.state.values["due", name] = due.Entry(0)
    day = SmallDay(ledger, {"bureau": duties(ledger, "bureau")})
    calls, day.waiting = day.waiting, []
    refused = [outcome_of(call) for call in calls]
    day.tell("bureau", Receipted(1, START_US, tuple(refused), False))
    day.run()
    assert Counter(note.kind for _, note in day.notes) == {"duty-refused": PAGE}
    assert sum(told(day).values()) == PAGE


def outcome_of(call: tuple[str, str, str, Any]) -> Outcome:
    member, contract, operation, arguments = call
    receipt = Receipt(b"", "malformed", "no Ring", ())
    return Outcome(member, 1, contract, operation, encode(arguments), receipt)
