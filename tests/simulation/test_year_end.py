"""Balances pass over the New Year to the fen, unpaired, and a stay over it is settled by its day of discharge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.insurance.account_carry import ALIKE_MIN, CarryIn, CarryOut
from consortium.contracts.insurance.enrolment import RecordContribution
from consortium.core.codec import tagged_hash
from consortium.core.machine import Outcome
from consortium.lab.checks.money import stored_balances
from consortium.roles.year_closing import YearTasks
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.workloads.workload import load_workloads
from tests.simulated_runs import outcomes, sound

FILE = Path(__file__).resolve().parents[2] / "scenarios" / "systems" / "year_end.py"
PERSONS = 12


def heirs(scenario: Scenario) -> dict[str, str]:
    """The next year's pseudonym by the old one's, as the bureau alone knows it."""
    key = tagged_hash(b"simulated pseudonyms", str(scenario.seed).encode())
    prepared = load_workloads()["year_end"].prepare(scenario, key)
    found = prepared.work["bureau"].find(YearTasks)
    assert found is not None and len(found.heirs) == PERSONS
    return {heir.old: heir.new for heir in found.heirs}


def said(done: list[Outcome], operation: str) -> list[Outcome]:
    assert all(one.receipt.is_ok for one in done if one.operation == operation)
    return [one for one in done if one.operation == operation]


@pytest.fixture(scope="module")
def run() -> Run:
    return sound(load_scenario(FILE))


def test_each_person_finds_its_balance_under_its_new_pseudonym(run: Run) -> None:
    """The accounts of the old year are empty; those of the new one hold what the owner had and the first premium, less
    what a stay over the New Year took."""
    done = outcomes(run)
    moved = [event.fields for one in done for event in one.receipt.events if event.kind == "movement"]
    out = {str(each["source"]): int(each["amount_fen"]) for each in moved if each["cause"] == "carry-out/2026"}
    spent: Counter[str] = Counter()
    for each in moved:
        if str(each["cause"]).startswith("settlement/"):
            spent[str(each["source"])] += int(each["amount_fen"])
    balances = stored_balances(run.ledgers["hospital-2"])
    premium_fen = 20_000
    for old, new in heirs(run.scenario).items():
        account = f"person/{new}"
        assert (
            balances[account] == out[f"person/{old}"] + premium_fen - spent[account] and not balances[f"person/{old}"]
        )
    assert balances["carry/2026"] == 0 and sum(balances.values()) == 0
    assert len(out) == PERSONS and any(out.values())


def test_no_amount_and_no_order_tells_who_is_who(run: Run) -> None:
    done = outcomes(run)
    taken = [msgspec.msgpack.decode(one.arguments, type=CarryOut).psn_nos for one in said(done, "carry_out")]
    assert [len(batch) for batch in taken] == [10, 2]
    shares = [msgspec.msgpack.decode(one.arguments, type=CarryIn).shares for one in said(done, "carry_in")]
    amounts = Counter(share.amount_fen for batch in shares for share in batch)
    assert len(amounts) == 2 and min(amounts.values()) >= ALIKE_MIN
    premiums = [
        msgspec.msgpack.decode(one.arguments, type=RecordContribution) for one in said(done, "record_contribution")
    ]
    assert [one.psn_no for one in premiums] == sorted(one.psn_no for one in premiums) and len(premiums) == PERSONS


def test_the_old_year_is_closed_once_and_stays_over_the_new_year_are_of_the_new_one(run: Run) -> None:
    done = outcomes(run)
    assert len(said(done, "close_year")) == 1
    rest = [(one.member, one.operation, one.receipt.code) for one in done if one.contract == "fund_transfer"]
    assert rest == [("bureau", "propose", "ok"), ("regulator", "endorse", "ok")]
    events = [event.fields for one in done for event in one.receipt.events if event.kind == "settled"]
    assert Counter((each["year"], each["begndate"], each["enddate"]) for each in events) == {
        (2026, 20260301, 20260310): PERSONS,
        (2027, 20261229, 20270104): 2,
    }
    assert not any(event.kind == "lines-mismatch" for one in done for event in one.receipt.events)


def test_a_bureau_that_dies_about_the_closing_carries_once(run: Run) -> None:
    faults = (
        *run.scenario.faults,
        Fault("kill", "bureau", at_us=14_030_000),
        Fault("restart", "bureau", after_us=2_000_000),
    )
    again = sound(load_scenario(FILE), faults=faults)
    assert Counter(one.operation for one in outcomes(again)) == Counter(one.operation for one in outcomes(run))
    assert stored_balances(again.ledgers["regulator"]) == stored_balances(run.ledgers["regulator"])
