"""The parts of a resource that take a rule to read: ids, references, moments, codes. Each raises Unfit."""

from __future__ import annotations

import re

from consortium.contracts.checks import check_day, check_identifier
from consortium.core.calendar import DAY_US, ordinal_of_day
from consortium.core.contract import Refused
from consortium.scenario.fhir import source
from consortium.scenario.fhir.records import Unfit

YEAR_LAST = 2_999  # of a day that we can count with; an end that lies behind it never comes
_SYSTEMS = {
    "http://snomed.info/sct": "sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rx",
    "http://hl7.org/fhir/sid/cvx": "cvx",
    "http://www.ada.org/cdt": "cdt",
}
_read_moment = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2})))?"
).fullmatch
_read_far = re.compile(r"\+?([0-9]{4,})-[0-9]{2}-[0-9]{2}(?:T.*)?", re.DOTALL).fullmatch
_is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch


def check_id(identity: str) -> None:
    """FHIR's own letters, 1 to 64 of them."""
    if _is_id(identity) is None:
        raise Unfit("bad-id", "id")


def day_of(text: str, element: str = "") -> int:
    """YYYYMMDD of a FHIR date or dateTime, as written (no shift of zones); a time has seconds and a zone."""
    found = _read_moment(text)
    if found is None:
        raise Unfit("bad-date", element)
    year, month, day, hour, minute, second, _, _, ahead, ahead_minutes = found.groups()
    value = int(year + month + day)
    try:
        check_day(value, "day")
    except Refused:
        raise Unfit("bad-date", element) from None
    if hour and (int(hour) > 23 or int(minute) > 59 or int(second) > 60):
        raise Unfit("bad-date", element)
    if ahead and (int(ahead) > 14 or int(ahead_minutes) > 59):
        raise Unfit("bad-date", element)
    return value


def instant_of(text: str) -> int:
    """Microseconds since 1970 of what `day_of` takes; of a day alone its first, in UTC."""
    found = _read_moment(text)
    assert found is not None, "day_of has taken it"
    year, month, day, hour, minute, second, fraction, sign, ahead, ahead_minutes = found.groups()
    instant = ordinal_of_day(int(year + month + day)) * DAY_US
    if hour is None:
        return instant
    instant += ((int(hour) * 60 + int(minute)) * 60 + int(second)) * 1_000_000 + int((fraction or "").ljust(6, "0")[:6])
    offset = 0 if ahead is None else (int(ahead) * 60 + int(ahead_minutes)) * (-1 if sign == "-" else 1)
    return instant - offset * 60_000_000


def end_of(text: str, element: str) -> int:
    """Like `day_of`; 0 of no end, and of one behind the year 2999, which many systems write for none."""
    found = _read_far(text)
    if not text or (found is not None and int(found[1]) > YEAR_LAST):
        return 0
    return day_of(text, element)


def target_of(reference: str, kind: str, element: str) -> str:
    """The id in `urn:uuid:ID`, `Kind/ID`, an address that ends so, or `ID`. A reference to another kind is unfit; one
    by condition (`Kind?…`) stays as it is, and names nothing."""
    if reference.startswith("urn:"):
        return reference.rpartition(":")[2]
    if "?" in reference:
        return reference
    found, _, identity = reference.partition("/_history/")[0].rpartition("/")
    if found and found.rpartition("/")[2] != kind:
        raise Unfit("other-kind", element)
    return identity


def code_of(concept: source.Concept, element: str) -> str:
    """Our catalogue code `system-code` of the first coding whose system we know."""
    if not concept.coding:
        raise Unfit("no-code", element)
    for coding in concept.coding:
        system = _SYSTEMS.get(coding.system)
        if system is None:
            continue
        code = f"{system}-{coding.code}"
        try:
            check_identifier(code, "code")
        except Refused:
            raise Unfit("bad-code", element) from None
        if coding.code:
            return code
    raise Unfit("unknown-code-system", element)
