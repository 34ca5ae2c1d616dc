"""Positive controls: for every check a run, or what was said in one, in which something is wrong that it must find.

A check in the file `consortium/lab/checks/NAME.py` has here the function `control_NAME`; a test asserts that none lacks
it. A control of a `Claim` takes an honest run and gives it back doctored; one of a `SaidClaim` gives what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from consortium.core.codec import encode
from consortium.core.machine import Rows
from consortium.core.membership import Epochs
from consortium.core.messages import Message, Signed
from consortium.core.transaction import Bundle, decode_batch, encode_batch, sign_bundle
from consortium.lab.checks.statements import Said, Statement
from consortium.ledger.rows import height_key, receipt_key, state_key
from consortium.protocols.pbft.messages import Commit, Prepare, ViewChange
from consortium.runs.run import Run, head_height
from consortium.scenario.assemble import Shared
from consortium.scenario.scenario import Workload
from tests.unit.lab.made_up_run import NAMES, SUITE, made_up_genesis, secret

HEIGHT = 40
RowList = list[tuple[str, bytes, bytes | None]]


def with_trace(run: Run, change: Callable[[list[dict[str, Any]]], None]) -> Run:
    trace = [dict(record) for record in run.trace]
    change(trace)
    return replace(run, trace=sorted(trace, key=lambda record: record["t_us"]))


def with_rows(run: Run, rows: RowList, names: tuple[str, ...] = NAMES) -> Run:
    ledgers: dict[str, Rows] = {}
    for name, held in run.ledgers.items():
        copy: Any = held.copy()  # type: ignore[attr-defined]
        if name in names:
            copy.stage(rows)
        ledgers[name] = copy
    return replace(run, ledgers=ledgers)


def first_of(trace: list[dict[str, Any]], kind: str, **fields: Any) -> dict[str, Any]:
    return next(r for r in trace if r["kind"] == kind and all(r.get(k) == v for k, v in fields.items()))


def control_agreement(run: Run) -> Run:
    return with_rows(run, [("block", height_key(HEIGHT), b"another header")], ("depot",))


def control_validity(run: Run) -> Run:
    batch = decode_batch(run.ledgers["depot"].get("batch", height_key(HEIGHT)) or b"")
    bundle = msgspec.msgpack.decode(batch.bundles[0], type=Bundle)
    stranger = secret("stranger", "submit")
    forged = sign_bundle(run.genesis.chain, SUITE, stranger, bundle.member, bundle.transactions)
    return with_rows(run, [("batch", height_key(HEIGHT), encode_batch(HEIGHT, [forged]))])


def control_exactly_once(run: Run) -> Run:
    held = run.ledgers["depot"]
    batch = held.get("batch", height_key(HEIGHT))
    rows: RowList = [("batch", height_key(HEIGHT + 1), batch)]
    new = held.range("receipt", receipt_key(HEIGHT + 1, 0), receipt_key(HEIGHT + 2, 0))
    rows += [("receipt", key, None) for key, _ in new]
    old = held.range("receipt", receipt_key(HEIGHT, 0), receipt_key(HEIGHT + 1, 0))
    rows += [("receipt", receipt_key(HEIGHT + 1, index), value) for index, (_, value) in enumerate(old)]
    return with_rows(run, rows)


def control_money(run: Run) -> Run:
    return with_rows(run, [("state", state_key("account", "fund/medical-aid"), encode({"balance_fen": 1}))])


def control_state_roots(run: Run) -> Run:
    return with_rows(run, [("state", state_key("bill", "1"), b"\x80")], ("regulator",))


def control_progress(run: Run) -> Run:
    return with_trace(run, lambda trace: first_of(trace, "ended").update(verdict="no progress"))


def control_everything_executed(run: Run) -> Run:
    lost = {"t_us": 5, "node": "depot", "kind": "submitted", "bundle": "0" * 16, "transactions": 3}
    return with_trace(run, lambda trace: trace.append(lost))


def control_equal_heads(run: Run) -> Run:
    top = head_height(run.ledgers["depot"])
    return with_trace(run, lambda trace: trace.remove(first_of(trace, "executed", node="regulator", height=top)))


def control_claims_answered(run: Run) -> Run:
    workload = Workload("claim_day", {"data": "scenarios/data/synthea_40", "claims_max": 30})
    return replace(run, scenario=msgspec.structs.replace(run.scenario, workload=workload))


def said(*messages: tuple[str, Message], protocol: str = "pbft") -> Said:
    """What these members said, in this order, all of them honest."""
    genesis = msgspec.structs.replace(made_up_genesis(), protocol=protocol)
    codec = Shared.of(genesis).verifier.codec
    statements = [
        Statement(0, message, Signed(name, codec.statement(0, message), b"not looked at")) for name, message in messages
    ]
    return Said(statements, frozenset(NAMES), codec, Epochs((genesis.first_epoch,)))


def control_votes() -> Said:
    prepare, commit = Prepare(0, 9, b"d" * 32), Commit(0, 9, b"d" * 32)
    return said(("depot", prepare), ("depot", ViewChange(1, 0, None, ())), ("depot", commit))
