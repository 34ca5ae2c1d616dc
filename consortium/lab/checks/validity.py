"""Validity: nobody's transactions are executed but those that a member signed."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.contract import Receipt
from consortium.core.crypto import SUITES
from consortium.core.transaction import Bundles
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.ledgers import TURNED_AWAY, executed_in
from consortium.runs.run import Run, blocks, ledger_epochs


def check_validity(run: Run) -> list[str]:
    """Each bundle's signature holds under its key, which is its member's submit key in the epoch of the height, and
    was not revoked in an earlier block."""
    failures = []
    for camp in run.camps:
        bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
        epochs = ledger_epochs(run.genesis, camp.rows)
        revoked: dict[tuple[str, bytes | None], int] = {}  # by member and key, the height
        for block in blocks(camp.rows):
            if block.height == 0:
                continue  # the genesis file's own calls: nobody submits them
            epoch = epochs.at(block.height)
            try:
                for executed in executed_in(block, bundles, is_trusted=False):
                    bundle = executed.bundle
                    is_refused = executed.receipt.code in TURNED_AWAY
                    if not is_refused and epoch.key(bundle.member, "submit") != bundle.key:
                        failures.append(
                            f"{camp.label}, height {block.height}: transaction {executed.id.hex()[:16]} was executed "
                            f"under a key that {bundle.member!r} has not registered"
                        )
                    revoked_at = revoked.get((bundle.member, bundle.key), block.height)
                    if not is_refused and revoked_at < block.height:
                        failures.append(
                            f"{camp.label}, height {block.height}: transaction {executed.id.hex()[:16]} was executed "
                            f"under a key of {bundle.member!r} that was revoked at height {revoked_at}"
                        )
                    for name in _revoked_by(executed.receipt):
                        revoked[name, epoch.key(name, "submit")] = block.height
            except Malformed as error:
                failures.append(f"{camp.label}, height {block.height}: {error}")
    return failures


def _revoked_by(receipt: Receipt) -> list[str]:
    """The members whose submit key this transaction has replaced."""
    return [str(event.fields["name"]) for event in receipt.events if event.kind == "key-revoked"]


CHECK = Claim(
    "validity",
    Kind.SAFETY,
    "Every executed transaction stands in a bundle signed under a key that its member had registered.",
    check_validity,
    unchecked.no_stored_blocks,
    order=20,
)
