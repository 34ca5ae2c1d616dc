"""A log that lacks votes of ours, and how far those may reach: by the word of the others, each backed by a seal.

We signed nothing more than a window above a height that we knew to be sealed, and a quorum had signed for that height
before. So of any n − q + f + 1 others that have their logs, an honest one signed for it, too, and names it or a higher
one. Those that lie can name too low, which others outbid, or too high, where a seal sets them a limit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from consortium.core.codec import Malformed
from consortium.core.machine import Effect
from consortium.core.membership import NodeId
from consortium.protocols.common.records import FORMAT, UNKNOWN, LostRecord, Record, RegainedRecord, persist
from consortium.protocols.common.replica_state import CommonState
from consortium.protocols.common.shapes import INTEGER_MAX


class Bound(NamedTuple):
    """Before the log was lost we had no seal above `height`, and signed nothing in views above `view`, where the
    protocol asks for it. `epoch`: whose members said so."""

    epoch: int
    height: int
    view: int


class LostLog:
    """`is_lost`: votes of ours may be missing from the log, and may bind us. `bound`: None until enough others told."""

    def __init__(self, state: CommonState) -> None:
        self._state = state
        self._named: dict[NodeId, tuple[int, int]] = {}  # height and view
        self.bound: Bound | None = None
        self.is_lost = False

    # --- what is durable ----------------------------------------------------------------------------------------

    def read_back(self, record: Record) -> None:
        """A record of our own log, in the order in which they were written."""
        if isinstance(record, LostRecord):
            self.is_lost = True
            is_known = record.height != UNKNOWN
            self.bound = Bound(record.epoch, record.height, record.view) if is_known else None
        elif isinstance(record, RegainedRecord):
            self.is_lost, self.bound = False, None

    def lose(self) -> Effect:
        """The others hold votes of ours that our log lacks. Durable, for after the next boot they may not tell."""
        self.is_lost, self.bound = True, None
        return persist(LostRecord(FORMAT, self._state.epoch.number, UNKNOWN, UNKNOWN), None)

    def regain(self) -> Effect:
        """Whatever is missing binds us no more."""
        self.is_lost, self.bound = False, None
        return persist(RegainedRecord(FORMAT, self._state.epoch.number), None)

    # --- what others tell ---------------------------------------------------------------------------------------

    def forget_named(self) -> None:
        """Other members are to tell it."""
        self._named.clear()
        self.bound = None

    def note(self, member: NodeId, answer: Any, view: int, own_height: int) -> list[Effect]:
        """The word of a validator: how high it signed, and `view`, what it proves of views. The last one that is needed
        makes the bound, which is durable then. Raises Malformed where its seal does not reach so high. A seal of an
        epoch that our ledger has yet to come to says nothing now."""
        state = self._state
        height = answer.signed_height
        if height is None or self.bound is not None:
            return []  # it cannot tell: its own log is lost, or its ledger has yet to come back
        try:
            sealed = 0 if answer.seal is None else state.context.check_seal(answer.seal)
        except Malformed:
            return []
        if not 0 <= height < INTEGER_MAX or height > sealed + state.span:
            raise Malformed("a height that the seal beside it does not reach")
        self._named[member] = (height, view)
        epoch = state.epoch
        if len(self._named) < epoch.n - epoch.quorum + epoch.weak:
            return []
        heights, views = zip(*self._named.values(), strict=True)
        self.bound = Bound(epoch.number, max(*heights, state.head, own_height), max(views))
        return [persist(LostRecord(FORMAT, *self.bound), None)]

    @property
    def is_outlived_by_epoch(self) -> bool:
        """Whether an epoch has begun in which we cannot have signed anything: nobody signs in an epoch before the last
        height below it is sealed."""
        bound, state = self.bound, self._state
        if bound is None or bound.epoch >= state.epoch.number:
            return False
        following = state.epochs.number(bound.epoch + 1)
        return following is not None and following.first_height > bound.height + 1
