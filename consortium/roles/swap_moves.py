"""What a party to an exchange by hash locks does next, by what it sees on one ledger: the same for its node there and
for whoever draws interleavings.

It keeps nothing in mind but its plan, which is durable: whoever dies and returns looks again and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from consortium.contracts.bridges.foreign_facts import FOREIGN, find_row, read_value
from consortium.contracts.bridges.hash_lock import RECEIVABLE, Bind, OfLock, Open, hash_of
from consortium.contracts.bridges.hash_lock_records import (
    LOCKED,
    LOCKS,
    OPENED,
    Lock,
    check_may_open,
    check_may_refund,
)
from consortium.contracts.medicines.receivable import CONFIRMED, RECEIVABLES
from consortium.core.contract import Refused, StateReader

Move = tuple[str, str, Any]  # contract, operation, arguments


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lock that must stand before one acts, as it was agreed. `chain`: where, "" = on this ledger."""

    chain: str
    lock_no: str
    lock: Lock


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bind once `after` stands as agreed; None: at once."""

    bind: Bind
    after: Seen | None = None


class SwapTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one member on one ledger. `steps`: what it binds. `secrets`: what it knows of itself, each with the lock here
    that it opens by it when that stands as agreed, from `from_us` on (chain time). `watches`: locks that it opens or
    gives back when it may; `tells`: other chains' locks, by chain and number, that show secrets."""

    steps: tuple[Step, ...] = ()
    secrets: tuple[tuple[bytes, Seen], ...] = ()
    from_us: int = 0
    watches: tuple[str, ...] = ()
    tells: tuple[tuple[str, str], ...] = ()


def expected(bind: Bind, payer: str) -> Lock:
    """The row that a member's `lock` leaves."""
    kept = (bind.source, bind.target, bind.amount_fen, payer, bind.hash, bind.expires_us, LOCKED, bind.decider)
    return Lock(*kept)


def next_moves(state: StateReader, tasks: SwapTasks, time_us: int, known: bytes = b"") -> Iterator[Move]:
    """What there is to do at this chain time; nothing that the ledger would refuse, unless it changes meanwhile.
    `known`: a secret that the party has seen elsewhere."""
    for step in tasks.steps:
        bind = step.bind
        if state.get(LOCKS, bind.lock_no) is None and _stands(state, step.after) and _may_bind(state, bind, time_us):
            yield "hash_lock", "lock", bind
    for secret, seen in tasks.secrets if time_us >= tasks.from_us else ():
        if _stands(state, seen):
            yield from _ending(state, seen.lock_no, secret, time_us)
    for lock_no in tasks.watches:
        yield from _ending(state, lock_no, _told(state, lock_no, tasks) or known, time_us)


def may_wait(state: StateReader, tasks: SwapTasks, time_us: int) -> bool:
    """Whether one of its locks has not ended, or may still be made."""
    early = [step.bind for step in tasks.steps if _is_early(step.bind, time_us)]
    unmade = any(state.get(LOCKS, bind.lock_no) is None for bind in early)
    expected_here = [seen.lock_no for _, seen in tasks.secrets if time_us < seen.lock.expires_us]
    unmade |= any(state.get(LOCKS, lock_no) is None for lock_no in expected_here)
    found = [state.get(LOCKS, lock_no) for lock_no in (*tasks.watches, *expected_here)]
    return unmade or any(lock is not None and lock.stage == LOCKED for lock in found)


def _may_bind(state: StateReader, bind: Bind, time_us: int) -> bool:
    kind, _, order_no = bind.source.partition("/")
    known = state.get(RECEIVABLES, order_no) if kind == RECEIVABLE else None
    if bind.decider is not None and state.get(FOREIGN, bind.decider.chain) is None:
        return False
    return _is_early(bind, time_us) and (kind != RECEIVABLE or (known is not None and known.stage == CONFIRMED))


def _is_early(bind: Bind, time_us: int) -> bool:
    return time_us < (bind.expires_us if bind.decider is None else bind.decider.expires_us)


def _stands(state: StateReader, seen: Seen | None) -> bool:
    if seen is None:
        return True
    found = state.get(LOCKS, seen.lock_no) if not seen.chain else _foreign(state, seen.chain, seen.lock_no)
    return found == seen.lock


def _foreign(state: StateReader, chain: str, lock_no: str) -> Lock | None:
    row = find_row(state, chain, LOCKS.name, lock_no)
    return None if row is None else read_value(row, LOCKS)


def _told(state: StateReader, lock_no: str, tasks: SwapTasks) -> bytes:
    """The secret of a lock, where another chain shows it."""
    lock = state.get(LOCKS, lock_no)
    for chain, other in tasks.tells:
        seen = _foreign(state, chain, other) if state.get(FOREIGN, chain) is not None else None
        if lock is not None and seen is not None and seen.stage == OPENED and hash_of(seen.secret) == lock.hash:
            return seen.secret
    return b""


def _ending(state: StateReader, lock_no: str, secret: bytes, time_us: int) -> Iterator[Move]:
    """Open with the secret, or give back, whichever the ledger would do now."""
    lock = state.get(LOCKS, lock_no)
    if lock is None or lock.stage != LOCKED:
        return
    if hash_of(secret) == lock.hash and _may(check_may_open, state, lock, lock_no, time_us):
        yield "hash_lock", "open", Open(lock_no, secret)
    elif _may(check_may_refund, state, lock, lock_no, time_us):
        yield "hash_lock", "refund", OfLock(lock_no)


def _may(check: Any, state: StateReader, lock: Lock, lock_no: str, time_us: int) -> bool:
    try:
        check(state, lock, lock_no, time_us)
    except Refused:
        return False
    return True
