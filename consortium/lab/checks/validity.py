"""Validity: nobody's transactions are executed but those that a member signed."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.applications import APPLICATIONS, EVERYTHING, Application
from consortium.core.codec import Decoder, Malformed
from consortium.core.contract import Receipt
from consortium.core.crypto import SUITES
from consortium.core.machine import Rows
from consortium.core.membership import Epoch
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.ledgers import TURNED_AWAY, Executed, executed_in
from consortium.ledger.prune import bodies_above
from consortium.runs.run import ROW_BYTES_MAX, Run, base_height, blocks, ledger_epochs

_APPLICATION: Decoder[Application] = Decoder(Application, ROW_BYTES_MAX)


def check_validity(run: Run) -> list[str]:
    """Each bundle's signature holds under its key. That is its member's submit key in the epoch of the height, not
    revoked in an earlier block; or that of an application of the member, which may do what was done."""
    failures = []
    for camp in run.camps:
        bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
        epochs = ledger_epochs(run.genesis, camp.rows)
        keys = _Keys(camp.rows)
        for block in blocks(camp.rows):
            if block.height == 0:
                keys.hear(None, block.receipts(), 0)
                continue  # the genesis file's own calls: nobody submits them
            epoch = epochs.at(block.height)
            receipts: list[Receipt] = []
            try:
                for executed in executed_in(block, bundles, is_trusted=False):
                    receipts.append(executed.receipt)
                    is_refused = executed.receipt.code in TURNED_AWAY
                    why = "" if is_refused else keys.fault(epoch, executed)
                    if why:
                        what = f"transaction {executed.id.hex()[:16]} was executed"
                        failures.append(f"{camp.label}, height {block.height}: {what} {why}")
            except Malformed as error:
                failures.append(f"{camp.label}, height {block.height}: {error}")
            keys.hear(epoch, receipts, block.height)
    return failures


class _Keys:
    """Which keys sign for whom, as the receipts of one ledger tell it, block by block. A ledger that does not begin
    with the genesis says in its state which applications it knows."""

    def __init__(self, rows: Rows) -> None:
        self._revoked: dict[tuple[str, bytes | None], int] = {}  # by member and key, the height
        self._may: dict[tuple[str, bytes], frozenset[str]] = {}
        if base_height(rows) or bodies_above(rows):
            prefix = APPLICATIONS.prefix.encode()
            for key, row in rows.range("state", prefix, prefix[:-1] + b"\x01"):
                member, _, public = key[len(prefix) :].decode().partition("/")
                self._may[member, bytes.fromhex(public)] = frozenset(_APPLICATION.decode(row).may)

    def fault(self, epoch: Epoch, executed: Executed) -> str:
        """Why a transaction must not have been executed; empty where nothing is wrong."""
        member, key = executed.bundle.member, executed.bundle.key
        revoked_at = self._revoked.get((member, key), executed.height)
        if revoked_at < executed.height:
            return f"under a key of {member!r} that was revoked at height {revoked_at}"
        if epoch.key(member, "submit") == key:
            return ""
        may = self._may.get((member, key))
        if may is None:
            return f"under a key that {member!r} has not registered"
        call = decode_call(executed.transaction)
        what, all_of_it = ".".join((call.contract, call.operation)), ".".join((call.contract, EVERYTHING))
        if executed.receipt.code == "not-permitted" or what in may or all_of_it in may:
            return ""
        return f"by an application of {member!r}, which may not use {what}"

    def hear(self, epoch: Epoch | None, receipts: Sequence[Receipt], height: int) -> None:
        """What a block has changed, for those after it."""
        for event in (event for receipt in receipts for event in receipt.events):
            if event.kind == "key-revoked" and epoch is not None:  # a member's submit key was replaced
                name = str(event.fields["name"])
                self._revoked[name, epoch.key(name, "submit")] = height
            elif event.kind in ("application-registered", "application-revoked"):
                place = (str(event.fields["member"]), bytes.fromhex(str(event.fields["key"])))
                if event.kind == "application-revoked":
                    self._revoked[place] = height
                else:
                    self._may[place] = frozenset(str(event.fields["may"]).split())


CHECK = Claim(
    "validity",
    Kind.SAFETY,
    "Every executed transaction stands in a bundle signed under a key that its member had registered.",
    check_validity,
    unchecked.no_stored_blocks,
    order=20,
)
