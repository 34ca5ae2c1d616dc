"""Vaccinations 预防接种: doses given to pseudonyms of their own purpose, each of a traced pack that may be given today.

What a vaccine's series is, members vote: how many doses, how far apart at least, and when the next is due. A dose
takes a unit of its pack, so that nothing recalled, in quarantine, expired or sold elsewhere is given. The next dose is
not given too early; when it is late a notice says so. What comes after a dose any provider may report; what is serious
is told in a notice with its lot. Of a lot every dose is found.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import (
    check_choice,
    check_count,
    check_digest,
    check_identifier,
    check_own_number,
    check_pseudonym,
    check_range,
    check_reason,
)
from consortium.contracts.insurance.institution import OF_INSTITUTION, check_open, get_institution
from consortium.contracts.insurance.versions import with_version
from consortium.contracts.medicines import sales
from consortium.contracts.medicines.packs import Sale, get_pack, holder_of_institution
from consortium.contracts.medicines.vaccination_queries import QUERIES
from consortium.contracts.medicines.vaccination_records import (
    DOSES,
    DOSES_OF_LOTS,
    GIVEN,
    LIFE,
    LOT_DOSES,
    OF_GIVER,
    REACTIONS,
    SCHEDULES,
    SERIES,
    TARGETS,
    Dose,
    DoseOfLot,
    Gap,
    LotDoses,
    Reaction,
    Schedule,
    ScheduleVersion,
    Series,
    Target,
    get_dose,
    schedule_on,
    series_key,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after
from consortium.core.contract import GENESIS, VOTE, Context, Contract, Event, Operation, Refused, State

CHECK_DUE = "vaccination.check_due"
DOSES_MAX = 12  # of a series
DAYS_MAX = 3_660
PERSONS_MAX = 10**10
WRONGLY = ("wrong-person", "wrong-pack", "not-given")
KINDS = ("fever", "local", "rash", "anaphylaxis", "neurological", "cardiac", "syncope", "death", "other")


class SetSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of a vaccine's series: the gaps between its doses, none where one dose is all."""

    vaccine: str
    from_day: int
    gaps: tuple[Gap, ...]


class SetTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many persons are to be vaccinated in a year: a number, and no names."""

    vaccine: str
    year: int
    persons: int


class Give(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dose is given today. `dose_no` begins with the institution's code and a colon."""

    dose_no: str
    fixmedins_code: str
    pseudonym: str
    drug_trac_codg: str


class Withdraw(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest dose of a series was recorded wrongly. `reason`: wrong-person | wrong-pack | not-given."""

    dose_no: str
    reason: str


class ReportReaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came after a dose. `kind`: fever | local | rash | anaphylaxis | neurological | cardiac | syncope | death |
    other; `report`: a commitment to the report, 32 bytes, none where it is mild."""

    dose_no: str
    kind: str
    is_serious: bool
    report: bytes = b""


def _set_schedule(state: State, arguments: SetSchedule, context: Context) -> list[Event]:
    vaccine = arguments.vaccine
    check_identifier(vaccine, "vaccine")
    check_count(len(arguments.gaps), DOSES_MAX - 1, "gaps", 0)
    for gap in arguments.gaps:
        check_range(gap.min_days, 1, DAYS_MAX, "min_days")
        check_range(gap.due_days, gap.min_days, DAYS_MAX, "due_days")
    held = state.get(SCHEDULES, vaccine)
    version = ScheduleVersion(arguments.from_day, arguments.gaps)
    versions = with_version(() if held is None else held.versions, version, f"the series of {vaccine}", context)
    state.put(SCHEDULES, vaccine, Schedule(versions))
    fields: dict[str, int | str] = {"vaccine": vaccine, "from_day": version.from_day, "doses": version.doses}
    return [Event("vaccine-schedule-set", fields)]


def _set_target(state: State, arguments: SetTarget, _context: Context) -> list[Event]:
    check_identifier(arguments.vaccine, "vaccine")
    check_range(arguments.year, 1900, 2999, "year")
    check_range(arguments.persons, 1, PERSONS_MAX, "persons")
    state.put(TARGETS, f"{arguments.vaccine}/{arguments.year}", Target(arguments.persons))
    fields: dict[str, int | str] = {"vaccine": arguments.vaccine, "year": arguments.year}
    return [Event("vaccine-target-set", fields | {"persons": arguments.persons})]


# --- doses ----------------------------------------------------------------------------------------------------------


def _give(state: State, arguments: Give, context: Context) -> list[Event]:
    """Refuses `number-foreign`, `dose-exists`, `not-a-vaccine`, `series-complete`, `dose-too-early`, and what
    `sales.sell_pack` refuses."""
    dose_no, code, day = arguments.dose_no, arguments.fixmedins_code, context.day
    check_open(get_institution(state, code), code, day)
    check_own_number(dose_no, code, "dose_no")
    check_pseudonym(arguments.pseudonym, "pseudonym")
    stage = LIFE.move("give", LIFE.stage_of(state.get(DOSES, dose_no)), f"dose {dose_no}")
    pack = get_pack(state, arguments.drug_trac_codg)
    vaccine = pack.med_list_codg
    schedule = schedule_on(state, vaccine, day)
    known = state.get(SERIES, series_key(arguments.pseudonym, vaccine))
    series = known or Series(0, "", 0)
    _check_turn(series, schedule, vaccine, day)
    _take_unit(state, arguments, pack.units > 1, context)
    serial = series.doses + 1
    dose = Dose(
        stage,
        arguments.pseudonym,
        vaccine,
        serial,
        arguments.drug_trac_codg,
        pack.lot_no,
        code,
        day,
        series.last_dose,
    )
    state.put(DOSES, dose_no, dose)
    state.put(DOSES_OF_LOTS, f"{pack.lot_no}/{dose_no}", DoseOfLot(day))
    _count_lot(state, pack.lot_no, doses=1)
    _put_series(state, dose, known, Series(serial, dose_no, day, _due_on(schedule, serial, day)), context)
    return [_event("dose-given", dose_no, dose, of=schedule.doses)]


def _check_turn(series: Series, schedule: ScheduleVersion, vaccine: str, day: int) -> None:
    if series.doses >= schedule.doses:
        raise Refused("series-complete", f"a series of {vaccine} has {schedule.doses} doses, and all were given")
    if series.doses:
        earliest = compute_day_after(series.last_day, schedule.gaps[series.doses - 1].min_days)
        if day < earliest:
            raise Refused("dose-too-early", f"the next dose of {vaccine} is given from {earliest} on, not on {day}")


def _due_on(schedule: ScheduleVersion, given: int, day: int) -> int:
    """Of the next dose; 0 where there is none."""
    return compute_day_after(day, schedule.gaps[given - 1].due_days) if given < schedule.doses else 0


def _take_unit(state: State, arguments: Give, is_split: bool, context: Context) -> None:
    code, seller = arguments.drug_trac_codg, holder_of_institution(arguments.fixmedins_code)
    sale = Sale(arguments.dose_no, 1, 1, seller, is_claim=True)  # given back by `withdraw` alone
    sales.refuse_second_sale(state, ((code, 1, is_split),), sale, context)
    sales.sell_pack(state, code, "", seller, sale, is_split=is_split, day=context.day)


def _count_lot(state: State, lot_no: str, *, doses: int = 0, reactions: int = 0, serious: int = 0) -> LotDoses:
    held = state.get(LOT_DOSES, lot_no) or LotDoses()
    counted = LotDoses(held.doses + doses, held.reactions + reactions, held.serious + serious)
    state.put(LOT_DOSES, lot_no, counted)
    return counted


def _put_series(state: State, dose: Dose, before: Series | None, after: Series, context: Context) -> None:
    key = series_key(dose.pseudonym, dose.vaccine)
    if before is not None and before.due_on:
        due.clear(state, compute_day_after(before.due_on, 1), CHECK_DUE, key)
    if after.due_on:
        due.put(state, compute_day_after(after.due_on, 1), CHECK_DUE, key, context)
    state.put(SERIES, key, after)


def _withdraw(state: State, arguments: Withdraw, context: Context) -> list[Event]:
    """Refuses `not-newest`, and `dose-exists` of one that is withdrawn."""
    dose_no = arguments.dose_no
    dose = get_dose(state, dose_no)
    check_reason(arguments.reason, WRONGLY)
    stage = LIFE.move("withdraw", dose.stage, f"dose {dose_no}")
    key = series_key(dose.pseudonym, dose.vaccine)
    series = state.get(SERIES, key)
    assert series is not None, "a dose is of a series"
    if series.last_dose != dose_no:
        raise Refused("not-newest", f"only the newest dose, {series.last_dose}, can be withdrawn")
    sales.return_pack(state, dose.drug_trac_codg, dose_no, is_claim=True)
    state.put(DOSES, dose_no, replace(dose, stage=stage, reason=arguments.reason))
    state.delete(DOSES_OF_LOTS, f"{dose.lot_no}/{dose_no}")
    _count_lot(state, dose.lot_no, doses=-1)
    earlier = state.get(DOSES, dose.before) if dose.before else None
    if earlier is None:
        _put_series(state, dose, series, Series(0, "", 0), context)
        state.delete(SERIES, key)
    else:
        next_due = _due_on(schedule_on(state, dose.vaccine, earlier.day), earlier.serial, earlier.day)
        _put_series(state, dose, series, Series(earlier.serial, dose.before, earlier.day, next_due), context)
    return [_event("dose-withdrawn", dose_no, dose, reason=arguments.reason)]


def _report_reaction(state: State, arguments: ReportReaction, context: Context) -> list[Event]:
    """Once a dose and kind. Refuses `reaction-exists`, `dose-withdrawn`."""
    dose_no, kind = arguments.dose_no, arguments.kind
    dose = get_dose(state, dose_no)
    check_choice(kind, KINDS, "kind")
    check_digest(arguments.report, "report", may_be_empty=not arguments.is_serious)
    if dose.stage != GIVEN:
        raise Refused("dose-withdrawn", f"dose {dose_no} was not given: {dose.reason}")
    key = f"{dose_no}/{kind}"
    if state.get(REACTIONS, key) is not None:
        raise Refused("reaction-exists", f"{kind} after dose {dose_no} is reported already")
    state.put(REACTIONS, key, Reaction(arguments.is_serious, context.member, context.day, arguments.report))
    counted = _count_lot(state, dose.lot_no, reactions=1, serious=int(arguments.is_serious))
    more: dict[str, int | str] = {
        "reaction": kind,
        "serious": int(arguments.is_serious),
        "serious_in_lot": counted.serious,
    }
    events = [_event("reaction-reported", dose_no, dose, **more)]
    if arguments.is_serious:
        events.append(notice("reaction-serious", f"dose/{dose_no}", lot_no=dose.lot_no, serious=counted.serious))
    return events


def _check_due(state: State, arguments: Ring, context: Context) -> list[Event]:
    """The next dose of a series was not given until the day before."""
    if not due.take(state, arguments, CHECK_DUE, context):
        return []
    return [notice("dose-overdue", f"vaccination/{arguments.key}", due=arguments.day)]


def _event(kind: str, dose_no: str, dose: Dose, **more: int | str) -> Event:
    """Without the person: whoever may know it reads the dose."""
    fields: dict[str, int | str] = {"dose_no": dose_no, "vaccine": dose.vaccine, "serial": dose.serial}
    fields |= {"lot_no": dose.lot_no, "fixmedins_code": dose.fixmedins_code, "day": dose.day}
    return Event(kind, fields | more)


CONTRACT = Contract(
    "vaccination",
    1,
    (
        Operation("set_schedule", SetSchedule, frozenset((VOTE, GENESIS)), _set_schedule),
        Operation("set_target", SetTarget, BY_BUREAU, _set_target),
        Operation("give", Give, BY_PROVIDERS, _give, OF_INSTITUTION),
        Operation("withdraw", Withdraw, BY_PROVIDERS, _withdraw, OF_GIVER),
        Operation("report_reaction", ReportReaction, BY_PROVIDERS, _report_reaction),
        Operation("check_due", Ring, SUPERVISORS, _check_due),
    ),
    QUERIES,
    (LIFE,),
    founding=0,
)
