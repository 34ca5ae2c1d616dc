"""A run that never was: seven nodes, a leader killed and restarted, money moved, everything as it should be.

Tests doctor it and see the checks fail; it also draws the report that a person looks at."""

from __future__ import annotations

import random
from typing import Any

from consortium.core.codec import encode, tagged_hash
from consortium.core.contract import OK, Event, Receipt
from consortium.core.crypto import Ed25519
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, Parameters
from consortium.core.header import Header, header_digest
from consortium.core.membership import Member
from consortium.core.transaction import (
    NULL_DIGEST,
    batch_digest,
    bundle_digest,
    encode_batch,
    encode_transaction,
    sign_bundle,
)
from consortium.core.vault import Box
from consortium.ledger.rows import DictRows, height_key, receipt_key, state_key
from consortium.runs.run import Run
from consortium.runs.trace import Record
from consortium.scenario.scenario import Fault, MemberSpec, Scenario
from consortium.vault.audit import FIRST, AuditEntry, row_name
from consortium.vault.boxes import DictBoxes

NAMES = ("bureau", "depot", "hospital-1", "hospital-2", "pharmacy-1", "pharmacy-2", "regulator")
ROLES = ("bureau", "supplier", "hospital", "hospital", "pharmacy", "pharmacy", "regulator")
SUITE = Ed25519()
KILL_US, BACK_US, SERVICE_US = 12_000_000, 18_000_000, 13_900_000


def secret(name: str, purpose: str) -> bytes:
    return tagged_hash(b"made up", name.encode(), purpose.encode())


def made_up_scenario() -> Scenario:
    members = tuple(MemberSpec(name, role) for name, role in zip(NAMES, ROLES, strict=True))
    return Scenario(
        name="made_up_day",
        members=members,
        question="The first leader dies at noon and returns: how long is service interrupted?",
        seed=7,
        faults=(Fault("kill", "leader", at_us=KILL_US), Fault("restart", "last", after_us=BACK_US - KILL_US)),
    )


def made_up_genesis() -> Genesis:
    members = tuple(
        Member(
            name,
            role,
            "validator",
            {p: SUITE.public_key(secret(name, p)) for p in ("submit", "vote")},  # type: ignore[misc]
        )
        for name, role in zip(NAMES, ROLES, strict=True)
    )
    return Genesis(FORMAT, "made_up_day", 0, "ed25519", "pbft", Parameters(), members)


def movement(source: str, target: str, amount_fen: int) -> Event:
    return Event("movement", {"source": source, "target": target, "amount_fen": amount_fen, "cause": "made up"})


def settled(bill_no: str) -> Event:
    """On the first day of all, on which the made-up blocks are."""
    return Event("settled", {"bill_no": bill_no, "begndate": 19700101, "enddate": 19700101})


def notice(record: str) -> Event:
    """That something was due on that day."""
    return Event("notice", {"why": "payment-overdue", "record": record, "due": 19700101})


class Made:
    """Builds blocks one after the other, as one ledger that all nodes share until a test copies and bends it."""

    def __init__(self) -> None:
        self.genesis = made_up_genesis()
        self.rows = DictRows()
        self.balances: dict[str, int] = {}
        self.parent = self.genesis.chain
        self.numbers = dict.fromkeys(NAMES, 0)
        opening = [("fund/employee-pool", 900_000_000), ("fund/resident-pool", 400_000_000)]
        opening += [("fund/medical-aid", 20_000_000), ("fund/large-amount", 80_000_000)]
        receipts = [
            Receipt(b"genesis %024d" % i, OK, "", (movement("external", *pair),)) for i, pair in enumerate(opening)
        ]
        self.store(0, b"", receipts)

    def store(self, height: int, batch: bytes, receipts: list[Receipt]) -> str:
        """Write one block; the 16 characters of its header's digest."""
        for receipt in receipts:
            for event in [event for event in receipt.events if receipt.is_ok and event.kind == "movement"]:
                amount = int(event.fields["amount_fen"])
                for account, change in ((event.fields["source"], -amount), (event.fields["target"], amount)):
                    self.balances[str(account)] = self.balances.get(str(account), 0) + change
        digest, none = batch_digest(batch) if batch else NULL_DIGEST, NULL_DIGEST
        state = tagged_hash(b"made up state", encode(sorted(self.balances.items())))
        header = Header(FORMAT, self.genesis.chain, height, 0, none, self.parent, digest, none, none, state, height)
        rows: list[tuple[str, bytes, bytes | None]] = [
            ("block", height_key(height), encode(header)),
            ("batch", height_key(height), batch),
        ]
        rows += [("receipt", receipt_key(height, i), encode(receipt)) for i, receipt in enumerate(receipts)]
        rows += [
            ("state", state_key("account", name), encode({"balance_fen": value}))
            for name, value in self.balances.items()
        ]
        self.rows.stage(rows)
        self.parent = header_digest(header)
        return self.parent.hex()[:16]

    def bundle(self, member: str, transactions: int) -> bytes:
        bodies = []
        for _ in range(transactions):
            self.numbers[member] += 1
            bodies.append(encode_transaction(self.numbers[member], "settlement", "claim", {"x": 1}))
        return sign_bundle(self.genesis.chain, SUITE, secret(member, "submit"), member, bodies)

    def block(self, height: int, bundles: list[tuple[str, bytes]], refuse: bool = False) -> tuple[str, str]:
        """A block of these bundles, each transaction paying from a fund; digests of batch and header."""
        from consortium.core.transaction import Bundles

        opener = Bundles(self.genesis.chain, SUITE)
        receipts = []
        funds = ("fund/employee-pool", "fund/resident-pool", "fund/medical-aid", "fund/large-amount")
        for index, (member, raw) in enumerate(bundles):
            for position, identity in enumerate(opener.open(raw, is_trusted=True).ids):
                paid = movement(funds[(height + index + position) % 4], f"payable/{member}", 1_234 + 17 * height)
                is_ok = not refuse or position > 0
                rung = (notice("order/O-7"),) if (height, position) == (7, 0) else ()
                receipts.append(
                    Receipt(identity, OK, "", (paid, settled(f"h-{height}"), *rung))
                    if is_ok
                    else Receipt(identity, "coverage-lapsed", "Lapsed.", ())
                )
        batch = encode_batch(height, [raw for _, raw in bundles])
        return batch_digest(batch).hex()[:16], self.store(height, batch, receipts)


def made_up_run() -> Run:
    """Thirty seconds: a block each 100 ms, the leader dead from 12 s to 18 s, the next one leads from 13.8 s on."""
    made = Made()
    dice = random.Random(1)
    trace: list[Record] = [_record(0, "", "run", scenario="made_up_day", seed=7, on="local", version="0")]
    trace += [_record(1_000, name, "booted", records=0) for name in NAMES]
    times = [*range(1_000_000, KILL_US, 100_000), *range(SERVICE_US, 30_000_000, 100_000)]
    for height, t_us in enumerate(times, start=1):
        _one_block(made, trace, dice, height, t_us)
    _leader_change(trace, len([t for t in times if t < KILL_US]), len([t for t in times if t < BACK_US]))
    for name in NAMES:
        for at_us, share in ((15_000_000, 0.4), (29_990_000, 1.0)):
            fields = {f"{cost}_us": int(1e6 * share * (i + 1) / 4) for i, cost in enumerate(COSTS)}
            trace.append(_record(at_us, name, "cost", transactions=0, **fields))
    trace.append(_record(29_800_000, "regulator", "finding", rule="duplicate-bill", records="ab", amount_fen=120_050))
    trace.append(_record(30_400_000, "", "ended", verdict="done"))
    trace.sort(key=lambda record: record["t_us"])
    made.rows.stage(_private_rows())
    ledgers = {name: made.rows.copy() for name in NAMES}
    return Run(made_up_scenario(), made.genesis, trace, ledgers, vaults={name: made_up_vault(name) for name in NAMES})


RECORD_HOLDERS = ("bureau", "depot")


def _private_rows() -> list[tuple[str, bytes, bytes | None]]:
    """A record and the lines of a bill, kept; and a record that was erased."""
    record = {"record_class": "report", "commitment": b"c" * 32, "holders": RECORD_HOLDERS, "given": ()}
    erased = {"day": 20260101, "reason": "term-over", "awaiting": ()}
    return [
        ("state", state_key("record", "r-1"), encode(record)),
        ("state", state_key("record", "r-2"), encode(record)),
        ("state", state_key("tombstone", "record/r-2"), encode(erased)),
        ("state", state_key("institution", "H1"), encode({"member": "depot"})),
        ("state", state_key("bill", "h1-1"), encode({"fixmedins_code": "H1", "lines": b"l" * 32})),
        ("state", state_key("anchor", "bureau/20260101"), made_up_anchor(1, 3)),
    ]


def made_up_reads() -> list[AuditEntry]:
    """What the bureau wrote down: three reads of a day that was anchored, and two of the next."""
    entries: list[AuditEntry] = []
    for number, day in enumerate((20260101, 20260101, 20260101, 20260102, 20260102), 1):
        previous = entries[-1].digest if entries else FIRST
        entries.append(AuditEntry(previous, number, day, "bureau", "record/r-1", "treatment"))
    return entries


def made_up_anchor(first: int, count: int) -> bytes:
    root = made_up_reads()[first + count - 2].digest
    return encode({"first": first, "count": count, "root": root})


def made_up_vault(name: str, **more: bytes) -> DictBoxes:
    """What a member must hold by these rows, and the commitments of `more` records."""
    boxes = DictBoxes()
    held = {"record/r-1": b"c" * 32} if name in RECORD_HOLDERS else {}
    if name == "depot":
        held["lines/h1-1"] = b"l" * 32
    for handle, commitment in {**held, **more}.items():
        boxes.stage(handle, encode(Box(handle, commitment, b"", b"")))
    for entry in made_up_reads() if name == "bureau" else ():
        boxes.stage(row_name(entry.number), encode(entry))
    return boxes


COSTS = ("hash", "decode", "store", "bus", "execute", "state", "verify", "cpu")


def _record(t_us: int, node: str, kind: str, **fields: Any) -> Record:
    return {"t_us": t_us, "node": node, "kind": kind, **fields}


def _one_block(made: Made, trace: list[Record], dice: random.Random, height: int, t_us: int) -> None:
    is_first_view = t_us < KILL_US
    leader, view = ("bureau", 0) if is_first_view else ("depot", 1)
    member = NAMES[1 + height % 6]
    count = dice.randint(2, 6)
    raw = made.bundle(member, count)
    waited_us = int(dice.lognormvariate(8.5, 0.5))
    submitted_us = t_us - 1_500 - waited_us
    if not is_first_view and t_us < SERVICE_US + 300_000:
        submitted_us = KILL_US + 20_000 + (height % 5) * 50_000
    digest, header = made.block(height, [(member, raw)], refuse=height % 9 == 0)
    ok = count - (height % 9 == 0)
    trace.append(_record(submitted_us, member, "submitted", bundle=bundle_digest(raw).hex()[:16], transactions=count))
    proposed_us = t_us - 1_400
    trace.append(
        _record(
            proposed_us, leader, "proposed", view=view, height=height, digest=digest, transactions=count, bytes=len(raw)
        )
    )
    for name in NAMES:
        if name == "bureau" and KILL_US <= t_us < BACK_US:
            continue
        at = proposed_us + dice.randint(500, 900)
        trace.append(_record(at, name, "prepared", view=view, height=height))
        at += dice.randint(300, 900)
        trace.append(_record(at, name, "committed", view=view, height=height, digest=digest))
        at += dice.randint(150, 500)
        trace.append(_executed(at, name, height, count, ok, header))
        if name == member:
            fields = {"height": height, "transactions": count, "latency_us": at - submitted_us}
            trace.append(_record(at, name, "included", **fields))
        if height % 16 == 0:
            trace.append(_record(at + dice.randint(400, 900), name, "sealed", height=height, signers=5))


def _executed(t_us: int, name: str, height: int, count: int, ok: int, header: str) -> Record:
    fields = {"height": height, "epoch": 0, "time_us": height, "transactions": count, "ok": ok, "refused": count - ok}
    return _record(t_us, name, "executed", **fields, header=header, state_root=header[::-1])


def _leader_change(trace: list[Record], head_at_kill: int, head_at_return: int) -> None:
    trace.append(_record(KILL_US, "", "fault", act="kill", target="bureau"))
    trace.append(_record(BACK_US, "", "fault", act="restart", target="bureau"))
    trace.append(_record(BACK_US + 400_000, "bureau", "booted", records=9))
    for index, name in enumerate(NAMES[1:]):
        trace.append(_record(13_050_000 + 31_000 * index, name, "view_change", view=1, why="silence"))
        trace.append(_record(13_600_000 + 9_000 * index, name, "new_view", view=1, leader="depot"))
    start = BACK_US + 450_000
    trace.append(_record(start, "bureau", "catching_up", from_height=head_at_kill + 1, to_height=head_at_return))
    known = {r["height"]: r for r in trace if r["kind"] == "executed" and r["node"] == "depot"}
    for height in range(head_at_kill + 1, head_at_return + 1):
        record = known[height]
        at = start + 5_000 * (height - head_at_kill)
        trace.append({**record, "t_us": at, "node": "bureau"})
    trace.append(_record(start + 700_000, "bureau", "caught_up", height=head_at_return))
