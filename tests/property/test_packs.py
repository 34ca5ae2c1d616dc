"""Packs are conserved: over random operations of everybody each code is in exactly one place and sold at most once, net
of what came back. A model of a few lines says for each operation whether it may succeed, and what then is where."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.contracts.insurance import funds
from consortium.contracts.medicines import sales
from consortium.contracts.medicines.packs import LOT_PAGES, LOTS, PACKS, Sale
from consortium.contracts.medicines.procurement_records import (
    ORDERS,
    AwardTender,
    Invoice,
    Pay,
    PlaceOrder,
    Prepay,
    Receive,
    Refund,
    SendBack,
    Ship,
    SignSubcontract,
)
from consortium.contracts.medicines.trace_code import Extend, Produce, Recall, ReturnSale, Sell, Transfer
from consortium.contracts.medicines.trace_code import SendBack as SendPacksBack
from consortium.core.contract import Refused
from tests.contracts_state import code_of, founded

UNITS = 3
PRICE_FEN = 100
STEPS = 80
HOLDERS = {"supplier/s1": "s1", "institution/H1": "h1", "institution/P1": "p1", "institution/K3": "h2"}
BUYERS = {"institution/H1": ("h1", "H1"), "institution/P1": ("p1", "P1")}


class Pack:
    """What the model knows of one code: where it is, and what each bill took of it."""

    def __init__(self, lot: str) -> None:
        self.lot = lot
        self.holder = "supplier/s1"
        self.sold: dict[tuple[str, bool], int] = {}

    @property
    def left(self) -> int:
        return UNITS - sum(self.sold.values())


class Walk:
    """Random operations, each judged by the model and carried out by the contracts."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.house = founded()
        self.house.day = 19_800
        self.packs: dict[str, Pack] = {}
        self.recalled: set[str] = set()
        self.lots: list[str] = []
        self.orders: dict[str, tuple[str, tuple[str, ...]]] = {}  # number: holder that ordered, codes shipped
        self.serial = 0
        tender = AwardTender("T", "D", "s1", "s1", PRICE_FEN, 10**6, 20240101, 20250101)
        self.house.run("bureau", "procurement", "award_tender", tender)
        for member, code in BUYERS.values():
            self.house.run(member, "procurement", "sign_subcontract", SignSubcontract("T", code, 1_000))

    def step(self) -> None:
        self.random.choice(
            (
                self.produce,
                self.extend,
                self.transfer,
                self.transfer,
                self.sell,
                self.sell,
                self.sell,
                self.claim,
                self.claim,
                self.return_sale,
                self.reverse,
                self.recall,
                self.send_back,
                self.deliver,
                self.deliver,
                self.send_order_back,
            )
        )()

    # --- what the walk draws ----------------------------------------------------------------------------------------

    def number(self) -> str:
        self.serial += 1
        return str(self.serial)

    def fresh(self) -> tuple[str, ...]:
        return tuple(code_of(int(self.number())) for _ in range(self.random.randint(4, 9)))

    def some_codes(self, holder: str = "supplier/s1") -> tuple[str, ...]:
        """A few codes, by preference of this holder; at times a code that nobody registered, or one twice."""
        near = [code for code, pack in self.packs.items() if pack.holder == holder or self.random.random() < 0.1]
        found = self.random.sample(near, min(len(near), self.random.randint(1, 3)))
        return tuple(found + self.random.choice(([], [], [], found[:1], [code_of(10**9)])))

    def act(self, member: str, operation: str, arguments: Any, may: bool, contract: str = "trace_code") -> bool:
        code = self.house.refusal(member, contract, operation, arguments)
        assert (code == "ok") == may, (operation, arguments, code, may)
        return may

    def is_whole(self, code: str, holder: str) -> bool:
        pack = self.packs.get(code)
        return pack is not None and pack.holder == holder and not pack.sold

    # --- operations -------------------------------------------------------------------------------------------------

    def produce(self) -> None:
        lot, codes = f"lot-{self.number()}", self.fresh()
        self.act("s1", "produce", Produce(lot, "D", "tablet", UNITS, codes), may=True)
        self.lots.append(lot)
        self.packs |= {code: Pack(lot) for code in codes}

    def extend(self) -> None:
        if self.lots:
            lot, codes = self.random.choice(self.lots), self.random.choice((self.fresh(), self.some_codes()))
            may = bool(codes) and lot not in self.recalled and not any(code in self.packs for code in codes)
            if code_of(10**9) not in codes and self.act("s1", "extend", Extend(lot, codes), may=may):
                self.packs |= {code: Pack(lot) for code in codes}

    def transfer(self) -> None:
        source, target = self.random.choice(list(HOLDERS)), self.random.choice(list(HOLDERS))
        codes = self.some_codes(source)
        free = all(self.is_whole(code, source) and self.packs[code].lot not in self.recalled for code in codes)
        may = bool(codes) and free and (len(set(codes)) == len(codes) or source == target)
        if self.act(HOLDERS[source], "transfer", Transfer(source, target, codes), may=may):
            for code in codes:
                self.packs[code].holder = target

    def sell(self) -> None:
        holder, units = self.random.choice(list(HOLDERS)[1:]), self.random.randint(0, UNITS)
        if found := self.some_codes(holder):
            code, bill = found[0], f"till-{self.random.randint(1, 9)}"
            arguments = Sell(holder.partition("/")[2], code, bill, units)
            if self.act(HOLDERS[holder], "sell", arguments, may=self.may_sell(code, holder, units)):
                self.take(code, (bill, False), units)

    def may_sell(self, code: str, holder: str, units: int) -> bool:
        pack = self.packs.get(code)
        wanted = units or UNITS
        return pack is not None and pack.holder == holder and pack.lot not in self.recalled and wanted <= pack.left

    def take(self, code: str, bill: tuple[str, bool], units: int) -> None:
        sold = self.packs[code].sold
        sold[bill] = sold.get(bill, 0) + (units or UNITS)

    def claim(self) -> None:
        """What a settlement does with a pack."""
        holder, units, bill = self.random.choice(list(HOLDERS)[1:]), self.random.randint(0, UNITS), self.number()
        if found := self.some_codes(holder):
            sale = Sale(bill, 1, units, holder, is_claim=True)
            may = self.may_sell(found[0], holder, units)
            try:
                sales.sell_pack(self.house.state, found[0], "D", holder, sale, is_split=units > 0, day=20260601)
            except Refused:
                assert not may
            else:
                assert may
                self.take(found[0], (bill, True), units)

    def reverse(self) -> None:
        """What a reversal does: it never fails, wherever the pack is by now."""
        claimed = [(code, bill) for code, pack in self.packs.items() for bill in pack.sold if bill[1]]
        if claimed:
            code, bill = self.random.choice(claimed)
            units = sales.return_pack(self.house.state, code, bill[0], is_claim=True)
            assert units == self.packs[code].sold.pop(bill)

    def return_sale(self) -> None:
        sold = [(code, bill) for code, pack in self.packs.items() for bill in pack.sold]
        if sold:
            code, (bill, is_claim) = self.random.choice(sold)
            pack = self.house.state.get(PACKS, code)
            assert pack is not None
            seller = next(sale.seller for sale in pack.sales if (sale.bill_no, sale.is_claim) == (bill, is_claim))
            back = ReturnSale(seller.partition("/")[2], code, bill)
            if self.act(HOLDERS[seller], "return_sale", back, may=not is_claim):
                self.packs[code].sold.pop((bill, False))

    def recall(self) -> None:
        if self.lots and self.random.random() < 0.5:
            lot = self.random.choice(self.lots)
            if self.act("regulator", "recall", Recall(lot, "quality"), may=lot not in self.recalled):
                self.recalled.add(lot)

    def send_back(self) -> None:
        source = self.random.choice(list(HOLDERS))
        codes = self.some_codes(source)
        may = bool(codes) and len(set(codes)) == len(codes) and source != "supplier/s1"
        may = may and all(self.is_whole(code, source) and self.packs[code].lot in self.recalled for code in codes)
        if self.act(HOLDERS[source], "send_back", SendPacksBack(source, codes), may=may):
            for code in codes:
                self.packs[code].holder = "supplier/s1"

    def deliver(self) -> None:
        """An order from its placing to its receipt or rejection, at times prepaid, at times paid."""
        ready = [code for code in sorted(self.packs) if self.is_whole(code, "supplier/s1")]
        codes = tuple(sorted(self.random.sample(ready, min(len(ready), 2))))
        if not codes:
            return
        holder, (member, institution) = self.random.choice(list(BUYERS.items()))
        order_no = f"O{self.number()}"
        run = self.house.run
        run(member, "procurement", "place_order", PlaceOrder(order_no, "T", institution, len(codes)))
        if self.random.random() < 0.5:
            run("bureau", "procurement", "prepay", Prepay(order_no, "fund", 5_000))
        invoice = (Invoice("s1", institution, order_no.encode().ljust(32, b".")),)
        run("s1", "procurement", "ship", Ship(order_no, codes, invoice, bytes(32), True))
        if self.random.random() < 0.3:
            run(member, "procurement", "receive", Receive(order_no, (), 0, False))
            self.orders[order_no] = (holder, ())
            return
        come = codes[: self.random.randint(0, len(codes))]
        may = not any(self.packs[code].lot in self.recalled for code in come)
        receive = Receive(order_no, come, len(come), True)
        if self.act(member, "receive", receive, may, "procurement"):
            for code in come:
                self.packs[code].holder = holder
            self.orders[order_no] = (holder, codes)
            if self.random.random() < 0.5:
                run("bureau", "procurement", "pay", Pay(order_no, "fund"))

    def send_order_back(self) -> None:
        """Goods of an order go back, and the money that is owed for them."""
        if not self.orders:
            return
        order_no = self.random.choice(list(self.orders))
        holder, shipped = self.orders[order_no]
        order = self.house.state.get(ORDERS, order_no)
        assert order is not None
        codes = tuple(self.random.sample(shipped, min(len(shipped), self.random.randint(0, 2))))
        back = [self.is_whole(code, holder) and self.packs[code].lot in self.recalled for code in codes]
        may = order.stage == "rejected" if not shipped else bool(codes) and all(back)
        if self.act(BUYERS[holder][0], "send_back", SendBack(order_no, codes), may, "procurement"):
            for code in codes:
                self.packs[code].holder = "supplier/s1"
        order = self.house.state.get(ORDERS, order_no)
        assert order is not None
        self.act("s1", "refund", Refund(order_no), order.owed_back_fen > 0, "procurement")

    # --- what must hold ---------------------------------------------------------------------------------------------

    def judge(self) -> None:
        state = self.house.state
        stored = dict(state.range(PACKS, "", "~"))
        listed = [code for _, page in state.range(LOT_PAGES, "", "~") for code in page.codes]
        assert sorted(listed) == sorted(stored) == sorted(self.packs)
        assert sum(lot.packs for _, lot in state.range(LOTS, "", "~")) == len(listed)
        for code, pack in stored.items():
            known = self.packs[code]
            taken = {(sale.bill_no, sale.is_claim): 0 for sale in pack.sales}
            for sale in pack.sales:
                taken[sale.bill_no, sale.is_claim] += sale.units
            assert (pack.lot_no, pack.holder, pack.units_left, taken) == (
                known.lot,
                known.holder,
                known.left,
                known.sold,
            )
            assert 0 <= pack.units_left == pack.units - sum(sale.units for sale in pack.sales)
        assert self.house.sum_of_balances() == 0
        orders = [order for _, order in state.range(ORDERS, "", "~")]
        assert funds.get_balance(state, "supplier/s1") == sum(order.paid_fen for order in orders)
        for order in orders:
            kept = order.received - order.sent_back if order.stage in ("received", "paid") else 0
            assert order.stage == "shipped" or order.amount_fen == PRICE_FEN * kept


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_every_pack_is_in_one_place_and_sold_once_net_of_returns(seed: int) -> None:
    walk = Walk(seed)
    for _ in range(STEPS):
        walk.step()
    walk.judge()


def test_the_model_sees_a_pack_that_is_in_two_places() -> None:
    """Positive control."""
    walk = Walk(1)
    walk.produce()
    code = next(iter(walk.packs))
    walk.packs[code].holder = "institution/P1"
    try:
        walk.judge()
    except AssertionError:
        return
    raise AssertionError("the judge is blind")


def test_the_walk_reaches_every_kind_of_end() -> None:
    """A walk that refuses everything shows nothing."""
    counts = {"sold": 0, "recalled": 0, "back": 0, "orders": 0}
    for seed in range(20):
        walk = Walk(seed)
        for _ in range(STEPS):
            walk.step()
        counts["sold"] += sum(bool(pack.sold) for pack in walk.packs.values())
        counts["recalled"] += len(walk.recalled)
        counts["orders"] += len(walk.orders)
        orders = [order for _, order in walk.house.state.range(ORDERS, "", "~")]
        counts["back"] += sum(order.sent_back for order in orders)
    assert min(counts.values()) > 10, counts
