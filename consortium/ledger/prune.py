"""What a node lets go of that keeps no archive: batches, certificates and receipts of blocks long sealed.

Headers and seals stay, and the state: proofs of the state, snapshots and the way to today's members need no more.
Whoever wants older blocks asks an archive node. `meta pruned` names the highest block whose body is gone.
"""

from __future__ import annotations

from consortium.core.machine import Rows
from consortium.ledger.rows import Row, height_key, read_height

BODIES = ("batch", "certificate", "receipt")
WORD = b"pruned"
AT_ONCE_MIN = 16  # blocks
AT_ONCE_MAX = 64


def pruned_height(rows: Rows) -> int:
    """The highest block whose body was let go of; 0: none was. Raises Damaged."""
    return read_height(rows.get("meta", WORD))


def bodies_above(rows: Rows) -> int:
    """Blocks above this height are whole here: below it lies what was let go of, or what a snapshot stands for. Raises
    Damaged."""
    return max(pruned_height(rows), read_height(rows.get("base", b"height")))


def prune(rows: Rows, keep_blocks: int, sealed: int) -> tuple[Row, ...]:
    """The rows that let go of the oldest bodies, a few at a time, so that `keep_blocks` up to the sealed height stay;
    empty where it is not worth while yet. The state that a ledger began with goes, too."""
    above = bodies_above(rows)
    to = min(sealed - keep_blocks, above + AT_ONCE_MAX)
    if to - above < AT_ONCE_MIN:
        return ()
    low, high = height_key(above), height_key(to + 1)
    gone = [(table, key) for table in BODIES for key, _ in rows.range(table, low, high)]
    gone += [("base", key) for key, _ in rows.range("base", b"state", b"state\xff")]
    return (*[(table, key, None) for table, key in gone], ("meta", WORD, height_key(to)))
