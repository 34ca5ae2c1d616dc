"""What is asked of vaccinations: a person's series, a dose, every dose of a lot."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_ALL, BY_PROVIDERS, REGULATOR, SUPERVISORS
from consortium.contracts.checks import check_day, check_identifier, check_pseudonym
from consortium.contracts.medicines.packs import get_lot
from consortium.contracts.medicines.vaccination_records import (
    DOSES,
    DOSES_OF_LOTS,
    LOT_DOSES,
    OF_GIVER,
    SERIES,
    Dose,
    LotDoses,
    ScheduleVersion,
    Series,
    get_dose,
    schedule_on,
    series_key,
)
from consortium.core.contract import Query, Reader, Refused, RowOf, StateReader

PAGE_MAX = 500
LAST = "~"  # behind every identifier


class OfVaccine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the series of a vaccine as of a day."""

    vaccine: str
    day: int


class OfSeries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks what a person had of a vaccine, and when the next is due."""

    pseudonym: str
    vaccine: str


class OfDose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a dose."""

    dose_no: str


class DosesAfter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the next 500 doses of a lot, in order of their numbers; `after` "" asks for the first."""

    lot_no: str
    after: str = ""


class FoundDose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dose_no: str
    fixmedins_code: str
    pseudonym: str
    day: int


class FoundDoses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a lot: its counts, and a page of its doses. `last`: what the next page is asked for after, "" = none."""

    counts: LotDoses
    doses: tuple[FoundDose, ...]
    last: str


def _schedule(state: StateReader, asked: OfVaccine, _reader: Reader) -> ScheduleVersion:
    check_day(asked.day, "day")
    return schedule_on(state, asked.vaccine, asked.day)


def _series(state: StateReader, asked: OfSeries, _reader: Reader) -> Series:
    check_pseudonym(asked.pseudonym, "pseudonym")
    check_identifier(asked.vaccine, "vaccine")
    series = state.get(SERIES, series_key(asked.pseudonym, asked.vaccine))
    if series is None:
        raise Refused("unknown-series", "nothing of this vaccine was given to this pseudonym")
    return series


def _dose(state: StateReader, asked: OfDose, _reader: Reader) -> Dose:
    return get_dose(state, asked.dose_no)


def _of_lot(state: StateReader, asked: DosesAfter, _reader: Reader) -> FoundDoses:
    get_lot(state, asked.lot_no)
    begin = f"{asked.lot_no}/"
    low = f"{begin}{asked.after}\x00" if asked.after else begin
    numbers = [key.removeprefix(begin) for key, _ in state.range(DOSES_OF_LOTS, low, f"{begin}{LAST}", limit=PAGE_MAX)]
    doses = [(number, get_dose(state, number)) for number in numbers]
    found = tuple(FoundDose(number, one.fixmedins_code, one.pseudonym, one.day) for number, one in doses)
    counts = state.get(LOT_DOSES, asked.lot_no) or LotDoses()
    return FoundDoses(counts, found, numbers[-1] if len(numbers) == PAGE_MAX else "")


def _series_of(key: str) -> OfSeries:
    pseudonym, _, vaccine = key.partition("/")
    return OfSeries(pseudonym, vaccine)


QUERIES = (
    Query("schedule", OfVaccine, BY_ALL, _schedule),
    Query(
        "series",
        OfSeries,
        BY_PROVIDERS | SUPERVISORS,
        _series,
        row=RowOf(SERIES, lambda asked: series_key(asked.pseudonym, asked.vaccine), _series_of),
    ),
    Query(
        "dose",
        OfDose,
        BY_PROVIDERS | SUPERVISORS,
        _dose,
        OF_GIVER.or_of(BUREAU, REGULATOR),
        RowOf(DOSES, lambda asked: asked.dose_no, OfDose),
    ),
    Query("of_lot", DosesAfter, SUPERVISORS, _of_lot),
)
