"""The audit of reads on the ledger: a member anchors each day of the chain of entries that its vault wrote.

An entry stands in the vault before what it names is returned; once the day is over its last digest and its count come
here. So nobody can take an entry out afterwards, or say that there were fewer.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_ALL
from consortium.contracts.checks import check_day, check_digest, check_range
from consortium.core.codec import Digest
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State, StateReader, Table

COUNT_MAX = 1 << 40


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by member and day. `count` entries from number `first` on; `root`: the digest of the last."""

    first: int
    count: int
    root: Digest


class Newest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by member: the newest day anchored, and how many entries there are up to its end."""

    day: int
    total: int


ANCHORS: Table[Anchor] = Table("anchor", Anchor)
NEWEST: Table[Newest] = Table("anchor_newest", Newest)


class AnchorDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All reads of one day that is over."""

    day: int
    first: int
    count: int
    root: bytes


def total_anchored(state: StateReader, member: str) -> int:
    """How many entries a member has anchored: its oldest."""
    newest = state.get(NEWEST, member)
    return 0 if newest is None else newest.total


def _anchor(state: State, arguments: AnchorDay, context: Context) -> list[Event]:
    day, key = arguments.day, f"{context.member}/{arguments.day}"
    check_day(day, "day")
    check_range(arguments.count, 1, COUNT_MAX, "count")
    check_digest(arguments.root, "root")
    if state.get(ANCHORS, key) is not None:
        raise Refused("anchor-exists", f"the reads of {context.member} on {day} are anchored already")
    if day >= context.day:
        raise Refused("day-not-over", f"{day} is not over on {context.day}")
    newest = state.get(NEWEST, context.member) or Newest(0, 0)
    if arguments.first != newest.total + 1 or day < newest.day:
        raise Refused("gap", f"{newest.total} reads up to {newest.day} are anchored: entry {newest.total + 1} is next")
    state.put(ANCHORS, key, Anchor(arguments.first, arguments.count, arguments.root))
    state.put(NEWEST, context.member, Newest(day, newest.total + arguments.count))
    return [Event("reads-anchored", {"member": context.member, "day": day, "count": arguments.count})]


CONTRACT = Contract("read_audit", 1, (Operation("anchor", AnchorDay, BY_ALL, _anchor),))
