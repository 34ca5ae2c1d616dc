"""The one number that genesis, headers, ledgers and proofs of a chain carry: it rises when bytes of any of them change.

A chain is executed by the version that began it. What an older one left can be read and judged as it stands: nothing
that is read for that has changed its layout (docs/decisions/063).
"""

from __future__ import annotations

from collections.abc import Mapping

FORMAT = 3  # no version was released that writes format 2
OLDER: Mapping[int, str] = {1: "0.1"}  # formats that this version reads and does not execute, and which version does


def format_fault(what: str, found: int) -> str | None:
    """Why this version does not execute (or check) `what`, with the version that does; None = it is of our format."""
    if found == FORMAT:
        return None
    version = OLDER.get(found)
    reader = "" if version is None else f", which consortium {version} executes"
    return f"{what} of format {found}{reader}; this version executes format {FORMAT}"


def is_readable(found: int) -> bool:
    """Whether what has this format can be read as it stands, without executing it."""
    return found == FORMAT or found in OLDER
