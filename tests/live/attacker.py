"""A member that does its worst on the bus: its own credentials, an MQTT client of its own, and as fast as it goes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import IO, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from consortium.core.codec import encode
from consortium.core.crypto import SUITES
from consortium.core.genesis import decode_genesis
from consortium.core.messages import (
    ATTACHMENT_BYTES_MAX,
    SIGNED_BYTES_MAX,
    Frame,
    Message,
    Signed,
    encode_frame,
    statement,
    statement_prefix,
)
from consortium.ledger.messages import Blocks
from consortium.protocols.pbft.messages import Prepare, PrePrepare
from nodes.broker.topics import Topics, topic_root
from nodes.conduct.drill import LocalRun
from nodes.process.bus_limits import FRAMES_MAX, PAYLOAD_BYTES_MAX
from nodes.process.keys import load_keys
from nodes.process.settings import NodeFolder, read_settings

Payloads = Iterator[bytes]


class Forge:
    """Makes payloads as this member, or in the names of others."""

    def __init__(self, folder: Path, name: str) -> None:
        genesis = decode_genesis((folder / "genesis.json").read_bytes())
        self.folder = folder
        self.name = name
        self.chain, self.suite = genesis.chain, genesis.suite
        self._suite = SUITES[genesis.suite]()
        self._vote = load_keys(NodeFolder(folder, name).keys)["vote"]

    def signed(self, message: Message, epoch: int = 0) -> Signed:
        return self._sign(statement(self.chain, self.suite, epoch, message))

    def _sign(self, body: bytes) -> Signed:
        return Signed(self.name, body, self._suite.sign(self._vote, body))

    def junk(self) -> Payloads:
        """13 payloads of 266 kB in all once filled the one inbox that there was."""
        payload = encode([b"junk."] * FRAMES_MAX)
        while True:
            yield payload

    def large_junk(self) -> Payloads:
        for number in count():
            yield encode([number.to_bytes(8, "big") * ((PAYLOAD_BYTES_MAX - 64) // 8)])

    def forgeries(self) -> Payloads:
        """Votes under random signatures, a thousand a payload."""
        for first in count(0, 1_000):
            bodies = [
                statement(self.chain, self.suite, 0, Prepare(0, 1 + n, bytes(32))) for n in range(first, first + 1_000)
            ]
            frames = [Frame(Signed(self.name, body, sha256(body).digest() * 2)) for body in bodies]
            yield encode([encode_frame(frame) for frame in frames])

    def spoofed(self) -> Payloads:
        """The same in the name of the leader."""
        for first in count(0, 1_000):
            bodies = [
                statement(self.chain, self.suite, 0, Prepare(0, 1 + n, bytes(32))) for n in range(first, first + 1_000)
            ]
            yield encode([encode_frame(Frame(Signed("node-1", body, bytes(64)))) for body in bodies])

    def answers(self) -> Payloads:
        """Answers of catch-up that nobody asked for, as large as a frame may be, of empty blocks; validly signed."""
        junk = b"\xdd" + (1 << 24).to_bytes(4, "big") + b"\x93\xc0\xc4\x00\xc0" * (ATTACHMENT_BYTES_MAX // 5 - 2)
        for number in count():
            answer = Blocks("node-1", number.to_bytes(16, "big"), 1, sha256(junk).digest())
            yield encode([encode_frame(Frame(self.signed(answer), junk))])

    def early(self) -> Payloads:
        """Orders of views and heights to come, each with an attachment as large as may be."""
        for number in count():
            attachment = number.to_bytes(8, "big") * (ATTACHMENT_BYTES_MAX // 8)
            order = PrePrepare(3 + 4 * (number % 64), 1 + number % 64, sha256(attachment).digest())
            yield encode([encode_frame(Frame(self.signed(order, number % 2), attachment))])

    def many_elements(self) -> Payloads:
        """Statements, validly signed, whose bytes say that they hold a million tiny elements."""
        element = encode(["", b"", b""])
        elements = (SIGNED_BYTES_MAX - 200) // len(element)
        for number in count():
            head = encode(["Told", "node-1", number.to_bytes(16, "big"), 0, 0, None])
            message = b"\x97" + head[1:] + b"\xdd" + elements.to_bytes(4, "big") + element * elements
            yield encode([encode_frame(Frame(self._sign(statement_prefix(self.chain, self.suite, 0) + message)))])

    def votes(self) -> Payloads:
        """Votes for nothing, validly signed, as many as can be made."""
        for first in count(1 << 20, 500):
            frames = [Frame(self.signed(Prepare(0, height, bytes(32)))) for height in range(first, first + 500)]
            yield encode([encode_frame(frame) for frame in frames])

    @property
    def attacks(self) -> dict[str, Callable[[], Payloads]]:
        return {
            "junk": self.junk,
            "large junk": self.large_junk,
            "forgeries": self.forgeries,
            "spoofed": self.spoofed,
            "answers": self.answers,
            "early": self.early,
            "many elements": self.many_elements,
            "votes": self.votes,
        }


class Phase:
    """One attack: when it went on (seconds of the monotonic clock), and what the broker took of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begun_us = self.ended_us = 0
        self.payloads = self.bytes = 0


class Attack:
    """A drill: all attacks of `name` one after another, each for `each_s`, between two quiet times of
    `quiet_s`."""

    def __init__(self, folder: Path, name: str, quiet_s: float, each_s: float) -> None:
        self.folder = folder
        self.name = name
        self.quiet_s = quiet_s
        self.each_s = each_s
        self.phases: list[Phase] = []
        self.peak_bytes: dict[str, int] = {}  # of resident memory, by node
        self._thread: threading.Thread | None = None

    def tend(self, run: LocalRun) -> bool:
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, args=(run,), daemon=True)
            self._thread.start()
        for name, node in run.nodes.items():
            if name != self.name and node.process is not None and node.is_alive:
                self.peak_bytes[name] = max(self.peak_bytes.get(name, 0), _peak_bytes(node.process.pid))
        return not self._thread.is_alive()

    def _live(self, run: LocalRun) -> None:
        """The attacker is a process that gives way to the nodes: it would have a machine of its own."""
        words = [sys.executable, "-m", "tests.live.attacker", str(self.folder), self.name, str(self.each_s)]
        with subprocess.Popen(
            ["nice", "-n", "5", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdout.readline()  # it is ready
            self._phase(run, "quiet", lambda _: time.sleep(self.quiet_s))
            for name in Forge(self.folder, self.name).attacks:
                self._phase(run, name, partial(self._attack, process.stdin, process.stdout))
            process.stdin.close()
            self._phase(run, "quiet again", lambda _: time.sleep(self.quiet_s))

    def _phase(self, run: LocalRun, name: str, act: Callable[[Phase], None]) -> None:
        phase = Phase(name)
        phase.begun_us = run.now_us
        act(phase)
        phase.ended_us = run.now_us
        self.phases.append(phase)

    def _attack(self, orders: IO[str], answers: IO[str], phase: Phase) -> None:
        orders.write(phase.name + "\n")
        phase.payloads, phase.bytes = map(int, answers.readline().split())


def _peak_bytes(pid: int) -> int:
    """The largest resident set that a process has had."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1_024 for line in lines if line.startswith("VmHWM:")), 0)


def attack(forge: Forge, kind: str, each_s: float) -> tuple[int, int]:
    """Publish as fast as the broker takes it; payloads and bytes."""
    (address,) = read_settings(NodeFolder(forge.folder, forge.name).settings).addresses(forge.folder)
    topic = Topics(topic_root(forge.chain)).to_all(forge.name)
    client: Any = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(address.user, address.password)
    client.connect(address.host, address.port)
    client.loop_start()
    deadline = time.monotonic() + each_s
    payloads = size = 0
    for payload in forge.attacks[kind]():
        while len(client._out_packet) > 8 and time.monotonic() < deadline:
            time.sleep(0.001)
        if time.monotonic() >= deadline:
            break
        client.publish(topic, payload, 0)
        payloads += 1
        size += len(payload)
    client.disconnect()
    client.loop_stop()
    return payloads, size


def main(folder: str, name: str, each_s: str) -> None:
    """Attacks as they are ordered, a line each on stdin."""
    forge = Forge(Path(folder), name)
    print("ready", flush=True)
    for line in sys.stdin:
        print(*attack(forge, line.strip(), float(each_s)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
