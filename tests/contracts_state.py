"""A state in memory for contract tests, and a small consortium to act in: every value is encoded and decoded again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from consortium.contracts import load_contracts
from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance import (
    accumulators,
    bill,
    enrolment,
    funds,
    institution,
    journal,
    policy,
    settlement,
)
from consortium.contracts.insurance.lines import Line, commit_lines, summarise
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.contracts.medicines import trace_code
from consortium.core import registry
from consortium.core.calendar import day_of_ordinal, ordinal_of_day
from consortium.core.contract import Context, Contract, Event, Move, Refused, Table
from consortium.core.versions import get_versions
from tests.systems.reading import read

V = TypeVar("V")
Issued = TypeVar("Issued", bound=bill.Issue)
SALT = b"a salt of 16 bytes and more"
CONTRACTS = load_contracts()
DAY_US = 86_400_000_000
CHAIN = b"c" * 32
MEMBERS = {
    "bureau": "bureau",
    "h1": "hospital",
    "h2": "hospital",
    "p1": "pharmacy",
    "s1": "supplier",
    "s2": "supplier",
    "regulator": "regulator",
    "agent": "agent",
    "i1": "insurer",
    "i2": "insurer",
    "c1": "charity",
    "c2": "charity",
    "f1": "finance",
    "r1": "researcher",
    "r2": "researcher",
    "r3": "researcher",
    "b1": "bank",
    "b2": "bank",
    "genesis": "genesis",
    "vote": "vote",
}


FRAME = ("unknown-operation", "not-permitted", "not-yours")  # refusals of the frame: of every contract


class MemoryState:
    """Tables of encoded values; counts reads and writes."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, bytes]] = {}
        self.gets = 0
        self.puts = 0

    def get(self, table: Table[V], key: str) -> V | None:
        self.gets += 1
        raw = self.tables.get(table.name, {}).get(key)
        return None if raw is None else msgspec.msgpack.decode(raw, type=table.kind)

    def put(self, table: Table[V], key: str, value: V) -> None:
        assert type(value) is table.kind, f"{table.name} holds {table.kind}, not {type(value)}"
        raw = msgspec.msgpack.encode(value)
        assert msgspec.msgpack.decode(raw, type=table.kind) == value
        self.puts += 1
        self.tables.setdefault(table.name, {})[key] = raw

    def delete(self, table: Table[V], key: str) -> None:
        self.tables.get(table.name, {}).pop(key, None)

    def range(self, table: Table[V], low: str, high: str, limit: int = 0) -> Iterator[tuple[str, V]]:
        rows = self.tables.get(table.name, {})
        keys = [key for key in sorted(rows, key=str.encode) if low.encode() <= key.encode() < high.encode()]
        for key in keys[: limit or None]:
            yield key, msgspec.msgpack.decode(rows[key], type=table.kind)

    def copy(self) -> dict[str, dict[str, bytes]]:
        return {name: dict(rows) for name, rows in self.tables.items() if rows}


def check_lives(
    contract: str, operation: str, before: dict[str, dict[str, bytes]], after: dict[str, dict[str, bytes]]
) -> None:
    """Every change of a stage that an operation made is a move of that table's life."""
    for owner, life in [(one.name, life) for one in CONTRACTS.values() for life in one.lives]:
        name, kind = life.table.name, life.table.kind
        rows, earlier = after.get(name, {}), before.get(name, {})
        verb = operation if owner == contract else f"{contract}.{operation}"
        for key in sorted({*rows, *earlier}):
            if rows.get(key) != earlier.get(key):
                stages = [life.stage_of(_decoded(one.get(key), kind)) for one in (earlier, rows)]
                if stages[0] != stages[1]:
                    assert Move(stages[0], verb, stages[1]) in life.moves, f"{name} {key}: {stages}, by {verb}"


def _decoded(raw: bytes | None, kind: Any) -> Any:
    return None if raw is None else msgspec.msgpack.decode(raw, type=kind)


class Consortium:
    """Runs operations as members of fixed roles; a refusal leaves the state as it was."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.day = ordinal_of_day(20260601)  # chain time, days since 1970

    def today(self, day: int) -> None:
        self.day = ordinal_of_day(day)

    def contract(self, name: str) -> Contract:
        """As of the version that the state names, else the one that chains begin with; a new one's first."""
        held = CONTRACTS[name]
        return held.versions[get_versions(self.state).at(name, 1) or held.founding or held.version]

    def run(self, member: str, contract: str, operation: str, arguments: Any) -> list[Event]:
        verb = self.contract(contract).operations[operation]
        raw = msgspec.msgpack.encode(arguments)
        typed = msgspec.msgpack.decode(raw, type=verb.arguments)
        assert msgspec.msgpack.encode(typed) == raw
        today = day_of_ordinal(self.day)
        context = Context(CHAIN, 1, self.day * DAY_US, b"transaction", member, MEMBERS[member], today)
        before = self.state.copy()
        try:
            events = self.contract(contract).execute(self.state, operation, typed, context)
        except Refused as refused:
            if not refused.keeps_writes:
                self.state.tables = before
            is_told = refused.code in FRAME or read(verb.run).tells_refusal(refused.code)
            assert is_told, f"the page of {contract} does not tell that {operation} refuses {refused.code}"
            raise
        for event in events:
            is_told = read(verb.run).tells_event(event.kind)
            assert is_told, f"the page of {contract} does not tell that {operation} tells {event.kind}"
        check_lives(contract, operation, before, self.state.tables)
        msgspec.msgpack.encode(events)
        return events

    def refusal(self, member: str, contract: str, operation: str, arguments: Any) -> str:
        """The code of the refusal; "ok" where there was none."""
        try:
            self.run(member, contract, operation, arguments)
        except Refused as refused:
            assert refused.sentence
            return refused.code
        return "ok"

    def genesis(self, contract: str, operation: str, arguments: Any) -> list[Event]:
        return self.run("genesis", contract, operation, arguments)

    def enrol(self, psn_no: str, insutype: str, **flags: bool) -> None:
        period = enrolment.Period(19970101, FOREVER, insutype, **flags)
        self.genesis("enrolment", "register", enrolment.Register(psn_no, (period,)))

    def item(self, code: str, level: str, share_bp: int = 0, ceiling_fen: int = 0, kind: str = "service") -> None:
        item = policy.Item(code, 19970101, level, kind, share_bp, ceiling_fen)
        self.genesis("policy", "list_items", policy.ListItems((item,)))

    def claim(self, psn_no: str, lines: tuple[Line, ...], **fields: Any) -> journal.Settlement:
        """Issue and settle a bill at institution H3 (level 3) unless told otherwise; the stored settlement."""
        values: dict[str, Any] = {
            "fixmedins_code": "H3",
            "med_type": "inpatient",
            "begndate": 20260301,
            "enddate": 20260310,
            "serial": "1",
            "member": "h1",
        } | fields
        serial, member = values.pop("serial"), values.pop("member")
        bill_no = f"{values['fixmedins_code']}-{serial}"
        both = self.billed(settlement.IssueAndClaim, bill_no, psn_no, lines, **values)
        self.run(member, "settlement", "issue_and_claim", both)
        year = values["enddate"] // 10_000
        used = accumulators.get_accumulator(self.state, psn_no, year)
        stored = self.state.get(journal.SETTLEMENTS, journal.settlement_key(psn_no, year, used.sequence))
        assert stored is not None
        return stored

    def billed(self, kind: type[Issued], bill_no: str, psn_no: str, lines: tuple[Line, ...], **fields: Any) -> Issued:
        """The arguments of `bill.issue` or `issue_and_claim` for these lines, as an honest institution says them."""
        sums, sold = summarise(self.state, lines, fields["enddate"])
        commitment = commit_lines(SALT, bill.normalise(bill_no), lines)
        whose: dict[str, Any] = {"patient": psn_no} if kind is bill.Issue else {"patient": "", "psn_no": psn_no}
        return kind(bill_no=bill_no, sums=sums, sold=sold, lines=commitment, **whose, **fields)

    def issue(self, bill_no: str, psn_no: str, lines: tuple[Line, ...], **fields: Any) -> bill.Issue:
        """The arguments of `bill.issue` at the institution of the number; a visit of 2026-01-01 unless told."""
        day = {"begndate": 20260101, "enddate": 20260101, "med_type": "outpatient"}
        named = {"fixmedins_code": bill_no.split("-")[0], **day, **fields}
        return self.billed(bill.Issue, bill_no, psn_no, lines, **named)

    def issue_verified(self, bill_no: str, psn_no: str, lines: tuple[Line, ...], **fields: Any) -> None:
        """A bill that was issued, delivered, and verified by the bureau."""
        issue = self.issue(bill_no, psn_no, lines, **fields)
        member = institution.get_institution(self.state, issue.fixmedins_code).member
        self.run(member, "bill", "issue", issue)
        self.run(member, "bill", "deliver", bill.Step(bill_no))
        self.run("bureau", "bill", "verify", bill.Step(bill_no))

    def owed(self, fixmedins_code: str) -> int:
        """What the funds owe an institution: payable, unconfirmed and disputed."""
        payable = funds.get_balance(self.state, f"payable/{fixmedins_code}")
        waiting = self.state.range(funds.ACCOUNTS, f"unconfirmed/{fixmedins_code}/", f"unconfirmed/{fixmedins_code}0")
        disputed = self.state.range(
            funds.ACCOUNTS, f"disputed/{fixmedins_code.lower()}-", f"disputed/{fixmedins_code.lower()}."
        )
        return payable + sum(account.balance_fen for _, account in (*waiting, *disputed))

    def sum_of_balances(self) -> int:
        return sum(account.balance_fen for _, account in self.state.range(funds.ACCOUNTS, "", "￿"))


def founded(house: Consortium | None = None) -> Consortium:
    """Funds, pack, catalogue, institutions H1..H3 (of h1, by level), K3 (of h2), P1 (of p1), persons E, R, A."""
    house = house or Consortium()
    house.state.put(registry.RULES, registry.ONLY, registry.Rules("ed25519", 16, 32))
    for fund in funds.STANDARD_FUNDS:
        house.genesis("funds", "open", funds.Open(fund))
        house.genesis("funds", "contribute", funds.Contribute(f"fund/{fund}", 10**11, "opening/2026"))
    house.genesis("policy", "adopt_pack", policy.AdoptPack(ILLUSTRATIVE_PACK))
    house.item("A", "A")
    house.item("B", "B", 1_000)
    house.item("S", "B", 2_000, 800_000)
    house.item("C", "C")
    house.item("D", "A", kind="drug")
    for code, kind, level, member in (
        ("H1", "hospital", 1, "h1"),
        ("H2", "hospital", 2, "h1"),
        ("H3", "hospital", 3, "h1"),
        ("K3", "hospital", 3, "h2"),
        ("P1", "pharmacy", 1, "p1"),
    ):
        house.genesis("institution", "sign", institution.Sign(code, kind, level, member, f"L-{code}", 20991231))
    house.enrol("E", "employee")
    house.enrol("R", "employee", retired=True)
    house.enrol("A", "resident", assisted=True)
    return house


def code_of(number: int) -> str:
    return f"{number:020d}"


def stock(house: Consortium, lot_no: str, codes: tuple[str, ...], holder: str, units: int = 10) -> None:
    arguments = trace_code.Produce(lot_no, "D", "tablet", units, codes, holder)
    house.genesis("trace_code", "produce", arguments)
