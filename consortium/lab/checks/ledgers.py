"""Checks over the ledgers of a run: blocks, batches and receipts as the nodes stored them."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.contract import Receipt
from consortium.core.crypto import SUITES
from consortium.core.machine import Outcome, Rows
from consortium.core.transaction import Bundles, Opened, bundle_digest, decode_batch, decode_call
from consortium.lab.checks import traces as trace_checks
from consortium.lab.measures.series import distinct_submissions
from consortium.runs.run import Run, StoredBlock, base_height, blocks, head_height, ledger_epochs, state_digest
from consortium.scenario.workloads import claim_day as day

# Receipts of transactions that the ledger turned away before any contract saw them: they use no number up.
TURNED_AWAY = frozenset(
    ("already-executed", "number-used", "number-stale", "number-ahead", "unknown-member", "unknown-key", "malformed")
)


class Executed(NamedTuple):
    """One transaction of a stored block with the bundle that carried it and its receipt."""

    height: int
    bundle: Opened
    transaction: bytes
    id: bytes
    receipt: Receipt


def check_agreement(run: Run) -> list[str]:
    """The same header, batch and receipts, byte for byte, at every height that two nodes both hold."""
    headers: dict[int, dict[str, list[str]]] = {}
    bodies: dict[int, dict[str, list[str]]] = {}
    for camp in run.camps:
        base = base_height(camp.rows)
        for block in blocks(camp.rows):
            header = sha256(block.header_bytes).hexdigest()[:16]
            headers.setdefault(block.height, {}).setdefault(header, []).append(camp.label)
            if base == 0 or block.height > base:  # of its snapshot's height a ledger has the header alone
                bodies.setdefault(block.height, {}).setdefault(block.digest.hex()[:16], []).append(camp.label)
    failures = []
    for height, camps in sorted(headers.items()):
        differing = camps if len(camps) > 1 else bodies.get(height, {})
        if len(differing) > 1:
            failures.append(
                f"height {height}: the ledgers hold different blocks: {trace_checks.describe_camps(differing)}"
            )
    return failures


def check_state_roots(run: Run) -> list[str]:
    """Ledgers with the same highest block have the same rows of state."""
    states: dict[int, dict[str, list[str]]] = {}
    for camp in run.camps:
        digest = state_digest(camp.rows).hex()[:16]
        states.setdefault(head_height(camp.rows), {}).setdefault(digest, []).append(camp.label)
    return [
        f"height {height}: the tables of state differ: {trace_checks.describe_camps(camps)}"
        for height, camps in sorted(states.items())
        if len(camps) > 1
    ]


def _batch_bundles(block: StoredBlock) -> tuple[bytes, ...]:
    """Raises Malformed."""
    return decode_batch(block.batch).bundles if block.batch else ()


def _executed(block: StoredBlock, bundles: Bundles, *, is_trusted: bool) -> Iterator[Executed]:
    """The transactions of a block beside their receipts. Raises Malformed, also where the two do not fit together."""
    receipts = block.receipts()
    opened = [bundles.open(raw, is_trusted=is_trusted) for raw in _batch_bundles(block)]
    expected = sum(len(bundle.ids) for bundle in opened)
    if len(receipts) != expected:
        raise Malformed(f"{expected} transactions and {len(receipts)} receipts")
    index = 0
    for bundle in opened:
        for transaction, identity in zip(bundle.transactions, bundle.ids, strict=True):
            receipt = receipts[index]
            if receipt.transaction != identity:
                raise Malformed(f"receipt {index} is of another transaction")
            yield Executed(block.height, bundle, transaction, identity, receipt)
            index += 1


def check_validity(run: Run) -> list[str]:
    """Each bundle's signature holds under its key, which is its member's submit key in the epoch of the height."""
    failures = []
    for camp in run.camps:
        bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
        epochs = ledger_epochs(run.genesis, camp.rows)
        for block in blocks(camp.rows):
            if block.height == 0:
                continue  # the genesis file's own calls: nobody submits them
            epoch = epochs.at(block.height)
            try:
                for executed in _executed(block, bundles, is_trusted=False):
                    bundle = executed.bundle
                    is_refused = executed.receipt.code in TURNED_AWAY
                    if not is_refused and epoch.key(bundle.member, "submit") != bundle.key:
                        failures.append(
                            f"{camp.label}, height {block.height}: transaction {executed.id.hex()[:16]} was executed "
                            f"under a key that {bundle.member!r} has not registered"
                        )
            except Malformed as error:
                failures.append(f"{camp.label}, height {block.height}: {error}")
    return failures


def check_exactly_once(run: Run) -> list[str]:
    """No id has two receipts that took it, and no number of a member two ids that took effect."""
    failures = []
    for camp in run.camps:
        bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
        taken: dict[bytes, int] = {}
        numbers: dict[tuple[str, int], int] = {}
        for block in blocks(camp.rows):
            if block.height == 0:
                continue
            for executed in _executed(block, bundles, is_trusted=True):
                if executed.receipt.code in TURNED_AWAY:
                    continue
                where = taken.setdefault(executed.id, block.height)
                number = (executed.bundle.member, decode_call(executed.transaction).number)
                if where != block.height or number in numbers:
                    earlier = where if where != block.height else numbers[number]
                    failures.append(
                        f"{camp.label}: number {number[1]} of {number[0]} (transaction {executed.id.hex()[:16]}) took "
                        f"effect at heights {earlier} and {block.height}"
                    )
                numbers.setdefault(number, block.height)
    return failures


def check_everything_executed(run: Run) -> list[str]:
    """Each bundle that a node submitted that was up at the end stands in the highest ledger (without ledgers: was
    `included`). What a node submitted that died for good may have died with it."""
    running = trace_checks.running_nodes(run.trace)
    submitted = [record for record in distinct_submissions(run.trace) if record["node"] in running]
    fullest = run.fullest
    if fullest is not None:
        stored = {bundle_digest(raw).hex()[:16] for block in blocks(fullest.rows) for raw in _batch_bundles(block)}
        missing = [record for record in submitted if record["bundle"] not in stored]
        if base_height(fullest.rows) > 0:  # every ledger began with a snapshot: what lies below it only notes tell
            unheard = _not_included(run)
            missing = [record for record in missing if record in unheard]
    else:
        missing = _not_included(run)
    counts: dict[str, int] = {}
    for record in missing:
        counts[record["node"]] = counts.get(record["node"], 0) + 1
    return [f"{count} of the bundles of {node} stand in no block" for node, count in sorted(counts.items())]


def _not_included(run: Run) -> list[dict[str, object]]:
    """Without ledgers only counts are left: the last bundles of a member with more submitted than included."""
    included: dict[str, int] = {}
    for record in run.records.of_kind("included"):
        included[record["node"]] = included.get(record["node"], 0) + 1
    missing = []
    for record in distinct_submissions(run.trace):
        if included.get(record["node"], 0) > 0:
            included[record["node"]] -= 1
        else:
            missing.append(record)
    return missing


def expects_answers(run: Run) -> bool:
    """Whether the workload says what must be answered, and how."""
    return run.scenario.workload.source == day.WORKLOAD.name


def check_workload_answered(run: Run) -> list[str]:
    """What the workload itself expects of the receipts (`expects_answers`)."""
    fullest = run.fullest
    if fullest is None:
        return []
    expected = day.compute_expectation(day.WORKLOAD.prepare(run.scenario, bytes(32)).work)  # counts fit any key
    return day.day_faults(day.day_report(_outcomes(run, fullest.rows)), expected)


def _outcomes(run: Run, rows: Rows) -> Iterator[Outcome]:
    """Of the transactions that no ledger rule turned away, in order. Raises Malformed."""
    bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
    for block in blocks(rows):
        for executed in _executed(block, bundles, is_trusted=True) if block.height else ():
            if executed.receipt.code not in TURNED_AWAY:
                call = decode_call(executed.transaction)
                named = (executed.bundle.member, call.number, call.contract, call.operation)
                yield Outcome(*named, bytes(call.arguments), executed.receipt)
