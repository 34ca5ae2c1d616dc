"""Who read what of a person: by consents and broken glasses that stand on the ledger, by what was delivered, and by the
audits of reads that lie beside it.
"""

from __future__ import annotations

from typing import Any

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.bill import BILLS
from consortium.contracts.insurance.enrolment import PERSONS
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.records.accesses import ACCESSES, SHARED_OF, has_access
from consortium.contracts.records.consents import CONSENTS, GLASSES
from consortium.core.contract import NOT_YOURS, Refused
from consortium.core.spoken import VOICES
from consortium.stories.lookup import LAST, is_named, rows_of, unknown
from consortium.stories.plain import day
from consortium.stories.story import Column, Read, Section, Seen, Story, Teller, UnknownThing

AUDIT_SHOWN = 200


def tell_reads(seen: Seen, pseudonym: str) -> Story:
    """Raises UnknownThing, Refused (not-yours) of who is no supervisor."""
    words, state = seen.words, seen.ledger.reader
    if seen.reader.role not in SUPERVISORS:
        raise Refused(NOT_YOURS, f"{seen.reader.member} has no such record")
    names = _names(seen, pseudonym)
    known = state.get(PERSONS, pseudonym) is not None or state.get(VOICES, pseudonym) is not None
    if not known and len(names) == 1 and next(rows_of(state, SHARED_OF, f"{pseudonym}/"), None) is None:
        raise UnknownThing(unknown(state, "person", pseudonym, words))
    reads = seen.private.reads(lambda handle: any(is_named(handle, each) for each in names))
    sections = [
        each for each in (_leaves(seen, pseudonym), _deliveries(seen, pseudonym), _audit(seen, reads)) if each.rows
    ]
    heading = words(
        "{key}: read {count} times, by the audits that are here, as of {day}",
        key=pseudonym,
        count=len(reads),
        day=day(seen.reader.day),
    )
    notes = () if sections else (words("nobody was let in, and nobody read anything that is known of here"),)
    content: dict[str, Any] = {
        "kind": "reads",
        "id": pseudonym,
        "reads": [each._asdict() for each in reads],
        "consents": [key for key, _ in rows_of(state, CONSENTS, f"{pseudonym}/")],
    }
    return Story(heading, tuple(sections), content, notes)


def _names(seen: Seen, pseudonym: str) -> list[str]:
    """The pseudonym, its bills, claims and shared records: what a handle of a record of it names."""
    state = seen.ledger.reader
    settled = list(rows_of(state, SETTLEMENTS, f"{pseudonym}/"))
    found = [pseudonym, *(entry.bill_no for _, entry in settled)]
    found += [number for number, bill in state.range(BILLS, "", LAST) if bill.patient == pseudonym]
    found += [key.partition("/")[2] for key, _ in rows_of(state, SHARED_OF, f"{pseudonym}/")]
    return list(dict.fromkeys(found))


def _leaves(seen: Seen, pseudonym: str) -> Section:
    """What the person allowed, and where the glass was broken."""
    words, state = seen.words, seen.ledger.reader
    columns = (
        Column(words("of")),
        Column(words("who")),
        Column(words("for what")),
        Column(words("state")),
        Column(words("until")),
    )
    rows = []
    for key, consent in rows_of(state, CONSENTS, f"{pseudonym}/"):
        _, record_class, recipient, purpose = key.split("/", 3)
        rows.append((record_class, recipient, purpose, consent.stage, day(consent.to_day)))
    for _, glass in state.range(GLASSES, "", LAST):
        if glass.patient == pseudonym:
            told = words("glass broken: {reason}", reason=glass.reason)
            rows.append((glass.record_class, glass.member, told, glass.stage, day(glass.to_day)))
    return Section(words("who may read"), columns, rows)


def _deliveries(seen: Seen, pseudonym: str) -> Section:
    words, state = seen.words, seen.ledger.reader
    columns = (
        Column(words("record")),
        Column(words("who")),
        Column(words("for what")),
        Column(words("may read it now")),
    )
    rows = []
    for key, access in state.range(ACCESSES, "", LAST):
        member, patient, record_no = key.split("/", 2)
        if patient == pseudonym:
            now = words("yes") if has_access(state, member, patient, record_no) else words("no")
            rows.append((record_no, member, access.purpose, now))
    return Section(words("what was delivered"), columns, rows)


def _audit(seen: Seen, reads: Any) -> Section:
    words = seen.words
    columns = (
        Column(words("day")),
        Column(words("kept by")),
        Column(words("read by")),
        Column(words("for what")),
        Column(words("record")),
    )
    shown: list[Read] = list(reads)[-AUDIT_SHOWN:]
    rows = [(day(each.day), each.member, each.reader, each.purpose, each.handle) for each in shown]
    return Section(words("who read, by the audits"), columns, rows)


TELLER = Teller("reads", "a pseudonym", tell_reads)
