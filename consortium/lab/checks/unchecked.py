"""Why a claim cannot be checked on a run: nothing executed, no ledger, no money, cut short. An empty string: it can.

Where there is nothing to look at, nothing wrong is found: that must not be told as a claim that holds.
"""

from __future__ import annotations

from consortium.runs.run import Run, head_height


def cut_short(run: Run) -> str:
    return "the run was stopped before its end" if run.is_partial else ""


def uncounted(run: Run) -> str:
    """Of a claim that counts from the beginning of the trace."""
    return "earlier parts of the trace were let go" if run.let_go else ""


def no_ledgers(run: Run) -> str:
    return "" if run.ledgers else "there is no ledger to read"


def no_stored_blocks(run: Run) -> str:
    """The genesis block is nobody's transaction."""
    if any(head_height(rows) > 0 for rows in run.ledgers.values()):
        return ""
    return no_ledgers(run) or "no block was executed"


def no_blocks(run: Run) -> str:
    """Neither in a ledger nor in the trace."""
    is_traced = any(record["height"] > 0 for record in run.records.of_kind("committed", "executed"))
    return "" if is_traced or not no_stored_blocks(run) else "no block was executed"


def no_submissions(run: Run) -> str:
    return cut_short(run) or ("" if run.records.of_kind("submitted") else "nothing was submitted")
