"""What an institution says to findings against it: it admits some, denies the others, and appeals where it is told to.

It lives in the institution's node by the settings `{"hosts": ["accused"]}`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.oversight.finding import Answer
from consortium.contracts.oversight.finding_records import (
    ADMITTED,
    DENIED,
    FINDINGS,
    REPORTED,
    UPHELD,
    OfFinding,
    find_accused,
)
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class AccusedTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`admits`: the rules of which it admits a finding; `appeals`: against what is upheld all the same."""

    admits: tuple[str, ...] = ()
    appeals: bool = False


class AccusedConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._tasks = AccusedTasks()

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(AccusedTasks)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            number = text(event, "finding_no")
            if event.kind == "finding-reported":
                self._answer(number, text(event, "rule"), agenda)
            elif event.kind == "finding-decided" and text(event, "outcome") == UPHELD:
                self._appeal(number, agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for number, finding in list(self.state.range(FINDINGS, "", END)):
            if finding.stage == REPORTED:
                self._answer(number, finding.rule, agenda)
            elif finding.stage == UPHELD:
                self._appeal(number, agenda)

    def _answer(self, number: str, rule: str, agenda: Agenda) -> None:
        if self._member not in find_accused(self.state, number):
            return
        is_admitted = rule in self._tasks.admits
        stance, reason = (ADMITTED, "clerical-error") if is_admitted else (DENIED, "medically-needed")
        agenda.wish(f"answer:{number}", (("finding", "answer", Answer(number, stance, reason)),))

    def _appeal(self, number: str, agenda: Agenda) -> None:
        if self._tasks.appeals and self._member in find_accused(self.state, number):
            agenda.wish(f"appeal:{number}", (("finding", "appeal", OfFinding(number)),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("accused", settings, work, AccusedConduct(state))


ROLE = RoleSpec("accused", Settings, _build)
