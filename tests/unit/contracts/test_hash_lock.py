"""What is bound under a hash goes to one side with the secret, or back: by time, or by what the other chain did."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consortium.contracts.bridges.foreign_facts import FOREIGN, ROWS, Foreign, ForeignRow, row_key
from consortium.contracts.bridges.hash_lock import Bind, OfLock, Open, account_of, hash_of
from consortium.contracts.bridges.hash_lock_records import LOCKED, LOCKS, OPENED, REFUNDED, Decider, Lock
from consortium.contracts.insurance import funds
from consortium.contracts.medicines.procurement_records import ORDERS, Pay
from consortium.contracts.medicines.receivable import CONFIRMED, FACTORED, RECEIVABLES, Offer, OfReceivable, Receivable
from consortium.contracts.oversight import hold_operations
from consortium.core.codec import encode
from consortium.core.membership import Epoch
from tests.contracts_state import DAY_US, Consortium, founded
from tests.unit.contracts.test_access import put_received

SECRET = b"s" * 32
HASH = hash_of(SECRET)
FUND, BANK, SUPPLIER = "fund/procurement", "bank/b1", "supplier/s1"
TERMS = Decider("south", "b1:L1", 1_900, SUPPLIER, 10**9)
SEEN = Lock("own", SUPPLIER, 1_900, "b1", HASH, 10**9, OPENED, secret=SECRET)


@pytest.fixture
def house() -> Consortium:
    """A confirmed receivable of s1 for the order R-1, and a chain that is known."""
    house = founded()
    put_received(house, "R-1", "H1", "s1")
    house.state.put(RECEIVABLES, "R-1", Receivable(2_000, CONFIRMED))
    house.state.put(FOREIGN, "south", Foreign(b"S" * 32, Epoch(0, 1, ())))
    return house


def until(house: Consortium, days: int = 1) -> int:
    return (house.day + days) * DAY_US


def money(house: Consortium, **changes: object) -> Bind:
    return replace(Bind("bureau:L1", FUND, SUPPLIER, 1_000, HASH, until(house)), **changes)


def claim(**changes: object) -> Bind:
    return replace(Bind("s1:L1", "receivable/R-1", BANK, 0, HASH, 0, TERMS), **changes)


def refusal(house: Consortium, member: str, operation: str, arguments: object) -> str:
    return house.refusal(member, "hash_lock", operation, arguments)


def balance(house: Consortium, account: str) -> int:
    return funds.get_balance(house.state, account)


def see(house: Consortium, seen: Lock | None, time_us: int, lock_no: str = "b1:L1") -> None:
    """As if a proof had been accepted."""
    value = b"" if seen is None else encode(seen)
    row = ForeignRow(9, time_us, b"h" * 32, seen is not None, b"c" * 32, value)
    house.state.put(ROWS, row_key("south", "hash_lock", lock_no), row)


def test_money_opens_before_its_end_and_goes_back_from_it_on(house: Consortium) -> None:
    before_fen = balance(house, FUND)
    house.run("bureau", "hash_lock", "lock", money(house))
    house.run("bureau", "hash_lock", "lock", money(house, lock_no="bureau:L2"))
    assert balance(house, account_of("bureau:L1")) == 1_000
    assert refusal(house, "s1", "open", Open("bureau:L1", b"t" * 32)) == "wrong-secret"
    assert refusal(house, "s1", "open", Open("bureau:L1", SECRET[:31])) == "wrong-secret"
    assert refusal(house, "bureau", "refund", OfLock("bureau:L1")) == "not-expired"
    assert refusal(house, "agent", "open", Open("bureau:L1", SECRET)) == "ok"
    assert (balance(house, SUPPLIER), balance(house, account_of("bureau:L1"))) == (1_000, 0)
    house.day += 1
    assert refusal(house, "s1", "open", Open("bureau:L2", SECRET)) == "expired"
    assert refusal(house, "agent", "refund", OfLock("bureau:L2")) == "ok"
    assert balance(house, FUND) == before_fen - 1_000
    for operation, arguments in (("open", Open("bureau:L2", SECRET)), ("refund", OfLock("bureau:L1"))):
        assert refusal(house, "s1", operation, arguments) == "wrong-stage"
    lock = house.state.get(LOCKS, "bureau:L1")
    assert lock is not None and lock.secret == SECRET and house.sum_of_balances() == 0


def test_a_banks_own_money_comes_onto_the_ledger_and_leaves_it(house: Consortium) -> None:
    own = money(house, lock_no="b1:L1", source="own")
    house.run("b1", "hash_lock", "lock", own)
    assert (balance(house, "external"), balance(house, account_of("b1:L1"))) == (-6 * 10**11 - 1_000, 1_000)
    house.day += 1
    house.run("b1", "hash_lock", "refund", OfLock("b1:L1"))
    assert balance(house, "external") == -6 * 10**11


@pytest.mark.parametrize(
    ("member", "changes", "code"),
    [
        ("bureau", {"lock_no": "b1:L1"}, "number-foreign"),
        ("bureau", {"hash": b"short"}, "bad-digest"),
        ("bureau", {"target": "paid/H1"}, "bad-account"),
        ("bureau", {"amount_fen": 0}, "bad-amount"),
        ("bureau", {"source": "fund/none"}, "unknown-account"),
        ("bureau", {"source": "own"}, "source-foreign"),
        ("bureau", {"source": "paid/H1"}, "source-foreign"),
        ("bureau", {"expires_us": 0}, "bad-number"),
        ("bureau", {"expires_us": 20_700 * DAY_US}, "bad-number"),  # chain time is in June 2026: more than 90 days
        ("bureau", {"decider": TERMS}, "bad-number"),  # which has an end of its own
        ("bureau", {"decider": replace(TERMS, chain="west"), "expires_us": 0}, "chain-unknown"),
        ("bureau", {"decider": replace(TERMS, amount_fen=0), "expires_us": 0}, "bad-amount"),
        ("s1", {"lock_no": "s1:L1"}, "source-foreign"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(
    house: Consortium, member: str, changes: dict[str, object], code: str
) -> None:
    assert refusal(house, member, "lock", money(house, **changes)) == code


def test_a_bound_receivable_is_sold_to_nobody_and_what_is_paid_for_it_follows_it(house: Consortium) -> None:
    house.run("s1", "hash_lock", "lock", claim())
    assert refusal(house, "s1", "lock", claim(lock_no="s1:L2")) == "wrong-stage"
    for member, name, arguments in (
        ("s1", "offer", Offer("R-1", "b2", 1, 20991231)),
        ("h1", "confirm", OfReceivable("R-1")),
    ):
        assert house.refusal(member, "receivable", name, arguments) == "wrong-stage"
    house.run("bureau", "procurement", "pay", Pay("R-1", "fund"))
    assert (balance(house, SUPPLIER), balance(house, account_of("s1:L1"))) == (0, 2_000)
    see(house, SEEN, 5)
    house.run("b1", "hash_lock", "open", Open("s1:L1", SECRET))
    assert (balance(house, BANK), balance(house, account_of("s1:L1"))) == (2_000, 0)
    receivable, order = house.state.get(RECEIVABLES, "R-1"), house.state.get(ORDERS, "R-1")
    assert receivable is not None and (receivable.stage, receivable.bank) == (FACTORED, "b1")
    assert order is not None and order.payee == BANK and house.sum_of_balances() == 0


def test_a_receivable_that_goes_back_is_the_suppliers_again(house: Consortium) -> None:
    house.run("s1", "hash_lock", "lock", claim())
    house.run("bureau", "procurement", "pay", Pay("R-1", "fund"))
    see(house, None, TERMS.expires_us)
    house.run("agent", "hash_lock", "refund", OfLock("s1:L1"))
    receivable, order = house.state.get(RECEIVABLES, "R-1"), house.state.get(ORDERS, "R-1")
    assert receivable == Receivable(2_000, CONFIRMED) and order is not None and order.payee == SUPPLIER
    assert balance(house, SUPPLIER) == 2_000


def test_only_who_is_owed_binds_a_receivable_that_nobody_holds(house: Consortium) -> None:
    assert refusal(house, "s2", "lock", claim(lock_no="s2:L1")) == "not-yours"
    assert refusal(house, "s1", "lock", claim(source="receivable/R-404")) == "not-yours"
    assert refusal(house, "s1", "lock", claim(target=SUPPLIER)) == "bad-account"
    assert refusal(house, "s1", "lock", claim(amount_fen=5)) == "bad-number"
    house.run("regulator", "hold", "place", hold_operations.Place(SUPPLIER, "inquiry", "finding/F-1"))
    assert refusal(house, "s1", "lock", claim()) == "payment-held"


END = TERMS.expires_us


@pytest.mark.parametrize(
    ("seen", "time_us", "opens", "goes_back"),
    [
        (SEEN, 5, "ok", "not-expired"),
        (SEEN, END + 5, "ok", "not-expired"),  # however late somebody looks
        (replace(SEEN, stage=LOCKED, secret=b""), 5, "not-opened", "not-expired"),
        (replace(SEEN, stage=LOCKED, secret=b""), END, "not-opened", "ok"),  # it can open no more
        (replace(SEEN, stage=REFUNDED, secret=b""), END, "not-opened", "ok"),
        (None, END - 1, "not-opened", "not-expired"),
        (None, END, "not-opened", "ok"),
        (replace(SEEN, amount_fen=1), 5, "not-opened", "not-expired"),
        (replace(SEEN, amount_fen=1), END, "not-opened", "ok"),  # another lock than was agreed
        (replace(SEEN, target="supplier/s2"), END, "not-opened", "ok"),
        (replace(SEEN, expires_us=END + 1), END, "not-opened", "ok"),
        (replace(SEEN, hash=b"h" * 32), END, "not-opened", "ok"),
        (replace(SEEN, decider=TERMS), END, "not-opened", "ok"),
    ],
)
def test_one_that_follows_does_what_its_decider_did(
    house: Consortium, seen: Lock | None, time_us: int, opens: str, goes_back: str
) -> None:
    house.run("s1", "hash_lock", "lock", claim())
    assert refusal(house, "b1", "open", Open("s1:L1", SECRET)) == "not-proven"
    assert refusal(house, "s1", "refund", OfLock("s1:L1")) == "not-proven"
    see(house, seen, time_us)
    before = house.state.copy()
    assert refusal(house, "b1", "open", Open("s1:L1", SECRET)) == opens
    house.state.tables = before
    assert refusal(house, "s1", "refund", OfLock("s1:L1")) == goes_back
    assert "ok" not in (opens, goes_back) or (opens == "ok") != (goes_back == "ok")


def test_a_row_of_a_form_that_nobody_knows_here_is_no_opened_lock(house: Consortium) -> None:
    house.run("s1", "hash_lock", "lock", claim())
    row = ForeignRow(9, 5, b"h" * 32, is_there=True, content=b"c" * 32, value=b"\x81\xa1x\x01")
    house.state.put(ROWS, row_key("south", "hash_lock", "b1:L1"), row)
    assert refusal(house, "b1", "open", Open("s1:L1", SECRET)) == "not-opened"
