"""Incidents 应急响应: what went wrong is reported, told to those whom it concerns within a term, and closed.

Any member reports its own incident: a kind, how severe it is, when it was found, how many records it concerns, and a
commitment to the account of it, which lies elsewhere. It tells those concerned within the term of the severity; after
that only the regulator's word gives it another day. A notice tells what nobody was told of in time. The regulator
closes it, with what came of it.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_ALL, NOBODY, REGULATOR, SUPERVISORS, among
from consortium.contracts.checks import (
    check_choice,
    check_day,
    check_digest,
    check_identifier,
    check_own_number,
    check_range,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
    Whose,
)

CHECK_TERM = "incident.check_term"
KINDS = ("leak", "intrusion", "key-lost", "outage", "data-damaged", "misuse")
NOTIFY_DAYS = {1: 1, 2: 3, 3: 7, 4: 30}  # by severity, of which 1 is the worst
AUDIENCES = ("regulator", "members", "patients", "public")
REPORTED, NOTIFIED, CLOSED = "reported", "notified", "closed"
OUTCOMES = ("mended", "no-harm", "sanctioned", "handed-over")
COUNT_MAX = 10**9
EXTRA_DAYS_MAX = 90


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom, on which day, and how many of them."""

    audience: str
    day: int
    count: int


class Incident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. `severity` 1 (worst) to 4; `found_on`: the day on which it was found; `affected`: records
    that it concerns; `account`: commitment to what happened. `term_on`: the last day to tell others."""

    kind: str
    severity: int
    member: str
    stage: str
    found_on: int
    reported_on: int
    term_on: int
    affected: int
    account: bytes
    told: tuple[Told, ...] = ()
    outcome: str = ""


INCIDENTS: Table[Incident] = Table("incident", Incident, told_as="incident")
LIFE = Life(
    INCIDENTS,
    (
        Move("", "report", REPORTED),
        Move(REPORTED, "notify", NOTIFIED),
        Move(NOTIFIED, "notify", NOTIFIED),
        Move(NOTIFIED, "close", CLOSED),
    ),
)


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An incident of one's own. The number begins with the member's name and a colon; fields as of Incident."""

    incident_no: str
    kind: str
    severity: int
    found_on: int
    affected: int
    account: bytes


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of an audience (regulator | members | patients | public) were told."""

    incident_no: str
    audience: str
    count: int


class Extend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many days more from today on to tell others."""

    incident_no: str
    days: int


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came of it: mended | no-harm | sanctioned | handed-over."""

    incident_no: str
    outcome: str


class OfIncident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for an incident."""

    incident_no: str


def _get(state: StateReader, number: str) -> Incident:
    check_identifier(number, "incident_no")
    incident = state.get(INCIDENTS, number)
    if incident is None:
        raise Refused("unknown-incident", f"there is no incident {number}")
    return incident


def _report(state: State, arguments: Report, context: Context) -> list[Event]:
    number = arguments.incident_no
    check_own_number(number, context.member, "incident_no")
    check_choice(arguments.kind, KINDS, "kind")
    check_range(arguments.severity, min(NOTIFY_DAYS), max(NOTIFY_DAYS), "severity")
    check_day(arguments.found_on, "found_on")
    check_range(arguments.affected, 0, COUNT_MAX, "affected")
    check_digest(arguments.account, "account")
    if arguments.found_on > context.day:
        raise Refused("future-day", f"it was found on {arguments.found_on}; today is {context.day}")
    if state.get(INCIDENTS, number) is not None:
        raise Refused("incident-exists", f"incident {number} is reported already")
    term_on = compute_day_after(context.day, NOTIFY_DAYS[arguments.severity])
    incident = Incident(
        kind=arguments.kind,
        severity=arguments.severity,
        member=context.member,
        stage=LIFE.move("report", "", f"incident {number}"),
        found_on=arguments.found_on,
        reported_on=context.day,
        term_on=term_on,
        affected=arguments.affected,
        account=arguments.account,
    )
    state.put(INCIDENTS, number, incident)
    due.put(state, compute_day_after(term_on, 1), CHECK_TERM, number, context)
    fields: dict[str, int | str] = {"what": incident.kind, "severity": incident.severity, "affected": incident.affected}
    return [_event("incident-reported", number, context, term_on=term_on, **fields)]


def _notify(state: State, arguments: Notify, context: Context) -> list[Event]:
    number, incident = arguments.incident_no, _get(state, arguments.incident_no)
    check_choice(arguments.audience, AUDIENCES, "audience")
    check_range(arguments.count, 1, COUNT_MAX, "count")
    stage = LIFE.move("notify", incident.stage, f"incident {number}")
    if context.day > incident.term_on:
        raise Refused("term-over", f"others were to be told by {incident.term_on}: the regulator may give another day")
    if any(told.audience == arguments.audience for told in incident.told):
        raise Refused("told-already", f"{arguments.audience} were told of incident {number}")
    due.clear(state, compute_day_after(incident.term_on, 1), CHECK_TERM, number)
    told = (*incident.told, Told(arguments.audience, context.day, arguments.count))
    state.put(INCIDENTS, number, msgspec.structs.replace(incident, stage=stage, told=told))
    return [_event("incident-notified", number, context, audience=arguments.audience, told=arguments.count)]


def _extend(state: State, arguments: Extend, context: Context) -> list[Event]:
    number, incident = arguments.incident_no, _get(state, arguments.incident_no)
    check_range(arguments.days, 0, EXTRA_DAYS_MAX, "days")
    LIFE.check("notify", incident.stage, f"incident {number}")
    due.clear(state, compute_day_after(incident.term_on, 1), CHECK_TERM, number)
    term_on = compute_day_after(context.day, arguments.days)
    state.put(INCIDENTS, number, msgspec.structs.replace(incident, term_on=term_on))
    due.put(state, compute_day_after(term_on, 1), CHECK_TERM, number, context)
    return [_event("incident-extended", number, context, term_on=term_on)]


def _close(state: State, arguments: Close, context: Context) -> list[Event]:
    number, incident = arguments.incident_no, _get(state, arguments.incident_no)
    check_choice(arguments.outcome, OUTCOMES, "outcome")
    stage = LIFE.move("close", incident.stage, f"incident {number}")
    due.clear(state, compute_day_after(incident.term_on, 1), CHECK_TERM, number)
    state.put(INCIDENTS, number, msgspec.structs.replace(incident, stage=stage, outcome=arguments.outcome))
    return [_event("incident-closed", number, context, outcome=arguments.outcome)]


def _check_term(state: State, arguments: Ring, context: Context) -> list[Event]:
    """The term to tell others is over, and nobody was told."""
    if not due.take(state, arguments, CHECK_TERM, context):
        return []
    incident = _get(state, arguments.key)
    if incident.told:
        return []
    return [notice("incident-not-told", f"incident/{arguments.key}", due=arguments.day, member=incident.member)]


def _find_reporter(state: StateReader, asked: Notify | OfIncident) -> tuple[str, ...]:
    incident = state.get(INCIDENTS, asked.incident_no)
    return NOBODY if incident is None else (incident.member,)


def _ask(state: StateReader, asked: OfIncident, reader: Reader) -> Incident:
    return _get(state, asked.incident_no)


def _event(kind: str, number: str, context: Context, **more: int | str) -> Event:
    return Event(kind, {"incident_no": number, "member": context.member, **more})


_REPORTER = Whose(_find_reporter, owner="who reported the incident")

CONTRACT = Contract(
    "incident",
    1,
    (
        Operation("report", Report, BY_ALL, _report),
        Operation("notify", Notify, BY_ALL, _notify, _REPORTER),
        Operation("extend", Extend, among(REGULATOR), _extend),
        Operation("close", Close, among(REGULATOR), _close),
        Operation("check_term", Ring, SUPERVISORS, _check_term),
    ),
    (
        Query(
            "get",
            OfIncident,
            BY_ALL,
            _ask,
            _REPORTER.or_of(*SUPERVISORS),
            RowOf(INCIDENTS, lambda asked: asked.incident_no, OfIncident),
        ),
    ),
    (LIFE,),
    founding=0,
)
