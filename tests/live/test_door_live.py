"""Nodes that no conductor started, and what their doors do: a bundle handed in is durable, and executed once."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from consortium.commands import replay as replaying
from consortium.contracts.governance.application import Register
from consortium.core import merkle
from consortium.core.calendar import compute_day
from consortium.core.codec import encode
from consortium.core.crypto import SUITES
from consortium.core.genesis import Parameters
from consortium.core.header import decode_header
from consortium.core.proven import Anchor
from consortium.core.replies import verify_acknowledged_receipt
from consortium.core.requests import request_number, request_token
from consortium.core.transaction import Bundles, encode_transaction, sign_bundle
from consortium.lab.checks.agreement import check_agreement
from consortium.lab.checks.exactly_once import check_exactly_once
from consortium.lab.checks.validity import check_validity
from consortium.runs.run import Run
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload
from consortium.vault.audit import chain_fault, read_entries
from nodes.conduct.run_files import RunFiles, make_run
from nodes.process.door_client import DoorClient
from nodes.process.door_frames import DoorClosed, DoorError, door_path
from nodes.process.inputs import load_inputs
from nodes.process.private_store import PrivateStore
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows

pytestmark = pytest.mark.live
BILLING = b"billing of node-1".ljust(32, b".")
NAMES = tuple(f"node-{index}" for index in range(1, 5))
QUIET = Scenario(
    name="quiet",
    members=tuple(MemberSpec(name, "hospital", settings={"hosts": ["loader"]}) for name in NAMES),
    parameters=Parameters(idle_seal_us=200_000, timer_base_us=500_000),
    workload=Workload("settlement_load", {"transactions": 4, "bundle": 1, "persons": 5}),
    stop=Stop(limit_us=30_000_000),
)


class House:
    """Four nodes and a broker, started by hand."""

    def __init__(self, files: RunFiles) -> None:
        self.files = files
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *names: str) -> None:
        for name in names:
            words = [sys.executable, "-m", "nodes", str(self.files.folder), name]
            self.processes[name] = subprocess.Popen(words, stderr=subprocess.DEVNULL)

    async def client(self, name: str) -> DoorClient:
        path = door_path(NodeFolder(self.files.folder, name))
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(DoorClosed):
                    client = await DoorClient.connect(path)
                    if (await client.ask("status"))["is_live"]:
                        return client
                    await client.close()
                await asyncio.sleep(0.05)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(10)
        self.files.broker.stop()

    def bundle(self, name: str, number: int) -> bytes:
        """A claim of nothing: it is refused by the contract, and takes its number."""
        secret = bytes.fromhex((self.files.folder / "nodes" / name / "keys" / "submit.key").read_text())
        suite = SUITES[self.files.genesis.suite]()
        return sign_bundle(
            self.files.genesis.chain, suite, secret, name, [encode_transaction(number, "none", "such", {})]
        )

    def asked(self, member: str, word: str, contract: str = "none") -> bytes:
        """Of the member's application `billing`, as any gateway with its key makes it of this word of its user."""
        now_us = time.time_ns() // 1_000
        number = request_number(compute_day(now_us, 480), request_token(f"{member}/billing", word))
        transaction = encode_transaction(number, contract, "such", {})
        return sign_bundle(self.files.genesis.chain, SUITES[self.files.genesis.suite](), BILLING, member, [transaction])

    def executed(self, name: str) -> list[bytes]:
        """The ids of all transactions in this node's ledger file that were refused for their contract."""
        rows = SqliteRows(self.files.folder / "nodes" / name / "ledger.sqlite", read_only=True)
        receipts = [msgspec.msgpack.decode(data) for _, data in rows.range("receipt", b"", b"\xff" * 9)]
        rows.close()
        return [receipt[0] for receipt in receipts if receipt[1] == "unknown-contract"]


@contextlib.asynccontextmanager
async def house(tmp_path: Path, *names: str, is_recorded: bool = False) -> AsyncIterator[House]:
    it = House(make_run(QUIET, tmp_path / "run", "embedded", is_recorded=is_recorded))
    try:
        it.start(*names)
        yield it
    finally:
        it.stop()


async def until(stream: AsyncIterator[dict[str, Any]], is_it: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    async with asyncio.timeout(20):
        async for told in stream:
            if is_it(told):
                return told
    raise AssertionError("the stream ended")


def codes(told: dict[str, Any]) -> list[str]:
    return [msgspec.msgpack.decode(receipt)[1] for receipt in told.get("receipts", ())]


async def test_a_node_is_asked_told_and_followed_through_its_door(tmp_path: Path) -> None:
    async with house(tmp_path, *NAMES) as it:
        client = await it.client("node-1")
        stream = client.follow(1, receipts=True)
        told = await until(stream, codes)
        assert decode_header(told["header"]).height == told["height"]
        await until(stream, lambda told: told.get("sealed"))
        status = await client.ask("status")
        assert (status["name"], status["bus"], status["is_member"]) == ("node-1", "up", True)
        own, twice = it.bundle("node-1", 16 * 7), it.bundle("node-1", 16 * 7)
        answer = await client.ask("submit", bundles=[own, own[:-1] + b"x", b"junk", twice])
        assert [sorted(each) for each in answer["results"]] == [["taken"], ["unfit"], ["unfit"], ["taken"]]
        await until(stream, lambda told: "unknown-contract" in codes(told))
        with pytest.raises(DoorError, match="no order"):
            await client.ask("order", order={"dance": 1})
        assert (await client.ask("log", level="warning"))["level"] == "warning"
        await client.ask("order", order={"cut": ["node-2", "node-3", "node-4"]})
        for _ in range(2):
            await client.ask("wish", reference="w", calls=[["none", "such", msgspec.msgpack.encode({})]])
        await client.ask("order", order={"cut": []})
        await until(stream, lambda told: "unknown-contract" in codes(told))
        await until(stream, lambda told: told.get("sealed"))
        assert len(it.executed("node-1")) == 2
        await client.close()


async def test_records_are_kept_reads_are_written_down_and_rows_of_the_state_are_shown(tmp_path: Path) -> None:
    async with house(tmp_path, *NAMES) as it:
        client = await it.client("node-1")
        kept = [await client.ask("keep", handle="lines/node-1:7", record=encode([1, 2])) for _ in range(2)]
        assert len(kept[0]["commitment"]) == 32 and kept[0] == {**kept[1], "id": kept[0]["id"]}
        with pytest.raises(DoorError, match="cannot be kept"):
            await client.ask("keep", handle="lines/node-1:7", record=encode([1, 3]))
        with pytest.raises(DoorError, match="begin with a point"):
            await client.ask("keep", handle=".audit/1", record=b"x")
        for purpose in ("treatment", "audit"):
            await client.ask("read", reader="node-1/billing", handle="query bill.bill", purpose=purpose)
        shown = await client.ask("evidence", table="registry.newest", key="only")
        assert shown["value"] is not None and shown["height"] >= 0
        absent = await client.ask("evidence", table="registry.newest", key="none")
        assert absent["value"] is None
        it.processes["node-1"].terminate()
        assert it.processes.pop("node-1").wait(10) == 0
        store = PrivateStore(it.files.folder / "nodes" / "node-1" / "private.sqlite")
        entries = list(read_entries(store))
        assert [(each.reader, each.handle, each.purpose) for each in entries] == [
            ("node-1/billing", "query bill.bill", "treatment"),
            ("node-1/billing", "query bill.bill", "audit"),
        ]
        assert chain_fault(entries) == "" and store.get("lines/node-1:7") is not None
        store.close()


async def test_what_was_taken_survives_the_nodes_death_and_is_executed_once(tmp_path: Path) -> None:
    """Nobody else ever heard of the bundle: its node was alone, and died at once. Its two lives replay."""
    async with house(tmp_path, "node-1", is_recorded=True) as it:
        client = await it.client("node-1")
        bundle = it.bundle("node-1", 16 * 7)
        assert (await client.ask("submit", bundles=[bundle]))["results"] == [{"taken": True}]
        os.kill(it.processes["node-1"].pid, signal.SIGKILL)
        it.processes["node-1"].wait()
        it.start(*NAMES)
        follower = await it.client("node-2")
        async with asyncio.timeout(20):
            async for told in follower.follow(1):
                if "sealed" in told and it.executed("node-2"):
                    break
        client = await it.client("node-1")
        assert (await client.ask("submit", bundles=[bundle]))["results"] == [{"taken": True}], "known, and done"
        await asyncio.sleep(0.5)
        assert len(it.executed("node-2")) == 1
        with pytest.raises(DoorError, match="recorded"):
            await client.ask("keep", handle="lines/node-1:7", record=encode([1, 2]))
        await follower.close()
        await client.close()
    run, out = tmp_path / "run", io.StringIO()
    code = replaying.replay_told(run, "node-1", lambda: load_inputs(run, "node-1"), Console(file=out, width=200))
    assert (code, "identical" in out.getvalue(), "in 2 boots" in out.getvalue()) == (0, True, True), out.getvalue()


async def test_an_application_is_registered_asks_at_two_nodes_at_once_and_is_served_once(tmp_path: Path) -> None:
    async with house(tmp_path, *NAMES) as it:
        clients = [await it.client(name) for name in NAMES]
        stream = clients[3].follow(1, receipts=True)
        early = it.asked("node-1", "early", "none")
        assert list((await clients[0].ask("submit", bundles=[early]))["results"][0]) == ["unfit"]
        key = SUITES[it.files.genesis.suite]().public_key(BILLING)
        known = Register("node-1", "billing", key, ("bill.*", "none.*"))
        await clients[0].ask("wish", reference="app", calls=[["application", "register", encode(known)]])
        told = await until(stream, lambda told: b"application-registered" in b"".join(told.get("receipts", ())))
        for client in clients:
            short = client.follow(told["height"])
            await until(short, bool)
            await short.aclose()
        bundle = it.asked("node-1", "claim 1")
        answers = await asyncio.gather(*(client.ask("submit", bundles=[bundle]) for client in clients))
        assert [answer["results"] for answer in answers] == [[{"taken": True}]] * 4
        told = await until(stream, lambda told: "unknown-contract" in codes(told))
        receipts = told["receipts"]
        index = codes(told).index("unknown-contract")
        told = await until(stream, lambda again: again["height"] == told["height"] and again["replies"])
        path, anchor = merkle.path(receipts, index), Anchor.of(it.files.genesis)
        assert len(told["replies"]) >= 2, "at least one of them is honest"
        proof = (told["header"], told["replies"], receipts[index], index, len(receipts), path)
        _, receipt = verify_acknowledged_receipt(anchor, *proof)
        assert receipt.transaction == Bundles(it.files.genesis.chain, SUITES["ed25519"]()).open(bundle).ids[0]
        again = await clients[2].ask("submit", bundles=[it.asked("node-1", "claim 1"), it.asked("node-1", "claim 2")])
        assert again["results"] == [{"taken": True}] * 2
        await until(stream, lambda told: "unknown-contract" in codes(told))
        await until(stream, lambda told: told.get("sealed"))
        assert len(it.executed("node-2")) == 2
        for client in clients:
            await client.close()


async def test_a_leader_that_dies_loses_nothing_that_was_taken_and_nothing_is_done_twice(tmp_path: Path) -> None:
    """Each request is brought to two nodes, as by users that trust none; the leader takes some alone, and dies."""
    async with house(tmp_path, *NAMES) as it:
        clients = {name: await it.client(name) for name in NAMES}
        key = SUITES[it.files.genesis.suite]().public_key(BILLING)
        known = Register("node-1", "billing", key, ("none.*",))
        await clients["node-1"].ask("wish", reference="app", calls=[["application", "register", encode(known)]])
        for client in clients.values():
            stream = client.follow(1, receipts=True)
            await until(stream, lambda told: b"application-registered" in b"".join(told.get("receipts", ())))
            await stream.aclose()
        leader = (await clients["node-1"].ask("status"))["leader"]
        bundles = [it.asked("node-1", f"request {number}") for number in range(120)]
        opened = {Bundles(it.files.genesis.chain, SUITES["ed25519"]()).open(each).ids[0] for each in bundles}

        async def bring(number: int, *names: str) -> None:
            for name in names:
                with contextlib.suppress(DoorClosed):
                    answer = await clients[name].ask("submit", bundles=[bundles[number]])
                    assert answer["results"] == [{"taken": True}]

        others = [name for name in NAMES if name != leader]
        for number in range(80):
            await bring(number, NAMES[number % 4], NAMES[(number + 1) % 4])
        await clients[leader].ask("submit", bundles=bundles[80:100])
        os.kill(it.processes[leader].pid, signal.SIGKILL)
        it.processes[leader].wait()
        for number in range(100, 120):
            await bring(number, others[number % 3], others[(number + 1) % 3])
        it.start(leader)
        back = await it.client(leader)
        async with asyncio.timeout(40):
            while len(it.executed(leader)) < len(bundles):
                await asyncio.sleep(0.2)
        assert set(it.executed(leader)) == opened
        for client in (*clients.values(), back):
            await client.close()
    rows = {name: SqliteRows(tmp_path / "run" / "nodes" / name / "ledger.sqlite", read_only=True) for name in NAMES}
    run = Run(QUIET, it.files.genesis, (), {**rows})
    assert [check(run) for check in (check_exactly_once, check_validity, check_agreement)] == [[], [], []]
    for held in rows.values():
        held.close()
