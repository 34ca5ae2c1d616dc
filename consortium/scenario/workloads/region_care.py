"""What a region's hospitals do in a year: visits and stays by season, near home and away, and what follows on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from consortium.contracts.insurance import offsite
from consortium.contracts.insurance.bill import INPATIENT, OUTPATIENT
from consortium.contracts.insurance.lines import Line
from consortium.roles.hospital import Correction, HospitalTasks, Visit
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.person_years import new_year
from consortium.scenario.workloads.region_calendar import DAYS, SEASONS, Calendar, season_of
from consortium.scenario.workloads.region_people import BED, VISIT, Institution, Person, Region

AWAY_PERCENT, STAY_PERCENT, FILED_PERCENT = 8, 20, 40
PADDING_FEN = 50_000
PATIENT_NOTE = "请勿告知单位，独居无人照看，第{}次澜"  # what a patient told: it stays with its hospital


class Care(NamedTuple):
    """A visit, and where and of whom it was."""

    person: Person
    at: Institution
    visit: Visit

    @property
    def is_stay(self) -> bool:
        return self.visit.med_type == INPATIENT


def draw_care(stream: Stream, region: Region, calendar: Calendar, visits: int) -> tuple[Care, ...]:
    """`visits` in order of their days. Some persons have none, some have several."""
    days = sorted(_draw_day(stream, calendar) for _ in range(visits))
    return tuple(_draw_one(stream, region, calendar, serial, place) for serial, place in enumerate(days))


def _draw_day(stream: Stream, calendar: Calendar) -> int:
    """A day of the year that a stay of ten days can end on, by the weight of its month."""
    while True:
        place = 10 + stream.below(DAYS - 10)
        if stream.below(max(SEASONS)) < season_of(calendar.day(place)):
            return place


def _draw_one(stream: Stream, region: Region, calendar: Calendar, serial: int, place: int) -> Care:
    person = region.persons[stream.below(len(region.persons))]
    near = [one for one in region.hospitals if one.place == person.place]
    is_away = not near or stream.below(100) < AWAY_PERCENT
    at = (region.hospitals if is_away else near)[stream.below(len(region.hospitals if is_away else near))]
    is_stay = stream.below(100) < STAY_PERCENT
    days = 2 + stream.below(8) if is_stay else 0
    price_fen = (60_000 if is_stay else 9_000) * at.level + 100 * stream.below(200)
    if is_stay and stream.below(25) == 0:
        price_fen *= 6  # few are very dear
    bill_no = f"{at.code}-{serial:06d}"
    visit = Visit(
        at_us=calendar.billed_us(place, stream.below(1_000_000)),
        fixmedins_code=at.code,
        bill_no=bill_no,
        patient=person.patient,
        psn_no=person.psn_no,
        med_type=INPATIENT if is_stay else OUTPATIENT,
        begndate=calendar.day(place - days),
        enddate=calendar.day(place),
        lines=(Line(BED, days, price_fen) if is_stay else Line(VISIT, 1, price_fen),),
        record=PATIENT_NOTE.format(serial).encode(),
    )
    return Care(person, at, visit)


def hospital_tasks(
    region: Region, calendar: Calendar, care: tuple[Care, ...], wrong: int, padded: int, cash: Collection[str]
) -> dict[str, HospitalTasks]:
    """By member. `wrong`: so many settlements are reversed two weeks later, of persons with one visit alone; `padded`:
    so many bills of the last hospital are dearer than their lines; `cash`: bills that were paid in cash."""
    seen: dict[str, int] = {}
    for one in care:
        seen[one.person.psn_no] = seen.get(one.person.psn_no, 0) + 1
    alone = [one for one in care if seen[one.person.psn_no] == 1 and one.visit.bill_no not in cash]
    reversed_ = {one.visit.bill_no: one for one in alone[:: max(1, len(alone) // max(1, wrong))][:wrong]}
    found = {}
    for hospital in region.hospitals:
        mine = [replace(one.visit, is_paid=one.visit.bill_no in cash) for one in care if one.at is hospital]
        if hospital is region.hospitals[-1]:
            mine[:padded] = [replace(one, padding_fen=PADDING_FEN) for one in mine[:padded]]
        corrections = tuple(
            Correction(one.at_us + 2 * calendar.week_us, one.bill_no) for one in mine if one.bill_no in reversed_
        )
        found[hospital.member] = HospitalTasks(tuple(mine), corrections=corrections)
    return found


def filings(stream: Stream, region: Region, care: tuple[Care, ...]) -> Iterator[offsite.File]:
    """Of some of those who are treated away: the bureau files them for the year and the region."""
    away = {
        (one.person.psn_no, one.at.place): None for one in care if one.at.place and one.at.place != one.person.place
    }
    year = (new_year(region.year), new_year(region.year + 1))
    for psn_no, place in away:
        if stream.below(100) < FILED_PERCENT:
            yield offsite.File(psn_no, place, *year, "long-term-resident")


def dear_stays(care: tuple[Care, ...], above_fen: int) -> list[Care]:
    """The first visit of a person, where it is a stay that cost more."""
    firsts: dict[str, Care] = {}
    for one in care:
        firsts.setdefault(one.person.psn_no, one)
    return [
        one for one in firsts.values() if one.is_stay and one.visit.lines[0].cnt * one.visit.lines[0].pric > above_fen
    ]
