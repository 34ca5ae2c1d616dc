"""Golden transcripts: what four members say to whom, what becomes durable, and which timers run.

`python -m tests.transcripts --write` writes `tests/golden/transcripts/`; a test compares. A step is a line with its
time, its member and what happened there; the lines under it are what the replica answers, in the order in which its
host carries it out. Digests are letters, in the order in which they appear. A step is left out where nothing came from
another member and nothing follows, and so is what is said again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.codec import Malformed
from consortium.core.machine import (
    Available,
    Behind,
    Broadcast,
    CancelTimer,
    Decide,
    Effect,
    Event,
    Executed,
    Expired,
    Note,
    Now,
    Persist,
    Received,
    Send,
    SetTimer,
    Stable,
    Started,
)
from consortium.core.messages import Certificate, Message, Signed, decode_frame
from consortium.protocols.hotstuff.messages import CARRIED
from consortium.protocols.hotstuff.records import RECORDS as HOTSTUFF_RECORDS
from consortium.protocols.pbft.messages import Claim, Commit, NewView, ViewChange
from consortium.protocols.pbft.records import RECORDS as PBFT_RECORDS
from tests.hotstuff_network import HotStuffNetwork
from tests.pbft_network import Network, Peer

FOLDER = Path(__file__).parent / "golden" / "transcripts"
DELAY_US = 1_000  # of every message
UNSHOWN = ("format", "epoch", "nonce", "receiver", "body")
LEFT_OUT = "retransmit"

Loss = Callable[[str, str, Message], bool]  # sender, receiver, message: whether it is lost


class Scene(NamedTuple):
    """`text` heads the file. `is_lost` says which messages never arrive; `until_us` is when the scene ends."""

    text: str
    network: type[Network]
    is_lost: Loss
    until_us: int


def _is_commit_of_view_0(sender: str, receiver: str, message: Message) -> bool:
    return isinstance(message, Commit) and message.view == 0


SCENES: dict[str, Scene] = {
    "pbft_normal_case": Scene(
        "PBFT, the normal case (paper 4.2): four members, one batch. n0 leads view 0.",
        Network,
        lambda sender, receiver, message: False,
        8_000,
    ),
    "pbft_view_change": Scene(
        "PBFT, a view change (paper 4.4): one batch is prepared in view 0, and all its COMMITs are lost.\n"
        "View 1 orders the same batch again, for it stands in the VIEW-CHANGEs.",
        Network,
        _is_commit_of_view_0,
        1_060_000,
    ),
    "hotstuff_normal_case": Scene(
        "HotStuff, the normal case (paper 5): four members, one batch. n0 leads the views 0 to 7.\n"
        "Blocks without a batch carry the votes that decide it.",
        HotStuffNetwork,
        lambda sender, receiver, message: False,
        20_000,
    ),
    "hotstuff_timeout": Scene(
        "HotStuff, a timeout (paper 4.4): nothing that n0 says is heard, so its term ends after T.\n"
        "n1 leads from view 8.",
        HotStuffNetwork,
        lambda sender, receiver, message: sender == "n0" != receiver,
        1_060_000,
    ),
}


class Names:
    """Digests by letters, in the order in which they appear."""

    def __init__(self) -> None:
        self._letters: dict[bytes, str] = {}

    def of(self, digest: bytes) -> str:
        return self._letters.setdefault(digest, chr(ord("A") + len(self._letters)))


class Writer:
    """The lines of one scene."""

    def __init__(self, network: Network) -> None:
        self.lines: list[str] = []
        self._names = Names()
        self._codec = network.verifier.codec
        self._records: Any = HOTSTUFF_RECORDS if isinstance(network, HotStuffNetwork) else PBFT_RECORDS

    # --- steps --------------------------------------------------------------------------------------------------

    def step(self, now: Now, member: str, event: Event, effects: Sequence[Effect]) -> None:
        """Write it down, unless nothing came to this member from outside, and nothing follows."""
        what = self._event(event)
        shown = [line for line in map(self._effect, effects) if line]
        if not shown and not (isinstance(event, Received) and event.sender != member):
            return
        self.lines.append(f"{now.monotonic_us / 1_000:9.3f} ms  {member}  {what}")
        self.lines += [f"{'':18}{line}" for line in shown]

    def _event(self, event: Event) -> str:
        match event:
            case Started():
                return "boots"
            case Available():
                return "has a bundle waiting"
            case Received(sender, message):
                return f"hears {sender}: {self.message(message)}"
            case Expired(timer):
                return f"timer {timer[-1]} runs out"
            case Executed(height):
                return f"executed height {height}"
            case Stable(height):
                return f"height {height} is sealed"
            case _:
                return type(event).__name__

    def _effect(self, effect: Effect) -> str:
        match effect:
            case Broadcast(message, attachment):
                return f"to all: {self.message(message, attachment)}"
            case Send(to, message, attachment):
                return f"to {to}: {self.message(message, attachment)}"
            case Persist(record, height):
                until = "for good" if height is None else f"until height {height} is sealed"
                return f"durable {until}: {self._struct(self._records.decode(record))}"
            case SetTimer(name, delay_us):
                return "" if name[-1] == LEFT_OUT else f"timer {name[-1]} in {delay_us / 1_000:g} ms"
            case CancelTimer(name):
                return f"timer {name[-1]} is cancelled"
            case Decide(height, _, certificate):
                return f"decides height {height}: {self._value(certificate)}"
            case Behind(height):
                return f"lags behind height {height}"
            case Note(kind, fields):
                shown = [f"{name} {value}" for name, value in fields.items() if name not in ("digest", "bytes")]
                return f"notes {kind}: {', '.join(shown)}"
            case _:
                return type(effect).__name__

    # --- words --------------------------------------------------------------------------------------------------

    def message(self, message: Message, attachment: bytes = b"") -> str:
        return self._struct(message) + (f" with {self._attached(attachment)}" if attachment else "")

    def _attached(self, attachment: bytes) -> str:
        try:
            return self._struct(CARRIED.decode(attachment))
        except Malformed:
            return "its batch" if len(attachment) < 200 else "a certificate"

    def _struct(self, value: Any) -> str:
        fields = {name: getattr(value, name) for name in value.__struct_fields__ if name not in UNSHOWN}
        words = [f"{name} {self._value(field)}" for name, field in fields.items() if field not in (None, (), b"")]
        return f"{type(value).__name__}({', '.join(words)})"

    def _value(self, value: Any) -> str:
        match value:
            case bytes():
                return self._names.of(value)
            case Certificate(body, signatures):
                return f"[{self._statement(body)} of {' '.join(name for name, _ in signatures)}]"
            case Signed(sender, body) if isinstance(message := self._codec.decode(body, 0), ViewChange | NewView):
                return f"{type(message).__name__} of {sender}"  # shown where it was said
            case Signed(sender, body):
                return f"[{self._statement(body)} of {sender}]"
            case Claim(None, votes):
                return self._value(votes)
            case Claim(order, votes):
                return f"{self._value(order)} {self._value(votes)}"
            case tuple():
                return "(" + ", ".join(self._value(each) for each in value) + ")"
            case msgspec.Struct():
                return self._struct(value)
            case _:
                return str(value)

    def _statement(self, body: bytes) -> str:
        return self.message(self._codec.decode(body, 0))


class Recorded:
    """A replica whose steps are written down. Nothing is said again: its timer for that never runs out."""

    def __init__(self, replica: Any, member: str, writer: Writer) -> None:
        self._replica = replica
        self._member = member
        self._writer = writer

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        if isinstance(event, Expired) and event.timer[-1] == LEFT_OUT:
            return []
        effects = self._replica.step(now, event)
        self._writer.step(now, self._member, event, effects)
        return list(effects)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._replica, name)


def transcript(scene: Scene) -> str:
    """The text of one scene's file."""
    network = scene.network(4, delay_us=(DELAY_US, DELAY_US))
    writer = Writer(network)
    build = network.protocol.build

    def recorded(context: Any) -> Any:
        return Recorded(build(context._replace(is_recalled=True)), context.me, writer)

    network.protocol = network.protocol._replace(build=recorded)
    arrive = Peer.arrive

    def bend(sender: str, receiver: str, payload: bytes) -> bytes:
        message = network.verifier.open(decode_frame(payload).signed, network.epochs).message
        return b"" if scene.is_lost(sender, receiver, message) else payload

    network.bend = bend
    for peer in network.peers.values():
        peer.arrive = lambda who, payload, peer=peer: arrive(peer, who, payload) if payload else None  # type: ignore[method-assign]
        network.later(0, peer.boot)
    network.later(DELAY_US, lambda: network.submit(b"bundle"))
    network.run(scene.until_us)
    network.check()
    return "\n".join([scene.text, "", *writer.lines, ""])


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.transcripts", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files; without it they are compared")
    is_writing = parser.parse_args(words).write
    differing = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, scene in SCENES.items():
        path, text = FOLDER / f"{name}.txt", transcript(scene)
        if is_writing:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            differing.append(str(path))
    print(f"{len(SCENES)} transcripts, {len(differing)} differ: {' '.join(differing)}".rstrip(" :"))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
