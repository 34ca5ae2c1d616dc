"""Consent 知情同意: a person says who may have which class of its records for what and until when, and takes it back.

A recipient is a member, or a role (`role:hospital`: any hospital). Without consent a hospital can break the glass in an
emergency: it opens a class of records of one patient for treatment for a day, the regulator has notice at once and
judges it; whoever is told that it was not justified may open nothing under it any more.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from consortium.contracts.access import BY_ALL, HOSPITAL, REGULATOR, SUPERVISORS, among
from consortium.contracts.checks import check_choice, check_own_number, check_pseudonym
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.contracts.records.classes import CLASSES
from consortium.contracts.records.consents import (
    ALL,
    BROKEN,
    BROKEN_BY,
    CONSENT_LIFE,
    CONSENTS,
    GLASS_LIFE,
    GLASSES,
    GRANTED,
    JUSTIFIED,
    UNJUSTIFIED,
    Broken,
    Consent,
    Glass,
    Leave,
    Wanted,
    check_end,
    check_scope,
    consent_key,
    find_leave,
)
from consortium.contracts.records.delegations import CONSENT, check_delegate, find_delegates
from consortium.core.calendar import compute_day_after
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Whose,
)
from consortium.core.spoken import Speech

END, END_GLASS, CHECK_GLASS = "consent.end", "consent.end_glass", "consent.check_glass"
GLASS_DAYS, JUDGED_WITHIN_DAYS = 2, 7  # from the day on which it was broken: that one and the next
EMERGENCIES = ("unconscious", "life-threatening", "child-without-guardian", "epidemic")


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to let `recipient` (a member, or role:NAME) have its records of a class ("all": of every
    class) for a purpose, before `to_day`."""

    record_class: str
    recipient: str
    purpose: str
    to_day: int


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to take a consent back: with it ends what was opened under it."""

    record_class: str
    recipient: str
    purpose: str


class GrantFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As Grant, by a member to which the person has delegated it."""

    patient: str
    record_class: str
    recipient: str
    purpose: str
    to_day: int


class RevokeFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As Revoke, by a member to which the person has delegated it."""

    patient: str
    record_class: str
    recipient: str
    purpose: str


class BreakGlass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open a patient's records of a class ("all": of every class) in an emergency. `glass_no`: begins with the
    hospital's name and ":". `reason`: unconscious | life-threatening | child-without-guardian | epidemic."""

    glass_no: str
    patient: str
    record_class: str
    reason: str


class JudgeGlass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether it was an emergency."""

    glass_no: str
    is_justified: bool


class AskLeave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether whoever asks may have records of this class of this patient today."""

    patient: str
    record_class: str
    purpose: str


GRANT: Speech[Grant] = Speech("consent", "grant", Grant)
REVOKE: Speech[Revoke] = Speech("consent", "revoke", Revoke)


def _put(state: State, key: str, to_day: int, said_by: str, verb: str, context: Context) -> list[Event]:
    check_end(to_day, context)
    before = state.get(CONSENTS, key)
    stage = CONSENT_LIFE.move(verb, CONSENT_LIFE.stage_of(before), "the consent")
    if before is not None:
        due.clear(state, before.to_day, END, key)
    serial = 1 if before is None else before.serial + (before.stage != GRANTED)
    state.put(CONSENTS, key, Consent(stage, serial, to_day, said_by))
    due.put(state, to_day, END, key, context)
    return [_told("consent-granted", key, to_day=to_day, said_by=said_by)]


def _take_back(state: State, key: str, said_by: str, verb: str) -> list[Event]:
    """Refuses `consent-missing`, also where it has ended."""
    before = state.get(CONSENTS, key)
    stage = CONSENT_LIFE.move(verb, CONSENT_LIFE.stage_of(before), "the consent")
    assert before is not None
    due.clear(state, before.to_day, END, key)
    state.put(CONSENTS, key, msgspec.structs.replace(before, stage=stage, said_by=said_by))
    return [_told("consent-revoked", key, said_by=said_by, **_ends(key))]


def _told(kind: str, key: str, **more: int | str) -> Event:
    patient, record_class, recipient, purpose = key.split("/")
    fields = {"patient": patient, "class": record_class, "recipient": recipient, "purpose": purpose}
    return Event(kind, {**fields, **more})


def _ends(key: str) -> dict[str, int | str]:
    """Whose leaves end: vaults look by it for what they may keep no longer."""
    return {"leave_of": key.partition("/")[0]}


def _grant(state: State, said: Grant, pseudonym: str, context: Context) -> list[Event]:
    check_scope(said.record_class, said.recipient, said.purpose)
    key = consent_key(pseudonym, said.record_class, said.recipient, said.purpose)
    return _put(state, key, said.to_day, "", "grant", context)


def _revoke(state: State, said: Revoke, pseudonym: str, context: Context) -> list[Event]:
    check_scope(said.record_class, said.recipient, said.purpose)
    key = consent_key(pseudonym, said.record_class, said.recipient, said.purpose)
    return _take_back(state, key, "", "revoke")


def _grant_for(state: State, arguments: GrantFor, context: Context) -> list[Event]:
    check_delegate(state, arguments.patient, CONSENT, context)
    check_scope(arguments.record_class, arguments.recipient, arguments.purpose)
    key = consent_key(arguments.patient, arguments.record_class, arguments.recipient, arguments.purpose)
    return _put(state, key, arguments.to_day, context.member, "grant_for", context)


def _revoke_for(state: State, arguments: RevokeFor, context: Context) -> list[Event]:
    check_delegate(state, arguments.patient, CONSENT, context)
    check_scope(arguments.record_class, arguments.recipient, arguments.purpose)
    key = consent_key(arguments.patient, arguments.record_class, arguments.recipient, arguments.purpose)
    return _take_back(state, key, context.member, "revoke_for")


def _end(state: State, ring: Ring, context: Context) -> list[Event]:
    """Its day has come."""
    consent = state.get(CONSENTS, ring.key)
    if not due.take(state, ring, END, context) or consent is None:
        return []
    stage = CONSENT_LIFE.move("end", consent.stage, "the consent")
    state.put(CONSENTS, ring.key, msgspec.structs.replace(consent, stage=stage))
    return [_told("consent-ended", ring.key, **_ends(ring.key))]


# --- the glass -------------------------------------------------------------------------------------------------------


def _break_glass(state: State, arguments: BreakGlass, context: Context) -> list[Event]:
    number, patient = arguments.glass_no, arguments.patient
    check_own_number(number, context.member, "glass_no")
    check_pseudonym(patient, "patient")
    check_choice(arguments.record_class, (*CLASSES, ALL), "record_class")
    check_choice(arguments.reason, EMERGENCIES, "reason")
    if state.get(GLASSES, number) is not None:
        raise Refused("glass-exists", f"the glass {number} was broken before")
    stage = GLASS_LIFE.move("break_glass", "", f"the glass {number}")
    to_day = compute_day_after(context.day, GLASS_DAYS)
    glass = Glass(context.member, patient, arguments.record_class, arguments.reason, stage, context.day, to_day)
    state.put(GLASSES, number, glass)
    state.put(BROKEN_BY, f"{patient}/{arguments.record_class}/{context.member}", Broken(number))
    due.put(state, to_day, END_GLASS, number, context)
    due.put(state, compute_day_after(context.day, JUDGED_WITHIN_DAYS), CHECK_GLASS, number, context)
    fields = {"glass_no": number, "member": context.member, "patient": patient, "class": arguments.record_class}
    told = Event("glass-broken", {**fields, "reason": arguments.reason, "to_day": to_day})
    return [told, notice("glass-broken", f"glass/{number}", member=context.member)]


def _judge_glass(state: State, arguments: JudgeGlass, context: Context) -> list[Event]:
    """Refuses `unknown-glass`, `wrong-stage` where it was judged before."""
    number = arguments.glass_no
    glass = state.get(GLASSES, number)
    if glass is None:
        raise Refused("unknown-glass", "no such glass was broken")
    after = JUSTIFIED if arguments.is_justified else UNJUSTIFIED
    stage = GLASS_LIFE.move("judge_glass", glass.stage, f"the glass {number}", after)
    state.put(GLASSES, number, msgspec.structs.replace(glass, stage=stage))
    due.clear(state, compute_day_after(glass.broken_on, JUDGED_WITHIN_DAYS), CHECK_GLASS, number)
    fields = {"glass_no": number, "member": glass.member, "verdict": stage, "patient": glass.patient}
    return [Event("glass-judged", {**fields, **({} if arguments.is_justified else {"leave_of": glass.patient})})]


def _end_glass(state: State, ring: Ring, context: Context) -> list[Event]:
    glass = state.get(GLASSES, ring.key)
    if not due.take(state, ring, END_GLASS, context) or glass is None:
        return []
    state.put(GLASSES, ring.key, msgspec.structs.replace(glass, is_over=True))
    return [Event("glass-ended", {"glass_no": ring.key, "member": glass.member, "leave_of": glass.patient})]


def _check_glass(state: State, ring: Ring, context: Context) -> list[Event]:
    """Nobody has judged it in its time."""
    glass = state.get(GLASSES, ring.key)
    if not due.take(state, ring, CHECK_GLASS, context) or glass is None or glass.stage != BROKEN:
        return []
    return [notice("glass-not-judged", f"glass/{ring.key}", due=ring.day, member=glass.member)]


def _leave(state: StateReader, arguments: AskLeave, reader: Reader) -> Leave:
    check_pseudonym(arguments.patient, "patient")
    check_choice(arguments.record_class, CLASSES, "record_class")
    return find_leave(
        state, Wanted(arguments.patient, arguments.record_class, reader.member, arguments.purpose), reader.day
    )


def _delegates(state: StateReader, arguments: GrantFor | RevokeFor) -> Collection[str]:
    return tuple(find_delegates(state, arguments.patient))


_OF_DELEGATE = Whose(_delegates, owner="who acts for the person")

CONTRACT = Contract(
    "consent",
    1,
    (
        GRANT.operation(_grant),
        REVOKE.operation(_revoke),
        Operation("grant_for", GrantFor, BY_ALL, _grant_for, _OF_DELEGATE),
        Operation("revoke_for", RevokeFor, BY_ALL, _revoke_for, _OF_DELEGATE),
        Operation("break_glass", BreakGlass, among(HOSPITAL), _break_glass),
        Operation("judge_glass", JudgeGlass, among(REGULATOR), _judge_glass),
        Operation("end", Ring, SUPERVISORS, _end),
        Operation("end_glass", Ring, SUPERVISORS, _end_glass),
        Operation("check_glass", Ring, SUPERVISORS, _check_glass),
    ),
    (Query("leave", AskLeave, BY_ALL, _leave),),
    (CONSENT_LIFE, GLASS_LIFE),
    founding=0,
)
