"""Members that join a local run: each is started once another's ledger proves that it is one of today's members."""

from __future__ import annotations

from collections.abc import Iterable

from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.membership import NodeId
from consortium.core.proven import ProofError, verify_epochs_proof
from consortium.ledger.proofs import prove_members
from consortium.runs.run import head_height, ledger_epochs
from nodes.errors import Damaged, StoreFailed, UserError
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows


def take_proof(genesis: Genesis, others: Iterable[NodeFolder], newcomer: NodeFolder, name: NodeId) -> bool:
    """Write `newcomer.members`: today's members as the first of `others` proves them whose ledger has `name` among
    them. Whether there is one: its change may not have begun yet, or not be sealed. The ledgers may be in use."""
    for other in others:
        proof = prove_members_of(genesis, other)
        if proof and name in verify_epochs_proof(genesis, proof).newest.by_name:
            half = newcomer.members.with_name(newcomer.members.name + ".part")
            half.write_bytes(proof)
            half.replace(newcomer.members)
            return True
    return False


def prove_members_of(genesis: Genesis, folder: NodeFolder) -> bytes:
    """A proof of today's members out of this node's ledger; empty where that cannot be read now, or proves nothing."""
    try:
        rows = SqliteRows(folder.ledger, read_only=True)
    except (UserError, Damaged):
        return b""
    try:
        return prove_members(rows, ledger_epochs(genesis, rows).at(head_height(rows) + 1).number)
    except (ProofError, Malformed, Damaged, StoreFailed):
        return b""
    finally:
        rows.close()
