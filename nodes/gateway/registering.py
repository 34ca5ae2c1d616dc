"""Applications that a person adds to, and takes from, a consortium that stands: at gateways, and on the ledger."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from consortium.contracts import load_contracts
from consortium.contracts.governance.application import Register, Revoke
from consortium.core.applications import CONTRACT, NAMES, find_application
from consortium.core.codec import encode
from consortium.core.crypto import SUITES
from nodes.errors import UserError
from nodes.gateway.applications import (
    Application,
    add_application,
    check_name,
    make_token,
    read_applications,
    remove_application,
)
from nodes.gateway.making import everything
from nodes.gateway.reading import LedgerReader
from nodes.gateway.serve import read_genesis
from nodes.gateway.settings import GatewayFolder
from nodes.process.door_client import ask_door
from nodes.process.door_frames import door_path
from nodes.process.keys import SECRET_BYTES
from nodes.process.settings import NodeFolder

WAIT_S = 20.0
POLL_S = 0.1
READ_S = 10.0


class Added(NamedTuple):
    """`may`: what the ledger lets its key do."""

    token: str
    key: bytes
    may: tuple[str, ...]


def add(folder: Path, name: str, member: str, gateways: Sequence[str], scopes: Sequence[str]) -> Added:
    """Makes key and token, registers the key with the member's own word, and lays both at the gateways. Raises
    UserError: then nothing is left at any gateway."""
    check_name(name)
    wanted = tuple(sorted(set(scopes)))
    may = permissions_of(wanted)
    places = [GatewayFolder(node_of(folder, each)) for each in gateways]
    for place in places:
        if any(each.name == name for each in read_applications(place.applications)):
            raise UserError(f"{place.applications} has an application {name!r} already: take another name")
    genesis = read_genesis(folder / "genesis.json")
    secret, token = secrets.token_bytes(SECRET_BYTES), make_token()
    key = SUITES[genesis.suite]().public_key(secret)
    register = Register(member, name, key, may)
    _wish(folder, member, "register", register, f"register-{name}-{key.hex()[:16]}")
    _await(folder, member, name, key)
    for place in places:
        add_application(place, name, member, wanted, token, secret)
    return Added(token, key, may)


def remove(folder: Path, name: str, member: str, gateways: Sequence[str]) -> list[str]:
    """Takes it from the gateways, and revokes its key. The gateways that had it. Raises UserError."""
    had = [each for each in gateways if _remove(GatewayFolder(node_of(folder, each)), name, member)]
    key = _registered(folder, member, name)
    if key is None and not had:
        raise UserError(f"{member} has no application {name!r}: `consortium application list` shows all")
    if key is not None:
        _wish(folder, member, "revoke", Revoke(member, name), f"revoke-{name}-{key.hex()[:16]}")
        _await(folder, member, name, None)
    return had


def listed(folder: Path, gateways: Sequence[str]) -> list[tuple[str, Application]]:
    """(gateway, application). Raises UserError."""
    return [
        (each, application)
        for each in gateways
        for application in read_applications(GatewayFolder(node_of(folder, each)).applications)
    ]


def permissions_of(scopes: Sequence[str]) -> tuple[str, ...]:
    """What the ledger has to let a key do: of the scopes those that name operations. Raises UserError for one that
    names nothing."""
    if "*" in scopes:
        return everything()
    found = set()
    contracts = load_contracts()
    for scope in scopes:
        contract, _, name = scope.partition(".")
        if contract in ("views", "ledger"):
            continue
        held = contracts.get(contract)
        if held is None or (name != "*" and name not in held.operations and name not in held.queries):
            raise UserError(f"--may {scope}: there is no such operation or query; docs/systems.md names all")
        if contract != CONTRACT and (name in held.operations or (name == "*" and held.operations)):
            found.add(scope)
    return tuple(sorted(found))


def node_of(folder: Path, name: str) -> NodeFolder:
    """Raises UserError."""
    node = NodeFolder(folder, name)
    if not node.folder.is_dir():
        raise UserError(f"{folder} has no node {name!r}: it has {', '.join(nodes_in(folder)) or 'none'}")
    return node


def nodes_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "nodes").glob("*") if path.is_dir())


def _remove(place: GatewayFolder, name: str, member: str) -> bool:
    held = read_applications(place.applications)
    is_there = any((each.name, each.member) == (name, member) for each in held)
    return is_there and remove_application(place, name)


def _wish(folder: Path, member: str, operation: str, arguments: object, reference: str) -> None:
    """Said with the member's own key. Raises UserError."""
    call = [CONTRACT, operation, encode(arguments)]
    ask_door(door_path(node_of(folder, member)), "wish", reference=f"application-{reference}", calls=[call])


def _await(folder: Path, member: str, name: str, key: bytes | None) -> None:
    """Until the ledger of the member's node has it so. Raises UserError."""
    ends_s = time.monotonic() + WAIT_S
    while _registered(folder, member, name) != key:
        if time.monotonic() > ends_s:
            raise UserError(
                f"the ledger has not taken it within {WAIT_S:g} s: look at `consortium status`, and try again"
            )
        time.sleep(POLL_S)


def _registered(folder: Path, member: str, name: str) -> bytes | None:
    """The key that the ledger of the member's node has for this application, None where none holds."""
    reader = LedgerReader(node_of(folder, member).ledger, read_genesis(folder / "genesis.json"))
    try:
        with reader.moment(READ_S) as moment:
            named = moment.state.get(NAMES, f"{member}/{name}")
            held = None if named is None else find_application(moment.state, member, named.key)
            return None if named is None or held is None or held.revoked_at else named.key
    finally:
        reader.close()
