"""Exactly once, for requests: a token serves one transaction of its member, as long as the day of that is kept.

Requests come in no order, so there is no window. They are authenticated state: a row per member with the days that
it has, and per day 4,096 buckets of tokens, by their upper bits, each with the first half of the id that used it. A day
that is too old to be asked about goes bit by bit, with later requests of the member.

A token that another day used is used: a user who asks again after midnight, through a gateway that knows nothing of the
first time, must not be served twice.
"""

from __future__ import annotations

import msgspec

from consortium.core.contract import StateReader, Table
from consortium.core.requests import DAYS_AHEAD, DAYS_BEHIND, TOKEN_BITS, TOKEN_MASK, request_ordinal
from consortium.ledger.state import State

BUCKET_BITS = 12
BUCKETS = 1 << BUCKET_BITS
BUCKET_ENTRIES_MAX = 512  # an even spread reaches it at some 1.9 million requests of a member on one day
SWEPT_AT_ONCE = 128  # buckets
_REST_BITS = TOKEN_BITS - BUCKET_BITS
_REST_MASK = (1 << _REST_BITS) - 1
_REST = (_REST_BITS + 7) // 8  # bytes of a token in its bucket
_SHORT = 16
_ENTRY = _REST + _SHORT


class Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`days` (since 1970), oldest first, that have buckets; of the oldest the first `swept` are gone."""

    days: tuple[int, ...]
    swept: int


class Bucket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries of the rest of a token and the short id that used it."""

    entries: bytes


DAYS: Table[Days] = Table("ledger.request_days", Days)
BUCKETS_OF: Table[Bucket] = Table("ledger.requests", Bucket)

SENTENCES = {
    "already-executed": "this very transaction was executed before; nothing is done twice",
    "number-used": "another transaction of this member was executed under this request; make another request",
    "number-stale": "an application's transaction carries the number of a request of these days; this one is too old",
    "number-ahead": "the request is of a day that is too far ahead of the chain's; put the clock right",
    "number-full": "this day has too many requests with numbers like this one; make another request",
}


def _bucket_key(member: str, day: int, bucket: int) -> str:
    return f"{member}/{day:05d}/{bucket:03x}"


def _find(entries: bytes | bytearray, rest: bytes) -> bytes | None:
    """The short id beside this rest of a token."""
    at = entries.find(rest)
    while at >= 0:
        if at % _ENTRY == 0:
            return bytes(entries[at + _REST : at + _ENTRY])
        at = entries.find(rest, at + 1)
    return None


def _place(token: int) -> tuple[int, bytes]:
    """The bucket of a token, and what of it stands there."""
    return token >> _REST_BITS, (token & _REST_MASK).to_bytes(_REST, "big")


def find_request(state: StateReader, member: str, token: int, today: int) -> tuple[int, bytes] | None:
    """The number under which a token was used on a day that is kept, and the first 16 bytes of the id. `today`: the
    chain's day, since 1970."""
    held = state.get(DAYS, member)
    bucket, rest = _place(token)
    for day in () if held is None else reversed(held.days):
        if day < today - DAYS_BEHIND:
            break
        found = state.get(BUCKETS_OF, _bucket_key(member, day, bucket))
        short = None if found is None else _find(found.entries, rest)
        if short is not None:
            return day << TOKEN_BITS | token, short
    return None


def request_used_by(state: StateReader, member: str, number: int, today: int) -> bytes | None:
    """As `numbers.used_by`, of a request: b"" where it is too old to be executed any more."""
    if request_ordinal(number) < today - DAYS_BEHIND:
        return b""
    found = find_request(state, member, number & TOKEN_MASK, today)
    return None if found is None else found[1] if found[0] == number else b""


class _Member:
    __slots__ = ("buckets", "changed", "days", "swept")

    def __init__(self, held: Days | None) -> None:
        self.days = [] if held is None else list(held.days)
        self.swept = 0 if held is None else held.swept
        self.buckets: dict[tuple[int, int], bytearray] = {}
        self.changed: dict[tuple[int, int], None] = {}


class Requests:
    """Judges the requests of one block; `flush` writes each touched row once. `today`: days since 1970."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._members: dict[str, _Member] = {}

    def use(self, member: str, number: int, identity: bytes, today: int) -> str | None:
        """None: the token was free and is now used. Otherwise the code of the refusal, and nothing changed."""
        day, token = request_ordinal(number), number & TOKEN_MASK
        if day < today - DAYS_BEHIND:
            return "number-stale"
        if day > today + DAYS_AHEAD:
            return "number-ahead"
        held = self._members.get(member)
        if held is None:
            held = self._members[member] = _Member(self._state.get(DAYS, member))
        bucket, rest = _place(token)
        for kept in held.days:
            short = _find(self._bucket(held, member, kept, bucket), rest) if kept >= today - DAYS_BEHIND else None
            if short is not None:
                is_same = kept == day and short == identity[:_SHORT]
                return "already-executed" if is_same else "number-used"
        entries = self._bucket(held, member, day, bucket)
        if len(entries) >= BUCKET_ENTRIES_MAX * _ENTRY:
            return "number-full"
        entries += rest + identity[:_SHORT]
        held.changed[day, bucket] = None
        if day not in held.days:
            held.days = sorted([*held.days, day])
        return None

    def _bucket(self, held: _Member, member: str, day: int, bucket: int) -> bytearray:
        entries = held.buckets.get((day, bucket))
        if entries is None:
            stored = self._state.get(BUCKETS_OF, _bucket_key(member, day, bucket)) if day in held.days else None
            entries = held.buckets[day, bucket] = bytearray(b"" if stored is None else stored.entries)
        return entries

    def flush(self, today: int) -> None:
        """Write what changed into the state, let go of what is too old, begin anew."""
        state = self._state
        for member, held in self._members.items():
            if not held.changed:
                continue
            for day, bucket in held.changed:
                state.put(BUCKETS_OF, _bucket_key(member, day, bucket), Bucket(bytes(held.buckets[day, bucket])))
            self._sweep(member, held, today)
            days = Days(tuple(held.days), held.swept)
            if state.get(DAYS, member) != days:
                state.put(DAYS, member, days)
        self._members.clear()

    def _sweep(self, member: str, held: _Member, today: int) -> None:
        if held.days[0] >= today - DAYS_BEHIND:
            return
        end = min(held.swept + SWEPT_AT_ONCE, BUCKETS)
        for bucket in range(held.swept, end):
            key = _bucket_key(member, held.days[0], bucket)
            if self._state.get(BUCKETS_OF, key) is not None:
                self._state.delete(BUCKETS_OF, key)
        held.swept = end
        if end == BUCKETS:
            held.days, held.swept = held.days[1:], 0
