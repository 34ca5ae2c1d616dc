"""What persons consent to, and where a hospital broke the glass: by which leave a record may be opened.

A consent is of a class of records, a recipient, a purpose and a time. Whatever opens records asks `find_leave` when it
opens one, keeps the leave that it was given, and asks `is_standing` of it ever after.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from consortium.contracts.checks import check_choice, check_day, check_identifier, check_range
from consortium.contracts.records.classes import CLASSES, PURPOSES
from consortium.core.calendar import compute_days_between
from consortium.core.contract import Context, Life, Move, Refused, StateReader, Table
from consortium.core.registry import newest_epoch

ALL = "all"  # of classes
ROLE = "role:"  # before the name of a role, which a recipient may be; no member's name holds a colon
GRANTED, REVOKED, OVER = "granted", "revoked", "over"
BROKEN, JUSTIFIED, UNJUSTIFIED = "broken", "justified", "unjustified"
DAYS_MAX = 1_830  # five years, for which a word may be given
TREATMENT = "treatment"  # the one purpose for which a glass is broken


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "patient/class/recipient/purpose". Good before `to_day`. `serial` counts how often it was granted: what
    was opened under an earlier grant is not opened again by a later one. `said_by`: the delegate, "" = the person."""

    stage: str
    serial: int
    to_day: int
    said_by: str = ""


class Glass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. A hospital opens records of this class of a patient without consent, before `to_day`, and
    the regulator judges it. `is_over`: that day has come."""

    member: str
    patient: str
    record_class: str
    reason: str
    stage: str
    broken_on: int
    to_day: int
    is_over: bool = False


class Broken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "patient/class/member": the newest glass that this member broke there."""

    glass_no: str


class Leave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody may have a record: `kind` is consent or glass, `key` that row's, `serial` the grant's."""

    kind: str
    key: str
    serial: int = 0


CONSENTS: Table[Consent] = Table("consent", Consent, told_as="consent")
GLASSES: Table[Glass] = Table("glass", Glass, told_as="glass")
BROKEN_BY: Table[Broken] = Table("glass_of", Broken)
CONSENT_LIFE = Life(
    CONSENTS,
    (
        *(Move(before, verb, GRANTED) for verb in ("grant", "grant_for") for before in ("", GRANTED, REVOKED, OVER)),
        Move(GRANTED, "revoke", REVOKED),
        Move(GRANTED, "revoke_for", REVOKED),
        Move(GRANTED, "end", OVER),
    ),
    code="consent-missing",
)
GLASS_LIFE = Life(
    GLASSES,
    (
        Move("", "break_glass", BROKEN),
        Move(BROKEN, "judge_glass", JUSTIFIED),
        Move(BROKEN, "judge_glass", UNJUSTIFIED),
    ),
)


class Wanted(NamedTuple):
    """A record of `patient` and this class that `member` wants for a purpose."""

    patient: str
    record_class: str
    member: str
    purpose: str


def check_end(to_day: int, context: Context) -> None:
    """A person's word has an end, at most five years away. Refuses `bad-date`, `bad-number`."""
    check_day(to_day, "to_day")
    check_range(compute_days_between(context.day, to_day), 1, DAYS_MAX, "days until to_day")


def check_scope(record_class: str, recipient: str, purpose: str) -> None:
    """What a consent is of. Refuses `bad-choice`, `bad-identifier`."""
    check_choice(record_class, (*CLASSES, ALL), "record_class")
    check_identifier(recipient, "recipient")
    check_choice(purpose, PURPOSES, "purpose")


def consent_key(patient: str, record_class: str, recipient: str, purpose: str) -> str:
    return f"{patient}/{record_class}/{recipient}/{purpose}"


def find_leave(state: StateReader, wanted: Wanted, day: int) -> Leave:
    """By which consent the member may have it on this day; else by which glass that it broke. Refuses
    `consent-missing`, `consent-over`, `purpose-differs`."""
    places = _places(state, wanted)
    is_over = False
    for place in places:
        key = f"{place}/{wanted.purpose}"
        consent = state.get(CONSENTS, key)
        if consent is not None and consent.stage == GRANTED and day < consent.to_day:
            return Leave("consent", key, consent.serial)
        is_over = is_over or (consent is not None and consent.stage != REVOKED)
    glass = _find_glass(state, wanted, day) if wanted.purpose == TREATMENT else None
    if glass is not None:
        return glass
    if is_over:
        raise Refused("consent-over", f"what was consented to for {wanted.member} has ended by {day}")
    if any(_stands_for_another_purpose(state, place, day) for place in places):
        raise Refused("purpose-differs", f"the consent for {wanted.member} is not for {wanted.purpose}")
    raise Refused("consent-missing", f"nothing was consented to for {wanted.member}")


def _places(state: StateReader, wanted: Wanted) -> list[str]:
    """The beginnings of keys of all consents that speak of this class and this member."""
    epoch = newest_epoch(state)
    member = None if epoch is None else epoch.by_name.get(wanted.member)
    recipients = [wanted.member, *([] if member is None else [f"{ROLE}{member.role}"])]
    classes = (wanted.record_class, ALL)
    return [f"{wanted.patient}/{each}/{recipient}" for recipient in recipients for each in classes]


def _stands_for_another_purpose(state: StateReader, place: str, day: int) -> bool:
    found = state.range(CONSENTS, f"{place}/", f"{place}0", limit=len(PURPOSES))
    return any(consent.stage == GRANTED and day < consent.to_day for _, consent in found)


def _find_glass(state: StateReader, wanted: Wanted, day: int) -> Leave | None:
    for record_class in (wanted.record_class, ALL):
        broken = state.get(BROKEN_BY, f"{wanted.patient}/{record_class}/{wanted.member}")
        glass = None if broken is None else state.get(GLASSES, broken.glass_no)
        if broken is not None and glass is not None and _is_open(glass) and day < glass.to_day:
            return Leave("glass", broken.glass_no)
    return None


def _is_open(glass: Glass) -> bool:
    return not glass.is_over and glass.stage != UNJUSTIFIED


def is_standing(state: StateReader, leave: Leave) -> bool:
    """Whether a leave that was given is still one."""
    if leave.kind == "glass":
        glass = state.get(GLASSES, leave.key)
        return glass is not None and _is_open(glass)
    consent = state.get(CONSENTS, leave.key)
    return consent is not None and consent.stage == GRANTED and consent.serial == leave.serial
