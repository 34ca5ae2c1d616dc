"""Claims about the roles: one working day over the real contracts, without consensus."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.contracts.insurance import bill, enrolment, funds
from consortium.core.contract import OK, Event, Receipt
from consortium.core.machine import Now, Outcome, Receipted, SetTimer, Started, Submit
from consortium.roles import load_roles, read_settings
from consortium.roles.agenda import Agenda
from consortium.roles.bureau import BureauTasks
from consortium.roles.pharmacy import PharmacyTasks
from consortium.roles.voices import VoiceKeys
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Scenario, Workload
from consortium.scenario.workloads.claim_day import compute_expectation, day_faults, day_report, prepare_day
from consortium.scenario.workloads.workload import Prepared
from tests.unit.roles.small_ledger import CHAIN, SmallDay, SmallLedger

KEY = b"a key for the tests of the day"
FILE = Path(__file__).parents[3] / "scenarios" / "claim_day.py"


@cache
def scenario() -> Scenario:
    return load_scenario(FILE)


def small(**options: Any) -> Scenario:
    defaults = {"claims_max": 60, "duration_us": 2_000_000, "second_claims": 4, "reused_packs": 2}
    return msgspec.structs.replace(scenario(), workload=Workload("claim_day", {**defaults, **options}))


def build(name: str, prepared: Prepared, ledger: SmallLedger) -> Any:
    member = next(member for member in scenario().members if member.name == name)
    spec = load_roles()[member.role]
    work = prepared.work[name].having(VoiceKeys(CHAIN, "ed25519", b"v" * 32))
    return spec.build(msgspec.convert(member.settings, spec.settings), work, ledger.reader)


def begin(chosen: Scenario) -> tuple[Prepared, SmallDay]:
    prepared = prepare_day(chosen, KEY)
    ledger = SmallLedger({member.name: member.role for member in chosen.members}, prepared.calls)
    return prepared, SmallDay(ledger, {member.name: build(member.name, prepared, ledger) for member in chosen.members})


@cache
def whole_day() -> tuple[Prepared, SmallDay]:
    prepared, day = begin(scenario())
    day.run()
    return prepared, day


def test_every_claim_of_the_sample_is_settled_or_refused_with_a_reason() -> None:
    prepared, day = whole_day()
    report, expected = day_report(day.ledger.outcomes), compute_expectation(prepared.work)
    assert day_faults(report, expected) == []
    assert report.bills == 668 + 161 + 6 + 6
    assert report.refused == {"coverage-lapsed": 4, "person-dead": 3, "trace-code-sold": 6}
    assert report.second_refused == {"bill-reimbursed": 12, "not-yours": 4}
    assert all(outcome.receipt.sentence for outcome in day.ledger.outcomes if not outcome.receipt.is_ok)


def test_the_day_report_sees_a_claim_that_was_never_decided() -> None:
    """Positive control: without one claim, one second claim or one bill the same day has faults."""
    prepared, day = whole_day()
    expected = compute_expectation(prepared.work)
    outcomes = day.ledger.outcomes
    claim = next(index for index, outcome in enumerate(outcomes) if outcome.operation == "claim")
    again = next(index for index, outcome in enumerate(outcomes) if outcome.receipt.code == "bill-reimbursed")
    issue = next(index for index, outcome in enumerate(outcomes) if outcome.operation == "issue")
    for missing, word in ((claim, "neither"), (again, "second"), (issue, "were neither")):
        if missing == issue:  # the bill is brought, its claim never comes
            number = msgspec.msgpack.decode(outcomes[issue].arguments, type=bill.Issue).bill_no
            left = [one for one in outcomes if one.operation != "claim" or number.encode() not in one.arguments]
        else:
            left = outcomes[:missing] + outcomes[missing + 1 :]
        assert any(word in fault for fault in day_faults(day_report(left), expected))


def test_each_thing_that_must_be_found_is_found_with_records_rule_and_amount() -> None:
    _, day = whole_day()
    assert {name for name, _ in day.notes} == {"regulator"}
    assert Counter(note.fields["rule"] for _, note in day.notes) == {
        "duplicate-bill": 16,
        "reused-trace-code": 6,
        "claim-after-lapse": 4,
        "claim-after-death": 3,
    }
    assert all(note.fields["records"] and note.fields["amount_fen"] > 0 for _, note in day.notes)
    reused = next(note for _, note in day.notes if note.fields["rule"] == "reused-trace-code")
    assert "trace codes" in reused.fields["records"]


def test_a_procurement_round_ends_paid_and_every_delivered_bill_is_verified_and_collected() -> None:
    prepared, day = whole_day()
    done = Counter((one.operation, one.receipt.code) for one in day.ledger.outcomes)
    orders = sum(len(work.of(PharmacyTasks).orders) for work in prepared.work.values())
    for step in ("sign_subcontract", "place_order", "produce", "ship", "receive"):
        assert done[step, OK] == orders > 0
    assert done["prepay", OK] == done["send_back", OK] == done["refund", OK] == 1
    assert done["pay", OK] == orders - 1
    assert done["deliver", OK] == done["verify_by_patient", OK] == done["collect", OK] == 841
    assert done["endorse_change", OK] == 4


def test_all_money_adds_up_to_nothing_and_institutions_were_paid_out() -> None:
    _, day = whole_day()
    balances = {key: account.balance_fen for key, account in day.ledger.state.range(funds.ACCOUNTS, "", "~")}
    assert sum(balances.values()) == 0
    assert any(key.startswith("paid/") and fen > 0 for key, fen in balances.items())


@pytest.mark.parametrize("name", [member.name for member in scenario().members])
def test_a_role_that_crashes_again_and_again_does_everything_once(name: str) -> None:
    prepared, day = begin(small())
    ticks = 0
    while not day.is_done:
        day.tick(calls_max=20)
        ticks += 1
        if ticks % 7 == 0:
            day.rebuild(name, build(name, prepared, day.ledger))
        assert ticks < 3_000
    assert ticks > 28, "the role crashed several times"
    assert day_faults(day_report(day.ledger.outcomes), compute_expectation(prepared.work)) == []
    calls = Counter((one.member, one.operation, one.arguments) for one in day.ledger.outcomes)
    assert max(calls.values()) == 1


def test_the_same_day_twice_is_the_same_day() -> None:
    days = [begin(small())[1] for _ in range(2)]
    for day in days:
        day.run()
    first, second = ([(one.member, one.operation, one.arguments) for one in day.ledger.outcomes] for day in days)
    assert first == second
    other = prepare_day(msgspec.structs.replace(small(), seed=2), KEY)
    assert other.work != prepare_day(small(), KEY).work


def test_what_is_expected_does_not_depend_on_the_pseudonym_key() -> None:
    first, second = (prepare_day(scenario(), key) for key in (KEY, KEY + b" or another"))
    assert compute_expectation(first.work) == compute_expectation(second.work)
    assert first.work != second.work


def test_a_role_without_work_is_done_at_once() -> None:
    ledger = SmallLedger({})
    for name, spec in load_roles().items():
        role = spec.build(spec.settings(), None, ledger.reader)
        assert role.is_done and not role.wants_history, name
        assert list(role.step(Now(0, 0), Started(()))) == []


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"hosts": ["patent"]}, r"no role 'patent'; there are .*agent, .*bureau, .*hospital, "),
        ({"hots": ["agent"]}, r"unknown field `hots`; known are outstanding_max, hosts"),
        ({"outstanding_max": 0}, "expected 1 or more"),
    ],
)
def test_settings_that_cannot_be_are_an_error_that_names_what_can(given_: dict[str, Any], words: str) -> None:
    assert read_settings("bureau", {"hosts": ["agent"]}).hosts == ("agent",)
    with pytest.raises(ValueError, match=words):
        read_settings("bureau", given_)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"duration": 1}, "unknown field `duration`"),
        ({"duration_us": -1}, "expected 0 or more"),
        ({"lapsed": 1_000}, "living persons claim"),
        ({"second_claims": 10_000}, "second claims on"),
    ],
)
def test_options_that_cannot_be_are_an_error_with_a_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        prepare_day(small(**options), KEY)


def test_a_day_without_pharmacies_needs_no_supplier_and_one_without_regulator_is_refused() -> None:
    members = scenario().members
    without = msgspec.structs.replace(
        small(), members=tuple(one for one in members if one.role not in ("pharmacy", "supplier"))
    )
    assert all(not work.of(PharmacyTasks).dispensings for work in prepare_day(without, KEY).work.values())
    with pytest.raises(ScenarioError, match="'regulator'"):
        prepare_day(msgspec.structs.replace(small(), members=members[:3]), KEY)


def test_no_more_wishes_are_outstanding_than_allowed_and_none_before_its_time() -> None:
    agenda = Agenda("hospital", "alice", 2)
    for number in range(5):
        agenda.wish(f"w{number}", (("bill", "deliver", bill.Step(f"b-{number}")),), at_us=1_000 * number)
    assert list(agenda.pump(Now(0, 0))) == []  # nothing before start
    agenda.start(Now(500, 1_000_500))
    first, timer = agenda.pump(Now(500, 1_000_500))
    assert isinstance(first, Submit) and first.reference == "w0"
    assert timer == SetTimer(("role", "hospital", "next"), 1_000)
    assert [effect.reference for effect in agenda.pump(Now(9_500, 1_009_500)) if isinstance(effect, Submit)] == ["w1"]
    outcome = Outcome("alice", 0, *_first_call(first), Receipt(b"", "unknown-bill", "no", ()))
    assert [settled.reference for settled in agenda.hear(Receipted(1, 0, (outcome,), False))] == ["w0"]
    assert agenda.hear(Receipted(2, 0, (outcome,), False)) == []  # once
    assert not agenda.is_done


def _first_call(submit: Submit) -> tuple[str, str, bytes]:
    contract, operation, arguments = submit.calls[0]
    return contract, operation, msgspec.msgpack.encode(arguments)


_NAMES = st.sampled_from(
    [
        "bill-delivered",
        "bill-verified",
        "movement",
        "order-placed",
        "order-shipped",
        "order-received",
        "change-proposed",
    ]
)
_FIELDS = st.dictionaries(
    st.sampled_from(["bill_no", "order_no", "target", "amount_fen", "psn_no", "change_id", "contract_no"]),
    st.one_of(st.text(max_size=8), st.integers(-5, 5)),
)
_CALLS = st.sampled_from([("settlement", "claim"), ("settlement", "issue_and_claim"), ("bill", "issue"), ("x", "y")])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(load_roles())),
    _CALLS,
    st.binary(max_size=40),
    st.sampled_from(["ok", "bill-reimbursed", "bill-exists", "malformed"]),
    st.lists(st.tuples(_NAMES, _FIELDS), max_size=3),
)
def test_no_transaction_of_a_peer_makes_a_role_raise(
    role: str, call: tuple[str, str], arguments: bytes, code: str, events: list[tuple[str, dict[str, Any]]]
) -> None:
    receipt = Receipt(b"", code, "", tuple(Event(kind, fields) for kind, fields in events))
    spec = load_roles()[role]
    machine = spec.build(spec.settings(), Work("alice", (BureauTasks(disburse_fen=1),)), SmallLedger({}).reader)
    machine.step(Now(0, 0), Started(()))
    machine.step(Now(1, 1), Receipted(1, 1, (Outcome("mallory", 1, *call, arguments, receipt),), False))


def test_the_regulator_endorses_what_others_propose_and_not_its_own() -> None:
    spec = load_roles()["regulator"]
    machine = spec.build(spec.settings(), Work("watchdog"), SmallLedger({}).reader)
    machine.step(Now(0, 0), Started(()))

    def heard(height: int, proposer: str) -> list[Any]:
        event = Event("change-proposed", {"psn_no": "p", "change_id": f"c{height}", "proposer": proposer})
        outcome = Outcome(proposer, 1, "enrolment", "propose_change", b"", Receipt(b"", OK, "", (event,)))
        return list(machine.step(Now(height, height), Receipted(height, height, (outcome,), False)))

    assert heard(1, "watchdog") == []
    (submit,) = heard(2, "bureau")
    assert submit.calls == (("enrolment", "endorse_change", enrolment.DecideChange("c2", "p")),)
