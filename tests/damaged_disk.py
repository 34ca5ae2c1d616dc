"""What the tests of damaged disks share: a node's folder as `kill -9` leaves it, one bit of it flipped, and the node
started over it in this process, without a bus: what it says at its start, and all that it gives to one who asks."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis, Parameters, encode_genesis
from consortium.core.header import decode_header
from consortium.core.machine import Apply, Decide, Now, Output, Started, Transmit
from consortium.core.membership import Epochs
from consortium.core.messages import Frame, Message, Signed, decode_frame, encode_frame
from consortium.core.seals import Linked, decode_certificate
from consortium.core.transaction import Bundles
from consortium.ledger.certificate import seal_rows, stored_seal
from consortium.ledger.chain import Ledger
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Snapshot
from consortium.ledger.rows import DictRows
from consortium.ledger.snapshot import make_base
from consortium.runs.folder import encode_scenario
from consortium.scenario.assemble import Shared, prepare
from consortium.scenario.inputs import encode_work
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload
from consortium.scenario.streams import Stream
from consortium.simulation.run import Simulation, secrets_of
from nodes.errors import Damaged, UserError, VotesDamaged
from nodes.process.disk import set_ledger_aside
from nodes.process.keys import write_private
from nodes.process.private_store import create_store
from nodes.process.settings import FORMAT, NodeFolder, Settings, digest_of, read_settings, write_settings
from nodes.process.start import _build
from nodes.process.store import SqliteRows
from nodes.process.vote_log import VoteLog, prepare_log
from tests.recovery_drill import NAMES

ME, ASKER = "node-1", "node-2"
PIECE = 4_096  # bytes: one bit is flipped in each


def made_scenario(transactions: int) -> Scenario:
    options = {"transactions": transactions, "bundle": 2, "interval_us": 40_000, "persons": 5}
    return Scenario(
        name="damage",
        members=tuple(MemberSpec(name, "hospital", settings={"hosts": ["loader"]}) for name in NAMES),
        parameters=Parameters(idle_seal_us=200_000, checkpoint_interval=8, window=16),
        workload=Workload("settlement_load", options),
        stop=Stop(limit_us=200_000_000, stall_us=30_000_000),
    )


# --- a folder as a killed node leaves it -----------------------------------------------------------------------------


def lay_folder(run: Path, transactions: int, *, has_base: bool = False) -> NodeFolder:
    """The first half of its ledger was taken into the file, the second lies in the log beside it. `has_base`: it began
    with a snapshot."""
    scenario = made_scenario(transactions)
    simulation = Simulation(scenario)
    assert simulation.run().is_done
    genesis, disk = simulation.genesis, simulation.nodes[ME].disk
    folder = NodeFolder(run, ME)
    folder.keys.mkdir(parents=True, mode=0o700)
    (run / "scenario.json").write_bytes(encode_scenario(scenario))
    (run / "genesis.json").write_bytes(encode_genesis(genesis))
    for purpose, secret in secrets_of(scenario, ME).items():
        write_private(folder.keys / f"{purpose}.key", secret.hex().encode() + b"\n")
    folder.input.mkdir(mode=0o700)
    write_private(folder.work, encode_work(prepare(scenario, bytes(32)).work[ME]))
    digests = {path.name: digest_of(path) for path in (run / "genesis.json", run / "scenario.json", folder.work)}
    address = ("127.0.0.1", 1883, ME, "secret")
    write_settings(folder.settings, Settings(FORMAT, ME, *address, digests=digests))
    _lay_ledger(folder, _replayed(genesis, disk.rows, has_base=has_base))
    prepare_log(folder.votes)
    create_store(folder.private)
    log = VoteLog(folder.votes)
    for block in disk.votes:
        log.append([(height, record) for record, height in block])
    log.close()
    return folder


def _replayed(genesis: Genesis, stored: DictRows, *, has_base: bool) -> list[Apply]:
    """What its ledger applied, block by block and seal by seal."""
    shared, rows = Shared.of(genesis), DictRows()
    epochs = Epochs((genesis.first_epoch,))
    ledger = Ledger(genesis, rows, shared.contracts, Bundles(genesis.chain, SUITES[genesis.suite]()), epochs)
    ledger.boot()
    applies = [effect for effect in ledger.step(Now(0, 0), Started(())) if isinstance(effect, Apply)]
    for key, block in stored.all("block"):
        header, seal = decode_header(block), stored_seal(stored, int.from_bytes(key, "big"))
        if header.height:
            certificate = decode_certificate(stored.get("certificate", key) or b"")
            decided = Decide(header.height, stored.get("batch", key) or None, certificate)
            applies += [each for each in ledger.step(Now(0, 0), decided) if isinstance(each, Apply)]
        if seal is None:
            continue
        if has_base:
            has_base, state = False, list(rows.range("state", b"", b"\xff"))
            rows = DictRows()
            ledger = Ledger(genesis, rows, shared.contracts, shared.bundles, Epochs((genesis.first_epoch,)))
            ledger.boot()
            applies = [effect for effect in ledger.step(Now(0, 0), Started(())) if isinstance(effect, Apply)]
            base = make_base(header, Linked((block,), seal), state)
            applies += [each for each in ledger.install(base) if isinstance(each, Apply)]
        sealed = Apply(header.height, seal_rows(rows, header.height, seal))
        rows.stage(sealed.rows)
        applies.append(sealed)
    return applies


def _lay_ledger(folder: NodeFolder, applies: Sequence[Apply]) -> None:
    half = len(applies) // 2
    for part in (applies[:half], applies[half:]):
        rows = SqliteRows(folder.ledger)
        for apply in part:
            rows.commit([apply])
        files = {path: path.read_bytes() for path in folder.folder.glob("ledger.sqlite*")}
        rows.close()
    for path, data in files.items():
        path.write_bytes(data)


# --- one bit ---------------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """Where a bit is flipped: a file under the run's folder, the byte in it, the bit in that."""

    file: str
    byte: int
    bit: int


def places(folder: NodeFolder, seed: int) -> list[Place]:
    """One in each piece of every durable file that the node reads."""
    stream = Stream(seed, "places")
    found: list[Place] = []
    for path in sorted(folder.run.rglob("*")):
        if not path.is_file() or path.name == "lock":
            continue
        size = path.stat().st_size
        for first in range(0, size, PIECE):
            at = first + stream.below(min(PIECE, size - first))
            found.append(Place(path.relative_to(folder.run).as_posix(), at, stream.below(8)))
    return found


def flipped(folder: NodeFolder, place: Place, run: Path) -> NodeFolder:
    """A copy of the folder, with this bit flipped."""
    shutil.copytree(folder.run, run)
    path = run / place.file
    data = bytearray(path.read_bytes())
    data[place.byte] ^= 1 << place.bit
    path.write_bytes(data)
    return NodeFolder(run, ME)


# --- the node --------------------------------------------------------------------------------------------------------


class Told(NamedTuple):
    """What a start came to. `given`: blocks by height, then parts of the snapshot by number."""

    head: int
    records: int
    given: dict[int, Any]
    snapshot: tuple[int, list[bytes]]


def start(folder: NodeFolder) -> Told:
    """Start the node as its process does, which begins anew where it finds its disk damaged, and ask it for all that it
    has. Raises what the process would end with."""
    for _ in range(3):
        born = _build(folder, ME, read_settings(folder.settings))
        try:
            return _ask(born.node, born.inputs.genesis, born.files.log.take_records())
        except Damaged as error:
            damage = error
        finally:
            born.files.log.close()
            born.files.rows.close()
            born.files.trace.close()
        if not isinstance(damage, VotesDamaged):
            set_ledger_aside(folder, damage)
    raise AssertionError(f"it finds damage again and again: {damage}")


def _ask(node: Any, genesis: Genesis, records: Sequence[bytes]) -> Told:
    node.begin_run(0)
    node.boot(Now(0, 0), records)
    verifier, head = Shared.of(genesis).verifier, node.head_height
    secret = secrets_of(made_scenario(1), ASKER)["vote"]
    suite = SUITES[genesis.suite]()
    clock = iter(range(1_000_000, 1_000_000_000, 1_000_000))

    def ask(message: Message) -> Iterator[tuple[Message, bytes]]:
        body = verifier.codec.statement(0, message)
        frame = encode_frame(Frame(Signed(ASKER, body, suite.sign(secret, body))))
        at_us = next(clock)
        for output in node.arrival(Now(at_us, at_us), ASKER, frame):
            yield from _answers(output, verifier)

    given: dict[int, Any] = {}
    for first in range(1, head + 1, 64):
        for message, attachment in ask(FetchBlocks(ME, first.to_bytes(16, "big"), first, first + 63)):
            assert isinstance(message, Blocks)
            given |= dict(enumerate(msgspec.msgpack.decode(attachment), message.first_height))
    parts = [answer for answer in ask(FetchSnapshot(ME, bytes(16), 0, 0)) if isinstance(answer[0], Snapshot)]
    height = parts[0][0].height if parts else 0  # type: ignore[attr-defined]
    return Told(head, len(records), given, (height, [attachment for _, attachment in parts]))


def _answers(output: Output, verifier: Any) -> Iterator[tuple[Message, bytes]]:
    if isinstance(output, Transmit) and output.to == ASKER:
        frame = decode_frame(output.payload)
        yield verifier.codec.decode(frame.signed.body, 0), frame.attachment


def assert_harmless(folder: NodeFolder, place: Place, run: Path, sound: Told, caplog: pytest.LogCaptureFixture) -> str:
    """What one flipped bit leads to, in a word: `refused` (a sentence, exit status 2), `ledger aside`, `observing`,
    `older` (the log beside the ledger ends earlier), `private anew`, `no effect`. Whatever is given to others is sound,
    what was lost is told, and the next start finds nothing any more."""
    caplog.clear()
    hurt = flipped(folder, place, run)
    is_given = any(part in place.file for part in ("keys", "input", ".json"))
    with caplog.at_level(logging.INFO):
        try:
            told = start(hurt)
        except UserError as error:
            assert is_given and not isinstance(error, Damaged) and "\n" not in str(error), (place, error)
            return "refused"
    words = _words(hurt)
    for height, (batch, certificate, seal) in told.given.items():
        wanted = sound.given[height]
        assert [batch, certificate] == wanted[:2], f"{place}: a rotten block {height} is given away"
        assert seal in (None, wanted[2]), f"{place}: a rotten seal of height {height} is given away"
    if told.snapshot[1] and told.snapshot[0] == sound.snapshot[0]:
        assert told.snapshot == sound.snapshot, f"{place}: a rotten snapshot is given away"
    if "at its end are not used" in caplog.text and not words:
        words = "older"
    if "the private store is damaged" in caplog.text and not words:
        words = "private anew"
    assert words or told.head == sound.head, f"{place}: blocks are lost in silence"
    if told.records != sound.records and not words:
        raise AssertionError(f"{place}: {sound.records - told.records} votes are lost in silence")
    assert bool(words) == any(record.levelno >= logging.WARNING for record in caplog.records), (place, caplog.text)
    files = {path.name for path in hurt.folder.glob("*.damaged-*")}
    if not words:
        return "no effect"
    assert start(hurt).head == told.head, f"{place}: the next start finds something else"
    assert {path.name for path in hurt.folder.glob("*.damaged-*")} == files, f"{place}: a circle"
    return words


def _words(folder: NodeFolder) -> str:
    if list(folder.folder.glob("votes.damaged-*")):
        return "observing"
    if list(folder.folder.glob("ledger.damaged-*.sqlite")):
        return "ledger aside"
    return "older" if list(folder.folder.glob("ledger.damaged-*")) else ""
