"""What supervisors do about findings: the regulator decides, another judges appeals, the bureau recovers and demands.

Part of an inspector's conduct. Each acts by the state as of the event; what another did before is refused and no
harm."""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import debt, funds
from consortium.contracts.oversight.finding import Decide
from consortium.contracts.oversight.finding_records import (
    ANSWERED,
    APPEALED,
    CLOSED,
    DISMISSED,
    FINAL,
    FINDINGS,
    OfFinding,
    get_finding,
)
from consortium.contracts.oversight.notice import NOTICE
from consortium.contracts.oversight.recovery import find_recoverable
from consortium.core.contract import Event, StateReader
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text
from consortium.roles.work import Work

WHOLE_BP = 10_000


class VerdictTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`decides`: findings that were answered, or not in time, and not before `from_us` of the run: people think;
    `explained`: bills over which it dismisses one. `judges`: appeals, of which so much stands (`stands_bp`).
    `recovers`: what is final, and demands within `debt_days` what an institution owes then. `closed`: how many
    findings it is to see at their end."""

    decides: bool = False
    from_us: int = 0
    explained: tuple[str, ...] = ()
    judges: bool = False
    stands_bp: int = 5_000
    recovers: bool = False
    debt_days: int = 30
    closed: int = 0


class Verdicts:
    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._member = ""
        self._tasks = VerdictTasks()
        self._closed: set[str] = set()

    @property
    def is_done(self) -> bool:
        return len(self._closed) >= self._tasks.closed

    def plan(self, work: Work) -> None:
        self._member, self._tasks = work.member, work.of(VerdictTasks)

    def on_event(self, event: Event, agenda: Agenda) -> None:
        number, outcome = text(event, "finding_no"), text(event, "outcome")
        if event.kind == "finding-answered":
            self._decide(number, agenda)
        elif event.kind == NOTICE and text(event, "why") == "finding-unanswered":
            self._decide(text(event, "record").partition("/")[2], agenda)
        elif event.kind == "finding-appealed":
            self._judge(number, agenda)
        elif event.kind in ("finding-decided", "appeal-judged", "finding-final"):
            self._follow(number, outcome or FINAL, agenda)
        elif event.kind == "finding-recovered":
            self._closed.add(number)
            self._demand(number, text(event, "fixmedins_code"), agenda)

    def resume(self, agenda: Agenda) -> None:
        for number, finding in list(self._state.range(FINDINGS, "", END)):
            if finding.stage == ANSWERED:
                self._decide(number, agenda)
            elif finding.stage == APPEALED:
                self._judge(number, agenda)
            else:
                self._follow(number, finding.stage, agenda)

    def _follow(self, number: str, stage: str, agenda: Agenda) -> None:
        if stage in (DISMISSED, CLOSED):
            self._closed.add(number)
        elif stage == FINAL and self._tasks.recovers:
            agenda.wish(f"recover:{number}", (("finding", "recover", OfFinding(number)),))

    def _decide(self, number: str, agenda: Agenda) -> None:
        if not self._tasks.decides:
            return
        finding = get_finding(self._state, number)
        is_explained = any(record.removeprefix("bill/") in self._tasks.explained for record in finding.records)
        fen = 0 if is_explained else min(finding.amount_fen, find_recoverable(self._state, finding.settlements))
        decide = Decide(number, not is_explained, fen, "explained" if is_explained else "proven")
        agenda.wish(f"decide:{number}", (("finding", "decide", decide),), self._tasks.from_us)

    def _judge(self, number: str, agenda: Agenda) -> None:
        if not self._tasks.judges:
            return
        stands_fen = get_finding(self._state, number).decided_fen * self._tasks.stands_bp // WHOLE_BP
        judged = Decide(number, True, stands_fen, "partly-explained")
        agenda.wish(f"appeal:{number}", (("finding", "judge_appeal", judged),))

    def _demand(self, number: str, code: str, agenda: Agenda) -> None:
        """Where what came back was paid out before."""
        if self._tasks.recovers and funds.get_balance(self._state, f"payable/{code}") < 0:
            demand = debt.Demand(f"{self._member}:{number.partition(':')[2]}", code, self._tasks.debt_days, "judgment")
            agenda.wish(f"demand:{number}", (("debt", "demand", demand),))
