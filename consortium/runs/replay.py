"""A recorded node of a real run, run again: the same pure host over a dict, given the same, must put out the same.

A boot begins with the ledger that was on the disk then. That is one that the node itself had written earlier: a
`kill -9` takes the last blocks back, a fault of the scenario may lay an older or an empty disk. So the blocks that the
replayed host writes are kept as a tree, and a boot goes back to the one whose mark was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from consortium.core.genesis import Genesis
from consortium.core.machine import Apply, Drop, HandIn, Keep, Note, Now, Output
from consortium.core.membership import NodeId, Purpose
from consortium.ledger.rows import DictRows, Row
from consortium.runs.recording import (
    ARRIVAL,
    BOOT,
    EMPTY_MARK,
    END,
    WAKE,
    Boot,
    Cut,
    RecordingError,
    Step,
    WrongRecording,
    boxes_mark,
    chain_digest,
    ledger_mark,
    read_steps,
    shorten,
    unpack_hand_in,
)
from consortium.scenario.assemble import RunPlan, Shared, build_host
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.workload import Prepared
from consortium.vault.boxes import DictBoxes

DISK_ERRORS = ("Damaged", "StoreFailed")  # what a step ends with where a disk fails under it: no fault of the host's


class Inputs(NamedTuple):
    """What a node's host is built from, besides its recording."""

    scenario: Scenario
    genesis: Genesis
    secrets: Mapping[Purpose, bytes]
    prepared: Prepared


class Replayable(Protocol):
    """A host, as a recording calls it."""

    def begin_run(self, monotonic_us: int) -> None: ...

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]: ...

    def arrival(self, now: Now, publisher: NodeId, payload: bytes) -> list[Output]: ...

    def wake(self, now: Now, token: int) -> list[Output]: ...

    def hand_in(self, now: Now, event: HandIn) -> list[Output]: ...


class Difference(NamedTuple):
    """The first step that is not as it was. `then`, `now`: outputs in short, or why there are none."""

    boot: int
    step: int
    why: str
    given: Step | None
    begun_us: int
    then: tuple[Any, ...]
    now: tuple[Any, ...]


class Replayed(NamedTuple):
    """`blocks`: how many were executed, some of them again after a boot. `cut`: boots whose recording a kill cut in an
    entry; `unended`: those that say nothing of an end, this included; `failed`: those that a failing disk ended."""

    boots: int
    steps: int
    blocks: int
    cut: int
    unended: int
    failed: int
    difference: Difference | None


class WrittenLedgers:
    """All ledgers that one node has had on its disk, each as the one before and the rows that followed."""

    def __init__(self) -> None:
        self._parents: list[int] = [0]
        self._rows: list[Sequence[Row]] = [()]
        self._by_mark: dict[bytes, int] = {EMPTY_MARK: 0}
        self._at = 0
        self._marked = DictRows()  # of the ledger at `_at`, what its mark is over

    def go_back(self, mark: bytes) -> DictRows | None:
        """The ledger of this mark, the newest if there are several; what is applied from now on follows on it."""
        found = self._by_mark.get(mark)
        if found is None:
            return None
        path = []
        self._at = found
        while found:
            path.append(found)
            found = self._parents[found]
        rows, self._marked = DictRows(), DictRows()
        for index in reversed(path):
            rows.stage(self._rows[index])
            self._mark(self._rows[index])
        return rows

    def applied(self, apply: Apply) -> None:
        self._parents.append(self._at)
        self._rows.append(apply.rows)
        self._at = len(self._rows) - 1
        self._mark(apply.rows)
        self._by_mark[ledger_mark(self._marked)] = self._at

    def _mark(self, rows: Sequence[Row]) -> None:
        self._marked.stage([row for row in rows if row[0] in ("meta", "base", "certificate", "seal")])


class WrittenBoxes:
    """The private store that one node had at its boots: what its steps wrote, taken back as far as a boot lacks it."""

    def __init__(self) -> None:
        self._boxes = DictBoxes()
        self._undo: list[tuple[str, bytes | None]] = []

    def go_back(self, mark: bytes) -> DictBoxes | None:
        """The newest store of this mark, of those that the node has written; or one that was begun anew."""
        if not mark:
            return DictBoxes()  # of a recording that says nothing of it
        found, undo = self._boxes.durable_copy(), list(self._undo)
        while boxes_mark(found) != mark and undo:
            found.put(*undo.pop())
        if boxes_mark(found) != mark:
            found, undo = DictBoxes(is_lacking=True), []
        if boxes_mark(found) != mark:
            return None
        self._boxes, self._undo = found, undo
        return found

    def wrote(self, output: Keep | Drop) -> None:
        self._undo.append((output.name, self._boxes.settle(output)))


class Replayer:
    """Node `name` of a chain. `build(rows, known, boxes)` makes its host anew for each boot; it may raise."""

    def __init__(self, chain: bytes, name: str, build: Callable[[DictRows, bytes, DictBoxes], Replayable]) -> None:
        self._chain = chain
        self._name = name
        self._build = build
        self._ledgers = WrittenLedgers()
        self._stores = WrittenBoxes()
        self._host: Replayable | None = None
        self._digest = b""
        self._begun_us = 0
        self._boots = self._steps = self._step = self._blocks = self._cut = self._unended = self._failed = 0

    def run(self, paths: Sequence[Path]) -> Replayed:
        """All boots in order, until the first difference. A damaged recording is one. Raises WrongRecording."""
        difference: Difference | None = None
        for path in paths:
            self._boots += 1
            self._step = 0
            try:
                difference = self._run_boot(path)
            except RecordingError as error:
                difference = self._differs(None, str(error))
            if difference is not None:
                break
        return Replayed(self._boots, self._steps, self._blocks, self._cut, self._unended, self._failed, difference)

    def _run_boot(self, path: Path) -> Difference | None:
        self._host = None
        for step in read_steps(path):
            if isinstance(step, Cut):
                self._cut += 1
                break
            if step.kind == END:
                return None
            self._step += 1
            self._steps += 1
            if step.kind == BOOT:
                self._check_place(path, step.given)
            difference = self._run_step(step)
            if difference is not None:
                return difference
            if step.raised in DISK_ERRORS:
                self._failed += 1
                return None
        self._unended += 1
        return None

    def _check_place(self, path: Path, boot: Boot) -> None:
        if boot.chain != self._chain:
            raise WrongRecording(f"{path} was recorded in another run: its chain is {boot.chain.hex()[:16]}")
        if boot.name != self._name:
            raise WrongRecording(f"{path} was recorded by {boot.name}, not by {self._name}")

    def _run_step(self, step: Step) -> Difference | None:
        raised, outputs = "", list[Output]()
        try:
            if step.kind == BOOT:
                rows = self._ledgers.go_back(step.given.mark)
                if rows is None:
                    return self._differs(step, "it began with a ledger that no recorded step had written")
                boxes = self._stores.go_back(step.given.private)
                if boxes is None:
                    return self._differs(step, "it began with a private store that no recorded step had written")
                self._begin(step, rows, boxes)
            outputs = self._call(step)
        except Exception as error:  # of the code under test; the run may have ended with the same
            raised = type(error).__name__
            words = f"{raised}: {error}"[:300]
        if step.raised in DISK_ERRORS:
            return None
        if raised != step.raised:
            then = (("raised", step.raised),) if step.raised else tuple(step.put)
            now = (("raised", words),) if raised else tuple(map(shorten, outputs))
            return self._differs(step, "it ended otherwise", then, now)
        return None if raised else self._compare(step, outputs)

    def _begin(self, step: Step, rows: DictRows, boxes: DictBoxes) -> None:
        self._host = self._build(rows, step.given.known, boxes)
        self._digest, self._begun_us = b"", step.given.begun_us
        self._host.begin_run(step.given.begun_us)

    def _call(self, step: Step) -> list[Output]:
        host = self._host
        if host is None:
            raise RecordingError("this file does not begin with a boot")
        if step.kind == BOOT:
            return host.boot(step.now, step.given.records)
        if step.kind == ARRIVAL:
            return host.arrival(step.now, *step.given)
        if step.kind == WAKE:
            return host.wake(step.now, step.given)
        return host.hand_in(step.now, unpack_hand_in(step.given))

    def _compare(self, step: Step, outputs: Sequence[Output]) -> Difference | None:
        digest = b""
        if outputs:
            digest = self._digest = chain_digest(self._digest, outputs)
        if digest != step.digest:
            return self._differs(step, "it put out something else", tuple(step.put), tuple(map(shorten, outputs)))
        for output in outputs:
            if isinstance(output, Apply):
                self._ledgers.applied(output)
            elif isinstance(output, Keep | Drop):
                self._stores.wrote(output)
            elif isinstance(output, Note) and output.kind == "executed":
                self._blocks += 1
        return None

    def _differs(
        self, step: Step | None, why: str, then: tuple[Any, ...] = (), now: tuple[Any, ...] = ()
    ) -> Difference:
        return Difference(self._boots, self._step, why, step, self._begun_us, then, now)


def replay_node(inputs: Inputs, name: str, paths: Sequence[Path]) -> Replayed:
    """Run a node's recording again. Every boot begins with nothing in memory, as that of a process does. Raises
    WrongRecording."""
    plan = RunPlan.of(inputs.scenario, inputs.genesis, inputs.prepared)

    def build(rows: DictRows, known: bytes, boxes: DictBoxes) -> Replayable:
        return build_host(plan, name, inputs.secrets, rows, Shared.of(plan.genesis), known=known, boxes=boxes)

    return Replayer(inputs.genesis.chain, name, build).run(paths)
