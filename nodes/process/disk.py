"""A node's two durable files, opened; what is damaged is set aside, told, and taken up anew from what can be proven.

The ledger can be fetched again from the others, block by block under certificates. Votes cannot: what this node
promised nobody else need know. So a node whose vote log is missing or damaged keeps its wishes, and does not vote until
nothing that it may have promised can bind it any more (`protocols/common/lost_log.py`).
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from consortium.node.node import is_wish, lost_votes_record
from nodes.errors import Damaged, StoreFailed, VotesDamaged
from nodes.process import failpoints
from nodes.process.ledger_damage import beside, is_foreign_journal, log_fault
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows
from nodes.process.vote_log import COMPACT_BYTES_MIN, Kept, VoteLog, block_ends, create_log, salvage

ASIDE_MAX = 8  # damaged ledgers in an hour
LOOKED_THROUGH_MAX = 64_000_000  # bytes of a ledger whose pages are all looked at before it is written to

_log = logging.getLogger("store")


def open_ledger(folder: NodeFolder) -> SqliteRows:
    """A damaged ledger is set aside and an empty one begun. Raises UserError, StoreFailed."""
    is_new = not folder.ledger.exists()
    try:
        rows = _open_looked_through(folder.ledger)
    except Damaged as error:
        set_ledger_aside(folder, error)
        rows = SqliteRows(folder.ledger)
        is_new = False
    if (
        is_new and folder.votes.exists() and len(block_ends(folder.votes)) > 2
    ):  # it holds more than every log begins with
        _log.warning("%s is missing although this node has voted; it is fetched from the others again", folder.ledger)
    return rows


def _open_looked_through(path: Path) -> SqliteRows:
    """What lies beside the ledger and is damaged, or not its own, is set aside alone: what is left is an older ledger,
    if it is whole. Raises as SqliteRows does."""
    is_suspect = _set_beside_aside(path)
    rows = SqliteRows(path)
    try:
        if rows.left:
            why = "it is damaged before them" if rows.lost else "the last commit was torn by a crash, or is damaged"
            _log.warning(
                "%s-wal: %d pages at its end are not used, for %s; the ledger is that of the commit before, and what "
                "it lacks comes from the others",
                path,
                rows.left,
                why,
            )
        if is_suspect or rows.lost or rows.bytes_held() <= LOOKED_THROUGH_MAX:
            rows.check_pages()
        if is_suspect or rows.lost:
            rows.check_heights()
    except BaseException:
        rows.close()
        raise
    return rows


def _set_beside_aside(path: Path) -> bool:
    """Whether there was something: a journal that no ledger leaves, or a write-ahead log that cannot be read."""
    faults = {
        "-wal": log_fault(path),
        "-journal": "no ledger leaves such a journal" if is_foreign_journal(path) else "",
    }
    for end, fault in faults.items():
        if fault:
            aside = beside(_aside(path, ".sqlite"), end)
            beside(path, end).rename(aside)
            _log.error(
                "%s%s is not used: %s. It is set aside as %s for whoever wants to look; the ledger is looked through, "
                "and what it lacks comes from the others",
                path,
                end,
                fault,
                aside.name,
            )
    return any(faults.values())


def set_ledger_aside(folder: NodeFolder, why: Exception) -> Path:
    """First the logs beside it: SQLite must never find them beside another ledger. Returns where the ledger is now.

    Raises StoreFailed where this has happened too often."""
    _check_patience(folder)
    aside = _aside(folder.ledger, ".sqlite")
    for end in ("-journal", "-wal"):
        if beside(folder.ledger, end).exists():
            beside(folder.ledger, end).rename(beside(aside, end))
    failpoints.reach("aside.wal")
    beside(folder.ledger, "-shm").unlink(missing_ok=True)
    if folder.ledger.exists():
        folder.ledger.rename(aside)
    failpoints.reach("aside.ledger")
    _log.error(
        "the ledger is damaged: %s. It is set aside as %s for whoever wants to look; this node fetches all blocks from "
        "the others again, each under its certificate, and votes once it is back where it was",
        why,
        aside.name,
    )
    return aside


def _check_patience(folder: NodeFolder) -> None:
    """A ledger that is found damaged again and again is not made good by one more copy. Raises StoreFailed."""
    since_s = time.time() - 3_600
    recent = [path for path in folder.folder.glob("ledger.damaged-*.sqlite") if path.stat().st_mtime > since_s]
    if len(recent) >= ASIDE_MAX:
        raise StoreFailed(
            f"the ledger was found damaged {len(recent)} times within an hour: the disk or the memory of this machine, "
            "or this version of the program, cannot be trusted with it; look, remove "
            f"{folder.folder}/ledger.damaged-* and start it again"
        )


def open_votes(folder: NodeFolder, voting_key: bytes, compact_bytes_min: int = COMPACT_BYTES_MIN) -> VoteLog:
    """A damaged vote log is set aside; the new one holds this member's wishes and says that its votes are lost. So does
    one that takes the place of a log that is missing, for whoever made the node's keys made its log, too.

    Raises StoreFailed, OSError."""
    if not folder.votes.exists():
        return _begin_without_votes(folder.votes, voting_key, compact_bytes_min)
    try:
        log = VoteLog(folder.votes, compact_bytes_min)
    except VotesDamaged as error:
        _set_votes_aside(folder.votes, voting_key, error)
        return VoteLog(folder.votes, compact_bytes_min)
    if not log.is_lost:
        return log
    log.close()
    return _begin_without_votes(folder.votes, voting_key, compact_bytes_min)


def _begin_without_votes(path: Path, voting_key: bytes, compact_bytes_min: int) -> VoteLog:
    create_log(path, [Kept(None, lost_votes_record(voting_key))])
    failpoints.reach("votes.created")
    _log.error(
        "the vote log %s is missing or empty, and whoever prepared this node had made one. This node cannot know any "
        "more what it voted, so it signs no votes: it observes, and serves, until what the others decide and seal lies "
        "far enough beyond all that it may have signed, or until a new voting key is registered for it",
        path,
    )
    return VoteLog(path, compact_bytes_min)


def _set_votes_aside(path: Path, voting_key: bytes, why: Exception) -> None:
    """The new log takes the damaged one's place whole, or not at all."""
    aside = _aside(path, ".log")
    aside.hardlink_to(path)
    wishes = [kept for kept in salvage(path) if is_wish(kept.record)]
    create_log(path, [Kept(None, lost_votes_record(voting_key)), *wishes])
    _log.error(
        "the vote log is damaged: %s. It is set aside as %s. This node cannot know any more what it voted, so it signs "
        "no votes: it observes, and serves, until what the others decide and seal lies far enough beyond all that it "
        "may have signed, or until a new voting key is registered for it. Of what it wanted on the ledger %d "
        "submissions could be read and go on",
        why,
        aside.name,
        len(wishes),
    )


def _aside(path: Path, suffix: str) -> Path:
    """`ledger.damaged-20260302T091500Z.sqlite`, a name that is free."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = f"{path.name.split('.')[0]}.damaged-{stamp}"
    aside, count = path.with_name(name + suffix), 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{name}-{count}{suffix}")
    return aside
