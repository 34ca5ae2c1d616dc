"""Claims about roles whose node lacks blocks: a snapshot took their place, and the state tells what they said."""

from __future__ import annotations

from collections import Counter

import pytest

from consortium.contracts.insurance import bill, funds, institution
from consortium.core.codec import encode
from consortium.core.contract import OK, Event, Receipt
from consortium.core.machine import Note, Now, Outcome, Receipted, Skipped, Started, Submit
from consortium.roles import load_roles
from consortium.roles.agenda import Agenda
from consortium.roles.bureau import BureauTasks
from consortium.roles.work import Work
from consortium.scenario.workloads.claim_day import compute_expectation, day_faults, day_report
from consortium.scenario.workloads.workload import Prepared
from tests.unit.roles.small_ledger import SmallDay, SmallLedger
from tests.unit.roles.test_claim_day import begin, build, scenario, small

MEMBERS = [member.name for member in scenario().members]
ONCE = ("issue", "claim", "deliver", "receive", "ship", "pay", "send_back", "propose_change", "record_contribution")


def _judge(prepared: Prepared, day: SmallDay) -> None:
    assert day_faults(day_report(day.ledger.outcomes), compute_expectation(prepared.work)) == []
    done = Counter((one.operation, one.receipt.code) for one in day.ledger.outcomes)
    assert done["issue", OK] == done["verify_by_patient", OK] == done["collect", OK] > 60
    assert done["place_order", OK] == done["receive", OK] == done["pay", OK] + 1 > 1
    assert done["prepay", OK] == done["send_back", OK] == done["refund", OK] == 1
    calls = Counter((one.operation, one.member, one.arguments) for one in day.ledger.outcomes if one.operation in ONCE)
    assert max(calls.values()) == 1, "nothing that a role submitted before is submitted anew"
    owed = [account.balance_fen for _, account in day.ledger.state.range(funds.ACCOUNTS, "payable/", "payable0")]
    assert done["disburse", OK] > 3
    assert owed and min(owed) >= 0


@pytest.mark.parametrize("away", [10, 60])
@pytest.mark.parametrize("name", MEMBERS)
def test_a_role_that_missed_blocks_goes_on_from_the_state(name: str, away: int) -> None:
    """Regression (adversarial tester, finding 12): the role waited for ever for outcomes that nobody would tell."""
    prepared, day = begin(small(disburse_fen=200_000))
    ticks = jumps = 0
    while day.away or not day.is_done:
        ticks += 1
        if ticks % (2 * away) == away // 2:
            day.away.add(name)
        elif name in day.away and ticks % (2 * away) == away // 2 + away:
            day.away.clear()
            day.jump(name, len(day.ledger.blocks))
            jumps += 1
        day.tick(calls_max=20)
        assert ticks < 3_000, [one for one, role in day.roles.items() if not role.is_done]
    assert jumps > 0
    _judge(prepared, day)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_role_that_is_rebuilt_above_a_snapshot_again_and_again_ends_its_day(name: str) -> None:
    prepared, day = begin(small(disburse_fen=200_000))
    ticks = 0
    while not day.is_done:
        day.tick(calls_max=20)
        ticks += 1
        if ticks % 9 == 0:
            day.rebuild(name, build(name, prepared, day.ledger), len(day.ledger.blocks) // 2)
        assert ticks < 3_000, [one for one, role in day.roles.items() if not role.is_done]
    assert ticks > 28, "the role crashed several times"
    _judge(prepared, day)


def test_without_the_skipped_calls_the_same_role_never_ends() -> None:
    """Positive control: a gap that nobody tells of."""
    _, day = begin(small(disburse_fen=200_000))
    for tick in range(400):
        if tick in (10, 70):
            day.away ^= {"hospital-1"}
        day.tick(calls_max=20)
    assert not day.roles["hospital-1"].is_done


def test_a_call_that_was_executed_unseen_is_settled_when_it_is_wished_for_and_not_submitted() -> None:
    agenda = Agenda("hospital", "alice", 2)
    seen, unseen, later = (("bill", "deliver", bill.Step(f"b-{number}")) for number in range(3))
    agenda.skip([(*unseen[:2], encode(unseen[2]))])
    outcome = Outcome("alice", 1, *seen[:2], encode(seen[2]), Receipt(b"", "wrong-stage", "no", ()))
    assert agenda.hear(Receipted(1, 0, (outcome,), True)) == []  # its wish comes after it
    agenda.start(Now(0, 0))
    for reference, call in (("seen", seen), ("unseen", unseen), ("later", later)):
        agenda.wish(reference, (call,))
    found = [agenda.drain() for _ in range(3)]
    assert [one and (one[0], one[3]) for one in found] == [("seen", outcome), ("unseen", None), None]
    assert [effect.reference for effect in agenda.pump(Now(0, 0)) if isinstance(effect, Submit)] == ["later"]
    assert not agenda.is_done


def test_after_a_gap_the_bureau_pays_out_what_the_state_says_is_owed_and_history_is_not_counted_again() -> None:
    ledger = SmallLedger({})
    ledger.state.values["account", "payable/H1"] = funds.Account(250)
    spec = load_roles()["bureau"]
    bureau = spec.build(spec.settings(), Work("bureau", (BureauTasks(disburse_fen=100),)), ledger.reader)
    event = Event("movement", {"source": "fund/x", "target": "payable/H1", "amount_fen": 200, "cause": "c"})
    outcome = Outcome("h", 1, "settlement", "claim", b"", Receipt(b"", OK, "", (event,)))
    bureau.step(Now(0, 0), Skipped(5, ()))
    bureau.step(Now(0, 0), Receipted(6, 0, (outcome,), True))
    (submit,) = bureau.step(Now(0, 0), Started(()))
    assert isinstance(submit, Submit)
    assert submit.calls == (
        ("institution", "disburse", institution.Disburse("H1", 250, submit.reference.replace(":", "/", 1))),
    )
    (second,) = bureau.step(Now(1, 1), Receipted(7, 1, (outcome,), False))
    assert isinstance(second, Submit) and second.reference != submit.reference
    assert second.calls[0][2].amount_fen == 200


def test_a_regulator_tells_which_heights_it_could_find_nothing_in() -> None:
    """A trace without findings must not be taken for heights without any. What it heard before a boot it looked at."""
    ledger = SmallLedger({})
    spec = load_roles()["regulator"]
    regulator = spec.build(spec.settings(), Work("regulator"), ledger.reader)
    assert list(regulator.step(Now(0, 0), Skipped(3, ()))) == []
    regulator.step(Now(0, 0), Receipted(4, 0, (), True))
    regulator.step(Now(0, 0), Started(()))
    assert list(regulator.step(Now(1, 1), Skipped(9, ()))) == [Note("unheard", {"from_height": 5, "to_height": 9})]
