"""Who said what to whom about one height, and when it was heard: what a message-sequence (Lamport) diagram shows.

Where the arrows come from: a run in the simulator is run again with its bus watched, which repeats every delivery
exactly; of real processes a recording (`run --record`) tells what each was given and put out. Without one the trace
alone tells when a node reached which phase, and no arrow is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.codec import Malformed
from consortium.core.errors import UserError
from consortium.core.messages import Frame, Message, Signed, ViewVote, decode_frame, open_statement
from consortium.core.protocol import ConsensusProtocol
from consortium.protocols import load_protocols
from consortium.runs.recording import ARRIVAL, BOOT, Cut, read_steps, recordings
from consortium.runs.records import Records
from consortium.runs.run import Run
from consortium.runs.trace import Record

CHAIN_VIEWS = 3  # a three-chain, and the block that tells of it
PHASES = ("proposed", "prepared", "committed", "executed")
MARGIN_US = 1_000_000  # on a busy machine a note is timed that long after the step that it speaks of
STRAGGLER_FACTOR = 4
WISH_US = 50_000  # so long before an order a wish for its leader is still drawn
LATE_US = 1_000_000  # what nobody has heard so long after the height is done counts as never heard


class SequenceError(UserError, ValueError):
    """No diagram of that height can be drawn. The sentence says why and what to do."""


class Said(NamedTuple):
    """A frame as it left. `to` empty: to all. `key` names the statement that it carries."""

    t_us: int
    sender: str
    to: str
    key: bytes
    kind: str


class Heard(NamedTuple):
    t_us: int
    receiver: str
    key: bytes


class Arrow(NamedTuple):
    """`heard_us` None: it was said to this receiver, who did not hear it while the diagram lasts."""

    kind: str
    sender: str
    receiver: str
    said_us: int
    heard_us: int | None


class Mark(NamedTuple):
    """A node reached a phase, or an order was made."""

    t_us: int
    node: str
    kind: str


class Diagram(NamedTuple):
    """`how`: where the arrows come from, for the caption. Times since the run began."""

    height: int
    nodes: tuple[str, ...]
    begin_us: int
    end_us: int
    arrows: tuple[Arrow, ...]
    marks: tuple[Mark, ...]
    how: str


class Window(NamedTuple):
    begin_us: int
    end_us: int


def window_of(trace: Sequence[Record], height: int) -> Window:
    """From the first order of a height (or the first wish for the leader who made it) to its last execution, without
    those who executed it long after the others: they fetched it. Raises SequenceError."""
    records = Records.of(trace)
    times = [r["t_us"] for r in records.of_kind(*PHASES) if r.get("height") == height]
    executed = sorted(r["t_us"] for r in records.of_kind("executed") if r["height"] == height)
    if not times or height < 1:
        heights = [r["height"] for r in records.of_kind("executed") if r["height"] > 0]
        known = f"heights 1 to {max(heights)}" if heights else "nothing"
        raise SequenceError(f"--height {height}: this run executed {known}")
    begin_us = min(times)
    half_us = executed[len(executed) // 2] if executed else max(times)
    reach_us = begin_us + STRAGGLER_FACTOR * (half_us - begin_us)
    end_us = max((t_us for t_us in executed if t_us <= reach_us), default=max(times))
    wishes = [r["t_us"] for r in records.of_kind("suspect", "view_change").between(begin_us - WISH_US, begin_us - 1)]
    return Window(min([begin_us, *wishes]), end_us)


def diagram(run: Run, height: int, said: Iterable[Said], heard: Iterable[Heard], how: str) -> Diagram:
    """`said` and `heard` of the whole window at least, in any order."""
    window = window_of(run.trace, height)
    wanted = [each for each in said if window.begin_us - MARGIN_US <= each.t_us <= window.end_us]
    nodes = _lanes(run)
    arrows = _arrows(wanted, heard, nodes, window)
    marks = [
        Mark(r["t_us"], r["node"], r["kind"])
        for r in run.records.of_kind(*PHASES)
        if r.get("height") == height and r["node"] in nodes and r["t_us"] <= window.end_us
    ]
    begin_us = min([window.begin_us, *(arrow.said_us for arrow in arrows)])
    end_us = max([window.end_us, *(arrow.heard_us for arrow in arrows if arrow.heard_us is not None)])
    return Diagram(height, nodes, begin_us, end_us, tuple(arrows), tuple(marks), how)


def _lanes(run: Run) -> tuple[str, ...]:
    booted = run.records.of_kind("booted").nodes
    members = [member.name for member in run.scenario.members if member.name in booted]
    return (*members, *sorted(booted - set(members)))


def _arrows(said: Sequence[Said], heard: Iterable[Heard], nodes: Sequence[str], window: Window) -> list[Arrow]:
    """A statement may be said again before it can have been heard: of each receiver the first hearing belongs to the
    first saying, the second to the second. One that was lost and said again is drawn from its first saying."""
    by_key: dict[bytes, list[Said]] = {}
    for each in sorted(said):
        by_key.setdefault(each.key, []).append(each)
    taken: dict[tuple[Said, str], int] = {}
    for event in sorted(heard):
        if event.receiver not in nodes:
            continue
        for each in by_key.get(event.key, ()):
            fits = each.t_us <= event.t_us and each.to in ("", event.receiver) and each.sender != event.receiver
            if fits and (each, event.receiver) not in taken:
                taken[each, event.receiver] = event.t_us
                break
    arrows = []
    for each in sorted(said):
        receivers = [each.to] if each.to else [node for node in nodes if node != each.sender]
        for receiver in receivers:
            heard_us = taken.get((each, receiver))
            if heard_us is not None and heard_us > 2 * window.end_us - window.begin_us:
                continue  # too late to matter for this height
            if receiver in nodes and each.sender in nodes:
                arrows.append(Arrow(each.kind, each.sender, receiver, each.t_us, heard_us))
    return arrows


class Reader:
    """Tells whether a statement belongs to a diagram: a proposal or vote of the height, or, while it is under way, a
    wish for another leader or a new leader's opening. In a chained protocol also the blocks above: their votes decide
    it."""

    def __init__(self, run: Run, height: int) -> None:
        protocol = load_protocols().get(run.scenario.protocol)
        if protocol is None:
            raise SequenceError(f"the run's protocol {run.scenario.protocol!r} is not one of this version")
        self._height = height
        self._forge = protocol.forge
        self._decoder = _decoder(protocol)
        self._known: dict[bytes, str] = {}
        self._chained: int | None = None  # the view of the height's block, where later blocks' votes decide it

    def kind(self, signed: Signed) -> str:
        """The type of the message, empty where it does not belong here. Proposals come before their votes."""
        known = self._known.get(signed.body)
        if known is None:
            known = self._known[signed.body] = self._kind(signed)
        return known

    def _kind(self, signed: Signed) -> str:
        try:
            message: Message = self._decoder.decode(open_statement(signed.body).message)
        except (Malformed, msgspec.MsgspecError, RecursionError):
            return ""
        name = type(message).__name__
        place = self._forge.place(message)
        if place is None:
            return name if name in self._forge.wishes or name in self._forge.openings else ""
        if not isinstance(message, ViewVote):
            return name if place.height == self._height else ""
        if self._chained is None and name in self._forge.proposals and place.height == self._height:
            self._chained = place.view
        first = self._chained
        return name if first is not None and first <= place.view <= first + CHAIN_VIEWS else ""


def _decoder(protocol: ConsensusProtocol) -> Any:
    union: Any = protocol.messages[0]
    for kind in protocol.messages[1:]:
        union = union | kind
    return msgspec.msgpack.Decoder(union)


def key_of(signed: Signed) -> bytes:
    return signed.sender.encode() + b"\x00" + signed.body


def signed_of(payload: bytes) -> Signed | None:
    try:
        frame: Frame = decode_frame(payload)
    except Malformed:
        return None
    return frame.signed


# --- real runs --------------------------------------------------------------------------------------------------------


def from_trace(run: Run, height: int) -> Diagram:
    """Marks alone."""
    how = (
        "The trace of a real run does not tell who heard what, so no message is drawn: record a run with "
        "`consortium run SCENARIO --record` to see them."
    )
    return diagram(run, height, (), (), how)


def from_recordings(run: Run, height: int, folder: Path) -> Diagram:
    """Arrows from what each process was given and put out. Raises SequenceError, RecordingError."""
    window = window_of(run.trace, height)
    reader = Reader(run, height)
    arrivals: list[tuple[int, str, bytes]] = []
    transmits: dict[tuple[int, bytes], list[tuple[int, str, str]]] = {}
    for node in _lanes(run):
        for path in recordings(folder / "nodes" / node):
            _read(path, node, window, arrivals, transmits)
    kinds: dict[bytes, str] = {}
    heard, said = [], []
    for t_us, receiver, payload in sorted(arrivals):
        signed = signed_of(payload)
        if signed is None or not (kind := reader.kind(signed)):
            continue
        key = key_of(signed)
        heard.append(Heard(t_us, receiver, key))
        if key not in kinds:
            kinds[key] = kind
            opening = (len(payload), payload[:256])
            said += [Said(at, sender, to, key, kind) for at, sender, to in transmits.get(opening, ())]
    how = (
        "Arrows: from the step in which a process made a message (it leaves when what it rests on is durable) to the "
        "step in which another took it in, as both recorded it; what nobody heard is not drawn."
    )
    return diagram(run, height, said, heard, how)


def _read(
    path: Path,
    node: str,
    window: Window,
    arrivals: list[tuple[int, str, bytes]],
    transmits: dict[tuple[int, bytes], list[tuple[int, str, str]]],
) -> None:
    begun_us = 0
    for step in read_steps(path):
        if isinstance(step, Cut):
            return
        if step.kind == BOOT:
            begun_us = step.given.begun_us
        t_us = step.monotonic_us - begun_us
        if t_us > window.end_us + LATE_US:
            return
        if t_us < window.begin_us - MARGIN_US:
            continue
        if step.kind == ARRIVAL:
            arrivals.append((t_us, node, bytes(step.given[1])))
        for short in step.put:
            if short[0] == "transmit":
                _, to, size, opening = short
                transmits.setdefault((size, bytes(opening)), []).append((t_us, node, to or ""))


def is_recorded(run: Run, folder: Path) -> bool:
    return any(recordings(folder / "nodes" / node) for node in _lanes(run))


def counts(shown: Diagram) -> Mapping[str, int]:
    """Arrows by type of message."""
    found: dict[str, int] = {}
    for arrow in shown.arrows:
        found[arrow.kind] = found.get(arrow.kind, 0) + 1
    return found
