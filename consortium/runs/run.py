"""A run as checks and reports see it: its scenario, its genesis, its trace, its ledgers. And blocks out of `Rows`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from consortium.core.codec import Decoder, Malformed
from consortium.core.contract import Receipt
from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.membership import Epoch, Epochs
from consortium.core.vault import BoxReader
from consortium.ledger.prune import bodies_above
from consortium.ledger.rows import END, height_key, read_height
from consortium.runs.records import Records
from consortium.runs.trace import Record
from consortium.runs.trace_parts import LetGo
from consortium.scenario.adversary import Adversaries
from consortium.scenario.network.patience import silence_us
from consortium.scenario.scenario import Scenario

ILLUSTRATIVE = "Illustrative policy numbers"
ILLUSTRATIVE_SENTENCE = (
    "Deductibles, ratios, caps and prices are those of an illustrative policy pack; they are not verified against any "
    "official publication, and the claims are generated or de-identified: no real person's money is shown."
)
ROW_BYTES_MAX = 64_000_000
HEIGHTS_A_READ = 64
STANDS = "stands"  # a record of this kind: a consortium that stands was brought up, or down

_RECEIPT: Decoder[Receipt] = Decoder(Receipt, ROW_BYTES_MAX)
_EPOCH: Decoder[Epoch] = Decoder(Epoch, ROW_BYTES_MAX)


@dataclass(frozen=True)
class Run:
    """`ledgers` by the node's name; empty where only the trace is left. `is_partial`: the run was cut short. `vaults`:
    the private stores, sealed as they are, where they are at hand. `let_go`: what nodes that stand have let go of their
    traces; then `trace` holds what came since all of them are whole.

    `trace` may be given as any sequence of records; it is kept with an index, which the first question builds."""

    scenario: Scenario
    genesis: Genesis
    trace: Sequence[Record]
    ledgers: Mapping[str, Rows] = field(default_factory=dict)
    is_partial: bool = False
    vaults: Mapping[str, BoxReader] = field(default_factory=dict)
    let_go: LetGo | None = None

    def __post_init__(self) -> None:
        records = Records.of(self.trace)
        object.__setattr__(self, "trace", records)
        records.patience = self._silence_us

    def _silence_us(self) -> int:
        about = next(iter(self.records.of_kind("run")), {})
        return silence_us(self.scenario, is_simulated=about.get("on") == "simulator")

    @property
    def records(self) -> Records:
        """The trace, by kind, node and time."""
        assert isinstance(self.trace, Records)
        return self.trace

    @property
    def is_standing(self) -> bool:
        """A consortium that ends when it is told to: what was begun just now is not due yet."""
        return bool(self.records.of_kind(STANDS))

    @cached_property
    def traitors(self) -> frozenset[str]:
        """Nodes under a behaviour at any time: nothing is promised of them."""
        return Adversaries.of(self.scenario).names

    @cached_property
    def honest(self) -> Run:
        """The run as its honest nodes tell it: what checks judge. The driver's own records stay."""
        if not self.traitors:
            return self
        trace = [record for record in self.trace if record["node"] not in self.traitors]
        ledgers = {name: rows for name, rows in self.ledgers.items() if name not in self.traitors}
        vaults = {name: boxes for name, boxes in self.vaults.items() if name not in self.traitors}
        return Run(self.scenario, self.genesis, trace, ledgers, self.is_partial, vaults, self.let_go)

    @property
    def fullest(self) -> Camp | None:
        """The ledger that reaches highest, and of those the one that begins lowest."""
        return max(self.camps, key=lambda camp: (head_height(camp.rows), -base_height(camp.rows)), default=None)

    @cached_property
    def camps(self) -> tuple[Camp, ...]:
        """The ledgers, those of equal content together, in order of the first name: what is equal is checked once."""
        groups: dict[bytes, tuple[list[str], Rows]] = {}
        for name in sorted(self.ledgers):
            rows = self.ledgers[name]
            groups.setdefault(_content_digest(rows), ([], rows))[0].append(name)
        return tuple(Camp(", ".join(names), tuple(names), rows) for names, rows in groups.values())


class Camp(NamedTuple):
    """Nodes whose ledgers hold the same blocks, batches, receipts and state; `label` names them for a sentence."""

    label: str
    names: tuple[str, ...]
    rows: Rows


class StoredBlock(NamedTuple):
    """One height as a node's ledger holds it. `batch` is empty for a null request. It may be damaged."""

    height: int
    header_bytes: bytes
    batch: bytes
    receipt_bytes: tuple[bytes, ...]

    @property
    def digest(self) -> bytes:
        """SHA-256 over header, batch and receipts."""
        digest = sha256()
        for part in (self.header_bytes, self.batch, *self.receipt_bytes):
            digest.update(len(part).to_bytes(4, "big") + part)
        return digest.digest()

    def receipts(self) -> list[Receipt]:
        """In order of execution. Raises Malformed."""
        return [_RECEIPT.decode(raw) for raw in self.receipt_bytes]


def blocks(rows: Rows) -> Iterator[StoredBlock]:
    """All blocks of a ledger by height, a few at a time; from its snapshot on, if it began with one. Raises Damaged
    where a key is no height."""
    first = base_height(rows)
    while True:
        low, high = height_key(first), height_key(first + HEIGHTS_A_READ)
        headers = rows.range("block", low, high)
        if not headers:
            return
        batches = dict(rows.range("batch", low, high))
        receipts: dict[bytes, list[bytes]] = {}
        for key, value in rows.range("receipt", low, high):
            receipts.setdefault(key[:8], []).append(value)
        for key, raw in headers:
            yield StoredBlock(read_height(key), raw, batches.get(key, b""), tuple(receipts.get(key, ())))
        first = read_height(headers[-1][0]) + 1


def base_height(rows: Rows) -> int:
    """Where whole blocks begin: 0; the height of the snapshot that it took; or the last one of which the node let go.
    Raises Damaged."""
    return bodies_above(rows)


def head_height(rows: Rows) -> int:
    """The highest block; below the first one for an empty ledger. A few reads, however long the ledger is."""
    low = base_height(rows) - 1
    high, step = low + 1, 1
    while rows.range("block", height_key(high), height_key(high + 1)):
        low, high, step = high, high + step, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        if rows.range("block", height_key(middle), height_key(middle + 1)):
            low = middle
        else:
            high = middle
    return low


def ledger_epochs(genesis: Genesis, rows: Rows) -> Epochs:
    """The epochs that a ledger knows, the genesis' first. Raises Malformed."""
    epochs = Epochs((genesis.first_epoch,))
    for number, (_, raw) in enumerate(rows.range("epoch", b"", END)):
        epoch = _EPOCH.decode(raw)
        if epoch.number != number or (number and epoch.first_height <= epochs.newest.first_height):
            raise Malformed(f"the row of epoch {number} says that it is epoch {epoch.number}")
        epochs.add(epoch)
    return epochs


def state_digest(rows: Rows) -> bytes:
    """SHA-256 over the rows of the state table, in order."""
    digest = sha256()
    for key, value in rows.range("state", b"", END):
        digest.update(len(key).to_bytes(4, "big") + key + len(value).to_bytes(4, "big") + value)
    return digest.digest()


def _content_digest(rows: Rows) -> bytes:
    digest = sha256(state_digest(rows))
    for block in blocks(rows):
        digest.update(block.digest)
    return digest.digest()
