"""A simulated disk: what survives a crash, what a crash loses, and what goes wrong with it.

It promises what `nodes/process/carrier.py`, `nodes/process/vote_log.py` and `nodes/process/store.py` promise of a real
one: outputs leave in step order, nothing is sent past an unsynced `Store`, blocks are committed behind the votes they
rest on, one sync serves all that waits. A crash takes what is not durable; rows that were only staged are taken back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from consortium.core.machine import Apply, Drop, Keep, Store, Transmit
from consortium.ledger.rows import TABLES, DictRows, Row
from consortium.node.node import is_wish, lost_votes_record
from consortium.scenario.streams import Stream
from consortium.vault.boxes import DictBoxes

Kept = tuple[bytes, int | None]  # record, height
BEGUN: Kept = (b"", None)  # the first record of a log that whoever prepared the node has made: no node wrote it


class StagedRows(DictRows):
    """`DictRows` that can take back what no `Apply` has made durable, in the order of staging."""

    def __init__(self) -> None:
        super().__init__()
        self._undo: deque[list[Row]] = deque()

    def stage(self, rows: Sequence[Row]) -> None:
        undo: list[Row] = []
        for table, key, _ in rows:
            held = self._tables.get(table)
            undo.append((table, key, None if held is None else held.values.get(key)))
        self._undo.append(undo)
        super().stage(rows)

    def settle(self, rows: Sequence[Row]) -> None:
        """The oldest staging is durable now."""
        undo = self._undo.popleft()
        assert len(undo) == len(rows), "an Apply carries what was staged, in the order of staging"

    def lose(self) -> None:
        while self._undo:
            super().stage(self._undo.pop()[::-1])

    def durable_copy(self) -> StagedRows:
        twin = StagedRows()
        for table in self.tables():
            DictRows.stage(twin, [(table, key, value) for key, value in self.all(table)])
        for undo in reversed(self._undo):
            DictRows.stage(twin, undo[::-1])
        return twin

    def flip(self, table: str, stream: Stream) -> str | None:
        """Flip one bit of one value that is durable; which row it was, None if the table is empty."""
        rows = [(key, value) for key, value in self.all(table) if value]
        if not rows:
            return None
        key, value = rows[stream.below(len(rows))]
        bit = stream.below(8 * len(value))
        bent = bytearray(value)
        bent[bit // 8] ^= 1 << bit % 8
        DictRows.stage(self, [(table, key, bytes(bent))])
        return f"{table} {key.hex()[:32]}"


class Disk:
    """`votes`: the synced blocks of the vote log, each of one sync. `rows`: the ledger's. `boxes`: the private store. A
    new disk is prepared for a node that has never run: its log is there, and holds nothing. One without a log (`wipe`)
    has lost it."""

    def __init__(self) -> None:
        self.rows = StagedRows()
        self.boxes = DictBoxes()
        self.votes: list[list[Kept]] = [[BEGUN]]
        self.is_full = False
        self.copy: Disk | None = None  # made by hand, to be put back later
        self._is_log_damaged = False
        self._waiting: list[Transmit | Store | Keep | Drop | Apply] = []
        self._has_store = False  # in `_waiting`, or a row of the private store
        self._syncing: list[Transmit | Store | Keep | Drop | Apply] | None = None
        self._applies: list[Apply] = []
        self._committing: list[Apply] = []
        self._sealed = 0  # the newest durable seal, and the one that the log was last cleared for
        self._forgotten = 0

    # --- in step order ------------------------------------------------------------------------------------------

    def take(self, output: Transmit | Store | Keep | Drop | Apply) -> Transmit | None:
        """The next output of the host; a Transmit that need not wait for any sync comes straight back."""
        if isinstance(output, Store | Keep | Drop):
            self._has_store = True
        elif self._syncing is None and not self._has_store:
            if isinstance(output, Transmit):
                return output
            self._applies.append(output)
            return None
        self._waiting.append(output)
        return None

    def begin_sync(self) -> bool:
        """Whether a sync begins now: `end_sync` follows when it is through."""
        if self._syncing is not None or not self._has_store:
            return False
        self._syncing, self._waiting, self._has_store = self._waiting, [], False
        return True

    def end_sync(self) -> list[Transmit]:
        """The votes of the sync are durable; what waited for them may leave, in order."""
        assert self._syncing is not None
        done, self._syncing = self._syncing, None
        kept: list[Kept] = []
        left: list[Transmit] = []
        self.votes.append(kept)
        if not self._has_store:  # what came meanwhile needs no further sync
            done += self._waiting
            self._waiting = []
        for output in done:
            if isinstance(output, Store):
                kept.append((output.record, output.height))
            elif isinstance(output, Keep | Drop):
                self.boxes.settle(output)
            elif isinstance(output, Apply):
                self._applies.append(output)
            else:
                left.append(output)
        self._forget()
        return left

    def begin_commit(self) -> bool:
        if self._committing or not self._applies:
            return False
        self._committing, self._applies = self._applies, []
        return True

    @property
    def committing(self) -> Sequence[Apply]:
        return self._committing

    def end_commit(self) -> None:
        done, self._committing = self._committing, []
        for apply in done:
            self.rows.settle(apply.rows)
            if any(table == "seal" and value is not None for table, _, value in apply.rows):
                self._sealed = max(self._sealed, apply.height)

    def _forget(self) -> None:
        """Votes at or below a durable seal are needed no more. As in a real log, looked at after a sync."""
        sealed = self._sealed
        if sealed <= self._forgotten:
            return
        self._forgotten = sealed
        kept = [[item for item in block if item[1] is None or item[1] > sealed] for block in self.votes]
        self.votes = [block for block in kept if block]

    # --- crash and boot -----------------------------------------------------------------------------------------

    def crash(self) -> None:
        """The node died: what was under way is lost."""
        self._waiting, self._syncing, self._applies, self._committing = [], None, [], []
        self._has_store = False
        self.rows.lose()
        self.boxes.lose()

    def records(self, voting_key: bytes) -> list[bytes]:
        """What the host is given at its boot. Of a damaged vote log the wishes are kept, and that its votes are lost;
        where it is gone, that they are lost (as `nodes.process.disk.open_votes`)."""
        if self._is_log_damaged or not self.votes:
            wishes: list[Kept] = [(kept, None) for block in self.votes for kept, _ in block if is_wish(kept)]
            self.votes = [[(lost_votes_record(voting_key), None), *wishes]]
            self._is_log_damaged = False
        return [record for block in self.votes for record, height in block if (record, height) != BEGUN]

    def wipe(self) -> None:
        """Ledger, vote log and private store are gone; the copy, if there is one, lies elsewhere."""
        self.rows, self.boxes, self.votes = StagedRows(), DictBoxes(is_lacking=True), []
        self._is_log_damaged = self.is_full = False
        self._sealed = self._forgotten = 0

    def set_ledger_aside(self) -> None:
        """Begin an empty ledger in place of a damaged one; the node fills it from the others."""
        self.rows = StagedRows()

    # --- by hand, or by bad luck --------------------------------------------------------------------------------

    def make_copy(self) -> None:
        self.copy = self.cloned()

    def cloned(self) -> Disk:
        """What is durable, on a disk of its own."""
        twin = Disk()
        twin.rows = self.rows.durable_copy()
        twin.boxes = self.boxes.durable_copy()
        twin.votes = [list(block) for block in self.votes]
        twin._sealed, twin._forgotten = self._sealed, self._forgotten
        twin._is_log_damaged = self._is_log_damaged
        return twin

    def tear(self, blocks: int) -> None:
        """The last blocks of the vote log were never whole, though the disk had said so: a boot cuts them off."""
        del self.votes[max(0, len(self.votes) - blocks) :]

    def flip(self, table: str, stream: Stream) -> str | None:
        """Flip a bit, in the vote log (`votes`) or a row of a table (`any`: of some table); what was hit."""
        if table != "votes":
            tables = [name for name in TABLES if name in self.rows.tables()] if table == "any" else [table]
            return self.rows.flip(tables[stream.below(len(tables))], stream) if tables else None
        if not self.votes:
            return None
        count = len(self.votes)
        hit = stream.below(count)
        del self.votes[hit]  # also the last: one flipped bit looks otherwise than a write that a crash tore
        self._is_log_damaged = True
        return f"votes, write {hit + 1} of {count}"
