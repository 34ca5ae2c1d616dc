"""What one sees of a consortium from a hill: its members, how fast it works, its newest blocks, what happened to it.

A look asks each node's door for its status, reads what came to the ends of the traces, and the newest blocks out of one
ledger's file. Nothing of it is written, nothing stays open between two looks, and no node is asked twice a second.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.genesis import decode_genesis
from consortium.core.words import Words, mark
from consortium.runs.folder import HANDS_FILE
from consortium.runs.trace import waited_us
from consortium.scenario.scenario import Scenario
from consortium.stories.event_words import tell_event
from nodes.deploy.deployment import is_deployment
from nodes.deploy.look import ask_status, read_heights
from nodes.deploy.newest_blocks import NewBlock, newest_blocks
from nodes.deploy.running import ProgramState
from nodes.deploy.standing import Standing, open_standing
from nodes.deploy.trace_tail import TraceTail
from nodes.errors import UserError
from nodes.process.settings import NodeFolder

RATE_WINDOW_US = 5_000_000
LATENCY_WINDOW_US = 60_000_000
LATENCIES_KEPT = 2_000
BLOCKS_KEPT = 40
EVENTS_KEPT = 100
KINDS = ("executed", "included", "new_view", "booted", "caught_up", "exited", "bus", "queues")
HAND_KINDS = ("fault", "stands", "exited")
_NOBODY = ProgramState("", "down", 0, 0, 0)


class MemberSight(NamedTuple):
    """`state`: as of ProgramState, `down`, or empty where nobody keeps its process. `waiting`: transactions in pool
    and outbox, frames in its inbox; -1: it does not say."""

    name: str
    role: str
    state: str
    height: int
    sealed: int
    view: int = -1
    waiting: int = -1
    bus: str = ""


class Sight(NamedTuple):
    """`tx_s`: over the last seconds; latencies in ms, None where nothing was included lately. `events`: (µs since the
    genesis, sentence), the newest last."""

    is_up: bool
    members: tuple[MemberSight, ...]
    leader: str
    brokers: Mapping[str, str]
    tx_s: float
    p50_ms: float | None
    p99_ms: float | None
    blocks: tuple[NewBlock, ...]
    events: tuple[tuple[int, str], ...]

    @property
    def height(self) -> int:
        return max((each.height for each in self.members), default=-1)

    @property
    def sealed(self) -> int:
        return max((each.sealed for each in self.members), default=-1)


class Lookout:
    """Over the folder of a standing consortium, or of a run. Raises UserError where it is neither."""

    def __init__(self, folder: Path, words: Words) -> None:
        genesis_file, scenario_file = folder / "genesis.json", folder / "scenario.json"
        try:
            genesis = decode_genesis(genesis_file.read_bytes())
            scenario = msgspec.json.decode(scenario_file.read_bytes(), type=Scenario)
        except FileNotFoundError:
            raise UserError(f"{folder} is neither a consortium that stands nor a run: it has no genesis.json") from None
        except (ValueError, msgspec.MsgspecError) as error:
            raise UserError(f"{folder}: {error}") from None
        self.folder, self.name, self.words = folder, genesis.name, words
        self.offset = genesis.parameters.utc_offset_minutes
        self.origin_us = genesis.time_us
        self.standing: Standing | None = open_standing(folder) if is_deployment(folder) else None
        self.roles = {each.name: each.role for each in scenario.members}
        self._nodes = {name: NodeFolder(folder, name) for name in self.roles}
        self._tails = [TraceTail(node.trace, KINDS) for node in self._nodes.values()]
        self._tails += [TraceTail(folder / HANDS_FILE, HAND_KINDS)]
        self._heights: dict[str, tuple[int, int]] = {}  # of nodes that do not answer, read once
        self._blocks: deque[NewBlock] = deque(maxlen=BLOCKS_KEPT)
        self.story = Story(words)

    def look(self) -> Sight:
        """Blocks for as long as a node takes to answer: ANSWER_S at most."""
        states = self._states()
        with ThreadPoolExecutor(max(1, len(self._nodes))) as pool:
            told = dict(zip(self._nodes, pool.map(lambda name: self._ask(name, states), self._nodes), strict=True))
        members = tuple(self._member(name, states, told[name]) for name in self._nodes)
        answers = [status for status in told.values() if status is not None]
        self.story.hear(record for tail in self._tails for record in tail.read())
        self._read_blocks(members)
        leader = str(max(answers, key=lambda status: status["view"])["leader"]) if answers else ""
        now_us = time.time_ns() // 1_000 - self.origin_us
        return self.story.sight(
            Sight(
                is_up=self.standing is not None and bool(states),
                members=members,
                leader=leader,
                brokers=self._brokers(states),
                tx_s=0.0,
                p50_ms=None,
                p99_ms=None,
                blocks=tuple(self._blocks),
                events=(),
            ),
            now_us,
        )

    def _states(self) -> Mapping[str, ProgramState]:
        try:
            return {} if self.standing is None else self.standing.running.states()
        except UserError:
            return {}

    def _ask(self, name: str, states: Mapping[str, ProgramState]) -> dict[str, Any] | None:
        """Of one that runs, or of whose process nothing is known: its door may be there all the same."""
        if self.standing is not None and states.get(name, _NOBODY).state not in ("running", "starting"):
            return None
        return ask_status(self._nodes[name])

    def _member(self, name: str, states: Mapping[str, ProgramState], told: dict[str, Any] | None) -> MemberSight:
        state = states.get(name, _NOBODY).state if self.standing is not None else ("running" if told else "")
        if told is None:
            if name not in self._heights:
                self._heights[name] = read_heights(self._nodes[name])
            return MemberSight(name, self.roles[name], state, *self._heights[name], bus="-")
        self._heights.pop(name, None)
        return MemberSight(
            name,
            self.roles[name],
            state,
            told["height"],
            told["stable_height"],
            told["view"],
            sum(told["queues"].values()),
            told["bus"],
        )

    def _brokers(self, states: Mapping[str, ProgramState]) -> dict[str, str]:
        if self.standing is None:
            return {}
        return {each.name: states.get(each.name, _NOBODY).state for each in self.standing.deployment.brokers}

    def _read_blocks(self, members: Sequence[MemberSight]) -> None:
        known = self._blocks[-1].height if self._blocks else -1
        best = max(members, key=lambda each: (each.state == "running", each.height))
        if best.height > known:
            self._blocks.extend(newest_blocks(self._nodes[best.name].ledger, BLOCKS_KEPT, known))


class Story:
    """The trace so far, as far as a person wants it: throughput, latency, and what happened."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._head = -1
        self._executed: deque[tuple[int, int]] = deque()
        self._included: deque[tuple[int, int]] = deque(maxlen=LATENCIES_KEPT)
        self._events: deque[tuple[int, str]] = deque(maxlen=EVENTS_KEPT)
        self._view = 0
        self._buses: dict[str, str] = {}

    def hear(self, records: Iterable[dict[str, Any]]) -> None:
        for record in sorted(records, key=lambda each: each["t_us"]):
            told = getattr(self, f"_on_{record['kind']}", lambda _: None)(record)
            if told is not None:
                self._events.append((record["t_us"], told))

    def sight(self, seen: Sight, now_us: int) -> Sight:
        """The same with what the traces say, as of now."""
        while self._executed and self._executed[0][0] < now_us - RATE_WINDOW_US:
            self._executed.popleft()
        latencies = sorted(us for at_us, us in self._included if at_us >= now_us - LATENCY_WINDOW_US)
        return seen._replace(
            tx_s=sum(count for _, count in self._executed) * 1e6 / RATE_WINDOW_US,
            p50_ms=_share(latencies, 0.5),
            p99_ms=_share(latencies, 0.99),
            events=tuple(self._events),
        )

    def _on_executed(self, record: dict[str, Any]) -> None:
        """Of each height the first that says so."""
        if record["height"] > self._head:
            self._head = record["height"]
            self._executed.append((record["t_us"], record["transactions"]))

    def _on_included(self, record: dict[str, Any]) -> None:
        self._included.append((record["t_us"], waited_us(record)))

    def _on_new_view(self, record: dict[str, Any]) -> str | None:
        if record["view"] <= self._view:
            return None
        self._view = record["view"]
        return self.words("{node} leads (view {view})", node=record["leader"], view=record["view"])

    def _on_booted(self, record: dict[str, Any]) -> str:
        return self.words("{node} has started", node=record["node"])

    def _on_caught_up(self, record: dict[str, Any]) -> str:
        return self.words("{node} caught up at height {height}", node=record["node"], height=record["height"])

    def _on_exited(self, record: dict[str, Any]) -> str:
        return self.words("{node} ended by itself, code {code}", node=record["node"], code=record.get("code", "?"))

    def _on_bus(self, record: dict[str, Any]) -> str | None:
        node, state = record["node"], record["state"]
        before, self._buses[node] = self._buses.get(node, "up"), state
        return None if state == before else self.words("{node}: its bus is {state}", node=node, state=state)

    def _on_stands(self, record: dict[str, Any]) -> str:
        return self.words("the consortium is {state}", state=record["state"])

    def _on_fault(self, record: dict[str, Any]) -> str | None:
        """What `down` ends is no fault."""
        if record.get("by") == "down":
            return None
        told = ("t_us", "node", "kind", "act", "target", "phase")
        options = [f"{name}={value}" for name, value in record.items() if name not in told]
        words = " ".join(word for word in (record["act"].replace("_", " "), record.get("target", ""), *options) if word)
        return self.words("FAULT: {what}", what=words)


def _share(ordered: Sequence[int], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e3 if ordered else None


def block_words(block: NewBlock, words: Words) -> str:
    """What a block did, in a line: its one transaction, or how many of each kind."""
    if not block.receipts:
        return words("nothing")
    if block.size == 1:
        receipt = block.receipts[0]
        if not receipt.is_ok:
            return words("refused, {code}: {why}", code=receipt.code, why=receipt.sentence)
        events = sorted(receipt.events, key=lambda event: event.kind == "movement")  # what happened, then the money
        return "; ".join(tell_event(event, words) for event in events) or words("done")
    counted: dict[str, int] = {}
    for receipt in block.receipts:
        kind = receipt.code if not receipt.is_ok else next((each.kind for each in receipt.events), mark("done"))
        counted[kind] = counted.get(kind, 0) + 1
    told = [f"{count} × {kind}" for kind, count in sorted(counted.items(), key=lambda each: -each[1])]
    return ", ".join([*told, *(["…"] if block.size > len(block.receipts) else [])])
