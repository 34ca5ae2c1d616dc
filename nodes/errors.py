"""What the disk refuses, and the exit codes of a node process."""

from __future__ import annotations

from consortium.core.errors import UserError
from consortium.ledger.rows import Damaged, Unreadable

__all__ = [
    "EXIT_DAMAGED",
    "EXIT_INTERNAL",
    "EXIT_STORE",
    "EXIT_USAGE",
    "Damaged",
    "StoreFailed",
    "UserError",
    "VotesDamaged",
]

EXIT_USAGE = 2  # wrong usage or input
EXIT_INTERNAL = 70  # our mistake (EX_SOFTWARE); the traceback is in log.txt
EXIT_STORE = 74  # the disk is full or failing (EX_IOERR)
EXIT_DAMAGED = 75  # the ledger is damaged: set it aside and start anew (EX_TEMPFAIL); `python -m nodes` does so itself


class VotesDamaged(Damaged):
    """The vote log is not what was written. The ledger beside it may well be."""


class StoreFailed(Unreadable):
    """The disk refused. Nothing half-written stays; the node must stop (exit code 74)."""
