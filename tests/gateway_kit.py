"""A gateway beside a stand-in for its node: a door that executes at once what is handed in, over a real ledger file."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn
from msgspec.structs import replace

from consortium.contracts import load_contracts
from consortium.contracts.governance.application import Register
from consortium.core.codec import encode, sha256
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis, GenesisCall, encode_genesis, genesis_call
from consortium.core.machine import Apply, Decide, Effect, Now, Started
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate, Message, MessageCodec, statement
from consortium.core.replies import Reply
from consortium.core.seals import Checkpoint
from consortium.core.transaction import Bundles, encode_batch, encode_transaction, sign_bundle
from consortium.core.vault import commit
from consortium.ledger.certificate import seal_rows
from consortium.ledger.chain import Ledger
from consortium.ledger.proofs import take_state_evidence
from consortium.ledger.rows import height_key
from consortium.scenario.assemble import build_genesis, prepare
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.scenario.workloads.settlement_load import claim_of, person_of
from consortium.simulation.run import secrets_of
from nodes.gateway.app import make_app
from nodes.gateway.applications import add_application
from nodes.gateway.arguments import told
from nodes.gateway.gateway import Gateway
from nodes.gateway.making import everything
from nodes.gateway.serve import server_config
from nodes.gateway.settings import GatewayFolder, GatewaySettings
from nodes.process.door_frames import door_path
from nodes.process.notes import ALARMS
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows

MEMBERS = (
    MemberSpec("bureau", "bureau"),
    MemberSpec("hospital-1", "hospital", settings={"hosts": ["loader"]}),
    MemberSpec("hospital-2", "hospital", settings={"hosts": ["loader"]}),
    MemberSpec("regulator", "regulator"),
)
NAMES = ("desk", "scanner", "other")


def application_secret(member: str, name: str) -> bytes:
    return sha256(f"{member}/{name}".encode())


def _registered() -> Iterator[GenesisCall]:
    """Both hospitals have all three."""
    for member in ("hospital-1", "hospital-2"):
        for name in NAMES:
            key = SUITES["ed25519"]().public_key(application_secret(member, name))
            may = everything() if name == "desk" else ("settlement.*",)
            yield genesis_call("application", "register", Register(member, name, key, may))


SCENARIO = Scenario("gated", MEMBERS, workload=Workload("settlement_load", {"transactions": 0, "persons": 2}))
SUITE = SUITES[SCENARIO.suite]()
SECRETS = {member.name: secrets_of(SCENARIO, member.name) for member in MEMBERS}
START_US = 1_780_000_000_000_000
NOW = Now(0, 0)
TOKENS = {"desk": "token-of-desk", "scanner": "token-of-scanner", "other": "token-of-other"}


def make_genesis(*more: GenesisCall, scenario: Scenario = SCENARIO) -> Genesis:
    keys = {
        name: {purpose: SUITE.public_key(secret) for purpose, secret in held.items()} for name, held in SECRETS.items()
    }
    made = build_genesis(scenario, prepare(scenario, bytes(32)), keys, START_US)
    return replace(made, calls=(*made.calls, *_registered(), *more))


GENESIS = make_genesis()


def claim(serial: int, place: int = 0) -> dict[str, Any]:
    """Arguments of settlement.issue_and_claim, as JSON has them."""
    made: dict[str, Any] = told(claim_of(place, serial, person_of(place, serial % 2))[2])
    return made


def certify(message: Message, genesis: Genesis = GENESIS) -> Certificate:
    body = MessageCodec(genesis.chain, genesis.suite, (type(message),)).statement(0, message)
    signatures = [(name, SUITE.sign(SECRETS[name]["vote"], body)) for name in genesis.first_epoch.validators]
    return Certificate(body, tuple(signatures))


class StandIn:
    """One member's node: no consensus, its own word is the order. `replies`: how many members acknowledge a block."""

    def __init__(self, folder: NodeFolder, genesis: Genesis = GENESIS) -> None:
        self.folder = folder
        self.genesis = genesis
        folder.folder.mkdir(parents=True, exist_ok=True)
        self.rows = SqliteRows(folder.ledger)
        bundles = Bundles(genesis.chain, SUITE)
        self.ledger = Ledger(genesis, self.rows, load_contracts(), bundles, Epochs((genesis.first_epoch,)))
        self.ledger.boot()
        self._keep(self.ledger.step(NOW, Started(())))
        self.replies = GENESIS.first_epoch.weak
        self.busy_s = 0.0
        self.is_holding = False  # it takes what is handed in, and executes nothing
        self.does_seal = True
        self.held: list[bytes] = []
        self.reads: list[tuple[str, str, str]] = []
        self.submitted = 0
        self.kept: dict[str, bytes] = {}
        self.numbers = 0  # of the member's own transactions
        self._writers: dict[asyncio.StreamWriter, int] = {}
        self._server: asyncio.Server | None = None

    def _keep(self, effects: Any) -> None:
        applies = [effect for effect in effects if isinstance(effect, Apply)]
        self.rows.commit(applies)
        self.rows.committed(applies)

    # --- blocks -----------------------------------------------------------------------------------------------------

    def execute(self, *bundles: bytes) -> None:
        """A block of these, sealed and told."""
        height = self.ledger.head_height + 1
        batch = encode_batch(START_US + height, bundles)
        effects: list[Effect] = list(self.ledger.step(NOW, Decide(height, batch, Certificate(b"", ()))))  # type: ignore[arg-type]
        self._keep(effects)
        if self.does_seal:
            self.seal()
        self._tell(height)

    def sign(self, *calls: tuple[str, str, Any], member: str = "") -> bytes:
        """A bundle of the member's own, or of another's."""
        name = member or self.folder.folder.name
        self.numbers, first = self.numbers + len(calls), self.numbers + 1
        bodies = [encode_transaction(first + at, *call) for at, call in enumerate(calls)]
        return sign_bundle(self.genesis.chain, SUITE, SECRETS[name]["submit"], name, bodies)

    def seal(self) -> None:
        height = self.ledger.head_height
        rows = seal_rows(self.rows, height, certify(Checkpoint(height, self.ledger.head_digest), self.genesis))
        self.rows.stage(rows)
        self._keep([Apply(height, rows)])
        self._tell(height, is_sealed=True)

    def _tell(self, height: int, *, is_sealed: bool = False) -> None:
        """As the door of a node does: replies only where others have sent some."""
        names = GENESIS.first_epoch.validators[: self.replies]
        header = self.rows.get("block", height_key(height)) or b""
        told: dict[str, Any] = {"height": height, "digest": self.ledger.head_digest, "header": header}
        told |= {"sealed": True} if is_sealed else {"replies": self.signed(height, names)}
        for writer, number in self._writers.items():
            _write(writer, {"id": number, "executed": told})

    def signed(self, height: int, names: Iterable[str]) -> dict[str, bytes]:
        """Replies over the head's header."""
        said = statement(self.genesis.chain, self.genesis.suite, 0, Reply(height, self.ledger.head_digest))
        return {name: SUITE.sign(SECRETS[name]["vote"], said) for name in names}

    def release(self) -> None:
        """Execute what was held back."""
        self.is_holding = False
        held, self.held = self.held, []
        if held:
            self.execute(*held)

    # --- the door ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(door_path(self.folder)))

    async def close(self) -> None:
        """As a node that was killed: its door is gone, its file stays as it is."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self._writers.clear()
        door_path(self.folder).unlink(missing_ok=True)
        await asyncio.sleep(0.02)  # the loop is to close what it serves before it ends

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.setdefault(writer, 0)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                asked = msgspec.msgpack.decode(await reader.readexactly(size))
                answer = self._answer(writer, asked)
                if answer is not None:
                    _write(writer, {"id": asked["id"], **answer})
        self._writers.pop(writer, None)
        writer.close()

    def _answer(self, writer: asyncio.StreamWriter, asked: dict[str, Any]) -> Mapping[str, Any] | None:
        match asked["ask"]:
            case "status":
                told = {"height": self.ledger.head_height, "bus": "up", "view": 0, "is_member": True, "is_live": True}
                return {**told, "alarms": dict.fromkeys(ALARMS, 0)}
            case "follow":
                self._writers[writer] = asked["id"]
                return None
            case "read":
                self.reads.append((asked["reader"], asked["handle"], asked["purpose"]))
                return {}
            case "keep":
                handle, record = asked["handle"], asked["record"]
                if self.kept.setdefault(handle, record) != record:
                    return {"error": "this record cannot be kept: another is under its handle, or it was erased"}
                return {"commitment": commit(sha256(handle.encode()), record)}
            case "evidence":
                table = next(each for each in _tables() if each.name == asked["table"])
                evidence = take_state_evidence(self.ledger, self.rows, table.name, asked["key"])
                return {
                    "height": evidence.height,
                    "key": evidence.key,
                    "value": evidence.value,
                    "path": encode(evidence.path),
                }
            case "wish":
                calls = [(contract, operation, msgspec.Raw(given)) for contract, operation, given in asked["calls"]]
                self.execute(self.sign(*calls))
                return {"taken": True}
            case "submit":
                return {"results": [self._take(bundle) for bundle in asked["bundles"]]}
        return {"error": f"the stand-in does not know {asked['ask']}"}

    def _take(self, bundle: bytes) -> Mapping[str, Any]:
        if self.busy_s:
            return {"busy_s": self.busy_s}
        self.submitted += 1
        if self.is_holding:
            self.held.append(bundle)
        else:
            asyncio.get_running_loop().call_soon(self.execute, bundle)
        return {"taken": True}


def _tables() -> list[Any]:
    from consortium.contracts import load_told_tables

    return list(load_told_tables().values())


def _write(writer: asyncio.StreamWriter, value: Mapping[str, Any]) -> None:
    body = msgspec.msgpack.encode(value)
    writer.write(len(body).to_bytes(4, "big") + body)


# --- the gateway ----------------------------------------------------------------------------------------------------


def make_folder(run: Path, member: str = "hospital-1", genesis: Genesis = GENESIS) -> NodeFolder:
    """A consortium's folder with one node in it, whose gateway knows three applications: `desk` for everything,
    `scanner` for one operation, `other` for what a client signs itself."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "genesis.json").write_bytes(encode_genesis(genesis))
    node = NodeFolder(run, member)
    node.folder.mkdir(parents=True)
    folder = GatewayFolder(node)
    desk, scanner = (application_secret(member, name) for name in ("desk", "scanner"))
    add_application(folder, "desk", member, ("*",), TOKENS["desk"], desk)
    add_application(folder, "scanner", member, ("settlement.issue_and_claim",), TOKENS["scanner"], scanner)
    add_application(folder, "other", member, ("settlement.*",), TOKENS["other"], None)
    return node


def bearer(name: str = "desk", **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[name]}", **{key.replace("_", "-"): value for key, value in more.items()}}


class Served:
    """A gateway that has begun, a client of it, and the stand-in for its node."""

    def __init__(self, gateway: Gateway, client: httpx.AsyncClient, node: StandIn) -> None:
        self.gateway = gateway
        self.client = client
        self.node = node

    async def claim(self, serial: int, key: str = "", words: str = "", **headers: str) -> httpx.Response:
        given = {**bearer(), **({"Idempotency-Key": key} if key else {}), **headers}
        path = f"/v1/settlement/issue_and_claim{words}"
        return await self.client.post(path, json=claim(serial), headers=given)

    async def until(self, holds: Callable[[], bool], seconds: float = 30.0) -> None:
        ends_s = asyncio.get_running_loop().time() + seconds
        while not holds():
            assert asyncio.get_running_loop().time() < ends_s, "it does not come to that"
            await asyncio.sleep(0.005)

    async def until_ready(self) -> None:
        await self.until(lambda: not self.gateway.unready())


@asynccontextmanager
async def served(
    node: NodeFolder,
    stand_in: StandIn | None = None,
    settings: GatewaySettings | None = None,
) -> AsyncIterator[Served]:
    """A gateway of this node; the stand-in is opened, and closed where it was made here."""
    stand = stand_in or StandIn(node)
    if stand_in is None:
        await stand.open()
    usual = settings or GatewaySettings(plain_http=True, wait_s=5.0)
    gateway = Gateway(stand.genesis, GatewayFolder(node), usual, lambda: START_US)
    app = make_app(gateway)
    try:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                made = Served(gateway, client, stand)
                await made.until_ready()
                yield made
    finally:
        if stand_in is None:
            await stand.close()
            stand.rows.close()


def proof_bytes(text: str) -> bytes:
    return base64.b64decode(text)


@contextmanager
def over_http(node: NodeFolder, settings: GatewaySettings | None = None) -> Iterator[str]:
    """A gateway with its stand-in, listening on loopback, in a thread of its own: its address."""
    begun: queue.SimpleQueue[tuple[str, uvicorn.Server]] = queue.SimpleQueue()

    async def serve() -> None:
        stand = StandIn(node)
        await stand.open()
        usual = settings or GatewaySettings(plain_http=True)
        gateway = Gateway(GENESIS, GatewayFolder(node), usual, lambda: START_US)
        server = uvicorn.Server(server_config(gateway, gateway.folder, usual))
        task = asyncio.create_task(server.serve())
        while not (server.started and not gateway.unready()):
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        begun.put((f"http://127.0.0.1:{port}", server))
        await task
        await stand.close()
        stand.rows.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    address, server = begun.get(timeout=60)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join()
