"""A site of clinical trials, and the persons of one. By the members' settings `{"hosts": ["trial_site"]}`.

A site keeps what it observed in its vault, commits to it once all are there whom it waits for, and grants it to
researchers; where somebody withdraws it commits anew without that person. An agent speaks for persons: they take part
once the protocol is approved, and some withdraw.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.records import trial
from consortium.contracts.records.trial_records import (
    APPROVED,
    JOINED,
    KIND,
    SITES,
    SUBJECTS,
    TRIALS,
    WITHDRAWN,
    data_key,
    find_newest,
)
from consortium.core.calendar import compute_day_after
from consortium.core.codec import encode, tagged_hash
from consortium.core.contract import StateReader
from consortium.core.fields import commit_fields
from consortium.core.machine import Guard, Note, Outcome
from consortium.core.spoken import VOICES
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.voices import Saying, VoiceKeys, Voices
from consortium.roles.work import Work


class ToTakePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person that takes part at a site, and withdraws from `withdrawn_at_us` on; 0 = it stays."""

    pseudonym: str
    trial_no: str
    site: str
    withdrawn_at_us: int = 0


class SiteData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site observed, a row by pseudonym; `readers`: members to which it is granted for `days`. `alters`: it
    tries to commit to other data once the result is published."""

    trial_no: str
    rows: dict[str, str]
    readers: tuple[str, ...]
    days: int = 365
    alters: bool = False


class TrialSiteTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`persons`: of an agent; `data`: of a site."""

    persons: tuple[ToTakePart, ...] = ()
    data: tuple[SiteData, ...] = ()


class TrialSiteConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._salts = Salts()
        self._voices = Voices(VoiceKeys(), state)
        self._persons: tuple[ToTakePart, ...] = ()
        self._data: dict[str, SiteData] = {}
        self._said: dict[str, tuple[str, int]] = {}

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks, self._member, self._salts = work.of(TrialSiteTasks), work.member, work.of(Salts)
        self._persons, self._data = tasks.persons, {one.trial_no: one for one in tasks.data}
        self._voices = Voices(work.of(VoiceKeys), self.state)
        for person in dict.fromkeys(one.pseudonym for one in self._persons):
            agenda.wish(f"present:{person}", (("identity", "present", self._voices.present(person)),))

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        said = self._said.get(settled.reference)
        if said is not None and not settled.outcome.receipt.is_ok:
            self._voices.refused(*said, settled.outcome.receipt.code)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind in ("voice-vouched", "trial-approved", "subject-joined"):
                self._speak(agenda)
            if event.kind in ("subject-joined", "subject-withdrawn"):
                self._commit(text(event, "trial_no"), agenda)
            elif event.kind == "data-committed" and text(event, "site") == self._member:
                self._grant(text(event, "trial_no"), agenda)
            elif event.kind == "result-published":
                self._alter(text(event, "trial_no"), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for person in self._persons:
            if self.state.get(VOICES, person.pseudonym) is not None:
                self._voices.catch_up(person.pseudonym)
        self._speak(agenda)
        for trial_no in self._data:
            self._commit(trial_no, agenda)
            self._grant(trial_no, agenda)

    # --- persons ----------------------------------------------------------------------------------------------------

    def _speak(self, agenda: Agenda) -> None:
        """What each says that has a voice: to take part once the protocol is approved, to withdraw once it does."""
        for one in self._persons:
            found = self.state.get(TRIALS, one.trial_no)
            if self.state.get(VOICES, one.pseudonym) is None or found is None or found.stage != APPROVED:
                continue
            key = f"{one.trial_no}/{one.pseudonym}"
            subject = self.state.get(SUBJECTS, key)
            if subject is None:
                self._say(f"join:{key}", Saying(one.pseudonym, trial.JOIN, trial.Join(one.trial_no, one.site)), agenda)
            elif one.withdrawn_at_us and subject.stage == JOINED:
                withdraw = trial.Withdraw(one.trial_no)
                saying = Saying(one.pseudonym, trial.WITHDRAW, withdraw, one.withdrawn_at_us)
                self._say(f"withdraw:{key}", saying, agenda)

    def _say(self, reference: str, saying: Saying, agenda: Agenda) -> None:
        if reference not in self._said:
            number, said = self._voices.say(saying)
            self._said[reference] = (saying.pseudonym, number)
            agenda.wish(reference, ((saying.speech.contract, saying.speech.name, said),), saying.at_us)

    # --- a site -----------------------------------------------------------------------------------------------------

    def _commit(self, trial_no: str, agenda: Agenda) -> None:
        """Once all have said something whom it waits for, and its newest data set is not about those that take part."""
        own, found = self._data.get(trial_no), self.state.get(TRIALS, trial_no)
        if own is None or found is None or found.stage != APPROVED:
            return
        subjects = {name: self.state.get(SUBJECTS, f"{trial_no}/{name}") for name in own.rows}
        if any(subject is None for subject in subjects.values()):
            return
        joined = {name for name, subject in subjects.items() if subject is not None and subject.stage != WITHDRAWN}
        _, data = find_newest(self.state, trial_no, self._member)
        if not joined or (data is not None and set(data.subjects) == joined):
            return
        newest = self.state.get(SITES, f"{trial_no}/{self._member}")
        key = data_key(trial_no, self._member, 1 if newest is None else newest.version + 1)
        rows = {name: own.rows[name] for name in sorted(joined)}
        guard = Guard(f"{KIND}/{key}", encode(rows))
        agenda.guard(guard)
        fields = commit_fields(self._salts.salt(guard.handle), guard.record)
        commitment, names = self._salts.commit(*guard), tuple(rows)
        commit = trial.CommitData(trial_no, commitment, fields, len(rows), names)
        agenda.wish(f"commit:{key}", (("trial", "commit_data", commit),))

    def _grant(self, trial_no: str, agenda: Agenda) -> None:
        key, data = find_newest(self.state, trial_no, self._member)
        own = self._data.get(trial_no)
        for reader in own.readers if own is not None and data is not None else ():
            if own is not None and data is not None and reader not in data.readers:
                version = int(key.rpartition("/")[2])
                grant = trial.Grant(trial_no, version, reader, compute_day_after(data.day, own.days))
                agenda.wish(f"grant:{key}:{reader}", (("trial", "grant", grant),))

    def _alter(self, trial_no: str, agenda: Agenda) -> None:
        own = self._data.get(trial_no)
        if own is not None and own.alters:
            other = tagged_hash(b"other data", trial_no.encode())
            commit = trial.CommitData(trial_no, other, other, 1, tuple(own.rows)[:1])
            agenda.wish(f"alter:{trial_no}", (("trial", "commit_data", commit),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("trial_site", settings, work, TrialSiteConduct(state))


ROLE = RoleSpec("trial_site", Settings, _build)
