"""Records of hash locks, and when a lock that follows another one on another chain may open or go back."""

from __future__ import annotations

import msgspec

from consortium.contracts.bridges.foreign_facts import ForeignRow, get_row, read_value
from consortium.contracts.checks import check_identifier
from consortium.core.codec import Digest
from consortium.core.contract import Life, Move, Refused, StateReader, Table

LOCKED, OPENED, REFUNDED = "locked", "opened", "refunded"


class Decider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lock on another chain whose fate another one shares, and what was agreed of it: how much, for whom, until
    when. Its hash is the same."""

    chain: str
    lock_no: str
    amount_fen: int
    target: str
    expires_us: int


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. `source`: where it came from and goes back to; `target`: whom it is for. `expires_us`, chain
    time: before it, the secret opens; from it on it goes back; 0 where a `decider` decides. `secret`: once opened."""

    source: str
    target: str
    amount_fen: int
    payer: str
    hash: Digest
    expires_us: int
    stage: str
    decider: Decider | None = None
    secret: bytes = b""


LOCKS: Table[Lock] = Table("hash_lock", Lock, told_as="lock")
LIFE = Life(
    LOCKS,
    (
        Move("", "lock", LOCKED),
        Move(LOCKED, "open", OPENED),
        Move(LOCKED, "refund", REFUNDED),
    ),
)


def get_lock(state: StateReader, lock_no: str) -> Lock:
    """Refuses `bad-identifier`, `unknown-lock`."""
    check_identifier(lock_no, "lock_no")
    lock = state.get(LOCKS, lock_no)
    if lock is None:
        raise Refused("unknown-lock", f"there is no lock {lock_no}")
    return lock


def is_agreed(lock: Lock, seen: Lock | None) -> bool:
    """Whether what was proven of the decider is the lock that was agreed on."""
    terms = lock.decider
    if terms is None or seen is None or seen.decider is not None:
        return False
    agreed = (terms.amount_fen, terms.target, terms.expires_us, lock.hash)
    return (seen.amount_fen, seen.target, seen.expires_us, seen.hash) == agreed


def _proven(state: StateReader, decider: Decider) -> tuple[ForeignRow, Lock | None]:
    row = get_row(state, decider.chain, LOCKS.name, decider.lock_no)
    return row, read_value(row, LOCKS)


def check_may_open(state: StateReader, lock: Lock, lock_no: str, time_us: int) -> None:
    """Refuses `expired`; of one that follows, `not-proven` and `not-opened`."""
    if lock.decider is None:
        if time_us >= lock.expires_us:
            raise Refused("expired", f"lock {lock_no} opened until {lock.expires_us}; it is {time_us}")
        return
    _, seen = _proven(state, lock.decider)
    if seen is None or seen.stage != OPENED or not is_agreed(lock, seen):
        raise Refused(
            "not-opened", f"it is not proven that {lock.decider.lock_no} of {lock.decider.chain} opened as agreed"
        )


def check_may_refund(state: StateReader, lock: Lock, lock_no: str, time_us: int) -> None:
    """Refuses `not-expired`; of one that follows, `not-proven` too. A decider that did not open as agreed before its
    end never will: chain time does not go back, and no lock changes its terms."""
    if lock.decider is None:
        if time_us < lock.expires_us:
            raise Refused("not-expired", f"lock {lock_no} goes back from {lock.expires_us} on; it is {time_us}")
        return
    row, seen = _proven(state, lock.decider)
    if row.time_us < lock.decider.expires_us or (seen is not None and seen.stage == OPENED and is_agreed(lock, seen)):
        raise Refused(
            "not-expired", f"it is not proven that {lock.decider.lock_no} of {lock.decider.chain} can open no more"
        )
