"""Medical aid from each side that has a role of its own already. By the members' settings `{"hosts": ["aid"]}`.

An agent speaks for persons: they apply once their claim is settled, and appeal where they are refused. A hospital asks
for advances, attests diagnosis and treatment, acknowledges goods, and reports what came of it. A bureau has
applications reviewed, pays what may be paid, and confirms advances once the settlement is there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.aid import aid as aids
from consortium.contracts.aid import gift as gifts
from consortium.contracts.aid.aid_payments import AdvanceUrgent, ConfirmUrgent, Disburse, OfAid, is_payable
from consortium.contracts.aid.aid_records import (
    ADVANCED,
    AIDS,
    APPLIED,
    GRANTED,
    LAPSED,
    MEANS,
    REFUSED,
    STEPS,
    URGENTS,
    Aid,
    find_treating,
)
from consortium.contracts.aid.gift_records import GIFT_USES, HANDED_OUT, use_key
from consortium.contracts.insurance.enrolment import PERSONS
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.core.codec import tagged_hash
from consortium.core.contract import Event, StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.spoken import VOICES
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.executed_effects import END, closed_through
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.voices import Saying, VoiceKeys, Voices
from consortium.roles.work import Work

EFFECT = "improved"  # of all treatments here


class Applicant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, by settlement pseudonym, and why it applies. `appeals`: when it is refused."""

    psn_no: str
    need: str
    appeals: bool = False


class AidTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`applicants`: of an agent; `advances`, `attests`: of a hospital; `reviews`: of a bureau."""

    applicants: tuple[Applicant, ...] = ()
    advances: tuple[AdvanceUrgent, ...] = ()
    attests: bool = False
    reviews: bool = False


class AidConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._tasks = AidTasks()
        self._voices = Voices(VoiceKeys(), state)
        self._applicants: dict[str, Applicant] = {}
        self._said: dict[str, tuple[str, int]] = {}  # pseudonym and number by reference
        self._open: set[str] = set()  # persons that did not apply yet

    @property
    def is_done(self) -> bool:
        return not self._open

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(AidTasks)
        self._voices = Voices(work.of(VoiceKeys), self.state)
        self._applicants = {one.psn_no: one for one in self._tasks.applicants}
        self._open = set(self._applicants)
        for psn_no in self._applicants:
            agenda.wish(f"present:{psn_no}", (("identity", "present", self._voices.present(psn_no)),))
        for advance in self._tasks.advances:
            agenda.wish(f"advance:{advance.urgent_no}", (("aid", "advance", advance),))

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        said = self._said.get(settled.reference)
        if said is not None and not settled.outcome.receipt.is_ok:
            self._voices.refused(*said, settled.outcome.receipt.code)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "voice-vouched":
                self._on_person(text(event, "pseudonym"), agenda)
            elif event.kind == "settled":
                self._on_person(text(event, "psn_no"), agenda)
                self._confirm(text(event, "psn_no"), agenda)
            elif event.kind == "year-closed":
                self._on_closed(int(event.fields["year"]))
            elif event.kind == "gift-handed-out":
                self._acknowledge(text(event, "gift_no"), int(event.fields["serial"]), agenda)
            elif event.kind.startswith("aid-") and "sequence" in event.fields:
                self._on_aid(_key(event), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for psn_no in self._applicants:
            if self.state.get(VOICES, psn_no) is not None:
                self._voices.catch_up(psn_no)
            self._on_person(psn_no, agenda)
        for key, _ in list(self.state.range(AIDS, "", END)):
            self._on_aid(key, agenda)
        for _, urgent in list(self.state.range(URGENTS, "", END)):
            self._confirm(urgent.psn_no, agenda)
        for key, use in list(self.state.range(GIFT_USES, "", END)):
            if use.stage == HANDED_OUT:
                self._acknowledge(key.partition("/")[0], int(key.partition("/")[2]), agenda)
        self._on_closed(closed_through(self.state))

    def _on_closed(self, year: int) -> None:
        """Whoever settled nothing in a closed year has nothing left to apply for."""
        for psn_no in list(self._open):
            person = self.state.get(PERSONS, psn_no)
            if person is not None and 0 < person.year <= year:
                self._open.discard(psn_no)

    # --- an agent ---------------------------------------------------------------------------------------------------

    def _on_person(self, psn_no: str, agenda: Agenda) -> None:
        """Once its key is vouched for and its first claim is settled, a person applies."""
        one = self._applicants.get(psn_no)
        if one is None or psn_no not in self._open or self.state.get(VOICES, psn_no) is None:
            return
        found = next(iter(self.state.range(SETTLEMENTS, f"{psn_no}/", f"{psn_no}0", limit=1)), None)
        if found is None:
            return
        self._open.discard(psn_no)
        aid, (_, year, sequence) = self.state.get(AIDS, found[0]), found[0].split("/")
        if aid is None or aid.stage == LAPSED:
            said = aids.Apply(int(year), int(sequence), one.need)
            self._say(f"apply:{found[0]}", Saying(psn_no, aids.APPLY, said), agenda)

    def _say(self, reference: str, saying: Saying, agenda: Agenda) -> None:
        if reference not in self._said:
            number, said = self._voices.say(saying)
            self._said[reference] = (saying.pseudonym, number)
            agenda.wish(reference, ((saying.speech.contract, saying.speech.name, said),))

    # --- everybody --------------------------------------------------------------------------------------------------

    def _on_aid(self, key: str, agenda: Agenda) -> None:
        aid = self.state.get(AIDS, key)
        if aid is None:
            return
        of = _of(key)
        one = self._applicants.get(of.psn_no)
        if one is not None and one.appeals and aid.stage == REFUSED:
            said = aids.Appeal(of.year, of.sequence, "hardship")
            self._say(f"appeal:{key}", Saying(of.psn_no, aids.APPEAL, said), agenda)
        if self._tasks.attests and self._member in find_treating(self.state, of.psn_no, of.year, of.sequence):
            self._attest(key, of, aid, agenda)
        if self._tasks.reviews:
            self._review(key, of, aid, agenda)

    def _attest(self, key: str, of: OfAid, aid: Aid, agenda: Agenda) -> None:
        """The diagnosis at once, a further step once the one before is paid; at the end what came of it."""
        waiting = [tranche.step for tranche in aid.tranches if not tranche.paid_on]
        wanted = STEPS[0] if aid.stage == APPLIED else waiting[0] if waiting else ""
        if wanted and wanted not in aid.attested:
            evidence = tagged_hash(b"consortium attest", key.encode(), wanted.encode())
            attest = aids.Attest(of.psn_no, of.year, of.sequence, wanted, evidence)
            agenda.wish(f"attest:{key}:{wanted}", (("aid", "attest", attest),))
        elif aid.stage == GRANTED and not waiting:
            report = aids.ReportEffect(of.psn_no, of.year, of.sequence, EFFECT)
            agenda.wish(f"effect:{key}", (("aid", "report_effect", report),))

    def _review(self, key: str, of: OfAid, aid: Aid, agenda: Agenda) -> None:
        if aid.stage == APPLIED and {STEPS[0], MEANS} <= set(aid.attested):
            agenda.wish(f"review:{key}", (("aid", "review", of),))
        payable = [tranche.step for tranche in aid.tranches if is_payable(aid, tranche)]
        if aid.stage == GRANTED and payable:
            disburse = Disburse(of.psn_no, of.year, of.sequence, payable[0])
            agenda.wish(f"disburse:{key}:{payable[0]}", (("aid", "disburse", disburse),))

    def _confirm(self, psn_no: str, agenda: Agenda) -> None:
        """Advances for a person whose claim is settled now."""
        for number, urgent in list(self.state.range(URGENTS, "", END)) if self._tasks.reviews else ():
            found = next(iter(self.state.range(SETTLEMENTS, f"{psn_no}/", f"{psn_no}0", limit=1)), None)
            if urgent.psn_no == psn_no and urgent.stage == ADVANCED and found is not None:
                _, year, sequence = found[0].split("/")
                confirm = ConfirmUrgent(number, int(year), int(sequence))
                agenda.wish(f"confirm:{number}", (("aid", "confirm_urgent", confirm),))

    def _acknowledge(self, gift_no: str, serial: int, agenda: Agenda) -> None:
        use = self.state.get(GIFT_USES, use_key(gift_no, serial))
        if use is None or not self._tasks.attests or use.stage != HANDED_OUT:
            return
        of = _of(use.aid)
        if self._member in find_treating(self.state, of.psn_no, of.year, of.sequence):
            agenda.wish(f"got:{gift_no}:{serial}", (("gift", "acknowledge", gifts.OfUse(gift_no, serial)),))


def _key(event: Event) -> str:
    return f"{event.fields['psn_no']}/{event.fields['year']}/{event.fields['sequence']:06d}"


def _of(key: str) -> OfAid:
    psn_no, year, sequence = key.split("/")
    return OfAid(psn_no, int(year), int(sequence))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("aid", settings, work, AidConduct(state))


ROLE = RoleSpec("aid", Settings, _build)
