"""Trace codes 追溯码: one 20-digit code per pack, from the producer to exactly one sale.

A pack holds `units` minimal units; a whole sale takes all of them, a split sale (`trdn_flag`, 拆零) some, until
they run out. A return gives the units back. A second sale is refused, and who both parties were is kept. A recall stops
every pack of a lot; the unsold ones go back to its producer. From version 2 on a reading outside what a lot bears puts
it into quarantine in the same transaction.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_HOLDERS, REGULATOR, SUPERVISORS
from consortium.contracts.checks import check_count
from consortium.contracts.medicines import lots, packs, sales
from consortium.contracts.medicines.lots import OF_HOLDER, Extend, Produce, Recall, RecordTemperature
from consortium.contracts.medicines.packs import (
    SALE_CODES_MAX,
    Pack,
    check_holder,
    find_holding,
    get_lot,
    get_pack,
    hand_over,
)
from consortium.contracts.medicines.sales import ReturnSale, Sell
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    RowOf,
    State,
    StateReader,
    Whose,
)

__all__ = [
    "CONTRACT",
    "Extend",
    "Produce",
    "Recall",
    "RecordTemperature",
    "ReturnSale",
    "Sell",
    "SendBack",
    "Transfer",
]


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hand packs from holder `source` to holder `target`; the signer acts for `source`."""

    source: str
    target: str
    codes: tuple[str, ...]


class SendBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unsold packs of recalled or expired lots go from holder `source` back to who produced them."""

    source: str
    codes: tuple[str, ...]


class OfPack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask what stands of one pack."""

    drug_trac_codg: str


def _transfer(state: State, arguments: Transfer, context: Context) -> list[Event]:
    check_count(len(arguments.codes), SALE_CODES_MAX, "codes")
    check_holder(state, arguments.source)
    check_holder(state, arguments.target)
    for code in arguments.codes:
        hand_over(state, code, arguments.source, arguments.target, context.day)
    fields: dict[str, int | str] = {"source": arguments.source, "target": arguments.target}
    return [Event("packs-transferred", fields | {"packs": len(arguments.codes)})]


def _send_back(state: State, arguments: SendBack, context: Context) -> list[Event]:
    check_count(len(arguments.codes), SALE_CODES_MAX, "codes")
    sent: dict[str, int] = {}
    for code in arguments.codes:
        lot_no = get_pack(state, code).lot_no
        packs.send_back(state, code, arguments.source, get_lot(state, lot_no).producer, context.day)
        sent[lot_no] = sent.get(lot_no, 0) + 1
    return [
        Event("packs-sent-back", {"source": arguments.source, "lot_no": lot_no, "packs": count})
        for lot_no, count in sent.items()
    ]


def _pack(state: StateReader, arguments: OfPack, _reader: Reader) -> Pack:
    return get_pack(state, arguments.drug_trac_codg)


OF_SOURCE = Whose(lambda state, arguments: find_holding(state, arguments.source), owner="who acts for the source")

_HANDING = (
    Operation("transfer", Transfer, BY_HOLDERS, _transfer, OF_SOURCE),
    Operation("send_back", SendBack, BY_HOLDERS, _send_back, OF_SOURCE),
    *sales.OPERATIONS,
)
_QUERIES = (
    *lots.QUERIES,
    Query(
        "pack",
        OfPack,
        BY_HOLDERS | SUPERVISORS,
        _pack,
        OF_HOLDER.or_of(BUREAU, REGULATOR),
        RowOf(packs.PACKS, lambda asked: asked.drug_trac_codg, OfPack),
    ),
    *sales.QUERIES,
)
READINGS_NOTED = Contract("trace_code", 1, (*lots.NOTED, *_HANDING), _QUERIES)
CONTRACT = Contract(
    "trace_code",
    2,  # a reading that breaks the cold chain stops the lot by itself
    (*lots.STOPPING, *_HANDING),
    _QUERIES,
    older=(READINGS_NOTED,),
    founding=1,
)
