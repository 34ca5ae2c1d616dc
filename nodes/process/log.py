"""What processes say for people and for collectors of logs: one line a record, as text or as a JSON object.

A line that speaks of a transaction bears its id (`extra=about(identity)`), in all processes the same one, so that one
search shows its way. No line has arguments, tokens or keys, or anything of a person.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from consortium.core.contract import Receipt
from consortium.core.machine import Apply

LogFormat = Literal["text", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)
LEVELS = ("debug", "info", "warning", "error")
OURS = ("node", "gateway", "store", "bus", "door", "recording")  # whose level changes; libraries stay at INFO
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_RECEIPT = msgspec.msgpack.Decoder(Receipt)
_log = logging.getLogger("node")


def about(identity: bytes) -> Mapping[str, str]:
    """For `extra`: the transaction that a line speaks of."""
    return {"transaction": identity.hex()}


class TextLine(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        line = super().formatMessage(record)
        transaction = getattr(record, "transaction", "")
        return f"{line} [transaction {transaction}]" if transaction else line


class JsonLine(logging.Formatter):
    """`program`, `node`: who speaks. The fields are those of docs/operate.md."""

    def __init__(self, program: str, node: str) -> None:
        super().__init__()
        self._who = {"program": program, "node": node}

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": moment, "level": record.levelname.lower(), **self._who, "log": record.name}
        line["text"] = record.getMessage()
        if transaction := getattr(record, "transaction", ""):
            line["transaction"] = transaction
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def begin_log(form: LogFormat, program: str, node: str) -> None:
    """On stderr, from level info on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLine() if form == "text" else JsonLine(program, node))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


def log_to_file_too(path: Path) -> None:
    """Whoever starts a node by hand reads stderr; who looks into the run's folder later reads the same there."""
    handler = logging.FileHandler(path)
    root = logging.getLogger()
    handler.setFormatter(root.handlers[0].formatter if root.handlers else TextLine())
    root.addHandler(handler)


def set_level(level: str) -> None:
    """Of our own lines alone: what libraries say of their insides may hold what is carried. One of LEVELS."""
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())


def level_now() -> str:
    """As `set_level` takes it."""
    return logging.getLevelName(logging.getLogger(OURS[0]).getEffectiveLevel()).lower()


def follow_level(level: object) -> None:
    """A gateway says as much as its node; what is no level is none."""
    if level in LEVELS and level != level_now():
        set_level(str(level))


def say_executed(applies: Sequence[Apply]) -> None:
    """At level debug, a line for each transaction of these blocks, which are in the ledger's file."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    for apply in applies:
        for table, _, value in apply.rows:
            if table == "receipt" and value is not None:
                receipt = _RECEIPT.decode(value)
                words = "executed at height %d: %s"
                _log.debug(words, apply.height, receipt.code, extra=about(receipt.transaction))
