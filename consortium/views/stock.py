"""Stock by holder and item: packs with trace codes that are not sold out, and packs without codes that the bureau
listed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from consortium.contracts.access import BY_HOLDERS, SUPERVISORS
from consortium.contracts.insurance.bill import Issue, normalise
from consortium.contracts.insurance.journal import TELLING
from consortium.contracts.insurance.lines import Sold
from consortium.contracts.insurance.settlement import IssueAndClaim
from consortium.contracts.medicines.lots import Extend, Produce
from consortium.contracts.medicines.packs import find_holding, holder_of_institution, holder_of_supplier
from consortium.contracts.medicines.procurement_records import PlaceOrder, Receive
from consortium.contracts.medicines.procurement_records import SendBack as OrderBack
from consortium.contracts.medicines.sales import ReturnSale, Sell
from consortium.contracts.medicines.stock import ListUncoded
from consortium.contracts.medicines.trace_code import SendBack, Transfer
from consortium.contracts.medicines.vaccination import Give
from consortium.views.view import NUMBER, TEXT, Book, Columns, Told, View

STOCK = Columns(
    "stock",
    2,
    {"holder": TEXT, "med_list_codg": TEXT, "packs": NUMBER, "units": NUMBER, "uncoded": NUMBER},
    whose=lambda state, row: find_holding(state, str(row["holder"])),
)
BY_LOT = Columns(
    "by_lot",
    3,
    {"holder": TEXT, "med_list_codg": TEXT, "lot_no": TEXT, "packs": NUMBER, "units": NUMBER},
    whose=lambda state, row: find_holding(state, str(row["holder"])),
)
PACKS = Columns(
    "pack", 1, {"code": TEXT, "lot_no": TEXT, "holder": TEXT, "units_left": NUMBER, "counter": TEXT}, is_shown=False
)
LOTS = Columns("lot", 1, {"lot_no": TEXT, "med_list_codg": TEXT, "producer": TEXT, "units": NUMBER}, is_shown=False)
DOSES = Columns("dose", 1, {"dose_no": TEXT, "code": TEXT}, is_shown=False)
ORDERS = Columns("order", 1, {"order_no": TEXT, "fixmedins_code": TEXT}, is_shown=False)
BILLS = Columns("bill", 1, {"bill_no": TEXT, "fixmedins_code": TEXT, "sold": TEXT}, is_shown=False)


def _feed(book: Book, told: Told) -> None:
    if told.contract == "trace_code":
        _on_packs(book, told)
    elif told.contract == "procurement":
        _on_order(book, told)
    elif told.is_call("stock", "endorse_uncoded"):
        listed = told.read(ListUncoded)
        book.add("stock", (holder_of_institution(listed.fixmedins_code), listed.med_list_codg), uncoded=listed.count)
    elif told.is_call("vaccination", "give"):
        given = told.read(Give)
        book.put("dose", (given.dose_no,), (given.drug_trac_codg,))
        taken = _take(book, given.drug_trac_codg, 1)
        _note_counter(book, given.drug_trac_codg, given.dose_no, taken)
    elif told.contract in ("bill", *TELLING):
        _on_bill(book, told)
    for event in told.events if told.is_call("vaccination", "withdraw") else ():
        code = str(book.column("dose", (event.fields["dose_no"],), "code"))
        _take(book, code, _note_counter(book, code, str(event.fields["dose_no"]), 0))


# --- packs ----------------------------------------------------------------------------------------------------------


def _on_packs(book: Book, told: Told) -> None:
    match told.operation:
        case "produce":
            made = told.read(Produce)
            holder = made.holder or holder_of_supplier(told.member)
            book.put("lot", (made.lot_no,), (made.med_list_codg, holder, made.units))
            _make(book, made.lot_no, made.codes)
        case "extend":
            more = told.read(Extend)
            _make(book, more.lot_no, more.codes)
        case "transfer":
            moved = told.read(Transfer)
            _hand_over(book, moved.codes, moved.target)
        case "send_back":
            for code in told.read(SendBack).codes:
                _hand_over(book, (code,), str(book.column("lot", (_lot_of(book, code),), "producer")))
        case "sell":
            sold = told.read(Sell)
            taken = _take(book, sold.drug_trac_codg, sold.units)
            _note_counter(book, sold.drug_trac_codg, sold.bill_no, taken)
        case "return_sale":
            back = told.read(ReturnSale)
            _take(book, back.drug_trac_codg, _note_counter(book, back.drug_trac_codg, back.bill_no, 0))


def _make(book: Book, lot_no: str, codes: Iterable[str]) -> None:
    holder, units = book.column("lot", (lot_no,), "producer"), int(book.column("lot", (lot_no,), "units"))
    for code in codes:
        book.put("pack", (code,), (lot_no, holder, units, "{}"))
        _count(book, code, 1)


def _lot_of(book: Book, code: str) -> str:
    return str(book.column("pack", (code,), "lot_no"))


def _count(book: Book, code: str, sign: int) -> None:
    """Add a pack to what its holder has, or take it away."""
    holder, left = str(book.column("pack", (code,), "holder")), int(book.column("pack", (code,), "units_left"))
    lot_no = _lot_of(book, code)
    item = book.column("lot", (lot_no,), "med_list_codg")
    if left:
        book.add("stock", (holder, item), packs=sign, units=sign * left)
        book.add("by_lot", (holder, item, lot_no), packs=sign, units=sign * left)


def _hand_over(book: Book, codes: Iterable[str], holder: str) -> None:
    for code in codes:
        _count(book, code, -1)
        book.set("pack", (code,), holder=holder)
        _count(book, code, 1)


def _take(book: Book, code: str, units: int) -> int:
    """Units off a pack, all that are left where `units` is 0, or back to it where it is below 0; how many."""
    taken = units or int(book.column("pack", (code,), "units_left"))
    _count(book, code, -1)
    book.add("pack", (code,), units_left=-taken)
    _count(book, code, 1)
    return taken


def _note_counter(book: Book, code: str, bill_no: str, taken: int) -> int:
    """Keep how much a sale at the counter took of a pack; with `taken` 0 forget it: minus what it took."""
    kept = msgspec.json.decode(str(book.column("pack", (code,), "counter")), type=dict[str, int])
    if taken:
        kept[bill_no] = kept.get(bill_no, 0) + taken
    back = -kept.pop(bill_no, 0) if not taken else 0
    book.set("pack", (code,), counter=msgspec.json.encode(kept, order="sorted").decode())
    return back


# --- orders and bills -----------------------------------------------------------------------------------------------


def _on_order(book: Book, told: Told) -> None:
    match told.operation:
        case "place_order":
            placed = told.read(PlaceOrder)
            book.put("order", (placed.order_no,), (placed.fixmedins_code,))
        case "receive":
            received = told.read(Receive)
            code = str(book.column("order", (received.order_no,), "fixmedins_code"))
            if received.inspection_passed:
                _hand_over(book, received.codes, holder_of_institution(code))
        case "send_back":
            back = told.read(OrderBack)
            for fields in told.of_kind("goods-sent-back"):
                _hand_over(book, back.codes, holder_of_supplier(str(fields["supplier"])))


def _on_bill(book: Book, told: Told) -> None:
    for event in told.events:
        number = str(event.fields.get("bill_no", ""))
        if event.kind == "bill-issued":
            issue = told.read(IssueAndClaim if told.contract == "settlement" else Issue)
            sold = msgspec.json.encode(issue.sold).decode()
            book.put("bill", (normalise(issue.bill_no),), (issue.fixmedins_code, sold))
        elif event.kind in ("settled", "settlement-reversed"):
            _sell(book, number, 1 if event.kind == "settled" else -1)


def _sell(book: Book, number: str, sign: int) -> None:
    """What a bill sold, taken from stock when it is settled, given back when that is reversed."""
    holder = holder_of_institution(str(book.column("bill", (number,), "fixmedins_code")))
    text = str(book.column("bill", (number,), "sold"))
    for sold in msgspec.json.decode(text, type=tuple[Sold, ...]) if text else ():
        for code in sold.drug_trac_codg:
            whole = int(book.column("lot", (_lot_of(book, code),), "units"))
            _take(book, code, sign * (sold.cnt if sold.trdn_flag else whole))
        if not sold.drug_trac_codg:
            book.add("stock", (holder, sold.med_list_codg), uncoded=-sign * sold.cnt)


VIEW = View(
    "stock",
    "Who holds how many packs and units of an item, and of which lot.",
    (STOCK, BY_LOT, PACKS, LOTS, DOSES, ORDERS, BILLS),
    _feed,
    BY_HOLDERS | SUPERVISORS,
)
