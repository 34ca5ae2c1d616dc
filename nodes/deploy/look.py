"""What can be seen of a standing consortium from outside: its processes, its ledgers, what its nodes say themselves."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple

from consortium.core.errors import UserError as AnyUserError
from consortium.ledger.certificate import newest_seal
from consortium.runs.run import head_height
from nodes.deploy.deployment import Deployment, GatewayPlace
from nodes.deploy.running import ProgramState, Running, gateway_of
from nodes.errors import Damaged
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, door_path
from nodes.process.settings import NodeFolder
from nodes.process.standing_orders import read_orders
from nodes.process.store import SqliteRows

ANSWER_S = 2.0
DOWN = "down"
UNKNOWN = ProgramState("", DOWN, 0, 0, 0)


class NodeLook(NamedTuple):
    """One member. `state`: down, or as of ProgramState. `height`, `sealed`: of its ledger; -1: it holds nothing. What
    it says itself: `view`, `leader`, `bus` (up, partly where some brokers are down, down); of one that does not answer
    -1, empty, and `down`. `deaf_to`: members that it does not hear, by an order. `gateway`: the address of its
    gateway; empty without one, or `down`."""

    name: str
    role: str
    state: str
    pid: int
    since_s: int
    height: int
    sealed: int
    view: int = -1
    leader: str = ""
    bus: str = DOWN
    deaf_to: tuple[str, ...] = ()
    gateway: str = ""

    @property
    def is_serving(self) -> bool:
        return self.state == "running" and self.bus in ("up", "partly") and self.height >= 0


def look(folder: Path, deployment: Deployment, roles: Mapping[str, str], running: Running) -> list[NodeLook]:
    """All members, in their order. They are asked at once: one that stands still answers late."""
    states = running.states()

    def look_at(name: str) -> NodeLook:
        found = _look_at(NodeFolder(folder, name), name, roles.get(name, ""), states.get(name, UNKNOWN))
        return found._replace(gateway=_gateway_of(folder, name, deployment, states))

    with ThreadPoolExecutor(len(deployment.members)) as pool:
        return list(pool.map(look_at, deployment.members))


def _look_at(folder: NodeFolder, name: str, role: str, state: ProgramState) -> NodeLook:
    about = (name, role, state.state, state.pid, state.since_s)
    told = ask_status(folder) if state.state in ("running", "starting") else None
    if told is None:
        return NodeLook(*about, *read_heights(folder), deaf_to=_deaf_to(folder))
    return NodeLook(
        *about,
        told["height"],
        told["stable_height"],
        told["view"],
        told["leader"],
        told["bus"] if told["is_live"] else DOWN,
        _deaf_to(folder),
    )


def _gateway_of(folder: Path, name: str, deployment: Deployment, states: Mapping[str, ProgramState]) -> str:
    """Its address where it listens; empty where the member has none."""
    place = deployment.gateways.get(name)
    if place is None:
        return ""
    is_alive = states.get(gateway_of(name), UNKNOWN).is_alive
    return f"{place.host}:{place.port}" if is_alive and speaks_tls(folder, place) else DOWN


def speaks_tls(folder: Path, place: GatewayPlace) -> bool:
    """Whether a gateway of ours is there: the proxy of an engine of containers takes connections for one that is not
    yet."""
    try:
        context = ssl.create_default_context(cafile=folder / "ca.crt")
        with (
            socket.create_connection((place.host, place.port), ANSWER_S) as connection,
            context.wrap_socket(connection, server_hostname=place.host),
        ):
            return True
    except OSError:
        return False


def is_ready(folder: Path, place: GatewayPlace) -> bool:
    """Whether a gateway says that applications can use it now."""
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    connection = HTTPSConnection(place.host, place.port, timeout=ANSWER_S, context=context)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, port), ANSWER_S):
            return True
    except OSError:
        return False


def ask_status(folder: NodeFolder) -> dict[str, Any] | None:
    """What a node says at its door; None where it does not answer."""
    try:
        return ask_door(door_path(folder), "status", timeout_s=ANSWER_S)
    except DoorClosed:
        return None


def read_heights(folder: NodeFolder) -> tuple[int, int]:
    """Head and newest seal of the ledger of a node that does not answer; of one that cannot be read -1."""
    with contextlib.suppress(AnyUserError, Damaged, OSError):
        rows = SqliteRows(folder.ledger, read_only=True)
        try:
            return (head_height(rows) if rows.get("meta", b"head") is not None else -1), newest_seal(rows)[0]
        finally:
            rows.close()
    return -1, -1


def _deaf_to(folder: NodeFolder) -> tuple[str, ...]:
    with contextlib.suppress(AnyUserError):
        return tuple(read_orders(folder).get("cut", ()))
    return ()
