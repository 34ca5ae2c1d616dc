"""A lot of packs: its days and quarantine, its steps, and every holder of its packs, however many they are."""

from __future__ import annotations

from typing import Any

from consortium.contracts.medicines.lot_quality_records import LOT_FAULTS, LOT_QUALITY, LOT_STEPS, LotQuality, LotStep
from consortium.contracts.medicines.lots import PageOfLot, Place
from consortium.contracts.medicines.packs import Lot
from consortium.contracts.medicines.vaccination_queries import DosesAfter, FoundDose
from consortium.core.contract import Refused
from consortium.stories.lookup import get_record, rows_of
from consortium.stories.plain import builtins, day, readable
from consortium.stories.record import content_of, steps_about, with_life
from consortium.stories.story import Column, Section, Seen, Story, Teller, facts

UNKNOWN = LotQuality("sound")


def tell_lot(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record, words, state = get_record(seen, "lot", identity), seen.words, seen.ledger.reader
    lot: Lot = record.value
    quality = state.get(LOT_QUALITY, record.key) or UNKNOWN
    made = [step for _, step in rows_of(state, LOT_STEPS, f"{record.key}/")]
    faults = dict(rows_of(state, LOT_FAULTS, f"{record.key}/"))
    places = find_places(seen, record.key, lot)
    doses = find_given(seen, record.key)
    sections = [_tell_facts(seen, lot, quality), *_tell_places(seen, places), *_tell_doses(seen, doses)]
    sections += _tell_steps(seen, made)
    if faults:
        columns = (Column(words("pack")), Column(words("fault")), Column(words("by")), Column(words("day")))
        told = [(key.rpartition("/")[2], one.fault, one.member, day(one.day)) for key, one in faults.items()]
        sections.append(Section(words("faults"), columns, told))
    steps = steps_about(seen, record)
    more = {"quality": readable(builtins(quality)), "production": [readable(builtins(step)) for step in made]}
    content = content_of(record, [], steps) | more | {"holders": None if places is None else _by_holder(places)}
    content |= {"doses": [readable(builtins(one)) for one in doses]} if doses else {}
    heading = words(
        "lot {lot} of {packs} packs of {item}, as of block {height}",
        lot=record.key,
        packs=lot.packs,
        item=lot.med_list_codg,
        height=seen.ledger.head_height,
    )
    return Story(heading, with_life(seen, sections, [], steps), content)


def find_places(seen: Seen, lot_no: str, lot: Lot) -> list[Place] | None:
    """Where each pack is, page by page, as the contract tells it; None where who looks may not ask that."""
    found, contract = list[Place](), seen.contracts["trace_code"]
    for page in range(1, lot.pages + 1):
        try:
            asked = contract.ask(seen.ledger.reader, "places", PageOfLot(lot_no, page), seen.reader)
        except Refused:
            return None
        found += asked.places
    return found


def find_given(seen: Seen, lot_no: str) -> list[FoundDose]:
    """Every dose that was given of a lot, page by page; none where who looks may not ask that."""
    contract = seen.contracts.get("vaccination")
    found, after = list[FoundDose](), ""
    while contract is not None:
        try:
            page = contract.ask(seen.ledger.reader, "of_lot", DosesAfter(lot_no, after), seen.reader)
        except Refused:
            return []
        found += page.doses
        after = page.last
        if not after:
            break
    return found


def _tell_doses(seen: Seen, doses: list[FoundDose]) -> list[Section]:
    words = seen.words
    columns = (Column(words("dose")), Column(words("day")), Column(words("by")))
    told = [(one.dose_no, day(one.day), one.fixmedins_code) for one in doses]
    return [Section(words("doses that were given of it"), columns, told)] if told else []


def _by_holder(places: list[Place]) -> list[dict[str, Any]]:
    """For a recall: the codes that each holder has, and the bills on which it sold."""
    found: dict[str, dict[str, Any]] = {}
    for place in places:
        one = found.setdefault(place.holder, {"holder": place.holder, "codes": [], "units_left": 0, "sales": []})
        one["units_left"] += place.units_left
        one["sales"] += [
            {"code": place.drug_trac_codg, "bill_no": sale.bill_no, "units": sale.units} for sale in place.sales
        ]
        if place.units_left:
            one["codes"].append(place.drug_trac_codg)
    return [found[holder] for holder in sorted(found)]


def _tell_facts(seen: Seen, lot: Lot, quality: LotQuality) -> Section:
    words = seen.words
    rows = [
        (words("producer"), lot.producer),
        (words("produced on"), day(quality.produced_on) if quality.produced_on else "-"),
        (words("expires with"), day(quality.expires_on) if quality.expires_on else "-"),
        (words("recalled"), words("yes") if lot.is_recalled else words("no")),
        (words("quality"), quality.stage + (f": {quality.reason}" if quality.reason else "")),
        (words("excursions of its cold chain"), str(lot.excursions)),
    ]
    return facts(words("on the ledger"), rows)


def _tell_places(seen: Seen, places: list[Place] | None) -> list[Section]:
    words = seen.words
    if places is None:
        return []
    columns = (
        Column(words("holder")),
        Column(words("packs"), is_number=True),
        Column(words("units left"), is_number=True),
        Column(words("packs sold"), is_number=True),
    )
    rows: dict[str, list[int]] = {}
    for place in places:
        row = rows.setdefault(place.holder, [0, 0, 0])
        row[0] += place.units_left > 0
        row[1] += place.units_left
        row[2] += place.units_sold > 0
    told = [(holder, *map(str, row)) for holder, row in sorted(rows.items())]
    return [Section(words("who holds it"), columns, told)]


def _tell_steps(seen: Seen, made: list[LotStep]) -> list[Section]:
    words = seen.words
    if not made:
        return []
    columns = (
        Column(words("step")),
        Column(words("place")),
        Column(words("equipment")),
        Column(words("materials")),
        Column(words("day")),
    )
    told = [(step.step, step.place, step.equipment, ", ".join(step.materials), day(step.day)) for step in made]
    return [Section(words("how it was made"), columns, told)]


TELLER = Teller("lot", "the number of a lot", tell_lot)
