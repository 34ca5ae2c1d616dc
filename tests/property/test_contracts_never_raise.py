"""Whatever well-typed arguments come, a contract returns events or raises Refused, and nothing else."""

import types
import typing
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consortium.contracts import load_contracts
from consortium.contracts.insurance import settlement
from consortium.contracts.insurance.lines import Line, Sold, Sums
from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.procurement_records import (
    ORDERS,
    RECEIVED,
    AwardTender,
    Order,
    PlaceOrder,
    SignSubcontract,
)
from consortium.contracts.medicines.receivable import OFFERED, RECEIVABLES, Receivable
from consortium.contracts.records.record import Ask, Register
from consortium.core.calendar import compute_day
from consortium.core.contract import NOBODY, Context, Contract, Refused
from consortium.core.membership import Epoch, Member
from consortium.core.registry import put_epoch
from tests.contracts_state import MEMBERS, Consortium, code_of, founded, stock
from tests.sampling import examples

CONTRACTS = load_contracts()
OPERATIONS = [(name, operation) for name in CONTRACTS for operation in CONTRACTS[name].operations]

WORDS = (
    "h1:R1 p1:Q1 E R A H1 H2 H3 K3 P1 h1 h2 p1 s1 A B C D S T1 O1 lot H1-1 H1-2 h1-1 P1-3 inpatient outpatient "
    "employee resident filed unfiled hospital pharmacy drug service fund buyer factory fund/employee-pool fund/aid "
    "bank/b1 b1 R1 person/E supplier/s1 institution/H1 institution/P1 a/b / \x00 ％ "
    + " ".join(code_of(number) for number in range(6))
).split(" ")
NUMBERS = (0, 1, 2, 3, 4, 10, -1, 100, 3_000, 5_000, 10_000, 19970101, 20240101, 20250101, 20260301, 20260310, 99991231)
NO_DAYS = (20261301, 20260001, 20260230, 20269999)
LIMITS = (*NO_DAYS, 10**12 - 1, 10**12, 2**63, 2**64 - 1, -(2**63), 2026, 202601)

TEXTS = st.sampled_from(WORDS) | st.text(max_size=80)
INTEGERS = st.sampled_from(NUMBERS) | st.sampled_from(LIMITS) | st.integers(-(2**63), 2**64 - 1)
BYTES = st.sampled_from((b"", b"x" * 32, b"y" * 32)) | st.binary(max_size=40)


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that an argument may have."""
    if kind is str:
        return TEXTS.filter(is_utf8)
    if kind is int:
        return INTEGERS
    if kind is bool:
        return st.booleans()
    if kind is bytes:
        return BYTES
    if kind is types.NoneType:
        return st.none()
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values_of(each) for each in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=4).map(tuple)
    if origin is tuple:
        return st.tuples(*[values_of(each) for each in arguments])
    assert issubclass(kind, msgspec.Struct), kind
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: values_of(hints[name]) for name in kind.__struct_fields__})


def is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def furnished() -> Consortium:
    """A consortium with something to hit: bills, settlements, packs, a tender and an order."""
    house = founded()
    members = tuple(Member(name, role, "validator", {}) for name, role in sorted(MEMBERS.items()) if name not in NOBODY)
    put_epoch(house.state, Epoch(0, 1, members))
    house.run("h1", "record", "register", Register("h1:R1", "report", b"x" * 32, ("bureau",)))
    house.run("p1", "record", "request", Ask("h1:R1", "p1:Q1", "treatment"))
    stock(house, "lot", tuple(code_of(number) for number in range(3)), "institution/P1")
    house.run("s1", "trace_code", "produce", trace_code.Produce("lot2", "D", "tablet", 10, (code_of(4), code_of(5))))
    house.run("h1", "bill", "issue", house.issue("H1-1", "E", (Line("A", 1, 1_000),)))
    house.claim("E", (Line("A", 1, 10**7),), fixmedins_code="H1", serial="2")
    line = Line("D", 1, 1_000, (code_of(0),))
    house.claim("A", (line,), fixmedins_code="P1", member="p1", med_type="outpatient", serial="3")
    house.day = 19_800
    tender = AwardTender("T1", "D", "factory", "s1", 1_000, 100, 20240101, 20250101)
    house.run("bureau", "procurement", "award_tender", tender)
    house.run("h1", "procurement", "sign_subcontract", SignSubcontract("T1", "H1", 50))
    house.run("h1", "procurement", "place_order", PlaceOrder("O1", "T1", "H1", 2))
    received = Order("T1", "H1", "s1", 2, 2_000, RECEIVED, "supplier/s1", received=2)
    house.state.put(ORDERS, "R1", received)
    house.state.put(RECEIVABLES, "R1", Receivable(2_000, OFFERED, "b1", 100, 99991231))
    return house


HOUSE = furnished()
TABLES = HOUSE.state.copy()


@pytest.mark.parametrize(("contract", "operation"), OPERATIONS)
@settings(deadline=None, max_examples=examples(120), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_only_refusals(contract: str, operation: str, data: st.DataObject) -> None:
    verb = CONTRACTS[contract].operations[operation]
    arguments = data.draw(values_of(verb.arguments))
    member = data.draw(st.sampled_from([name for name, role in MEMBERS.items() if verb.is_permitted(role)]))
    time_us = data.draw(st.sampled_from((0, 19_800 * 86_400_000_000, 20_605 * 86_400_000_000, 2**62 - 1)))
    HOUSE.state.tables = {name: dict(rows) for name, rows in TABLES.items()}
    context = Context(b"chain", 1, time_us, b"transaction", member, MEMBERS[member], compute_day(time_us, 480))
    execute(CONTRACTS[contract], operation, arguments, context)


def execute(contract: Contract, operation: str, arguments: Any, context: Context) -> None:
    try:
        events = contract.execute(HOUSE.state, operation, arguments, context)
    except Refused as refused:
        assert refused.code == refused.code.lower() and " " not in refused.code
        assert 0 < len(refused.sentence) < 1_000
        refused.sentence.encode()
    else:
        msgspec.msgpack.encode(events)
        assert HOUSE.sum_of_balances() == 0


@settings(deadline=None, max_examples=examples(300))
@given(data=st.data())
def test_only_refusals_of_claims_that_come_close(data: st.DataObject) -> None:
    fen = st.integers(0, 10**7) | st.integers(0, 10**12 - 1)
    parts = data.draw(st.tuples(fen, fen, fen, fen))
    sold = st.builds(
        Sold,
        st.integers(1, 3),
        st.sampled_from(("A", "B", "S", "C", "D", "X")),
        st.integers(1, 20) | st.integers(1, 10**6),
        st.lists(st.sampled_from([code_of(number) for number in range(6)]), max_size=2).map(tuple),
        st.booleans(),
    )
    code, member = data.draw(st.sampled_from((("H1", "h1"), ("H3", "h1"), ("P1", "p1"))))
    claim = settlement.IssueAndClaim(
        code,
        f"{code}-new",
        data.draw(st.sampled_from(("E", "R", "A"))),
        data.draw(st.sampled_from(("inpatient", "outpatient"))),
        20260101,
        data.draw(st.sampled_from((20260101, 20260301))),
        Sums(sum(parts), *parts, data.draw(st.integers(0, 2))),
        data.draw(st.lists(sold, max_size=2).map(tuple)),
        bytes(32),
        data.draw(st.sampled_from(("", "filed", "referral", "unfiled"))),
    )
    HOUSE.state.tables = {name: dict(rows) for name, rows in TABLES.items()}
    context = Context(b"chain", 1, 0, b"transaction", member, MEMBERS[member], 20260601)
    execute(CONTRACTS["settlement"], "issue_and_claim", claim, context)
