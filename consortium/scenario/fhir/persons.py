"""The patients of an import: who they are, which of them is told twice, and when they lived."""

from __future__ import annotations

from consortium.scenario.fhir import source
from consortium.scenario.fhir.parts import check_id, day_of, target_of
from consortium.scenario.fhir.records import Person, Pseudonyms, Unfit
from consortium.scenario.importing.book import Book


class Persons:
    """`by_id`: by the id under which a patient was told first; `births`: YYYYMMDD, which no record of ours holds."""

    def __init__(self, pseudonyms: Pseudonyms, book: Book) -> None:
        self._pseudonyms = pseudonyms
        self._book = book
        self.by_id: dict[str, Person] = {}
        self.births: dict[str, int] = {}
        self._other_ids: dict[str, str] = {}
        self._by_identifier: dict[tuple[str, str, int, str], tuple[str, str]] = {}

    def take(self, patient: source.Patient, place: str) -> tuple[Person, bool]:
        """The person, and whether it is a new one. Raises Unfit."""
        check_id(patient.id)
        if patient.id in self.by_id or patient.id in self._other_ids:
            raise Unfit("duplicate-id", "id")
        if not patient.birth_date:
            raise Unfit("no-birth-date", "birthDate")
        born_on = day_of(patient.birth_date, "birthDate")
        died_on = _died_on(patient, born_on)
        sex = patient.gender if patient.gender in ("male", "female", "other") else "unknown"
        marks = [(each.system, each.value, born_on, sex) for each in patient.identifier if each.system and each.value]
        known = next((self._by_identifier[mark] for mark in marks if mark in self._by_identifier), None)
        identity = patient.id if known is None else known[0]
        if known is None:
            self.by_id[identity] = Person(self._pseudonyms.of("p", identity), sex, died_on)
            self.births[identity] = born_on
        else:
            self._add(identity, patient.id, died_on)
            self._book.recognise("patient", "same-identifier", known[1], place)
        for mark in marks:
            self._by_identifier.setdefault(mark, (identity, place))
        return self.by_id[identity], known is None

    def _add(self, identity: str, other: str, died_on: int) -> None:
        """A second telling of one person: a death that one of them tells holds for both."""
        person = self.by_id[identity]
        if person.died_on and died_on and person.died_on != died_on:
            raise Unfit("identity-conflict", "deceasedDateTime")
        self.by_id[identity] = Person(person.person, person.sex, person.died_on or died_on)
        self._other_ids[other] = identity

    def find(self, reference: source.Reference, element: str) -> str:
        """The id under which a patient that is referred to was told first. Raises Unfit."""
        identity = target_of(reference.reference, "Patient", element)
        identity = self._other_ids.get(identity, identity)
        if identity not in self.by_id:
            raise Unfit("unknown-patient", element)
        return identity

    def day_in_life(self, moment: str, patient: str, element: str) -> int:
        """Raises Unfit."""
        if not moment:
            raise Unfit("no-date", element)
        day = day_of(moment, element)
        if day < self.births[patient]:
            raise Unfit("before-birth", element)
        return day


def _died_on(patient: source.Patient, born_on: int) -> int:
    """0 while alive."""
    if not patient.deceased_date_time:
        if patient.deceased_boolean:
            raise Unfit("death-day-unknown", "deceasedBoolean")
        return 0
    died_on = day_of(patient.deceased_date_time, "deceasedDateTime")
    if died_on < born_on:
        raise Unfit("death-before-birth", "deceasedDateTime")
    return died_on
