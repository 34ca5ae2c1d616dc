"""The ledger itself: executes what was decided, block by block, and keeps the rows of every block.

A pure machine. It hears `Started` and `Decide` and answers with `Apply` (also staged into its rows), `Executed`,
`Receipted`, `Note`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from consortium.core import merkle, registry
from consortium.core.codec import Malformed, encode, tagged_hash
from consortium.core.contract import Contract, StateReader
from consortium.core.errors import UserError
from consortium.core.format import FORMAT, format_fault
from consortium.core.genesis import Genesis, GenesisCall
from consortium.core.header import Header, header_bytes_digest
from consortium.core.machine import (
    Apply,
    Decide,
    Effect,
    Event,
    Executed,
    Note,
    Now,
    Receipted,
    Rows,
    Stable,
    Started,
)
from consortium.core.membership import Epochs
from consortium.core.state_path import Path
from consortium.core.transaction import NULL_DIGEST, Bundles, Opened, batch_digest
from consortium.core.versions import get_versions
from consortium.ledger.base import Base, base_versions, rows_to_install
from consortium.ledger.boot import check_empty, check_words, read_epochs, read_head
from consortium.ledger.execute import Done, Executor, Prepared, executed_note
from consortium.ledger.executed_blocks import ExecutedBlock, ExecutedBlocks
from consortium.ledger.history import TOLD_MAX, History
from consortium.ledger.prune import bodies_above, prune
from consortium.ledger.rows import Damaged, Row, height_key, read_height, receipt_key
from consortium.ledger.state import Reader, State
from consortium.ledger.tree import StateTree
from consortium.ledger.undo import Undo


class GenesisError(UserError, ValueError):
    """The genesis file cannot be executed: the user's to mend. Names the call and why."""


class Ledger:
    """`boot` first, then `step` with `Started` and consecutive `Decide`s.

    `epochs` is shared with the siblings: the ledger adds those that its rows know. `clock_ns`, where a driver hands
    one in, fills `costs_ns` by decode, execute, hash and state; in simulation it is None and nothing is measured.
    `memo`: shared by ledgers that execute the same blocks. `keep_blocks`: of sealed blocks the bodies of so many stay
    (`prune.py`); 0: all.
    """

    def __init__(
        self,
        genesis: Genesis,
        rows: Rows,
        contracts: Mapping[str, Contract],
        bundles: Bundles,
        epochs: Epochs,
        clock_ns: Callable[[], int] | None = None,
        memo: ExecutedBlocks | None = None,
        keep_blocks: int = 0,
    ) -> None:
        self.genesis = genesis
        self.chain = genesis.chain
        self.epochs = epochs
        self.costs_ns = {"decode": 0, "execute": 0, "hash": 0, "state": 0}
        self._rows = rows
        self._contracts = contracts
        self._bundles = bundles
        self._clock_ns = clock_ns or (lambda: 0)
        self._state = State(rows, digest_of=lambda key: self._tree.digest_of(key))
        self._executor = Executor(self.chain, contracts, self._state, genesis.parameters.utc_offset_minutes)
        self._memo = memo
        self._keep_blocks = keep_blocks
        self._tree = StateTree(rows.make_buckets(), is_shared=memo is not None)
        self._rules = self._executor.rule_book
        self._header: Header | None = None
        self._digest = b""
        self._history = History(genesis, rows, self._open, partial(self._prepare, is_past=True))
        self._booting: list[Effect] = []  # what booting did, said at `Started`
        self._undo = Undo()

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def head(self) -> Header:
        assert self._header is not None, "boot the ledger first"
        return self._header

    @property
    def head_height(self) -> int:
        return self.head.height

    @property
    def head_digest(self) -> bytes:
        return self._digest

    @property
    def base_height(self) -> int:
        """Where this ledger begins: 0, or the height of the snapshot that it started from."""
        return read_height(self._rows.get("base", b"height"))

    @property
    def bodies_above(self) -> int:
        """Above this height every block is whole here."""
        return bodies_above(self._rows)

    @property
    def reader(self) -> StateReader:
        """The committed state, for roles."""
        return Reader(self._state)

    def state_path(self, key: bytes) -> Path:
        """Proof of the value, or absence, of a state row under the head's state root."""
        return self._tree.path(key)

    def state_at(self, height: int) -> list[tuple[bytes, bytes]] | None:
        """All state rows as they were at the head, or a little below it; None where that is forgotten."""
        return self._undo.state_at(self._rows, self.head_height, height)

    @property
    def told_above(self) -> int:
        """Blocks above this height are told again after a boot; what older ones did is read from the state."""
        return max(self.bodies_above, self.head_height - TOLD_MAX)

    def history(self) -> Iterator[Receipted]:
        """The outcomes of the newest blocks that this node executed before, as replays. Raises Damaged."""
        return self._history.between(self.told_above, self.head_height)

    def receipted(self, height: int) -> Receipted | None:
        """The outcomes of a block that was executed before, as a replay; None if this node never had it. Raises
        Damaged."""
        past = self._history.receipted(height)
        if past is None and self.bodies_above < height <= self.head_height:
            raise Damaged(f"block {height} is missing")
        return past

    # --- booting ----------------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Executes the genesis calls on empty rows, else loads the head and rebuilds the state tree.

        The rows of the genesis block leave as effects of `Started`. Raises GenesisError (a call is refused, or the
        rows are of another chain, or it is of a format that another version executes) and Damaged (the rows disagree).
        """
        if (fault := format_fault("genesis", self.genesis.format)) is not None:
            raise GenesisError(f"a {fault}")
        if self._rows.get("meta", b"head") is None:
            check_empty(self._rows)
            self._booting = self._boot_fresh()
            return
        self._load_head()

    def _load_head(self) -> None:
        """Head, state and epochs, each only where it is what was written."""
        header, self._digest = read_head(self._rows)
        if header.chain != self.chain:
            raise GenesisError("this ledger was begun with another genesis file; use its own, or an empty folder")
        check_words(self._rows, self.chain)
        self._header = header
        buckets, is_shared = self._rows.make_buckets(), self._memo is not None
        self._tree = StateTree.build(self._rows.each("state"), buckets, is_shared=is_shared)
        if self._tree.root != header.state:
            raise Damaged(f"the state table does not have the state root of the head, height {header.height}")
        for epoch in read_epochs(self._rows, self._tree.digest_of):
            self.epochs.add(epoch)
        self._rules.check(header.height + 1)
        self._reach()

    def _boot_fresh(self) -> list[Effect]:
        genesis = self.genesis
        known = self._memo.get(self.chain, NULL_DIGEST) if self._memo is not None else None
        if known is not None:
            return self._take_over(known, known.rows)
        calls: list[tuple[bytes, GenesisCall]] = [
            (tagged_hash(b"consortium genesis call", self.chain, index.to_bytes(4, "big")), call)
            for index, call in enumerate(genesis.calls)
        ]
        registry.found(self._state, genesis)
        self._rules.check(0)
        done = self._executor.execute_genesis(calls, genesis.time_us)
        for index, outcome in enumerate(done.outcomes):
            receipt = outcome.receipt
            if not receipt.is_ok:
                name = f"genesis call {index} ({outcome.contract}.{outcome.operation})"
                raise GenesisError(f"{name} is refused, {receipt.code}: {receipt.sentence}")
        first = (
            ("meta", b"format", encode(FORMAT)),
            ("meta", b"chain", self.chain),
            ("epoch", height_key(0), encode(genesis.first_epoch)),
            ("batch", height_key(0), b""),
        )
        rows = self._close(0, self.chain, NULL_DIGEST, genesis.time_us, [one for one, _ in calls], done, first)
        return [Apply(0, rows), *done.notes, executed_note(self.head, self._digest, done)]

    # --- executing --------------------------------------------------------------------------------------------------

    def step(self, now: Now, event: Event | Decide) -> Sequence[Effect]:
        if isinstance(event, Started):
            booting, self._booting = self._booting, []
            return [*booting, *self._history.jumped(self._state, self.told_above, self.head_height)]
        if isinstance(event, Stable):
            self._undo.forget_to(event.height)
            return self._prune(min(event.height, self.head_height))
        if not isinstance(event, Decide) or event.height <= self.head.height:
            return []
        assert event.height == self.head.height + 1, f"decided {event.height} after {self.head.height}"
        versions = get_versions(self._state)
        effects = self._execute(event)
        return effects if get_versions(self._state) is versions else [*effects, *self._rules.warn(event.height)]

    def _prune(self, sealed: int) -> list[Effect]:
        """Let go of old bodies, where this node keeps no archive."""
        rows = prune(self._rows, self._keep_blocks, sealed) if self._keep_blocks else ()
        if not rows:
            return []
        self._rows.stage(rows)
        return [Apply(self.head_height, rows)]

    def _execute(self, decided: Decide) -> list[Effect]:
        clock_ns, costs_ns = self._clock_ns, self.costs_ns
        height, parent, batch = decided.height, self.head, decided.batch
        self._rules.check(height)  # before anything is taken over, too
        digest = NULL_DIGEST if batch is None else batch_digest(batch)
        certificate = ("certificate", height_key(height), decided.certificate.encoded)
        known = self._memo.get(self._digest, digest) if self._memo is not None else None
        if known is not None:
            return self._take_over(known, known.rows_with(certificate))
        started_ns = clock_ns()
        proposed_us, opened = self._open(batch)
        time_us = max(parent.time_us, proposed_us)
        prepared = self._prepare(opened, height)
        decoded_ns = clock_ns()
        done = self._executor.execute(prepared, height, time_us, registry.revoked_submitters(self._state, height))
        executed_ns = clock_ns()
        first = (("batch", height_key(height), batch or b""), certificate, *self._close_registry(height))
        rows = self._close(height, self._digest, digest, time_us, [one.transaction for one in prepared], done, first)
        costs_ns["decode"] += decoded_ns - started_ns
        costs_ns["execute"] += executed_ns - decoded_ns
        return [
            Apply(height, rows),
            Executed(height, self._digest, self.epochs.at(height + 1)),
            Receipted(height, time_us, tuple(done.outcomes), False),
            *done.notes,
            executed_note(self.head, self._digest, done),
        ]

    def _take_over(self, block: ExecutedBlock, rows: tuple[Row, ...]) -> list[Effect]:
        """A block that another ledger executed on this very header."""
        height = block.header.height
        self._undo.keep(height, block.previous)
        self._rows.stage(rows)
        self._state.adopt(block.values)
        self._tree.apply(block.patch)
        self._header, self._digest = block.header, block.digest
        if not height:
            return [Apply(0, rows), *block.notes]
        self._reach(height)
        return [
            Apply(height, rows),
            Executed(height, block.digest, self.epochs.at(height + 1)),
            Receipted(height, block.header.time_us, tuple(block.outcomes), False),
            *block.notes,
        ]

    def _close_registry(self, height: int) -> tuple[Row, ...]:
        """After the transactions of a height: the epoch that its changes of members make, if this is where one is made.
        It is known from here on, and begins a window later."""
        rows: tuple[Row, ...] = ()
        if registry.is_closing(height, self.genesis.parameters):
            epoch = registry.close(self._state, height)
            if epoch is not None:
                known = self.epochs.number(epoch.number)
                if known is not None and encode(known) != encode(epoch):
                    raise Damaged(f"epoch {epoch.number} is not the one that its members proved to us")
                self.epochs.add(epoch)
                rows = (("epoch", height_key(epoch.number), encode(epoch)),)
        self._reach(height)
        return rows

    def _reach(self, height: int | None = None) -> None:
        """How far the chain must go for the changes of members that wait."""
        reach = self.epochs.newest.first_height - 1
        if registry.is_waiting(self._state):
            at = self.head_height if height is None else height
            reach = registry.compute_activation(at, self.genesis.parameters) - 1
        self.epochs.reach = max(self.epochs.reach, reach)

    def _prepare(self, opened: Sequence[Opened], height: int, *, is_past: bool = False) -> list[Prepared]:
        """Under the members and the rules of their height."""
        epoch, rules = self.epochs.at(height), self._rules.at(height)
        prepared: list[Prepared] = []
        for bundle in opened:
            prepared.extend(self._executor.prepare(bundle, epoch, rules, is_past=is_past))
        return prepared

    def _open(self, batch: bytes | None) -> tuple[int, list[Opened]]:
        """Proposed time and bundles. A quorum judged the batch fit; were it not, all nodes skip the same parts."""
        if batch is None:
            return 0, []
        try:
            decoded = self._bundles.decode_batch(batch)
        except Malformed:
            return 0, []
        found = []
        for raw, digest in zip(decoded.bundles, decoded.digests, strict=True):
            try:
                found.append(self._bundles.open(raw, is_trusted=True, digest=digest))
            except Malformed:
                continue
        return decoded.time_us, found

    def _close(
        self,
        height: int,
        parent: bytes,
        batch: bytes,
        time_us: int,
        identities: list[bytes],
        done: Done,
        first: tuple[Row, ...],
    ) -> tuple[Row, ...]:
        """Root everything, make the header, stage and return all rows of the block; it is now the head."""
        clock_ns, costs_ns = self._clock_ns, self.costs_ns
        started_ns = clock_ns()
        previous = self._state.take_previous()
        self._undo.keep(height, previous)
        values = self._state.written() if self._memo is not None else {}
        changes = self._state.take()
        patch = self._tree.update(changes)
        state_ns = clock_ns()
        header = self._root(height, parent, batch, time_us, identities, done.receipts)
        data = encode(header)
        digest = header_bytes_digest(data)
        key = height_key(height)
        rows: tuple[Row, ...] = (
            ("block", key, data),
            *first,
            *[("receipt", receipt_key(height, index), receipt) for index, receipt in enumerate(done.receipts)],
            *[("state", name, value) for name, value in changes],
            ("meta", b"head", key + digest),
        )
        self._rows.stage(rows)
        self._header, self._digest = header, digest
        if self._memo is not None:
            notes = (*done.notes, executed_note(self.head, self._digest, done))
            self._memo.put(
                parent, batch, ExecutedBlock(header, digest, rows, values, previous, patch, done.outcomes, notes)
            )
        costs_ns["state"] += state_ns - started_ns
        costs_ns["hash"] += clock_ns() - state_ns
        return rows

    def _root(
        self, height: int, parent: bytes, batch: bytes, time_us: int, identities: list[bytes], receipts: list[bytes]
    ) -> Header:
        """The header of a block that was just executed, with the roots of all that lies in it."""
        return Header(
            FORMAT,
            self.chain,
            height,
            self.epochs.at(height).number,
            self.epochs.at(height + 1).digest,
            parent,
            batch,
            merkle.commitment(identities),
            merkle.commitment(receipts),
            self._tree.root,
            time_us,
        )

    # --- starting from a snapshot -----------------------------------------------------------------------------------

    def install(self, base: Base) -> Sequence[Effect]:
        """Replace everything below by a verified snapshot; the next height to execute is the one after it."""
        header = base.header
        assert header.height > self.head.height and header.chain == self.chain
        self._rules.check_in(base_versions(base), header.height + 1)
        rows = rows_to_install(base, self._rows)
        self._rows.stage(rows)
        self._state.forget()
        self._undo.clear()
        self._load_head()
        return [
            Apply(header.height, rows),
            Executed(header.height, self._digest, self.epochs.at(header.height + 1)),
            *self._history.jumped(self._state, header.height, header.height),
            Note("snapshot", {"height": header.height}),
        ]
