"""A node's real process around a stand-in host, for live tests: it counts, and says each number once it is durable.

usage: stand_in_node.py FOLDER NAME HOST PORT USER PASSWORD
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from consortium.core.machine import Apply, Note, Now, Output, Store, Transmit, Wake
from consortium.ledger.rows import height_key
from nodes.broker.address import BrokerAddress
from nodes.conduct.child import adopt_parent
from nodes.process.costs import Costs
from nodes.process.private_store import PrivateStore
from nodes.process.process import Hooks, NodeFiles, Process
from nodes.process.status import origin_at
from nodes.process.store import SqliteRows
from nodes.process.trace_file import TraceWriter
from nodes.process.vote_log import VoteLog

CHAIN = b"c" * 32


class Counting:
    """Stores, applies and says 1, 2, 3, …; after a boot it goes on behind the last number stored."""

    is_done = False
    is_member = True
    stable_height = view = 0
    leader = ""
    queues: Mapping[str, int] = {}

    def __init__(self, rows: SqliteRows) -> None:
        self.head_height = 0
        self._rows = rows

    def begin_run(self, monotonic_us: int) -> None:
        pass

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]:
        self.head_height = max([0, *(int.from_bytes(record, "big") for record in records)])
        head = len(self._rows.range("block", b"", b"\xff" * 9))
        missing = [self._apply(number) for number in range(head + 1, self.head_height + 1)]
        return [Note("booted", {"records": len(records)}), *missing, Wake(1, 0)]

    def _apply(self, number: int) -> Apply:
        rows = (("block", height_key(number), number.to_bytes(8, "big")),)
        self._rows.stage(rows)
        return Apply(number, rows)

    def wake(self, now: Now, token: int) -> list[Output]:
        outputs: list[Output] = []
        for _ in range(3):
            self.head_height += 1
            word = self.head_height.to_bytes(8, "big")
            outputs += [Store(word, self.head_height), Transmit(None, word), self._apply(self.head_height)]
        return [*outputs, Wake(1, 500)]

    def arrival(self, now: Now, publisher: str, payload: bytes) -> list[Output]:
        return [Transmit(None, b"heard " + payload)]


async def main() -> int:
    folder, name, host, port, user, password = sys.argv[1:]
    base = Path(folder)
    rows = SqliteRows(base / "ledger.sqlite")
    process = Process(
        name,
        CHAIN,
        Counting(rows),
        ("a", "witness"),
        [BrokerAddress(host, int(port), user, password)],
        NodeFiles(
            VoteLog(base / "votes.log"),
            rows,
            PrivateStore(base / "private.sqlite"),
            TraceWriter(base / "trace.jsonl", name),
        ),
        Costs(),
        Hooks(on_ready=lambda: process.begin(origin_at(0))),
    )
    asyncio.get_running_loop().add_signal_handler(15, process.stop)
    return await process.run()


if __name__ == "__main__":
    adopt_parent()
    sys.exit(asyncio.run(main()))
