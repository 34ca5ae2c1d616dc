"""Researchers: sponsors plan trials and publish what came out, a committee judges protocols, others read data sets.

Which of them a member is, its settings say: `{"is_sponsor": true}`, `{"is_ethics": true}`; every one reads what it is
granted.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.records import trial
from consortium.contracts.records.trial_records import ACCESSES, KIND, REGISTERED, TRIALS
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Opened, Outcome, Read
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

PURPOSE = "research"


class ToPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trial of a sponsor. `result`: the digest of what comes out, published from `published_at_us` on; 0 = never."""

    trial_no: str
    protocol: bytes
    ethics: str
    sites: tuple[str, ...]
    result: bytes = b""
    published_at_us: int = 0


class ResearcherTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`plans`: of a sponsor; `sound`: the protocols, by digest, that a committee approves: it rejects others."""

    plans: tuple[ToPlan, ...] = ()
    sound: tuple[bytes, ...] = ()


class ResearcherSettings(Settings, frozen=True, forbid_unknown_fields=True):
    """What it is beside a reader of data."""

    is_sponsor: bool = False
    is_ethics: bool = False


class ResearcherConduct(Conduct):
    def __init__(self, state: StateReader, settings: ResearcherSettings) -> None:
        super().__init__(state)
        self._settings = settings
        self._member = ""
        self._tasks = ResearcherTasks()
        self._plans: dict[str, ToPlan] = {}
        self._reading: set[str] = set()

    @property
    def is_done(self) -> bool:
        return not self._reading

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(ResearcherTasks)
        for plan in self._tasks.plans if self._settings.is_sponsor else ():
            self._plans[plan.trial_no] = plan
            register = trial.Register(plan.trial_no, plan.protocol, plan.ethics, plan.sites)
            agenda.wish(f"plan:{plan.trial_no}", (("trial", "register", register),))

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "trial-registered":
                self._judge(text(event, "trial_no"), agenda)
            elif event.kind == "trial-approved":
                self._publish(text(event, "trial_no"), agenda)
            elif event.kind == "data-granted" and text(event, "member") == self._member:
                self._read(text(event, "handle"), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for trial_no, found in list(self.state.range(TRIALS, "", END)):
            self._judge(trial_no, agenda)
            if found.stage != REGISTERED:
                self._publish(trial_no, agenda)
        for key, access in list(self.state.range(ACCESSES, f"{self._member}/", f"{self._member}0")):
            if not access.is_over:
                self._read(f"{KIND}/{key.partition('/')[2]}", agenda)

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        if opened.handle not in self._reading:
            return ()
        self._reading.discard(opened.handle)
        return (Note("record_read", {"handle": opened.handle, "why": opened.why or "opened"}),)

    def _judge(self, trial_no: str, agenda: Agenda) -> None:
        found = self.state.get(TRIALS, trial_no)
        if self._settings.is_ethics and found is not None and found.ethics == self._member:
            verb = "approve" if found.protocol in self._tasks.sound else "reject"
            agenda.wish(f"judge:{trial_no}", (("trial", verb, trial.OfTrial(trial_no)),))

    def _publish(self, trial_no: str, agenda: Agenda) -> None:
        plan = self._plans.get(trial_no)
        if plan is not None and plan.published_at_us:
            publish = trial.Publish(trial_no, plan.result)
            agenda.wish(f"publish:{trial_no}", (("trial", "publish_result", publish),), plan.published_at_us)

    def _read(self, handle: str, agenda: Agenda) -> None:
        self._reading.add(handle)
        agenda.read(Read(handle, PURPOSE))


def _build(settings: ResearcherSettings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("researcher", settings, work, ResearcherConduct(state, settings))


ROLE = RoleSpec("researcher", ResearcherSettings, _build)
