"""Speak to a consortium's gateways, and believe nothing that the genesis file does not bear out (docs/client.md)."""

from consortium.client.blocking import BlockingClient
from consortium.client.client import Client
from consortium.client.errors import BadRequest, ClientError, GatewayLied, NotAllowed, Unavailable
from consortium.client.folder import desk_of
from consortium.client.records import Happening, Outcome, Record, Stage
from consortium.client.sheets import Sheet

__all__ = [
    "BadRequest",
    "BlockingClient",
    "Client",
    "ClientError",
    "GatewayLied",
    "Happening",
    "NotAllowed",
    "Outcome",
    "Record",
    "Sheet",
    "Stage",
    "Unavailable",
    "desk_of",
]
