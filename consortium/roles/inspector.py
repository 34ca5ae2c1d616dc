"""An inspector: a supervisor runs rules over the ledger that it keeps, reports what they find, and acts on answers.

It lives in the node of a bureau or a regulator by the settings `{"hosts": ["inspector"]}`. Lines of bills it reads out
of the vault, which asks their holders and audits each reading. What it decides stands for what a person would: over
which bills a finding is dismissed is part of its tasks, not of any rule. What is about persons alone, or would tell
the ledger that two pseudonyms are one person, it does not report: the remedy is a change of enrolment.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.lines import Line, Lines
from consortium.contracts.insurance.private_lines import LINES
from consortium.contracts.oversight.finding import NAMED_MAX, Report
from consortium.contracts.oversight.finding_records import KNOWN, said_key
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Opened, Outcome, Read
from consortium.roles.agenda import Agenda
from consortium.roles.dossier import DossierTasks
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.verdicts import Verdicts
from consortium.roles.work import Work
from consortium.rules import load_rules
from consortium.rules.gather import gather
from consortium.rules.rule import Finding, links_pseudonyms, run_rule

PURPOSE = "oversight"


class InspectTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which `rules` it runs, once `claims` claims were accepted and again after as many more; 0: never. `reads`: lines
    of bills, out of the vault, first. `holds`, `term_days`: of its reports. `least_fen`: what is less it lets pass."""

    rules: tuple[str, ...] = ()
    claims: int = 0
    reads: bool = False
    holds: bool = False
    term_days: int = 10
    least_fen: int = 1


class InspectorConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._tasks = InspectTasks()
        self._dossier = DossierTasks()
        self._accepted: set[str] = set()  # numbers of bills
        self._looked = 0  # at so many of them
        self._lines: dict[str, tuple[Line, ...]] = {}
        self._waiting: set[str] = set()  # handles of lines that were asked for
        self._verdicts = Verdicts(state)

    @property
    def is_done(self) -> bool:
        return not self._waiting and self._verdicts.is_done

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks, self._dossier = work.member, work.of(InspectTasks), work.of(DossierTasks)
        self._verdicts.plan(work)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "settled":
                self._accept(text(event, "bill_no"), agenda)
            else:
                self._verdicts.on_event(event, agenda)
        return ()

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        if opened.handle not in self._waiting:
            return ()
        self._waiting.discard(opened.handle)
        if opened.record is not None:
            try:
                record = msgspec.msgpack.decode(opened.record, type=Lines)
                self._lines[record.bill_no] = record.lines
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError):
                pass  # whoever judges lines tells of it
        self._look(agenda)
        return ()

    def on_block(self, height: int, agenda: Agenda) -> None:
        self._look(agenda)

    def resume(self, height: int, agenda: Agenda) -> None:
        for _, settlement in list(self.state.range(SETTLEMENTS, "", END)):
            if not settlement.reverses:
                self._accept(settlement.bill_no, agenda)
        self._verdicts.resume(agenda)
        self._look(agenda)

    def _accept(self, number: str, agenda: Agenda) -> None:
        if not self._tasks.claims or number in self._accepted:
            return
        self._accepted.add(number)
        if self._tasks.reads:
            handle = f"{LINES}/{number}"
            self._waiting.add(handle)
            agenda.read(Read(handle, PURPOSE))

    def _look(self, agenda: Agenda) -> None:
        if not self._tasks.claims or self._waiting or len(self._accepted) - self._looked < self._tasks.claims:
            return
        self._looked = len(self._accepted)
        own = self._dossier
        facts = gather(self.state, {**own.lines, **self._lines}, own.insured, own.diagnoses)
        known = load_rules()
        for name in self._tasks.rules:
            for finding in run_rule(known[name], facts):
                is_shared = bool(finding.accused) and not links_pseudonyms(facts, finding)
                if is_shared and finding.amount_fen >= self._tasks.least_fen:
                    self._report(finding, agenda)

    def _report(self, finding: Finding, agenda: Agenda) -> None:
        """Under a number that follows from what it says. Of what was reported before, by whomever, nothing."""
        settlements = finding.settlements[:NAMED_MAX]
        records = finding.records[:NAMED_MAX]
        key = said_key(finding.rule, finding.accused, settlements, records)
        if self.state.get(KNOWN, key) is not None:
            return
        report = Report(
            finding_no=f"{self._member}:{finding.rule}.{key[:12]}",
            rule=finding.rule,
            accused=finding.accused,
            settlements=settlements,
            records=records,
            amount_fen=finding.amount_fen,
            term_days=self._tasks.term_days,
            holds=self._tasks.holds,
        )
        agenda.wish(f"report:{report.finding_no}", (("finding", "report", report),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("inspector", settings, work, InspectorConduct(state))


ROLE = RoleSpec("inspector", Settings, _build)
