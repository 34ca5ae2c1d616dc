"""What a new consortium's gateways begin with: settings, and the application `desk` of each member."""

from __future__ import annotations

import secrets

from consortium.contracts import load_contracts
from consortium.contracts.governance.application import Register
from consortium.core.applications import CONTRACT, EVERYTHING
from consortium.core.crypto import SUITES
from consortium.core.genesis import GenesisCall, genesis_call
from nodes.gateway.applications import add_application, make_token
from nodes.gateway.settings import GatewayFolder, GatewaySettings, write_gateway_settings
from nodes.process.keys import SECRET_BYTES, write_private
from nodes.process.settings import NodeFolder

DESK = "desk"


def make_gateway(
    node: NodeFolder, member: str, host: str, port: int, suite: str = "ed25519", *, plain_http: bool = False
) -> bytes:
    """Writes gateway/settings.json, and the application `desk`: its key, and its token in desk.token. Returns its
    public key, for `desk_call`. Raises UserError."""
    folder = GatewayFolder(node)
    folder.make()
    write_gateway_settings(folder.settings, GatewaySettings(host=host, port=port, plain_http=plain_http))
    secret, token = secrets.token_bytes(SECRET_BYTES), make_token()
    add_application(folder, DESK, member, ("*",), token, secret)
    write_private(folder.token(DESK), token.encode() + b"\n")
    return SUITES[suite]().public_key(secret)


def desk_call(member: str, key: bytes) -> GenesisCall:
    """Registers the desk of a member with the genesis, for everything that an application may do."""
    return genesis_call(CONTRACT, "register", Register(member, DESK, key, everything()))


def everything() -> tuple[str, ...]:
    """What an application may do at most, as it is registered."""
    return tuple(sorted(f"{name}.{EVERYTHING}" for name in load_contracts() if name != CONTRACT))
