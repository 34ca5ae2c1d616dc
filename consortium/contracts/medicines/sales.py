"""Sales of packs: each is sold exactly once, whole or by its units (拆零), until somebody brings it back.

Whoever sells a pack that was sold is refused, and the ledger keeps who both were: a refusal alone would vanish from the
state, and a counter at which no insurance pays tells nobody.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from consortium.contracts.access import BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import check_identifier, check_range
from consortium.contracts.insurance.institution import OF_INSTITUTION
from consortium.contracts.medicines.packs import (
    PACKS,
    UNITS_MAX,
    Pack,
    Sale,
    check_may_pass,
    get_pack,
    holder_of_institution,
)
from consortium.core.contract import Context, Event, Operation, Query, Reader, Refused, State, StateReader, Table

ATTEMPTS_MAX = 8  # that are kept of one pack
PAGE_MAX = 50


class Attempt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody sold a pack that was sold: as of Sale; `member` signed it, on `day`."""

    bill_no: str
    seller: str
    is_claim: bool
    member: str
    day: int


class SecondSales(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `drug_trac_codg`: the sale that stood, who tried again (the first eight), and how often in all."""

    first: Sale
    attempts: tuple[Attempt, ...]
    count: int


SECOND_SALES: Table[SecondSales] = Table("second_sale", SecondSales)


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


class SecondSalesAfter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for the next 50 packs that somebody sold again, in order of their codes; "" asks for the first."""

    drug_trac_codg: str = ""


class FoundSale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    drug_trac_codg: str
    second_sales: SecondSales


class FoundSales(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    found: tuple[FoundSale, ...]


def refuse_second_sale(
    state: State,
    wanted: Iterable[tuple[str, int, bool]],
    sale: Sale,
    context: Context,
) -> None:
    """Before anything else is written of a sale: where one of the packs `wanted` (code, units, is split) was sold, keep
    who sold it and who sells it again, and refuse `trace-code-sold`. `sale` says on which bill, and by whom."""
    for code, units, is_split in wanted:
        pack = state.get(PACKS, code)
        first = None if pack is None else _sold_before(pack, units if is_split else pack.units, is_split=is_split)
        if first is None:
            continue
        known = state.get(SECOND_SALES, code) or SecondSales(first, (), 0)
        attempt = Attempt(sale.bill_no, sale.seller, sale.is_claim, context.member, context.day)
        attempts = (*known.attempts, attempt)[:ATTEMPTS_MAX]
        state.put(SECOND_SALES, code, SecondSales(known.first, attempts, known.count + 1))
        raise Refused("trace-code-sold", _both(code, first, sale.seller, sale.bill_no), keeps_writes=True)


def _sold_before(pack: Pack, units: int, *, is_split: bool) -> Sale | None:
    """The newest sale of a pack where it leaves nothing of it; None where the pack can be sold, or is merely short."""
    is_gone = units > pack.units_left and (not is_split or pack.units_left == 0)
    return pack.sales[-1] if is_gone and pack.sales else None


def _both(code: str, first: Sale, seller: str, bill_no: str) -> str:
    return f"{code} was sold by {first.seller} on bill {first.bill_no}; {seller} sells it again on {bill_no}"


def sell_pack(
    state: State, code: str, med_list_codg: str, seller: str, sale: Sale, *, is_split: bool, day: int
) -> None:
    """Sell a pack or, if `is_split`, `sale.units` of it, on `day`. `med_list_codg` "" takes any item.

    Refuses `bad-trace-code`, `trace-code-unknown`, `trace-code-recalled`, `trace-code-sold`, `trace-code-units`,
    `trace-code-item`, `trace-code-elsewhere`, `lot-quarantined`, `lot-expired`.
    """
    pack = get_pack(state, code)
    check_may_pass(state, code, pack, day)
    units = sale.units if is_split else pack.units
    if units > pack.units_left:
        first = _sold_before(pack, units, is_split=is_split)
        if first is not None:
            raise Refused("trace-code-sold", _both(code, first, seller, sale.bill_no))
        raise Refused("trace-code-units", f"{code} has {pack.units_left} units left, not {units}")
    if med_list_codg and pack.med_list_codg != med_list_codg:
        raise Refused("trace-code-item", f"{code} is a pack of {pack.med_list_codg}, not of {med_list_codg}")
    if pack.holder != seller:
        raise Refused("trace-code-elsewhere", f"{code} is not held by {seller}")
    sold = sale if sale.units == units else msgspec.structs.replace(sale, units=units)
    state.put(PACKS, code, msgspec.structs.replace(pack, units_left=pack.units_left - units, sales=(*pack.sales, sold)))


def return_pack(state: State, code: str, bill_no: str, *, is_claim: bool) -> int:
    """Free what a bill took of a pack; returns the units given back."""
    pack = get_pack(state, code)
    kept = tuple(sale for sale in pack.sales if sale.bill_no != bill_no or sale.is_claim != is_claim)
    units = sum(sale.units for sale in pack.sales) - sum(sale.units for sale in kept)
    state.put(PACKS, code, msgspec.structs.replace(pack, units_left=pack.units_left + units, sales=kept))
    return units


def _sell(state: State, arguments: Sell, context: Context) -> list[Event]:
    check_identifier(arguments.bill_no, "bill_no")
    check_range(arguments.units, 0, UNITS_MAX, "units")
    code, seller = arguments.drug_trac_codg, holder_of_institution(arguments.fixmedins_code)
    sale, is_split = Sale(arguments.bill_no, 1, arguments.units, seller), arguments.units > 0
    refuse_second_sale(state, ((code, arguments.units, is_split),), sale, context)
    sell_pack(state, code, "", seller, sale, is_split=is_split, day=context.day)
    return [Event("pack-sold", {"drug_trac_codg": code, "seller": seller})]


def _return_sale(state: State, arguments: ReturnSale, _context: Context) -> list[Event]:
    check_identifier(arguments.bill_no, "bill_no")
    pack = get_pack(state, arguments.drug_trac_codg)
    seller = holder_of_institution(arguments.fixmedins_code)
    mine = [sale for sale in pack.sales if sale.bill_no == arguments.bill_no and sale.seller == seller]
    if not mine:
        raise Refused("not-sold", f"{seller} did not sell {arguments.drug_trac_codg} on {arguments.bill_no}")
    if any(sale.is_claim for sale in mine):
        raise Refused("sold-on-claim", f"insurance paid bill {arguments.bill_no}: reverse its settlement instead")
    units = return_pack(state, arguments.drug_trac_codg, arguments.bill_no, is_claim=False)
    return [Event("pack-returned", {"drug_trac_codg": arguments.drug_trac_codg, "seller": seller, "units": units})]


def _second_sales(state: StateReader, arguments: SecondSalesAfter, _reader: Reader) -> FoundSales:
    after = arguments.drug_trac_codg
    page = state.range(SECOND_SALES, f"{after} ", "~", limit=PAGE_MAX)
    return FoundSales(tuple(FoundSale(code, sales) for code, sales in page))


OPERATIONS = (
    Operation("sell", Sell, BY_PROVIDERS, _sell, OF_INSTITUTION),
    Operation("return_sale", ReturnSale, BY_PROVIDERS, _return_sale, OF_INSTITUTION),
)
QUERIES = (Query("second_sales", SecondSalesAfter, SUPERVISORS, _second_sales),)
