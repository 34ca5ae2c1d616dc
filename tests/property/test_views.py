"""Views: whatever happened, they agree with the state that it left, and are the same however they were fed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.contracts.insurance import accumulators, bill, funds, institution, journal, payable, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines import packs, procurement_records, sales, trace_code
from consortium.contracts.medicines.procurement_records import (
    AwardTender,
    Invoice,
    Order,
    Pay,
    PlaceOrder,
    Prepay,
    Receive,
    Refund,
    Ship,
    SignSubcontract,
    get_order,
)
from consortium.contracts.medicines.stock import UNCODED, ListUncoded
from consortium.core.contract import Refused
from consortium.views import load_views
from consortium.views.view import Book, View, digest_of, feed_block
from nodes.process.view_file import ViewFile
from tests.contracts_state import CONTRACTS, code_of, founded
from tests.systems.reading import read
from tests.views_kit import Recorded

VIEWS = load_views()
CODES = tuple(code_of(number) for number in range(8))
PLACES = ("supplier/s1", "institution/H1", "institution/P1")
MEMBERS = {"H1": "h1", "P1": "p1"}
ENTRIES = ("settled", "settlement-reversed")

place = st.sampled_from(PLACES)
buyer = st.sampled_from(("H1", "P1"))
code = st.sampled_from(CODES)
slot = st.integers(0, 2)
count = st.integers(1, 3)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("transfer"), place, code),
        st.tuples(st.just("sell"), code, slot, st.integers(0, 3)),
        st.tuples(st.just("return"), code, slot),
        st.tuples(st.just("claim"), code, count, st.booleans(), st.sampled_from(("", "c", "m", "mc", "cm", "mr"))),
        st.tuples(st.just("issue"), code, slot),
        st.tuples(st.just("settle"), buyer, slot),
        st.tuples(st.just("reverse")),
        st.tuples(st.just("word"), st.integers(0, 1), st.booleans(), st.booleans()),
        st.tuples(st.just("order"), buyer, slot, count),
        st.tuples(st.just("trade"), buyer, slot, count, st.booleans(), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("ship"), slot),
        st.tuples(st.just("receive"), slot, st.integers(0, 3), st.booleans()),
        st.tuples(st.just("prepay"), slot),
        st.tuples(st.just("pay"), slot),
        st.tuples(st.just("refund"), slot),
        st.tuples(st.just("uncoded"), buyer, st.integers(1, 9)),
        st.tuples(st.just("disburse"), buyer, st.integers(1, 90_000)),
    ),
    min_size=4,
    max_size=40,
)


def house_of(acts: list[tuple[Any, ...]]) -> Recorded:
    """What these acts leave; those that are refused leave nothing."""
    house = Recorded()
    founded(house)
    house.run("s1", "trace_code", "produce", trace_code.Produce("lot", "D", "tablet", 10, CODES[:6]))
    house.run("s1", "trace_code", "extend", trace_code.Extend("lot", CODES[6:]))
    house.run("bureau", "procurement", "award_tender", AwardTender("T", "D", "s1", "s1", 700, 90, 20260101, 20270101))
    for fixmedins_code, member in MEMBERS.items():
        house.run(member, "procurement", "sign_subcontract", SignSubcontract("T", fixmedins_code, 40))
        target, some = f"institution/{fixmedins_code}", CODES[:2] if fixmedins_code == "H1" else CODES[2:4]
        house.run("s1", "trace_code", "transfer", trace_code.Transfer("supplier/s1", target, some))
    for serial, (name, *words) in enumerate(acts):
        try:
            _DO[name](house, serial, *words)
        except Refused:
            continue
    return house


def _holder(house: Recorded, code: str) -> str:
    return packs.get_pack(house.state, code).holder.partition("/")[2]


def _at(house: Recorded, code: str) -> str:
    """The institution that holds a pack; P1, which then is refused, where a supplier does."""
    holder = _holder(house, code)
    return holder if holder in MEMBERS else "P1"


def _transfer(house: Recorded, serial: int, target: str, code: str) -> None:
    source = packs.get_pack(house.state, code).holder
    member = {"s1": "s1", **MEMBERS}[source.partition("/")[2]]
    house.run(member, "trace_code", "transfer", trace_code.Transfer(source, target, (code,)))


def _sell(house: Recorded, serial: int, code: str, till: int, units: int) -> None:
    at = _at(house, code)
    house.run(MEMBERS[at], "trace_code", "sell", trace_code.Sell(at, code, f"till-{till}", units))


def _return(house: Recorded, serial: int, code: str, till: int) -> None:
    at, sales_of = _at(house, code), packs.get_pack(house.state, code).sales
    bill_no = sales_of[till % len(sales_of)].bill_no if sales_of else f"till-{till}"
    house.run(MEMBERS[at], "trace_code", "return_sale", trace_code.ReturnSale(at, code, bill_no))


def _claim(house: Recorded, serial: int, code: str, units: int, is_split: bool, after: str) -> None:
    """`after`: the lines are confirmed, a mismatch is reported, the settlement is reversed."""
    at = _at(house, code)
    line = Line("D", units, 50_000, (code,), True) if is_split else Line("D", 1, 500_000, (code,))
    day = {"begndate": 20260401, "enddate": 20260401, "med_type": "outpatient"}
    house.claim("E", (line,), fixmedins_code=at, member=MEMBERS[at], serial=str(serial), **day)
    for step in after:
        if step == "r":
            _reverse(house, serial)
        else:
            _word(house, serial, 0, step == "c", step == "c")


def _issue(house: Recorded, serial: int, code: str, slot: int) -> None:
    at = _at(house, code)
    issued = house.issue(f"{at}-slot-{slot}", "E", (Line("D", 1, 500_000, (code,)),))
    house.run(MEMBERS[at], "bill", "issue", issued)


def _settle(house: Recorded, serial: int, at: str, slot: int) -> None:
    step = bill.Step(f"{at}-slot-{slot}")
    for member, operation in ((MEMBERS[at], "deliver"), ("bureau", "verify")):
        house.refusal(member, "bill", operation, step)
    house.run(MEMBERS[at], "settlement", "claim", settlement.Claim(f"{at}-SLOT-{slot}", "E"))


def _reverse(house: Recorded, serial: int) -> None:
    newest = accumulators.get_accumulator(house.state, "E", 2026).newest
    house.run("bureau", "settlement", "reverse", settlement.Reverse("E", 2026, max(1, newest), "wrong-lines"))


def _word(house: Recorded, serial: int, before: int, is_confirmed: bool, is_bureau: bool) -> None:
    sequence = max(1, accumulators.get_accumulator(house.state, "E", 2026).newest - before)
    member = "bureau" if is_bureau else "regulator"
    if is_confirmed:
        house.run(member, "settlement", "confirm_lines", payable.ConfirmLines("E", 2026, sequence))
    else:
        house.run(member, "settlement", "report_mismatch", payable.ReportMismatch("E", 2026, sequence, "sums"))


def _order(house: Recorded, serial: int, at: str, slot: int, quantity: int) -> None:
    house.run(MEMBERS[at], "procurement", "place_order", PlaceOrder(f"O{slot}", "T", at, quantity))


def _ordered(house: Recorded, slot: int) -> Order:
    return get_order(house.state, f"O{slot}")


def _ship(house: Recorded, serial: int, slot: int) -> None:
    order = _ordered(house, slot)
    some = tuple(code for code in CODES if _holder(house, code) == "s1")[: order.quantity]
    invoice = Invoice("s1", order.fixmedins_code, serial.to_bytes(32, "big"))
    house.run("s1", "procurement", "ship", Ship(f"O{slot}", some, (invoice,), b"r" * 32, True))


def _receive(house: Recorded, serial: int, slot: int, scanned: int, passed: bool) -> None:
    order = _ordered(house, slot)
    codes = order.codes[:scanned]
    member = MEMBERS[order.fixmedins_code]
    house.run(member, "procurement", "receive", Receive(f"O{slot}", codes, len(codes), passed))


def _trade(
    house: Recorded, serial: int, at: str, slot: int, quantity: int, is_prepaid: bool, scanned: int, passed: bool
) -> None:
    """An order from beginning to end."""
    _order(house, serial, at, slot, quantity)
    if is_prepaid:
        _prepay(house, serial, slot)
    _ship(house, serial, slot)
    _receive(house, serial, slot, scanned, passed)


def _prepay(house: Recorded, serial: int, slot: int) -> None:
    house.run("bureau", "procurement", "prepay", Prepay(f"O{slot}", "fund", 5_000))


def _pay(house: Recorded, serial: int, slot: int) -> None:
    house.run("bureau", "procurement", "pay", Pay(f"O{slot}", "fund"))


def _refund(house: Recorded, serial: int, slot: int) -> None:
    house.run("s1", "procurement", "refund", Refund(f"O{slot}"))


def _uncoded(house: Recorded, serial: int, at: str, count: int) -> None:
    listed = ListUncoded(at, "D", count)
    house.run(MEMBERS[at], "stock", "list_uncoded", listed)
    house.run("bureau", "stock", "endorse_uncoded", listed)


def _disburse(house: Recorded, serial: int, at: str, fen: int) -> None:
    owed_fen = max(1, funds.get_balance(house.state, f"payable/{at}"))
    house.run("bureau", "institution", "disburse", institution.Disburse(at, min(fen, owed_fen), "month/202601"))


_DO: dict[str, Callable[..., None]] = {
    "transfer": _transfer,
    "sell": _sell,
    "return": _return,
    "claim": _claim,
    "issue": _issue,
    "settle": _settle,
    "reverse": _reverse,
    "word": _word,
    "order": _order,
    "trade": _trade,
    "ship": _ship,
    "receive": _receive,
    "prepay": _prepay,
    "pay": _pay,
    "refund": _refund,
    "uncoded": _uncoded,
    "disburse": _disburse,
}


def fed(view: View, house: Recorded, sizes: list[int] = []) -> Book:  # noqa: B006
    book = Book(view.tables)
    for block in house.blocks(sizes):
        feed_block(view, book, block)
    return book


def rows_of(book: Book, table: str) -> dict[Any, dict[str, Any]]:
    """By key: the columns behind it."""
    columns = book.tables[table]
    names = list(columns.kinds)[columns.keys :]
    found = {key: row for (name, key), row in book.changes.items() if name == table and row is not None}
    return {key if columns.keys > 1 else key[0]: dict(zip(names, row, strict=True)) for key, row in found.items()}


def test_views_are_fed_by_every_contract_that_makes_entries_of_the_journal() -> None:
    told = [
        contract.name
        for contract in CONTRACTS.values()
        if any(read(one.run).tells_event(kind) for one in contract.operations.values() for kind in ENTRIES)
    ]
    assert sorted(journal.TELLING) == sorted(told)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(ACTS)
def test_each_view_agrees_with_the_state(acts: list[tuple[Any, ...]]) -> None:
    house = house_of(acts)
    check_stock(house, rows_of(fed(VIEWS["stock"], house), "stock"))
    check_payables(house, rows_of(fed(VIEWS["payables"], house), "institution"))
    check_statement(house, rows_of(fed(VIEWS["statement"], house), "entry"))
    procurement = fed(VIEWS["procurement"], house)
    check_orders(house, rows_of(procurement, "order"))
    check_volumes(house, rows_of(procurement, "volume"))


def check_stock(house: Recorded, rows: dict[Any, dict[str, Any]]) -> None:
    counted: dict[Any, list[int]] = {}
    for _, pack in house.state.range(packs.PACKS, "", "~"):
        if pack.units_left:
            row = counted.setdefault((pack.holder, pack.med_list_codg), [0, 0, 0])
            row[0] += 1
            row[1] += pack.units_left
    for key, uncoded in house.state.range(UNCODED, "", "~"):
        at, _, item = key.partition("/")
        counted.setdefault((f"institution/{at}", item), [0, 0, 0])[2] += uncoded.left
    assert {key: list(row.values()) for key, row in rows.items() if any(row.values())} == counted


def check_payables(house: Recorded, rows: dict[Any, dict[str, Any]]) -> None:
    waiting = dict.fromkeys(MEMBERS, 0)
    disputed = dict.fromkeys(MEMBERS, 0)
    for name, account in house.state.range(funds.ACCOUNTS, "", "~"):
        kind, _, rest = name.partition("/")
        if kind == "unconfirmed":
            waiting[rest.partition("/")[0]] += account.balance_fen
        elif kind == "disputed":
            disputed[bill.get_bill(house.state, rest).fixmedins_code] += account.balance_fen
    for at in MEMBERS:
        assert rows[at]["member"] == MEMBERS[at]
        assert (rows[at]["unconfirmed_fen"], rows[at]["disputed_fen"]) == (waiting[at], disputed[at])
        for kind in ("payable", "paid"):
            assert rows[at][f"{kind}_fen"] == funds.get_balance(house.state, f"{kind}/{at}")
        total = sum(rows[at][f"{kind}_fen"] for kind in ("unconfirmed", "disputed", "payable"))
        assert rows[at]["earned_fen"] == total + rows[at]["disbursed_fen"]


def check_statement(house: Recorded, rows: dict[Any, dict[str, Any]]) -> None:
    kept = dict(house.state.range(journal.SETTLEMENTS, "", "~"))
    assert len(rows) == len(kept)
    for (person, year, sequence), row in rows.items():
        entry = kept[journal.settlement_key(person, year, sequence)]
        assert row["kind"] == ("reversed" if entry.reverses else "settled")
        assert (row["bill_no"], row["fixmedins_code"]) == (entry.bill_no, entry.fixmedins_code)
        for name in ("medfee_sumamt", "fund_pay_sumamt", "psn_pay", "acct_pay", "cash_payamt"):
            assert row[name] == getattr(entry.amounts, name)


def check_orders(house: Recorded, rows: dict[Any, dict[str, Any]]) -> None:
    kept = dict(house.state.range(procurement_records.ORDERS, "", "~"))
    assert set(rows) == set(kept)
    for order_no, row in rows.items():
        order = kept[order_no]
        for name in ("contract_no", "fixmedins_code", "stage", "quantity", "received", "paid_fen", "due_day"):
            assert row[name] == getattr(order, name), (order_no, name)


def check_volumes(house: Recorded, rows: dict[Any, dict[str, Any]]) -> None:
    for key, agreed in house.state.range(procurement_records.SUBCONTRACTS, "", "~"):
        row = rows[tuple(key.split("/"))]
        assert (row["agreed"], row["ordered"], row["received"]) == (agreed.volume, agreed.ordered, agreed.received)


@pytest.mark.parametrize("name", list(VIEWS))
@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, sizes=st.lists(st.integers(0, 12), max_size=6), stops=st.sets(st.integers(0, 6)))
def test_made_anew_a_view_is_what_it_was_fed_block_by_block(
    tmp_path: Path, name: str, acts: list[tuple[Any, ...]], sizes: list[int], stops: set[int]
) -> None:
    """Also where it was closed and opened again in between."""
    house, view, path = house_of(acts), VIEWS[name], tmp_path / "views.sqlite"
    path.unlink(missing_ok=True)
    file = ViewFile(path, view, b"chain")
    for block in house.blocks(sizes):
        feed_block(view, file.book, block)
        file.commit(block.height, bytes([block.height]))
        if block.height in stops:
            file.close()
            file = ViewFile(path, view, b"chain")
            assert file.head == (block.height, bytes([block.height]))
    step_by_step = digest_of(file.all_rows())
    file.clear()
    assert digest_of(file.all_rows()) == digest_of([])
    for block in house.blocks([]):
        feed_block(view, file.book, block)
    file.commit(0, b"")
    assert digest_of(file.all_rows()) == step_by_step
    file.close()


def test_the_file_is_for_its_owner_alone_and_forgets_what_is_of_another_chain(tmp_path: Path) -> None:
    path, view, house = tmp_path / "views.sqlite", VIEWS["payables"], house_of([])
    file = ViewFile(path, view, b"chain")
    feed_block(view, file.book, house.blocks([])[0])
    file.commit(0, b"d")
    file.close()
    assert path.stat().st_mode & 0o777 == 0o600
    again = ViewFile(path, view, b"other")
    assert again.head == (-1, b"") and list(again.all_rows()) == []
    again.close()


def test_what_was_refused_is_not_fed() -> None:
    house = house_of([])
    before = fed(VIEWS["stock"], house).changes
    assert house.refusal("p1", "trace_code", "sell", sales.Sell("P1", CODES[0], "till-1", 0)) == "trace-code-elsewhere"
    assert fed(VIEWS["stock"], house).changes == before
