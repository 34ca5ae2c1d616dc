"""Lots: produced, extended page by page, recalled at once, watched in the cold chain.

A recall writes one flag, however many packs the lot has; who holds them and who sold them is asked page by page.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_HOLDERS, REGULATOR, SUPERVISORS, SUPPLIER, among
from consortium.contracts.checks import (
    check_count,
    check_identifier,
    check_range,
    check_reason,
    check_trace_code,
)
from consortium.contracts.medicines.lot_quality_records import stop_by_reading
from consortium.contracts.medicines.packs import (
    LOT_PAGES,
    LOTS,
    PACKS,
    PAGE_CODES_MAX,
    UNITS_MAX,
    Lot,
    LotPage,
    Pack,
    Sale,
    check_holder,
    find_holder,
    find_producer,
    get_lot,
    get_pack,
    holder_of_supplier,
)
from consortium.core.contract import (
    GENESIS,
    Context,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Whose,
)
from consortium.core.versions import get_versions

TEMPERATURE_MAX = 20_000
PAGES_MAX = 2_000  # of a lot: a million packs
RECALL_REASONS = ("quality", "contamination", "labelling", "cold-chain", "side-effects", "counterfeit")


class Produce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Register a lot with its first packs, at most 500. Genesis names the `holder`; a supplier holds what it makes."""

    lot_no: str
    med_list_codg: str
    min_prcunt_type: str  # name of the minimal unit, for example "tablet"
    units: int  # per pack, 1 to 100
    codes: tuple[str, ...]
    holder: str = ""
    is_cold_chain: bool = False
    temperature_min: int = 0  # hundredths of °C
    temperature_max: int = 0


class Extend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Register at most 500 more packs of a lot; its producer holds them."""

    lot_no: str
    codes: tuple[str, ...]


class Recall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recall a lot: none of its packs is sold or handed on any more, each may go back."""

    lot_no: str
    reason: str


class RecordTemperature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reading of a cold-chain lot where one of its packs is held, in hundredths of °C."""

    drug_trac_codg: str
    place: str
    temperature: int


class PageOfLot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask where the packs of one page of a lot are; pages count from 1."""

    lot_no: str
    page: int


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a pack is. `sales` are told to those who supervise alone."""

    drug_trac_codg: str
    holder: str
    units_left: int
    units_sold: int
    sales: tuple[Sale, ...] = ()


class Places(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One page of a lot that has `pages`."""

    is_recalled: bool
    pages: int
    places: tuple[Place, ...]


def _produce(state: State, arguments: Produce, context: Context) -> list[Event]:
    check_identifier(arguments.lot_no, "lot_no")
    check_identifier(arguments.med_list_codg, "med_list_codg")
    check_identifier(arguments.min_prcunt_type, "min_prcunt_type")
    check_range(arguments.units, 1, UNITS_MAX, "units")
    check_range(arguments.temperature_min, -TEMPERATURE_MAX, TEMPERATURE_MAX, "temperature_min")
    check_range(arguments.temperature_max, arguments.temperature_min, TEMPERATURE_MAX, "temperature_max")
    holder = arguments.holder or holder_of_supplier(context.member)
    check_holder(state, holder)
    if context.role != GENESIS and holder != holder_of_supplier(context.member):
        raise Refused("not-your-stock", "a supplier holds what it produces: leave the holder empty")
    if state.get(LOTS, arguments.lot_no) is not None:
        raise Refused("lot-exists", f"lot {arguments.lot_no} is registered already")
    lot = Lot(
        med_list_codg=arguments.med_list_codg,
        producer=holder,
        min_prcunt_type=arguments.min_prcunt_type,
        units=arguments.units,
        packs=0,
        pages=0,
        is_cold_chain=arguments.is_cold_chain,
        temperature_min=arguments.temperature_min,
        temperature_max=arguments.temperature_max,
    )
    _add_page(state, arguments.lot_no, lot, arguments.codes)
    return [Event("lot-produced", {"lot_no": arguments.lot_no, "packs": len(arguments.codes), "holder": holder})]


def _extend(state: State, arguments: Extend, _context: Context) -> list[Event]:
    """Refuses `already-recalled`, `lot-full`, `trace-code-exists`."""
    lot = get_lot(state, arguments.lot_no)
    if lot.is_recalled:
        raise Refused("already-recalled", f"lot {arguments.lot_no} is recalled")
    if lot.pages >= PAGES_MAX:
        raise Refused("lot-full", f"lot {arguments.lot_no} has {lot.pages} pages of codes; register another lot")
    _add_page(state, arguments.lot_no, lot, arguments.codes)
    count = len(arguments.codes)
    fields: dict[str, int | str] = {"lot_no": arguments.lot_no, "packs": count, "packs_in_all": lot.packs + count}
    return [Event("lot-extended", fields)]


def _add_page(state: State, lot_no: str, lot: Lot, codes: tuple[str, ...]) -> None:
    check_count(len(codes), PAGE_CODES_MAX, "codes")
    for code in codes:
        check_trace_code(code)
        if state.get(PACKS, code) is not None:
            raise Refused("trace-code-exists", f"the trace code {code} is registered already")
        state.put(PACKS, code, Pack(lot.med_list_codg, lot_no, lot.producer, lot.units, lot.units))
    page = lot.pages + 1
    state.put(LOT_PAGES, page_key(lot_no, page), LotPage(codes))
    state.put(LOTS, lot_no, msgspec.structs.replace(lot, packs=lot.packs + len(codes), pages=page))


def page_key(lot_no: str, page: int) -> str:
    return f"{lot_no}/{page:06d}"


def _recall(state: State, arguments: Recall, _context: Context) -> list[Event]:
    lot = get_lot(state, arguments.lot_no)
    check_reason(arguments.reason, RECALL_REASONS)
    if lot.is_recalled:
        raise Refused("already-recalled", f"lot {arguments.lot_no} is recalled already")
    state.put(LOTS, arguments.lot_no, msgspec.structs.replace(lot, is_recalled=True))
    fields: dict[str, int | str] = {"lot_no": arguments.lot_no, "reason": arguments.reason}
    return [Event("lot-recalled", fields | {"packs": lot.packs, "pages": lot.pages})]


def _record_temperature(state: State, arguments: RecordTemperature, context: Context) -> list[Event]:
    lot_no = get_pack(state, arguments.drug_trac_codg).lot_no
    lot = get_lot(state, lot_no)
    check_identifier(arguments.place, "place")
    check_range(arguments.temperature, -TEMPERATURE_MAX, TEMPERATURE_MAX, "temperature")
    if not lot.is_cold_chain:
        raise Refused("not-cold-chain", f"lot {lot_no} needs no cold chain")
    kind = "temperature-read"
    if not lot.temperature_min <= arguments.temperature <= lot.temperature_max:
        kind = "cold-chain-excursion"
        state.put(LOTS, lot_no, msgspec.structs.replace(lot, excursions=lot.excursions + 1))
    fields: dict[str, int | str] = {"lot_no": lot_no, "drug_trac_codg": arguments.drug_trac_codg}
    reading: dict[str, int | str] = {"place": arguments.place, "temperature": arguments.temperature, "day": context.day}
    return [Event(kind, fields | reading)]


def _record_and_stop(state: State, arguments: RecordTemperature, context: Context) -> list[Event]:
    """A reading outside what the lot bears stops the lot at once, on a chain that has `lot_quality`."""
    events = _record_temperature(state, arguments, context)
    is_broken = events[0].kind == "cold-chain-excursion"
    if is_broken and get_versions(state).at("lot_quality", context.height):
        events += stop_by_reading(state, str(events[0].fields["lot_no"]), context)
    return events


def _places(state: StateReader, arguments: PageOfLot, reader: Reader) -> Places:
    lot = get_lot(state, arguments.lot_no)
    check_range(arguments.page, 1, lot.pages, "page")
    page = state.get(LOT_PAGES, page_key(arguments.lot_no, arguments.page))
    assert page is not None, f"page {arguments.page} of lot {arguments.lot_no} is counted and not there"
    is_told = reader.role in SUPERVISORS
    places = tuple(_place_of(code, get_pack(state, code), is_told=is_told) for code in page.codes)
    return Places(lot.is_recalled, lot.pages, places)


def _place_of(code: str, pack: Pack, *, is_told: bool) -> Place:
    return Place(code, pack.holder, pack.units_left, pack.units - pack.units_left, pack.sales if is_told else ())


OF_PRODUCER = Whose(lambda state, arguments: find_producer(state, arguments.lot_no), owner="who produced the lot")
OF_HOLDER = Whose(lambda state, arguments: find_holder(state, arguments.drug_trac_codg), owner="who holds the pack")

_ALWAYS = (
    Operation("produce", Produce, among(SUPPLIER, GENESIS), _produce),
    Operation("extend", Extend, among(SUPPLIER, GENESIS), _extend, OF_PRODUCER),
    Operation("recall", Recall, SUPERVISORS | {SUPPLIER}, _recall, OF_PRODUCER.or_of(BUREAU, REGULATOR)),
)
NOTED = (*_ALWAYS, Operation("record_temperature", RecordTemperature, BY_HOLDERS, _record_temperature, OF_HOLDER))
STOPPING = (*_ALWAYS, Operation("record_temperature", RecordTemperature, BY_HOLDERS, _record_and_stop, OF_HOLDER))
QUERIES = (Query("places", PageOfLot, SUPERVISORS | {SUPPLIER}, _places, OF_PRODUCER.or_of(BUREAU, REGULATOR)),)
