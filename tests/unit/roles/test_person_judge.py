"""The bureau's register judges whose bill a settlement pays: each condition alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consortium.contracts.insurance import bill, journal, settlement
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.payable import Word
from consortium.core.contract import OK, Event, Receipt
from consortium.core.machine import Note, Now, Outcome, Receipted, Skipped, Started, Submit
from consortium.roles import load_roles
from consortium.roles.line_judge import JudgeTasks
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.work import Work
from tests.unit.roles.small_ledger import SmallLedger

KEY = journal.settlement_key("s-1", 2026, 1)
REGISTER = {"b-1": "s-1", "b-2": "s-2"}
SETTLED: dict[str, int | str] = {"psn_no": "s-1", "year": 2026, "sequence": 1, "bill_no": "h1-1"}
NO_AMOUNTS = Amounts(*([0] * len(Amounts.__struct_fields__)))


def bureau(patient: str, register: dict[str, str] = REGISTER, word: Word | None = None, **changes: Any) -> Any:
    """A bureau beside a ledger on which s-1 was settled on the bill of this patient."""
    ledger = SmallLedger({})
    issued = bill.Bill("H1", bill.COLLECTED, patient=patient, settlement=KEY)
    ledger.state.values["bill", "h1-1"] = msgspec.structs.replace(issued, **changes)
    entry = journal.Settlement("h1-1", "H1", "employee", "inpatient", 20260301, 20260301, NO_AMOUNTS, 0)
    ledger.state.values["settlement", KEY] = entry
    if word is not None:
        ledger.state.values["lines_word", KEY] = word
    spec = load_roles()["bureau"]
    work = Work("bureau", (DeskTasks(register=register), JudgeTasks()))
    return spec.build(spec.settings(), work, ledger.reader)


def hear(machine: Any, kind: str = "settled") -> list[Any]:
    machine.step(Now(0, 0), Started(()))
    outcome = Outcome("h", 1, "settlement", "claim", b"", Receipt(b"", OK, "", (Event(kind, SETTLED),)))
    return list(machine.step(Now(1, 1), Receipted(1, 1, (outcome,), False)))


def reports(effects: list[Any]) -> list[Any]:
    calls = [effect.calls[0] for effect in effects if isinstance(effect, Submit)]
    return [call[2] for call in calls if call[1] == "report_mismatch"]


@pytest.mark.parametrize("patient", ["b-2", "b-unknown"])
def test_a_settlement_of_another_person_than_its_bill_is_reported(patient: str) -> None:
    effects = hear(bureau(patient))
    assert reports(effects) == [settlement.ReportMismatch("s-1", 2026, 1, "person")]
    (note,) = [effect for effect in effects if isinstance(effect, Note)]
    assert note.fields["rule"] == "person-differs" and "h1-1" in note.fields["records"]


@pytest.mark.parametrize(
    "machine",
    [
        bureau("b-1"),
        bureau(""),  # settled as it was issued: there is one pseudonym alone
        bureau("b-2", register={}),
        bureau("b-2", settlement=""),  # reversed meanwhile
        bureau("b-2", word=Word("disputed", "regulator", "regulator", 20260301, "sums")),
    ],
)
def test_nothing_is_reported_where_nothing_differs_or_it_is_held_already(machine: Any) -> None:
    assert reports(hear(machine)) == []


def test_what_the_regulator_frees_is_reported_where_its_person_differs_too() -> None:
    freed = Word("confirmed", "regulator", "regulator", 20260301)
    assert reports(hear(bureau("b-2", word=freed), "lines-confirmed")) != []
    assert reports(hear(bureau("b-1", word=freed), "lines-confirmed")) == []


def test_what_was_settled_in_blocks_that_are_missing_is_judged_out_of_the_state() -> None:
    machine = bureau("b-2")
    machine.step(Now(0, 0), Skipped(5, ()))
    assert len(reports(list(machine.step(Now(0, 0), Started(()))))) == 1


@pytest.mark.parametrize(("what", "is_read"), [("person", False), ("sums", True)])
def test_the_regulator_looks_at_words_on_lines_alone(what: str, is_read: bool) -> None:
    """What the lines bear out says nothing of whose they are: it would free what the bureau holds rightly."""
    spec = load_roles()["regulator"]
    machine = spec.build(spec.settings(), Work("regulator", (JudgeTasks(),)), SmallLedger({}).reader)
    machine.step(Now(0, 0), Started(()))
    event = Event("lines-mismatch", {**SETTLED, "member": "bureau", "what": what})
    outcome = Outcome("bureau", 1, "settlement", "report_mismatch", b"", Receipt(b"", OK, "", (event,)))
    effects = machine.step(Now(1, 1), Receipted(1, 1, (outcome,), False))
    assert [type(effect).__name__ for effect in effects] == (["Read"] if is_read else [])
