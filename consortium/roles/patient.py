"""Agents of patients: each verifies (查验) the bills delivered to its patient. Hosted in another member's node."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

CALLS_MAX = 200  # of one bundle


class PatientTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The persons whose agents this node hosts."""

    persons: tuple[str, ...] = ()


class PatientConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._patients: frozenset[str] = frozenset()
        self._delivered: list[str] = []

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._patients = frozenset(work.of(PatientTasks).persons)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "bill-delivered":
                number = text(event, "bill_no")
                bill = self.state.get(bills.BILLS, number)
                if bill is not None and bill.psn_no in self._patients:
                    self._delivered.append(number)
        return ()

    def on_block(self, height: int, agenda: Agenda) -> None:
        step_through(self._delivered, "verify", height, agenda)

    def resume(self, height: int, agenda: Agenda) -> None:
        for number, bill in list(self.state.range(bills.BILLS, "", END)):
            if bill.stage == bills.DELIVERED and bill.psn_no in self._patients:
                step_one(number, "verify", agenda)


def step_one(number: str, operation: str, agenda: Agenda) -> None:
    """A step of one bill, in a bundle of its own: its reference says all of it, whatever was wished before a boot."""
    agenda.wish(f"{operation}:{number}", (("bill", operation, bills.Step(number)),))


def step_through(numbers: list[str], operation: str, height: int, agenda: Agenda) -> None:
    """One bundle of a step for all these bills of a height; empties the list."""
    for first in range(0, len(numbers), CALLS_MAX):
        calls = tuple(("bill", operation, bills.Step(number)) for number in numbers[first : first + CALLS_MAX])
        agenda.wish(f"{operation}:{height}:{first}", calls)
    numbers.clear()


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("patient", settings, work, PatientConduct(state))


ROLE = RoleSpec("patient", Settings, _build)
