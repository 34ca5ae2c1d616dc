"""What one node's process needs to know besides scenario and genesis; and where its files lie in a run folder."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec.structs import replace

from consortium.core.format import FORMAT as FORMAT
from consortium.core.format import format_fault
from consortium.core.membership import Purpose
from nodes.broker.address import BrokerAddress
from nodes.errors import UserError
from nodes.process.keys import read_private, replace_private, write_private
from nodes.process.vote_log import COMPACT_BYTES_MIN


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """nodes/<name>/settings.json, mode 0600: it may hold the password for the bus.

    `broker_…`: the one broker of a run; or `brokers`: several, on all of which the node speaks and listens. Paths of
    certificates that are not absolute are taken from the node's folder. `start_wall_us`: when the run begins,
    microseconds of UTC; a node that a conductor started is told instead. `compact_bytes_min`: the vote log is not
    rewritten below this length. `is_recorded`: everything that its host is given is written down, for `consortium
    replay`. `newcomers`: public keys, hexadecimal, of the members that are in the scenario and not in the genesis:
    whoever proposes one has its keys from it. `digests`: SHA-256, hexadecimal, of files of the run, and of the node's
    own input, that it reads, by name. `checksum`: over all the others, so that a bit which a disk flipped is no
    setting; empty where a person wrote the file."""

    format: int
    name: str
    broker_host: str = ""
    broker_port: int = 0
    broker_user: str = ""
    broker_password: str = ""
    start_wall_us: int = 0
    compact_bytes_min: int = COMPACT_BYTES_MIN
    is_recorded: bool = False
    newcomers: dict[str, dict[Purpose, str]] = {}
    digests: dict[str, str] = {}
    brokers: tuple[BrokerAddress, ...] | msgspec.UnsetType = msgspec.UNSET  # not written where there are none
    checksum: str = ""

    @property
    def newcomer_keys(self) -> dict[str, dict[Purpose, bytes]]:
        return {
            name: {purpose: bytes.fromhex(key) for purpose, key in keys.items()}
            for name, keys in self.newcomers.items()
        }

    def addresses(self, folder: Path) -> tuple[BrokerAddress, ...]:
        """Of all brokers, with the paths of a node in `folder`."""
        if not self.brokers:
            return (BrokerAddress(self.broker_host, self.broker_port, self.broker_user, self.broker_password),)
        return tuple(each._replace(tls=each.tls and each.tls.under(folder)) for each in self.brokers)


class _OfAnyFormat(msgspec.Struct, frozen=True):
    format: int


class NodeFolder:
    """The files of one node in a run folder. `folder`: where they lie, if not in their place."""

    def __init__(self, run: Path, name: str, folder: Path | None = None) -> None:
        self.run = run
        self.folder = run / "nodes" / name if folder is None else folder
        self.log = self.folder / "log.txt"
        self.trace = self.folder / "trace.jsonl"
        self.ledger = self.folder / "ledger.sqlite"
        self.votes = self.folder / "votes.log"
        self.private = self.folder / "private.sqlite"
        self.keys = self.folder / "keys"
        self.settings = self.folder / "settings.json"
        self.input = self.folder / "input"  # what this organisation brings, and nobody else has
        self.work = self.input / "work.msgpack"
        self.samples = self.input / "samples.json"  # what people may try out at this member of a standing consortium
        self.pseudonym_key = self.input / "pseudonym.key"  # the bureau's alone
        self.lock = self.folder / "lock"
        self.members = self.folder / "members.proof"  # of a newcomer: today's members, proven by another node


def _checksum(settings: Settings) -> str:
    return sha256(msgspec.json.encode(replace(settings, checksum=""))).hexdigest()[:16]


def write_settings(path: Path, settings: Settings) -> None:
    write_private(path, _told(settings))


def replace_settings(path: Path, settings: Settings) -> None:
    """In the place of those that are there."""
    replace_private(path, _told(settings))


def _told(settings: Settings) -> bytes:
    settings = replace(settings, checksum=_checksum(settings))
    return msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"


def read_settings(path: Path) -> Settings:
    """Raises UserError with a sentence."""
    data = read_private(path)
    try:
        found = msgspec.json.decode(data, type=_OfAnyFormat).format
        if (fault := format_fault("settings", found)) is not None:
            raise UserError(f"{path} is {fault}")
        settings = msgspec.json.decode(data, type=Settings)
        bytes.fromhex("".join("".join(keys.values()) for keys in settings.newcomers.values()))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if bool(settings.broker_host) == bool(settings.brokers):
        raise UserError(f"{path} must name one broker by broker_host and broker_port, or several by brokers")
    if settings.checksum not in ("", _checksum(settings)):
        raise UserError(
            f"{path} is not what was written, for its checksum does not fit: it is damaged; if you changed it on "
            "purpose, take the line with the checksum out"
        )
    return settings


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return sha256(path.read_bytes()).hexdigest()


FROM_ANOTHER = "take it from another member of the run"
FROM_A_COPY = "nobody else has it: bring back a copy of your own"


def check_digest(settings: Settings, path: Path, remedy: str = FROM_ANOTHER) -> None:
    """Whether a file is the one with which this node was made. Raises UserError with what to do, the `remedy`."""
    wanted = settings.digests.get(path.name)
    if not path.is_file():
        raise UserError(f"{path} is missing: a node cannot start without it; {remedy}")
    if wanted is not None and digest_of(path) != wanted:
        raise UserError(
            f"{path} is not the file with which this run was made: it is damaged, or was changed since; {remedy}"
        )
