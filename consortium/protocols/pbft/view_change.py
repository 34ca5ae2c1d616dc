"""Leaving a view and entering the next (paper 4.4): VIEW-CHANGE, NEW-VIEW, and what is durable between them."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import Behind, CancelTimer, Effect, Note, Now, Received, SetTimer
from consortium.core.membership import NodeId
from consortium.core.messages import Signed
from consortium.protocols.pbft.certificates import (
    Change,
    Order,
    Plan,
    check_new_view,
    check_view_change,
    orders_of,
    plan,
)
from consortium.protocols.pbft.messages import NewView, ViewChange
from consortium.protocols.pbft.ordering import Ordering
from consortium.protocols.pbft.records import FORMAT, NewViewRecord, ViewChangeRecord, ViewRecord, persist
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.slot import Slot

NEW_VIEW_TIMER = ("pbft", "new_view")


class ViewChanges:
    """Keeps one VIEW-CHANGE a member, its newest: a member that names a huge view only wastes its own place."""

    def __init__(self, standing: ReplicaState, ordering: Ordering) -> None:
        self._standing = standing
        self._ordering = ordering
        self._changes: dict[NodeId, Change] = {}
        self._timed_view = 0  # the wanted view for whose NEW-VIEW the timer runs
        self.mine: ViewChange | None = None  # said for `wanted`
        self.said: NewView | None = None  # by us as the leader of the wanted view

    def clear(self) -> None:
        """A new epoch: its views are counted from 0."""
        self._changes.clear()
        self._timed_view = 0
        self.mine = self.said = None

    def signed(self) -> Signed | None:
        """Our own VIEW-CHANGE for the wanted view, once the host has signed it."""
        own = self._changes.get(self._standing.me)
        return own.signed if own is not None and own.view == self._standing.wanted else None

    # --- leaving ------------------------------------------------------------------------------------------------

    def start(self, now: Now, view: int, why: str) -> list[Effect]:
        """Leave for `view`: durable first, then VIEW-CHANGE; from here no vote until a NEW-VIEW (4.4). Not while our
        log reaches further above our stable checkpoint than any VIEW-CHANGE may: a crash took newer seals than votes.
        They are fetched first, for to leave a claim out would be to forget it."""
        standing = self._standing
        assert view > standing.wanted
        beyond = self._claims_beyond(view)
        if beyond:
            return [Behind(beyond)]
        standing.wanted = view
        standing.attempts += 1
        self.mine = self._message(view)
        number = standing.epoch.number
        return [
            persist(ViewRecord(FORMAT, number, standing.view, view), None),
            persist(ViewChangeRecord(FORMAT, number, self.mine), standing.stable + standing.span),
            CancelTimer(NEW_VIEW_TIMER),
            standing.say(self.mine),
            Note("view_change", {"view": view, "why": why}),
        ]

    def _claims_beyond(self, view: int) -> int:
        """The height that must have been sealed for our claims to lie where they do, if that is above our own stable
        height and they reach beyond the span of a VIEW-CHANGE; else 0."""
        standing = self._standing
        heights = [slot.height for slot in self._own_slots() if slot.best_claim(view) is not None]
        highest = max(heights, default=0)
        return highest - standing.parameters.window if highest > standing.stable + standing.span else 0

    def _own_slots(self) -> list[Slot]:
        """Those above our stable checkpoint that are of our epoch: of the next one we may have heard decisions before
        we executed the last height of this one, and views of this one have no say in them."""
        standing = self._standing
        number = standing.epoch.number
        return [
            slot for slot in standing.log.above(standing.stable) if standing.epochs.at(slot.height).number == number
        ]

    def _message(self, view: int) -> ViewChange:
        standing = self._standing
        found = [slot.best_claim(view) for slot in self._own_slots()]
        claims = tuple(claim for claim in found if claim is not None)
        return ViewChange(view, standing.stable, standing.seal if standing.stable else None, claims)

    def say_again(self) -> list[Effect]:
        """After a boot: what we had said for the wanted view, unchanged where its record still exists."""
        standing = self._standing
        if not standing.is_changing:
            return []
        if self.mine is None or self.mine.view != standing.wanted:
            self.mine = self._message(standing.wanted)
        effects: list[Effect] = [standing.say(self.mine)]
        if self.said is not None and self.said.view == standing.wanted:
            effects.append(standing.say(self.said))
        return effects

    def on_timer(self, now: Now) -> list[Effect]:
        """No valid NEW-VIEW within T of a quorum's VIEW-CHANGEs: on to the next view (4.5.2)."""
        standing = self._standing
        if not standing.is_changing or self._timed_view != standing.wanted:
            return []
        wanted = standing.wanted
        effects = self.start(now, wanted + 1, "no new view")
        if standing.wanted == wanted:
            effects.append(SetTimer(NEW_VIEW_TIMER, standing.timeout_us))
        return effects

    # --- VIEW-CHANGE --------------------------------------------------------------------------------------------

    def on_view_change(self, now: Now, event: Received, message: ViewChange) -> list[Effect]:
        """Accepted (4.4) as `check_view_change` says, and only if newer than what the member said before; kept one a
        member. Views at or below ours are over."""
        standing = self._standing
        known = self._changes.get(event.sender)
        if message.view <= standing.view or (known is not None and known.view >= message.view):
            return []
        try:
            change = self._check(event.signed, message)
        except Malformed as error:
            return standing.rejected(str(error), event)
        self._changes[event.sender] = change
        effects: list[Effect] = []
        if change.stable_height > standing.decided:
            effects.append(Behind(change.stable_height))
        return [*effects, *self.try_join(now), *self._try_wait(), *self._try_new_view()]

    def _check(self, signed: Signed, message: ViewChange) -> Change:
        standing = self._standing
        return check_view_change(
            signed,
            message,
            standing.epoch,
            standing.epochs,
            standing.verifier,
            standing.setting.check_seal,
            standing.span,
        )

    def try_join(self, now: Now) -> list[Effect]:
        """f+1 distinct members want views above ours: an honest one among them does; join the smallest (4.5.2)."""
        standing = self._standing
        if not standing.is_recalled or not standing.epoch.is_validator(standing.me) or not standing.is_begun:
            return []
        higher = sorted(
            change.view
            for sender, change in self._changes.items()
            if sender != standing.me and change.view > standing.wanted
        )
        if len(higher) < standing.epoch.weak:
            return []
        return self.start(now, higher[0], "joined")

    def _try_wait(self) -> list[Effect]:
        """The timer for NEW-VIEW runs once a quorum wants our wanted view or a later one. (The paper waits for this
        very view; a member that moved on has wanted it too, and its older VIEW-CHANGE may be lost.)"""
        standing = self._standing
        if not standing.is_changing or not standing.is_recalled or self._timed_view == standing.wanted:
            return []
        if sum(change.view >= standing.wanted for change in self._changes.values()) < standing.epoch.quorum:
            return []
        self._timed_view = standing.wanted
        return [SetTimer(NEW_VIEW_TIMER, standing.timeout_us)]

    # --- NEW-VIEW -----------------------------------------------------------------------------------------------

    def _try_new_view(self) -> list[Effect]:
        """As the leader of the wanted view, with a quorum of VIEW-CHANGEs for it, our own among them (4.4). Durable
        before it is said, so that no crash makes us say two."""
        standing = self._standing
        me = standing.me
        if not standing.is_changing or standing.epoch.leader(standing.wanted) != me:
            return []
        if self.said is not None and self.said.view >= standing.wanted:
            return []
        exact = {name: change for name, change in self._changes.items() if change.view == standing.wanted}
        if me not in exact or len(exact) < standing.epoch.quorum:
            return []
        others = sorted(name for name in exact if name != me)[: standing.epoch.quorum - 1]
        chosen = [exact[name] for name in sorted([me, *others])]
        result = plan(chosen)
        self.said = NewView(standing.wanted, tuple(change.signed for change in chosen), orders_of(result))
        record = NewViewRecord(FORMAT, standing.epoch.number, self.said, None)
        return [persist(record, result.stable_height + standing.span), standing.say(self.said)]

    def on_new_view(self, now: Now, event: Received, message: NewView) -> list[Effect]:
        """Entered (4.4) if `check_new_view` holds and its view is above ours and not below the one we left for. It
        needs no VIEW-CHANGE of our own: whoever missed the change enters by its proof."""
        standing = self._standing
        if message.view <= standing.view or message.view < standing.wanted:
            return []
        try:
            result = check_new_view(message, event.sender, standing.epoch, self._open)
        except Malformed as error:
            return standing.rejected(str(error), event)
        return self._enter(now, event.signed, message, result)

    def _open(self, signed: Signed) -> Change:
        """A VIEW-CHANGE that stands in a NEW-VIEW. Raises Malformed."""
        standing = self._standing
        known = self._changes.get(signed.sender)
        if known is not None and known.signed == signed:
            return known
        epoch, message = standing.verifier.open(signed, standing.epochs)
        if epoch != standing.epoch.number or not isinstance(message, ViewChange):
            raise Malformed("not a VIEW-CHANGE of this epoch")
        return self._check(signed, message)

    def _enter(self, now: Now, signed: Signed, message: NewView, result: Plan) -> list[Effect]:
        standing = self._standing
        view = message.view
        standing.view = standing.wanted = view
        standing.new_view = signed
        self.mine = None
        for name in [name for name, change in self._changes.items() if change.view <= view]:
            del self._changes[name]
        number = standing.epoch.number
        effects: list[Effect] = [
            persist(NewViewRecord(FORMAT, number, message, signed), result.stable_height + standing.span),
            persist(ViewRecord(FORMAT, number, view, view), None),
            CancelTimer(NEW_VIEW_TIMER),
            Note("new_view", {"view": view, "leader": standing.leader}),
        ]
        if result.stable_height > standing.decided:
            effects.append(Behind(result.stable_height))
        return [*effects, *self._ordering.enter_view(now, result), *self.try_join(now)]

    def restore(self, signed: Signed, message: NewView) -> None:
        """After a boot: the NEW-VIEW of the view that our log says we are in, judged again."""
        standing = self._standing
        standing.new_view = signed
        try:
            result = check_new_view(message, signed.sender, standing.epoch, self._open)
            standing.orders, standing.orders_last = result.orders, result.last_height
        except Malformed:  # our own log was valid once; what it orders binds us all the same
            standing.orders = {height: Order(digest, -1, ()) for height, digest in message.orders}
            standing.orders_last = max(standing.orders, default=0)
