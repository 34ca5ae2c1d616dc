"""Vaccinations: schedules by day, doses, a person's series of a vaccine, what came after a dose, how many of a lot.

A person is known by a pseudonym of this purpose alone, for as long as a series lasts: it is neither that of its bills
nor that of its settlements. A vaccine is the catalogue item of the pack that a dose is of.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import NOBODY
from consortium.contracts.checks import check_identifier
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.insurance.versions import version_on
from consortium.core.contract import Life, Move, Refused, StateReader, Table, Whose

GIVEN, WITHDRAWN = "given", "withdrawn"


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Between a dose and the next: not before `min_days`, due after `due_days`."""

    min_days: int
    due_days: int


class ScheduleVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As of `from_day`: one dose, and one more for each gap."""

    from_day: int
    gaps: tuple[Gap, ...]

    @property
    def doses(self) -> int:
        return len(self.gaps) + 1


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by vaccine: its versions by ascending day."""

    versions: tuple[ScheduleVersion, ...]


class Series(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "pseudonym/vaccine": doses given, the last of them, on which day. `due_on`: of the next, 0 = none."""

    doses: int
    last_dose: str
    last_day: int
    due_on: int = 0


class Dose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. `serial`: which of its series; `before`: the dose before it, "" of the first."""

    stage: str
    pseudonym: str
    vaccine: str
    serial: int
    drug_trac_codg: str
    lot_no: str
    fixmedins_code: str
    day: int
    before: str = ""
    reason: str = ""


class DoseOfLot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "lot_no/dose_no": a dose that was given of the lot."""

    day: int


class Reaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "dose_no/kind": what came after a dose, and who reported it."""

    is_serious: bool
    member: str
    day: int
    report: bytes = b""


class LotDoses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by lot: doses that were given, and what came after them."""

    doses: int = 0
    reactions: int = 0
    serious: int = 0


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "vaccine/YYYY": how many persons are to be vaccinated in a year."""

    persons: int


SCHEDULES: Table[Schedule] = Table("vaccine_schedule", Schedule, told_as="vaccine-schedule")
SERIES: Table[Series] = Table("vaccination", Series, told_as="vaccination")
DOSES: Table[Dose] = Table("dose", Dose, told_as="dose")
DOSES_OF_LOTS: Table[DoseOfLot] = Table("dose_of_lot", DoseOfLot)
REACTIONS: Table[Reaction] = Table("dose_reaction", Reaction)
LOT_DOSES: Table[LotDoses] = Table("lot_doses", LotDoses)
TARGETS: Table[Target] = Table("vaccine_target", Target)
LIFE = Life(DOSES, (Move("", "give", GIVEN), Move(GIVEN, "withdraw", WITHDRAWN)), code="dose-exists")


def series_key(pseudonym: str, vaccine: str) -> str:
    return f"{pseudonym}/{vaccine}"


def schedule_on(state: StateReader, vaccine: str, day: int) -> ScheduleVersion:
    """Refuses `bad-identifier`, `not-a-vaccine`."""
    check_identifier(vaccine, "vaccine")
    held = state.get(SCHEDULES, vaccine)
    version = None if held is None else version_on(held.versions, day)
    if version is None:
        raise Refused("not-a-vaccine", f"{vaccine} has no schedule on {day}")
    return version


def get_dose(state: StateReader, dose_no: str) -> Dose:
    """Refuses `bad-identifier`, `unknown-dose`."""
    check_identifier(dose_no, "dose_no")
    dose = state.get(DOSES, dose_no)
    if dose is None:
        raise Refused("unknown-dose", f"no dose {dose_no} was given")
    return dose


def find_giver(state: StateReader, dose_no: str) -> tuple[str, ...]:
    """The member that acts for who gave a dose; none where there is no such dose."""
    dose = state.get(DOSES, dose_no)
    return NOBODY if dose is None else find_acting(state, dose.fixmedins_code)


OF_GIVER = Whose(lambda state, arguments: find_giver(state, arguments.dose_no), owner="who gave the dose")
