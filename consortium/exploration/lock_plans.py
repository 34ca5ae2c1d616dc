"""What two parties agree on before an exchange, drawn: the locks, their ends, and who keeps to it how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from consortium.contracts import load_contracts
from consortium.contracts.bridges.foreign_facts import FOREIGN, Foreign
from consortium.contracts.bridges.hash_lock import Bind, OfLock, Open, hash_of
from consortium.contracts.bridges.hash_lock_records import Decider
from consortium.contracts.insurance.funds import ACCOUNTS, Account
from consortium.contracts.medicines.procurement_records import ORDERS, RECEIVED, Order
from consortium.contracts.medicines.receivable import CONFIRMED, FACTORED, RECEIVABLES, Receivable
from consortium.core.draws import Numbers, between, choose
from consortium.core.membership import Epoch
from consortium.exploration.lock_ledgers import Land
from consortium.roles.swap_moves import Move, Seen, Step, SwapTasks, expected

TICK_US = 1_000_000
CLAIM, MONEY = "claims", "money"  # the ledger of the claim, and that of the money
SUPPLIER, BANK = "supplier", "bank"
CLAIM_LOCK, BANK_LOCK = "supplier:L1", "bank:L1"
ORDER, FACE_FEN, PRICE_FEN = "O-1", 100_000, 99_000
SECRET = b"a secret of 32 bytes, drawn once"
HABITS = ("keeps to it", "keeps to it", "last moment", "nothing", "greedy")
NEVER_US = 10**15


class Plan(NamedTuple):
    """`tasks` and `greed` (what else somebody tries) by party and ledger; `end_tick`: until which is drawn."""

    tasks: Mapping[tuple[str, str], SwapTasks]
    greed: Mapping[tuple[str, str], tuple[Move, ...]]
    skews_us: Mapping[str, int]
    price_fen: int
    end_tick: int


def draw_plan(draw: Numbers, by_proof: bool, margin_ticks: int) -> Plan:
    ends_us = between(draw, 30, 60) * TICK_US
    target = f"supplier/{SUPPLIER}"
    money = Bind(BANK_LOCK, "own", target, PRICE_FEN, hash_of(SECRET), ends_us)
    decider = Decider(MONEY, BANK_LOCK, PRICE_FEN, target, ends_us) if by_proof else None
    later_us = 0 if by_proof else ends_us + margin_ticks * TICK_US
    claim = Bind(CLAIM_LOCK, f"receivable/{ORDER}", f"bank/{BANK}", 0, hash_of(SECRET), later_us, decider)
    supplier, bank = choose(draw, HABITS), choose(draw, HABITS)
    last_us = ends_us - between(draw, 0, 4) * TICK_US
    from_us = {"last moment": last_us, "nothing": NEVER_US}.get(supplier, 0)
    stands = Seen("", BANK_LOCK, expected(money, BANK))
    after = Seen(CLAIM, CLAIM_LOCK, expected(claim, SUPPLIER))
    tasks = {
        (SUPPLIER, CLAIM): SwapTasks((Step(claim),), watches=(CLAIM_LOCK,)),
        (SUPPLIER, MONEY): SwapTasks(secrets=((SECRET, stands),), from_us=from_us),
        (BANK, CLAIM): SwapTasks(watches=(CLAIM_LOCK,)),
        (BANK, MONEY): SwapTasks(() if bank == "nothing" else (Step(money, after),), watches=(BANK_LOCK,)),
    }
    greed: dict[tuple[str, str], tuple[Move, ...]] = {}
    if supplier == "greedy":
        greed[SUPPLIER, CLAIM] = (("hash_lock", "refund", OfLock(CLAIM_LOCK)),)
        if by_proof:  # by time it would give the secret away for nothing, and lose by its own hand
            greed[SUPPLIER, CLAIM] += (("hash_lock", "open", Open(CLAIM_LOCK, SECRET)),)
    if bank == "greedy":
        greed[BANK, MONEY] = (("hash_lock", "refund", OfLock(BANK_LOCK)),)
        greed[BANK, CLAIM] = (("hash_lock", "open", Open(CLAIM_LOCK, bytes(32))),)
    skews_us = {CLAIM: between(draw, 0, 2) * TICK_US, MONEY: between(draw, 0, 2) * TICK_US}
    return Plan(tasks, greed, skews_us, PRICE_FEN, max(ends_us, later_us) // TICK_US + 10)


def make_lands(plan: Plan) -> dict[str, Land]:
    """Each knows the other; on one a receivable is confirmed that the buyer owes the supplier."""
    contracts, roles = load_contracts(), {SUPPLIER: "supplier", BANK: "bank"}
    lands = {name: Land(name, contracts, roles, plan.skews_us[name]) for name in (CLAIM, MONEY)}
    for name, other in ((CLAIM, MONEY), (MONEY, CLAIM)):
        lands[name].state.put(FOREIGN, other, Foreign(lands[other].chain, Epoch(0, 1, ())))
    order = Order("T-1", "H1", SUPPLIER, 1, FACE_FEN, RECEIVED, f"supplier/{SUPPLIER}", received=1)
    state = lands[CLAIM].state
    state.put(ORDERS, ORDER, order)
    state.put(RECEIVABLES, ORDER, Receivable(FACE_FEN, CONFIRMED))
    state.put(ACCOUNTS, f"supplier/{SUPPLIER}", Account(0))
    return lands


def is_sold(land: Land) -> bool:
    """Whether the bank owns the claim: it is the order's payee, too."""
    receivable, order = land.state.get(RECEIVABLES, ORDER), land.state.get(ORDERS, ORDER)
    assert receivable is not None and order is not None
    is_banks = receivable.stage == FACTORED
    assert is_banks == (order.payee == f"bank/{BANK}"), "the claim and its payee part"
    return is_banks
