"""The facts of one standing consortium: consortium.json in its folder, read by all that deals with it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from consortium import __version__
from consortium.runs.folder import write_whole
from nodes.errors import UserError
from nodes.process.trace_file import TRACE_PART_MB, TRACE_PARTS

FORMAT = 1
FILE = "consortium.json"
DEFAULT_FOLDER = Path("consortium-data")

How = Literal["local", "docker"]
LOG_FORMATS = ("text", "json")


class BrokerPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One broker. Its folder bears its name."""

    name: str
    kind: Literal["embedded", "mosquitto"]
    host: str
    port: int


class GatewayPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the gateway of a member listens."""

    host: str
    port: int


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`how`: as processes of this machine under a supervisor, or in containers. `members`: in the order in which they
    were asked for. `gateways`: by member. `log_format`: how nodes and gateways write their logs. `trace_parts`: how
    many parts of its trace a node keeps, of `trace_part_mb` megabytes; 0: all. `passphrase_file`: where nodes find what
    opens their keys. What is as usual is not written, so that an older version reads it.
    """

    format: int
    version: str
    how: How
    members: tuple[str, ...]
    brokers: tuple[BrokerPlace, ...]
    gateways: dict[str, GatewayPlace] = {}
    log_format: Literal["text", "json"] = "text"
    trace_parts: int = TRACE_PARTS
    trace_part_mb: int = TRACE_PART_MB
    passphrase_file: str = ""

    @property
    def log_words(self) -> tuple[str, ...]:
        """What the command line of a node or a gateway says of it."""
        return () if self.log_format == "text" else ("--log-format", self.log_format)

    @property
    def node_words(self) -> tuple[str, ...]:
        """What the command line of a node says besides folder and name."""
        words: list[str] = []
        for option, value, usual in (
            ("--trace-parts", self.trace_parts, TRACE_PARTS),
            ("--trace-part-mb", self.trace_part_mb, TRACE_PART_MB),
        ):
            words += [option, str(value)] if value != usual else []
        words += ["--passphrase-file", self.passphrase_file] if self.passphrase_file else []
        return (*self.log_words, *words)


class _OfAnyFormat(msgspec.Struct, frozen=True):
    format: int
    version: str = "of no name"


def is_deployment(folder: Path) -> bool:
    return (folder / FILE).is_file()


def write_deployment(folder: Path, deployment: Deployment) -> None:
    """Raises RunFolderError."""
    write_whole(folder / FILE, msgspec.json.format(msgspec.json.encode(deployment), indent=2) + b"\n")


def read_deployment(folder: Path) -> Deployment:
    """Raises UserError with a sentence."""
    path = folder / FILE
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder} holds no consortium: bring one up with `consortium up`, or name its folder with --dir"
        ) from None
    except PermissionError:
        raise UserError(
            f"{path} may not be read by this user: it is the consortium of another one; use --dir for one of your own"
        ) from None
    try:
        found = msgspec.json.decode(data, type=_OfAnyFormat)
        if found.format != FORMAT:
            raise UserError(
                f"{path} is of format {found.format}, written by consortium {found.version}; this is consortium "
                f"{__version__}, which reads format {FORMAT}"
            )
        return msgspec.json.decode(data, type=Deployment)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}; bring back a copy of it") from None
