"""`python -m nodes.calibration.echo FOLDER NAME HOST PORT USER PASSWORD`: a node's process whose host only answers.

`consortium calibrate` measures with it what a message costs a node besides the host's own step: loop, MQTT, inbox.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from consortium.core.machine import Now, Output, Transmit
from consortium.core.membership import NodeId
from consortium.node.inbox import Share
from nodes.broker.address import BrokerAddress
from nodes.conduct.child import adopt_parent
from nodes.process.costs import Costs
from nodes.process.private_store import PrivateStore
from nodes.process.process import Hooks, NodeFiles, Process
from nodes.process.status import origin_at
from nodes.process.store import SqliteRows
from nodes.process.trace_file import TraceWriter
from nodes.process.vote_log import VoteLog

CHAIN = b"\0calibration\0".ljust(32, b"\0")
METER = "meter"  # who asks
PEERS = ("a", "b", "c")

# what is said: one letter, and what it needs
PING, SINK, LAST, CPU, SERVE, DONE = b"p", b"s", b"l", b"c", b"v", b"d"


class Echo:
    """`p<peer>`: answered with a ping of ours. `s…`: swallowed. `l…`: swallowed, and the meter is told. `c`: the CPU of
    this process so far, in nanoseconds. `v<rounds>:<peer>`: play so many rounds of ping with the peer, then tell."""

    is_done = False
    head_height = stable_height = view = 0
    leader = ""
    is_member = True
    queues: Mapping[str, int] = {}

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._rounds = 0
        self._begun_ns = 0

    def begin_run(self, monotonic_us: int) -> None:
        pass

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]:
        return []

    def wake(self, now: Now, token: int) -> list[Output]:
        return []

    def arrival(self, now: Now, publisher: NodeId, payload: bytes) -> list[Output]:
        kind, rest = payload[:1], payload[1:]
        if kind == PING:
            if self._rounds:
                self._rounds -= 1
                if not self._rounds:
                    return [self._tell(DONE, time.perf_counter_ns() - self._begun_ns)]
            peer = rest.partition(b"\0")[0].decode()
            return [Transmit(peer, self._ping(len(payload)))]
        if kind == SERVE:
            rounds, name, size = rest.split(b":")
            self._rounds, self._begun_ns = int(rounds), time.perf_counter_ns()
            return [Transmit(name.decode(), self._ping(int(size)))]
        if kind == LAST:
            return [self._tell(DONE, 0)]
        if kind == CPU:
            return [self._tell(CPU, time.process_time_ns())]
        return []

    def _ping(self, size_bytes: int) -> bytes:
        return (PING + self._name + b"\0").ljust(size_bytes, b"\0")

    def _tell(self, kind: bytes, number: int) -> Transmit:
        return Transmit(METER, kind + number.to_bytes(8, "big"))


async def _live(folder: Path, name: str, address: BrokerAddress) -> int:
    process = Process(
        name,
        CHAIN,
        Echo(name),
        (*PEERS, METER),
        [address],
        NodeFiles(
            VoteLog(folder / f"{name}.votes.log"),
            SqliteRows(folder / f"{name}.sqlite"),
            PrivateStore(folder / f"{name}.private.sqlite"),
            TraceWriter(folder / f"{name}.trace.jsonl", name),
        ),
        Costs(),
        Hooks(on_ready=lambda: process.begin(origin_at(0))),
        share=Share(frames=1 << 40, bytes=1 << 50),  # a flood is what is measured
    )
    asyncio.get_running_loop().add_signal_handler(15, process.stop)
    return await process.run()


def main(arguments: Sequence[str]) -> int:
    folder, name, host, port, user, password = arguments
    running = _live(Path(folder), name, BrokerAddress(host, int(port), user, password))
    try:
        import uvloop
    except ImportError:
        return asyncio.run(running)
    code: int = uvloop.run(running)
    return code


if __name__ == "__main__":
    adopt_parent()
    sys.exit(main(sys.argv[1:]))
