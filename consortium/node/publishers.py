"""What each publisher's frames have cost this node for nothing.

The bus tells on whose topic a frame came, and its rules let nobody publish on another's. So whatever is wrong with a
frame is charged to its publisher, and never to the member whose name stands in it: that one may know nothing of it.
"""

from __future__ import annotations

from consortium.core.machine import Note
from consortium.core.membership import NodeId
from consortium.node.way import publisher_of, words_of

SECOND_US = 1_000_000
FAULTS_MAX = 100  # frames of one publisher in one second that were read for nothing; at more nothing of it is read
LARGE_BYTES = 100_000  # a frame counts once, and once more for each of these
SHUT_OUT_US = 5_000_000  # for so long
NOTED_MAX = 8  # refusals of one publisher in one second that are noted one by one; the others are counted
PUBLISHERS_MAX = 1_024  # that are told apart; a bus that lets strangers in may name any number
STRANGERS = "?"


class _Account:
    """Of one publisher. `untold`: refusals that no note has told yet."""

    __slots__ = ("faults", "heard_from_us", "noted", "second", "untold")

    def __init__(self) -> None:
        self.second = -1
        self.faults = self.noted = self.untold = 0
        self.heard_from_us = 0


class Publishers:
    """Bounded in memory and in notes, whatever arrives. A publisher is told apart by its way (`way.py`). Times are
    microseconds of this node's monotonic clock."""

    def __init__(self) -> None:
        self._accounts: dict[NodeId, _Account] = {}
        self._any_until_us = 0  # nobody is shut out from then on

    def is_shut_out(self, now_us: int, publisher: NodeId) -> bool:
        """Whether nothing of this publisher is read now."""
        return now_us < self._any_until_us and now_us < self._account(publisher).heard_from_us

    def charge(self, now_us: int, publisher: NodeId, why: str, size: int = 0) -> list[Note]:
        """A frame of this publisher, of `size` bytes, was read for nothing: what the trace says of it, which may be
        nothing."""
        account = self._this_second(now_us, publisher)
        account.faults += 1 + size // LARGE_BYTES
        note = Note("rejected", {"why": why[:120], "sender": publisher_of(publisher)[:64]})
        if account.faults <= FAULTS_MAX:
            return self.ration(now_us, publisher, note)
        account.heard_from_us = now_us + SHUT_OUT_US
        self._any_until_us = max(self._any_until_us, account.heard_from_us)
        account.faults, more, account.untold = 0, account.untold + 1, 0
        fields = {**words_of(publisher), "why": why[:120], "for_us": SHUT_OUT_US, "more": more}
        return [Note("shut_out", fields)]

    def ration(self, now_us: int, publisher: NodeId, note: Note) -> list[Note]:
        """The note of a refusal, or nothing where this second has told of enough of them. The next one that is told
        says in `more` how many were not."""
        account = self._this_second(now_us, publisher)
        if account.noted >= NOTED_MAX:
            account.untold += 1
            return []
        account.noted += 1
        if not account.untold:
            return [note]
        more, account.untold = account.untold, 0
        return [Note(note.kind, {**note.fields, "more": more})]

    def _this_second(self, now_us: int, publisher: NodeId) -> _Account:
        account = self._account(publisher)
        second = now_us // SECOND_US
        if second != account.second:
            account.second, account.faults, account.noted = second, 0, 0
        return account

    def _account(self, publisher: NodeId) -> _Account:
        account = self._accounts.get(publisher)
        if account is None:
            name = publisher if len(self._accounts) < PUBLISHERS_MAX else STRANGERS
            account = self._accounts.setdefault(name, _Account())
        return account
