"""What one node's process needs to know besides scenario and genesis; and where its files lie in a run folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from consortium.core.membership import Purpose
from nodes.broker.address import BrokerAddress
from nodes.errors import UserError
from nodes.process.keys import read_private, write_private
from nodes.process.vote_log import COMPACT_BYTES_MIN

FORMAT = 1


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """nodes/<name>/settings.json, mode 0600: it holds the password for the bus and the key of the pseudonyms.

    `start_wall_us`: when the run begins, microseconds of UTC; a node that a conductor started is told instead.
    `compact_bytes_min`: the vote log is not rewritten below this length. `is_recorded`: everything that its host is
    given is written down, for `consortium replay`. `newcomers`: public keys, hexadecimal, of the members that are in
    the scenario and not in the genesis: whoever proposes one has its keys from it."""

    format: int
    name: str
    broker_host: str
    broker_port: int
    broker_user: str
    broker_password: str
    pseudonym_key: str
    start_wall_us: int = 0
    compact_bytes_min: int = COMPACT_BYTES_MIN
    is_recorded: bool = False
    newcomers: dict[str, dict[Purpose, str]] = {}

    @property
    def newcomer_keys(self) -> dict[str, dict[Purpose, bytes]]:
        return {
            name: {purpose: bytes.fromhex(key) for purpose, key in keys.items()}
            for name, keys in self.newcomers.items()
        }

    @property
    def broker(self) -> BrokerAddress:
        return BrokerAddress(self.broker_host, self.broker_port, self.broker_user, self.broker_password)


class NodeFolder:
    """The files of one node in a run folder."""

    def __init__(self, run: Path, name: str) -> None:
        self.run = run
        self.folder = run / "nodes" / name
        self.log = self.folder / "log.txt"
        self.trace = self.folder / "trace.jsonl"
        self.ledger = self.folder / "ledger.sqlite"
        self.votes = self.folder / "votes.log"
        self.keys = self.folder / "keys"
        self.settings = self.folder / "settings.json"
        self.lock = self.folder / "lock"
        self.members = self.folder / "members.proof"  # of a newcomer: today's members, proven by another node


def write_settings(path: Path, settings: Settings) -> None:
    write_private(path, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")


def read_settings(path: Path) -> Settings:
    """Raises UserError with a sentence."""
    try:
        settings = msgspec.json.decode(read_private(path), type=Settings)
    except msgspec.MsgspecError as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if settings.format != FORMAT:
        raise UserError(f"{path} is of format {settings.format}; this version reads format {FORMAT}")
    return settings
