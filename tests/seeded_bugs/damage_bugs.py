"""Bugs of what a node does with a disk that bends bits, and of what lies around the rows of a ledger."""

from __future__ import annotations

from .bug import CORE, LEDGER, SOUND, SURROUNDINGS, VALUES, VOTE_LOG, SeededBug

DAMAGE_BUGS = (
    SeededBug(
        "number-of-transactions-not-committed",
        "A header commits to how many transactions it has (core/merkle.py).",
        CORE + "merkle.py",
        '    return sha256(b"\\x04" + size.to_bytes(8, "big") + tree).digest()',
        '    return sha256(b"\\x04" + tree).digest()',
        (VALUES,),
    ),
    SeededBug(
        "rotten-block-given-away",
        "A stored block is proven again before it leaves (docs/decisions/061).",
        LEDGER + "sound.py",
        "        if self._proven.get(height) != found.digest:",
        "        if height in ():",
        (SOUND,),
    ),
    SeededBug(
        "rot-behind-a-proof-given-away",
        "That a proven block is still the same is looked at each time (docs/decisions/061).",
        LEDGER + "sound.py",
        "        if self._proven.get(height) != found.digest:",
        "        if height not in self._proven:",
        (SOUND,),
    ),
    SeededBug(
        "rotten-state-given-away",
        "A snapshot has the state root of its sealed header before it leaves (docs/decisions/061).",
        LEDGER + "serve.py",
        "                check_copy(copied.copy, linked, self._ledger.genesis, self._verifier)\n",
        "                pass\n",
        (SOUND,),
    ),
    SeededBug(
        "stored-epoch-unchecked",
        "A stored epoch is the one in the state (docs/decisions/061).",
        LEDGER + "boot.py",
        "        if key != height_key(number) or wanted != sha256(data).digest():",
        "        if key != height_key(number) or wanted is None:",
        (SOUND,),
    ),
    SeededBug(
        "emptied-ledger-begun-anew",
        "Rows without a head are no new ledger (docs/decisions/061).",
        LEDGER + "boot.py",
        '        if rows.range(table, b"", END):',
        "        if table is None:",
        (SOUND,),
    ),
    SeededBug(
        "checkpoint-over-what-the-disk-says",
        "A CHECKPOINT is over the header that execution gave (OSDI'99 §4.3).",
        LEDGER + "sealer.py",
        "        if height == self.head_height:\n            return self._head_digest\n",
        "",
        (SOUND,),
    ),
    SeededBug(
        "flipped-last-vote-cut-as-torn",
        "A bit flipped in the last write of a vote log is damage, and no torn write (docs/decisions/061).",
        "nodes/process/vote_log.py",
        "    if _is_one_bit_off(data, offset):",
        "    if offset < 0:",
        (VOTE_LOG,),
    ),
    SeededBug(
        "compaction-drops-what-it-cannot-read",
        "Compaction keeps every vote above the seal, or none is lost in silence (docs/decisions/061).",
        "nodes/process/vote_log.py",
        "        if size != self.bytes:",
        "        if size > self.bytes:",
        (VOTE_LOG,),
    ),
    SeededBug(
        "foreign-trigger-stays",
        "A ledger's database is made of its tables and views, and of nothing else (docs/decisions/061).",
        "nodes/process/own_ledger.py",
        "    if foreign:",
        "    if len(foreign) > 9:",
        (SURROUNDINGS,),
    ),
    SeededBug(
        "foreign-journal-played-back",
        "A journal that no ledger leaves is not played back (docs/decisions/061).",
        "nodes/process/disk.py",
        "    is_suspect = _set_beside_aside(path)\n",
        "    is_suspect = False\n",
        (SURROUNDINGS,),
    ),
    SeededBug(
        "ledger-read-at-many-moments",
        "A ledger is read as it was at one moment, whoever writes meanwhile (docs/decisions/061).",
        "nodes/process/ledger_file.py",
        '        connection.execute("BEGIN")\n',
        "",
        (SURROUNDINGS,),
    ),
)
