"""Packs and lots: what every code stands for, who holds it, and who acts for the holder.

A holder is "supplier/<member>" or "institution/<fixmedins_code>". A pack is in exactly one place. What a lot is, and
whether it is recalled, stands once, at the lot; its codes lie in pages that nobody has to read at once.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import NOBODY
from consortium.contracts.checks import check_choice, check_identifier, check_trace_code
from consortium.contracts.insurance.institution import find_acting, get_institution
from consortium.contracts.medicines.lot_quality_records import check_sound, is_expired
from consortium.core.contract import Refused, State, StateReader, Table

SUPPLIER, INSTITUTION = "supplier", "institution"  # kinds of holders
SALE_CODES_MAX = 200
PAGE_CODES_MAX = 500
UNITS_MAX = 100


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


class Lot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `lot_no`: what was produced together. `producer` is a holder; `units` of every pack; `packs` and `pages`
    count its codes. Temperatures in hundredths of a degree Celsius."""

    med_list_codg: str
    producer: str
    min_prcunt_type: str
    units: int
    packs: int
    pages: int
    is_cold_chain: bool = False
    temperature_min: int = 0
    temperature_max: int = 0
    excursions: int = 0
    is_recalled: bool = False


class LotPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "lot_no/page", six digits, from 000001 on: codes that were registered by one call."""

    codes: tuple[str, ...]


PACKS: Table[Pack] = Table("trace_pack", Pack, told_as="code")
LOTS: Table[Lot] = Table("trace_lot", Lot, told_as="lot")
LOT_PAGES: Table[LotPage] = Table("trace_lot_page", LotPage)


def holder_of_institution(fixmedins_code: str) -> str:
    return f"{INSTITUTION}/{fixmedins_code}"


def holder_of_supplier(member: str) -> str:
    return f"{SUPPLIER}/{member}"


def check_holder(state: StateReader, holder: str) -> None:
    """Refuses `bad-choice`, `bad-identifier`, `unknown-institution`."""
    kind, _, identifier = holder.partition("/")
    check_choice(kind, (SUPPLIER, INSTITUTION), "the holder's kind")
    if kind == INSTITUTION:
        get_institution(state, identifier)
    else:
        check_identifier(identifier, "the holder's identifier")


def find_holding(state: StateReader, holder: str) -> tuple[str, ...]:
    """The member that acts for a holder; none where there is no such holder."""
    kind, _, identifier = holder.partition("/")
    if kind == INSTITUTION:
        return find_acting(state, identifier)
    return (identifier,) if kind == SUPPLIER else NOBODY


def find_holder(state: StateReader, code: str) -> tuple[str, ...]:
    """The member that acts for who holds a pack; none where no such pack is registered."""
    pack = state.get(PACKS, code)
    return NOBODY if pack is None else find_holding(state, pack.holder)


def find_producer(state: StateReader, lot_no: str) -> tuple[str, ...]:
    """The member that acts for who produced a lot; none where no such lot is registered."""
    lot = state.get(LOTS, lot_no)
    return NOBODY if lot is None else find_holding(state, lot.producer)


def get_pack(state: StateReader, code: str) -> Pack:
    """Refuses `bad-trace-code`, `trace-code-unknown`."""
    check_trace_code(code)
    pack = state.get(PACKS, code)
    if pack is None:
        raise Refused("trace-code-unknown", f"no producer registered the trace code {code}")
    return pack


def get_lot(state: StateReader, lot_no: str) -> Lot:
    """Refuses `bad-identifier`, `unknown-lot`."""
    check_identifier(lot_no, "lot_no")
    lot = state.get(LOTS, lot_no)
    if lot is None:
        raise Refused("unknown-lot", f"no lot {lot_no} is registered")
    return lot


def is_recalled(state: StateReader, pack: Pack) -> bool:
    return get_lot(state, pack.lot_no).is_recalled


def check_not_recalled(state: StateReader, code: str, pack: Pack) -> None:
    """Refuses `trace-code-recalled`."""
    if is_recalled(state, pack):
        raise Refused("trace-code-recalled", f"lot {pack.lot_no} of {code} is recalled")


def check_may_pass(state: StateReader, code: str, pack: Pack, day: int) -> None:
    """Whether a pack may be sold or handed on, on `day`. Refuses `trace-code-recalled`, `lot-quarantined`,
    `lot-expired`."""
    check_not_recalled(state, code, pack)
    check_sound(state, pack.lot_no, day)


def hand_over(state: State, code: str, source: str, target: str, day: int) -> Pack:
    """Change the holder of an unsold pack of which nothing is wrong. Refuses `lot-…`, `trace-code-…` like
    `sales.sell_pack`."""
    pack = get_pack(state, code)
    _check_whole(code, pack, source)
    check_may_pass(state, code, pack, day)
    state.put(PACKS, code, msgspec.structs.replace(pack, holder=target))
    return pack


def send_back(state: State, code: str, source: str, target: str, expired_day: int = 0) -> Pack:
    """The way back of an unsold pack of a recalled lot, or of one that expired before `expired_day`. Refuses
    `not-recalled`, `same-holder`, `trace-code-…`."""
    pack = get_pack(state, code)
    _check_whole(code, pack, source)
    if not is_recalled(state, pack) and not (expired_day and is_expired(state, pack.lot_no, expired_day)):
        raise Refused("not-recalled", f"lot {pack.lot_no} of {code} is not recalled")
    if source == target:
        raise Refused("same-holder", f"{code} is with {target} already")
    state.put(PACKS, code, msgspec.structs.replace(pack, holder=target))
    return pack


def _check_whole(code: str, pack: Pack, holder: str) -> None:
    if pack.holder != holder:
        raise Refused("trace-code-elsewhere", f"{code} is not held by {holder}")
    if pack.sales:
        raise Refused("trace-code-sold", f"{code} was sold by {pack.sales[-1].seller}: it cannot be handed on")
