"""The bundles that one pool holds: those that wait, those in flight, and the newest of those executed."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.core.transaction import Opened

EXECUTED_REMEMBERED_MAX = 50_000


class Entry(NamedTuple):
    """One admitted bundle. `arrival` counts the bundles admitted before it: it is the order of coming.
    `is_of_application`: its key is not the member's own."""

    bundle: Opened
    received_us: int
    arrival: int
    is_of_application: bool


class HeldBundles:
    """`waiting` holds by digest, in order of coming, what is in no batch in flight. All counts are of transactions."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[bytes, Entry] = OrderedDict()
        self._flying: dict[bytes, Entry | None] = {}  # in a batch in flight; None where we never had the bundle
        self._executed: OrderedDict[bytes, bool] = OrderedDict()  # whether it is settled
        self._load: dict[NodeId, int] = {}  # by member, waiting or in flight
        self._applied: dict[NodeId, int] = {}  # of those, what its applications signed
        self._arrivals = 0
        self.waiting_count = 0
        self.flying_count = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits and nothing flies."""
        return not self.waiting and not self._flying

    def knows(self, digest: bytes) -> bool:
        """Whether this bundle is here, or was settled lately. (One that was executed may have been refused without
        taking a number, and may come again.)"""
        if digest in self.waiting or self._executed.get(digest, False):
            return True
        return self._flying.get(digest) is not None

    def load(self, member: NodeId) -> int:
        """How many transactions of this member wait or fly."""
        return self._load.get(member, 0)

    def load_of_applications(self, member: NodeId) -> int:
        """How many of those its applications have signed."""
        return self._applied.get(member, 0)

    def entries(self) -> list[Entry]:
        """All that wait, then all that fly."""
        return [*self.waiting.values(), *(entry for entry in self._flying.values() if entry is not None)]

    def oldest_us(self) -> int | None:
        """When the oldest came that waits or flies; None: there is none."""
        came = [entry.received_us for entry in self._flying.values() if entry is not None]
        came += [entry.received_us for entry in islice(self.waiting.values(), 1)]
        return min(came, default=None)

    def add(self, bundle: Opened, received_us: int, *, is_of_application: bool = False) -> None:
        """One that is not known yet; in flight already, perhaps, in a batch that another proposed."""
        count = len(bundle.ids)
        self._load[bundle.member] = self._load.get(bundle.member, 0) + count
        if is_of_application:
            self._applied[bundle.member] = self._applied.get(bundle.member, 0) + count
        self._arrivals += 1
        entry = Entry(bundle, received_us, self._arrivals, is_of_application)
        if bundle.digest in self._flying:
            self._flying[bundle.digest] = entry
            self.flying_count += count
        else:
            self.waiting[bundle.digest] = entry
            self.waiting_count += count

    def fly(self, digest: bytes) -> None:
        """It is in a batch in flight from now on; also one that we do not have."""
        entry = self.waiting.pop(digest, None)
        if entry is not None:
            self.waiting_count -= len(entry.bundle.ids)
            self.flying_count += len(entry.bundle.ids)
            self._flying[digest] = entry
        elif digest not in self._flying and digest not in self._executed:
            self._flying[digest] = None

    def land(self) -> None:
        """Nothing is in flight any more: it waits again, in the order of coming."""
        back = [(digest, entry) for digest, entry in self._flying.items() if entry is not None]
        self._flying.clear()
        self.flying_count = 0
        entries = [*back, *self.waiting.items()]
        entries.sort(key=lambda item: item[1].arrival)
        self.waiting = OrderedDict(entries)
        self.waiting_count = sum(len(entry.bundle.ids) for entry in self.waiting.values())

    def drop(self, digest: bytes) -> Entry | None:
        """Forget a bundle, wherever it is; what was held of it."""
        entry = self.waiting.pop(digest, None)
        if entry is not None:
            self.waiting_count -= len(entry.bundle.ids)
        else:
            entry = self._flying.pop(digest, None)
            if entry is not None:
                self.flying_count -= len(entry.bundle.ids)
        if entry is not None:
            self._load[entry.bundle.member] -= len(entry.bundle.ids)
            if entry.is_of_application:
                self._applied[entry.bundle.member] -= len(entry.bundle.ids)
        return entry

    def execute(self, digest: bytes) -> Entry | None:
        """It was executed: it is dropped, and remembered for a while; what was held of it."""
        self._remember(digest, self._executed.get(digest, False))
        return self.drop(digest)

    def settle(self, digest: bytes) -> None:
        """No block will execute any of it any more, whatever comes: it need not be looked at again."""
        self._remember(digest, True)

    def _remember(self, digest: bytes, is_settled: bool) -> None:
        self._executed[digest] = is_settled
        while len(self._executed) > EXECUTED_REMEMBERED_MAX:
            self._executed.popitem(last=False)
