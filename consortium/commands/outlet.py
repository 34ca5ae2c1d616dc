"""What the command says goes through here, so that a terminal's failure never looks like a run's.

A reader that went away (`| head`), a terminal that is gone, an encoding without a letter of ours: each leaves the exit
status to what was found. A full disk behind stdout is told on stderr once, and ends an otherwise good command with 2,
for what it said is not whole.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import Any, TextIO

PLAIN = {"…": "...", "×": "x", "±": "+-", "·": ".", "–": "-", "—": "-", "→": "->", "≤": "<=", "≥": ">=", "µ": "u"}
GONE = {errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ECONNRESET}  # nobody is there to read it


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    """What stands for letters that an encoding has not."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


codecs.register_error("consortium_plain", _in_plain_letters)


class Outlet(io.TextIOBase):
    """A text stream that takes everything. `failure` is the reason if something could not be written; what nobody is
    there to read is no failure."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_closed = False
        self.failure = ""

    def write(self, text: str) -> int:
        if not self._is_closed:
            try:
                self._stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        if not self._is_closed:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Point the stream at nothing, or Python would fail again with what is left in its buffer."""
        self._is_closed = True
        if error.errno not in GONE:
            self.failure = error.strerror or str(error)
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nothing, self._stream.fileno())
        finally:
            os.close(nothing)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> Outlet | None:
    """Put outlets in place of stdout and stderr; the one of stdout. Streams that are not the process's own (a test that
    captures them) stay as they are: None then."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="consortium_plain")
            setattr(sys, name, Outlet(stream))
    return sys.stdout if isinstance(sys.stdout, Outlet) else None
