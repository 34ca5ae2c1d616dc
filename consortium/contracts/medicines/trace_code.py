"""Trace codes 追溯码: one 20-digit code per pack, from the producer to exactly one sale.

A pack holds `units` minimal units; a whole sale takes all of them, a split sale (`trdn_flag`, 拆零) some, until
they run out. A return gives the units back. A second sale is refused with a sentence that names both parties. A
recall finds every holder. A holder is "supplier/<member>" or "institution/<fixmedins_code>".
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import (
    BUREAU,
    HOSPITAL,
    PHARMACY,
    REGULATOR,
    SUPPLIER,
    check_choice,
    check_count,
    check_identifier,
    check_range,
    check_text,
    check_trace_code,
)
from consortium.contracts.insurance.institution import check_acts_for, get_institution
from consortium.core.contract import GENESIS, Context, Contract, Event, Operation, Refused, State, StateReader, Table

LOT_CODES_MAX = 500
SALE_CODES_MAX = 200
UNITS_MAX = 100
TEMPERATURE_MAX = 20_000


class Sale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units sold on line `feedetl_sn` of a bill; `bill_no` is a receipt's number where no insurance paid."""

    bill_no: str
    feedetl_sn: int
    units: int
    seller: str
    is_claim: bool = False


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `drug_trac_codg`. `units_left` counts what is not sold."""

    med_list_codg: str
    lot_no: str
    holder: str
    units: int
    units_left: int
    sales: tuple[Sale, ...] = ()
    is_recalled: bool = False


class Lot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `lot_no`: the codes that were produced together. Temperatures in hundredths of a degree Celsius."""

    med_list_codg: str
    producer: str
    min_prcunt_type: str
    codes: tuple[str, ...]
    is_cold_chain: bool = False
    temperature_min: int = 0
    temperature_max: int = 0
    excursions: int = 0
    is_recalled: bool = False


PACKS: Table[Pack] = Table("trace_pack", Pack)
LOTS: Table[Lot] = Table("trace_lot", Lot)


class Produce(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Register a lot of at most 500 packs. Genesis names the `holder`; a supplier holds what it produces."""

    lot_no: str
    med_list_codg: str
    min_prcunt_type: str  # name of the minimal unit, for example "tablet"
    units: int  # per pack, 1 to 100
    codes: tuple[str, ...]
    holder: str = ""
    is_cold_chain: bool = False
    temperature_min: int = 0  # hundredths of °C
    temperature_max: int = 0


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hand packs from holder `source` to holder `target`; the signer acts for `source`."""

    source: str
    target: str
    codes: tuple[str, ...]


class Sell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sale that no insurance pays. `units` 0 sells the whole pack, otherwise splits it."""

    fixmedins_code: str
    drug_trac_codg: str
    bill_no: str
    units: int


class ReturnSale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take back what was sold on `bill_no` without insurance."""

    fixmedins_code: str
    drug_trac_codg: str
    bill_no: str


class Recall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recall a lot: none of its packs is sold or handed on any more."""

    lot_no: str
    reason: str


class RecordTemperature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reading of a cold-chain lot, in hundredths of °C."""

    lot_no: str
    place: str
    temperature: int


def holder_of_institution(fixmedins_code: str) -> str:
    return f"institution/{fixmedins_code}"


def holder_of_supplier(member: str) -> str:
    return f"supplier/{member}"


def check_holder(state: StateReader, holder: str) -> None:
    """Refuses `bad-choice`, `bad-identifier`, `unknown-institution`."""
    kind, _, identifier = holder.partition("/")
    check_choice(kind, ("supplier", "institution"), "the holder's kind")
    if kind == "institution":
        get_institution(state, identifier)
    else:
        check_identifier(identifier, "the holder's identifier")


def check_acts_for_holder(state: StateReader, holder: str, context: Context) -> None:
    """Refuses `not-your-stock` or `not-your-institution` unless the signer acts for the holder."""
    check_holder(state, holder)
    kind, _, identifier = holder.partition("/")
    if kind == "institution":
        check_acts_for(get_institution(state, identifier), identifier, context)
    elif context.role != SUPPLIER or context.member != identifier:
        raise Refused("not-your-stock", f"{context.member} does not act for {holder}")


def get_pack(state: StateReader, code: str) -> Pack:
    """Refuses `bad-trace-code`, `trace-code-unknown`."""
    check_trace_code(code)
    pack = state.get(PACKS, code)
    if pack is None:
        raise Refused("trace-code-unknown", f"no producer registered the trace code {code}")
    return pack


def sell_pack(state: State, code: str, med_list_codg: str, seller: str, sale: Sale, *, is_split: bool) -> None:
    """Sell a pack or, if `is_split`, `sale.units` of it. `med_list_codg` "" takes any item.

    Refuses `bad-trace-code`, `trace-code-unknown`, `trace-code-recalled`, `trace-code-sold`, `trace-code-units`,
    `trace-code-item`, `trace-code-elsewhere`.
    """
    pack = get_pack(state, code)
    if pack.is_recalled:
        raise Refused("trace-code-recalled", f"lot {pack.lot_no} of {code} is recalled")
    units = sale.units if is_split else pack.units
    if units > pack.units_left:
        if pack.sales and (not is_split or pack.units_left == 0):
            last = pack.sales[-1]
            raise Refused(
                "trace-code-sold",
                f"{code} was sold by {last.seller} on bill {last.bill_no}; {seller} sells it again on {sale.bill_no}",
            )
        raise Refused("trace-code-units", f"{code} has {pack.units_left} units left, not {units}")
    if med_list_codg and pack.med_list_codg != med_list_codg:
        raise Refused("trace-code-item", f"{code} is a pack of {pack.med_list_codg}, not of {med_list_codg}")
    if pack.holder != seller:
        raise Refused("trace-code-elsewhere", f"{code} is held by {pack.holder}, not by {seller}")
    sold = sale if sale.units == units else msgspec.structs.replace(sale, units=units)
    state.put(PACKS, code, msgspec.structs.replace(pack, units_left=pack.units_left - units, sales=(*pack.sales, sold)))


def return_pack(state: State, code: str, bill_no: str, *, is_claim: bool) -> int:
    """Free what a bill took of a pack; returns the units given back."""
    pack = get_pack(state, code)
    kept = tuple(sale for sale in pack.sales if sale.bill_no != bill_no or sale.is_claim != is_claim)
    units = sum(sale.units for sale in pack.sales) - sum(sale.units for sale in kept)
    state.put(PACKS, code, msgspec.structs.replace(pack, units_left=pack.units_left + units, sales=kept))
    return units


def hand_over(state: State, code: str, source: str, target: str) -> Pack:
    """Change the holder of an unsold pack. Refuses `trace-code-…` like `sell_pack`."""
    pack = get_pack(state, code)
    if pack.holder != source:
        raise Refused("trace-code-elsewhere", f"{code} is held by {pack.holder}, not by {source}")
    if pack.is_recalled:
        raise Refused("trace-code-recalled", f"lot {pack.lot_no} of {code} is recalled")
    if pack.sales:
        raise Refused("trace-code-sold", f"{code} was sold by {pack.sales[-1].seller}: it cannot be handed on")
    state.put(PACKS, code, msgspec.structs.replace(pack, holder=target))
    return pack


def _produce(state: State, arguments: Produce, context: Context) -> list[Event]:
    check_identifier(arguments.lot_no, "lot_no")
    check_identifier(arguments.med_list_codg, "med_list_codg")
    check_identifier(arguments.min_prcunt_type, "min_prcunt_type")
    check_range(arguments.units, 1, UNITS_MAX, "units")
    check_count(len(arguments.codes), LOT_CODES_MAX, "codes")
    check_range(arguments.temperature_min, -TEMPERATURE_MAX, TEMPERATURE_MAX, "temperature_min")
    check_range(arguments.temperature_max, arguments.temperature_min, TEMPERATURE_MAX, "temperature_max")
    holder = arguments.holder or holder_of_supplier(context.member)
    check_holder(state, holder)
    if context.role != GENESIS and holder != holder_of_supplier(context.member):
        raise Refused("not-your-stock", "a supplier holds what it produces: leave the holder empty")
    if state.get(LOTS, arguments.lot_no) is not None:
        raise Refused("lot-exists", f"lot {arguments.lot_no} is registered already")
    for code in arguments.codes:
        check_trace_code(code)
        if state.get(PACKS, code) is not None:
            raise Refused("trace-code-exists", f"the trace code {code} is registered already")
        state.put(
            PACKS, code, Pack(arguments.med_list_codg, arguments.lot_no, holder, arguments.units, arguments.units)
        )
    lot = Lot(
        med_list_codg=arguments.med_list_codg,
        producer=holder,
        min_prcunt_type=arguments.min_prcunt_type,
        codes=arguments.codes,
        is_cold_chain=arguments.is_cold_chain,
        temperature_min=arguments.temperature_min,
        temperature_max=arguments.temperature_max,
    )
    state.put(LOTS, arguments.lot_no, lot)
    return [Event("lot-produced", {"lot_no": arguments.lot_no, "packs": len(arguments.codes), "holder": holder})]


def _transfer(state: State, arguments: Transfer, context: Context) -> list[Event]:
    check_count(len(arguments.codes), SALE_CODES_MAX, "codes")
    check_acts_for_holder(state, arguments.source, context)
    check_holder(state, arguments.target)
    for code in arguments.codes:
        hand_over(state, code, arguments.source, arguments.target)
    return [
        Event(
            "packs-transferred",
            {"source": arguments.source, "target": arguments.target, "packs": len(arguments.codes)},
        )
    ]


def _sell(state: State, arguments: Sell, context: Context) -> list[Event]:
    code = arguments.fixmedins_code
    check_acts_for(get_institution(state, code), code, context)
    check_identifier(arguments.bill_no, "bill_no")
    check_range(arguments.units, 0, UNITS_MAX, "units")
    seller = holder_of_institution(code)
    sale = Sale(arguments.bill_no, 1, arguments.units, seller)
    sell_pack(state, arguments.drug_trac_codg, "", seller, sale, is_split=arguments.units > 0)
    return [Event("pack-sold", {"drug_trac_codg": arguments.drug_trac_codg, "seller": seller})]


def _return_sale(state: State, arguments: ReturnSale, context: Context) -> list[Event]:
    code = arguments.fixmedins_code
    check_acts_for(get_institution(state, code), code, context)
    check_identifier(arguments.bill_no, "bill_no")
    pack = get_pack(state, arguments.drug_trac_codg)
    seller = holder_of_institution(code)
    mine = [sale for sale in pack.sales if sale.bill_no == arguments.bill_no and sale.seller == seller]
    if not mine:
        raise Refused("not-sold", f"{seller} did not sell {arguments.drug_trac_codg} on {arguments.bill_no}")
    if any(sale.is_claim for sale in mine):
        raise Refused("sold-on-claim", f"insurance paid bill {arguments.bill_no}: reverse its settlement instead")
    units = return_pack(state, arguments.drug_trac_codg, arguments.bill_no, is_claim=False)
    return [Event("pack-returned", {"drug_trac_codg": arguments.drug_trac_codg, "seller": seller, "units": units})]


def _get_lot(state: StateReader, lot_no: str) -> Lot:
    check_identifier(lot_no, "lot_no")
    lot = state.get(LOTS, lot_no)
    if lot is None:
        raise Refused("unknown-lot", f"no lot {lot_no} is registered")
    return lot


def _recall(state: State, arguments: Recall, context: Context) -> list[Event]:
    """One event for each holder, one for each pack that was sold (it names the bills): at most 1,001."""
    lot = _get_lot(state, arguments.lot_no)
    check_text(arguments.reason, "reason")
    if lot.is_recalled:
        raise Refused("already-recalled", f"lot {arguments.lot_no} is recalled already")
    if context.role == SUPPLIER and lot.producer != holder_of_supplier(context.member):
        raise Refused("not-your-stock", f"{lot.producer} produced lot {arguments.lot_no}")
    state.put(LOTS, arguments.lot_no, msgspec.structs.replace(lot, is_recalled=True))
    events = [Event("lot-recalled", {"lot_no": arguments.lot_no, "reason": arguments.reason})]
    held: dict[str, int] = {}
    for code in lot.codes:
        pack = get_pack(state, code)
        state.put(PACKS, code, msgspec.structs.replace(pack, is_recalled=True))
        if pack.units_left:
            held[pack.holder] = held.get(pack.holder, 0) + 1
        if pack.sales:
            bills = ",".join(sale.bill_no for sale in pack.sales)
            events.append(Event("recall-sold", {"drug_trac_codg": code, "seller": pack.holder, "bills": bills}))
    for holder, packs in held.items():
        events.append(Event("recall-held", {"lot_no": arguments.lot_no, "holder": holder, "packs": packs}))
    return events


def _record_temperature(state: State, arguments: RecordTemperature, context: Context) -> list[Event]:
    lot = _get_lot(state, arguments.lot_no)
    check_text(arguments.place, "place", 64)
    check_range(arguments.temperature, -TEMPERATURE_MAX, TEMPERATURE_MAX, "temperature")
    if not lot.is_cold_chain:
        raise Refused("not-cold-chain", f"lot {arguments.lot_no} needs no cold chain")
    if lot.temperature_min <= arguments.temperature <= lot.temperature_max:
        kind = "temperature-read"
    else:
        kind = "cold-chain-excursion"
        state.put(LOTS, arguments.lot_no, msgspec.structs.replace(lot, excursions=lot.excursions + 1))
    return [
        Event(
            kind,
            {
                "lot_no": arguments.lot_no,
                "place": arguments.place,
                "temperature": arguments.temperature,
                "day": context.day,
            },
        )
    ]


_SELLERS = frozenset((HOSPITAL, PHARMACY))
_HOLDERS = frozenset((HOSPITAL, PHARMACY, SUPPLIER))

CONTRACT = Contract(
    "trace_code",
    1,
    (
        Operation("produce", Produce, frozenset((SUPPLIER, GENESIS)), _produce),
        Operation("transfer", Transfer, _HOLDERS, _transfer),
        Operation("sell", Sell, _SELLERS, _sell),
        Operation("return_sale", ReturnSale, _SELLERS, _return_sale),
        Operation("recall", Recall, frozenset((SUPPLIER, REGULATOR, BUREAU)), _recall),
        Operation("record_temperature", RecordTemperature, _HOLDERS, _record_temperature),
    ),
)
