"""Where a fault comes from: what faulty lots have in common, and which other lots were made with it.

A source is a place, an equipment or a material. A material that is a lot itself brings its own sources along, so that a
fault of a raw material is found below what was made of it. Every walk is bounded; an answer says where it was cut off.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.access import BUREAU, REGULATOR, SUPERVISORS, SUPPLIER
from consortium.contracts.checks import check_choice, check_count, check_identifier
from consortium.contracts.medicines.lot_quality_records import (
    LOT_QUALITY,
    LOT_SOURCES,
    LOT_STEPS,
    STEPS_MAX,
    LotQuality,
    LotStep,
)
from consortium.contracts.medicines.lots import OF_PRODUCER
from consortium.contracts.medicines.packs import get_lot
from consortium.core.contract import Query, Reader, Refused, StateReader

LOTS_MAX = 20  # that are compared at once
ANCESTORS_MAX = 200  # lots below one, that are walked
MADE_MAX = 500  # lots of one source, that are counted
PAGE_MAX = 50
KINDS = ("place", "equipment", "material")
LAST = "~"  # behind every identifier


class OfLot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a lot's days, quarantine, steps and number of faults."""

    lot_no: str


class MadeWith(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the next 50 lots made with a source, in order of their numbers; `after` "" asks for the first."""

    kind: str  # place | equipment | material
    source: str
    after: str = ""


class InCommon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks which sources all of these lots have, at most 20."""

    lots: tuple[str, ...]


class LotHistory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lot's days and state, and its steps in order."""

    quality: LotQuality
    steps: tuple[LotStep, ...]


class MadeLots(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers of lots."""

    lots: tuple[str, ...]


class Suspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source in common: how many lots were made with it, directly or of its products, and how many of them have
    faults."""

    kind: str
    source: str
    lots: int
    faulty: int


class Suspects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The likeliest first: whose lots have faults in the largest share, then who has fewer lots in all, then by name.
    `is_cut`: more lots were made with one of them than were counted."""

    suspects: tuple[Suspect, ...]
    is_cut: bool


def find_sources(state: StateReader, lot_no: str) -> set[tuple[str, str]]:
    """Kind and identifier of all that a lot was made with, through the materials of its materials."""
    found: set[tuple[str, str]] = set()
    waiting, walked = [lot_no], {lot_no}
    while waiting and len(walked) <= ANCESTORS_MAX:
        for step in _steps(state, waiting.pop()):
            found |= {("place", step.place), ("equipment", step.equipment)}
            for material in step.materials:
                found.add(("material", material))
                if material not in walked:
                    walked.add(material)
                    waiting.append(material)
    return found


def find_made(state: StateReader, kind: str, source: str) -> list[str]:
    """The lots that were made with a source, directly or of what was; MADE_MAX at most, and one more."""
    made = list(_made_directly(state, kind, source))
    known, place = set(made), 0
    while place < len(made) <= MADE_MAX:
        for lot_no in _made_directly(state, "material", made[place]):
            if lot_no not in known:
                known.add(lot_no)
                made.append(lot_no)
        place += 1
    return made[: MADE_MAX + 1]


def find_suspects(state: StateReader, lots: tuple[str, ...]) -> Suspects:
    """What these lots have in common, the likeliest source of a fault of all of them first."""
    common = set.intersection(*(find_sources(state, lot_no) for lot_no in lots))
    suspects, is_cut = list[Suspect](), False
    for kind, source in sorted(common):
        made = find_made(state, kind, source)
        is_cut |= len(made) > MADE_MAX
        qualities = [state.get(LOT_QUALITY, lot_no) for lot_no in made[:MADE_MAX]]
        faulty = sum(quality is not None and quality.faults > 0 for quality in qualities)
        suspects.append(Suspect(kind, source, len(qualities), faulty))
    ranked = sorted(
        suspects, key=lambda one: (-one.faulty * 10_000 // max(1, one.lots), one.lots, one.kind, one.source)
    )
    return Suspects(tuple(ranked), is_cut)


def _steps(state: StateReader, lot_no: str) -> Iterator[LotStep]:
    return (step for _, step in state.range(LOT_STEPS, f"{lot_no}/", f"{lot_no}/{LAST}", limit=STEPS_MAX))


def _made_directly(state: StateReader, kind: str, source: str, after: str = "", limit: int = MADE_MAX) -> Iterator[str]:
    begin = f"{kind}/{source}/"
    low = f"{begin}{after}\x00" if after else begin
    return (key.rpartition("/")[2] for key, _ in state.range(LOT_SOURCES, low, f"{begin}{LAST}", limit=limit))


def _of_lot(state: StateReader, asked: OfLot, _reader: Reader) -> LotHistory:
    get_lot(state, asked.lot_no)
    quality = state.get(LOT_QUALITY, asked.lot_no)
    if quality is None:
        raise Refused("not-declared", f"the days of lot {asked.lot_no} are not declared")
    return LotHistory(quality, tuple(_steps(state, asked.lot_no)))


def _made_with(state: StateReader, asked: MadeWith, _reader: Reader) -> MadeLots:
    check_choice(asked.kind, KINDS, "kind")
    check_identifier(asked.source, "source")
    return MadeLots(tuple(_made_directly(state, asked.kind, asked.source, asked.after, PAGE_MAX)))


def _in_common(state: StateReader, asked: InCommon, _reader: Reader) -> Suspects:
    check_count(len(asked.lots), LOTS_MAX, "lots")
    for lot_no in asked.lots:
        get_lot(state, lot_no)
    return find_suspects(state, asked.lots)


QUERIES = (
    Query("of_lot", OfLot, SUPERVISORS | {SUPPLIER}, _of_lot, OF_PRODUCER.or_of(BUREAU, REGULATOR)),
    Query("made_with", MadeWith, SUPERVISORS, _made_with),
    Query("in_common", InCommon, SUPERVISORS, _in_common),
)
