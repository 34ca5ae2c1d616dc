"""Leaving a view and entering the next (paper 4.4): VIEW-CHANGE, NEW-VIEW, and what is durable between them."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import Behind, CancelTimer, Effect, Note, Now, Persist, Received, SetTimer
from consortium.core.membership import NodeId
from consortium.core.messages import Signed
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.common.records import FORMAT, persist
from consortium.protocols.pbft.certificates import (
    Change,
    Order,
    Plan,
    check_new_view,
    check_view_change,
    choose_changes,
    orders_of,
    plan,
)
from consortium.protocols.pbft.messages import NewView, ViewChange
from consortium.protocols.pbft.ordering import Ordering
from consortium.protocols.pbft.records import NewViewRecord, ViewChangeRecord, ViewRecord
from consortium.protocols.pbft.replica_state import Opening, ReplicaState
from consortium.protocols.pbft.slot import Slot

NEW_VIEW_TIMER = ("pbft", "new_view")
KEPT_WINDOWS = 32  # for so many more windows of heights our log keeps the NEW-VIEW of our view, each time it is written


class ViewChanges:
    """Keeps one VIEW-CHANGE a member, its newest: a member that names a huge view only wastes its own place."""

    def __init__(self, state: ReplicaState, ordering: Ordering, timer: LeaderTimer) -> None:
        self._state = state
        self._timer = timer  # its T is how long we wait for a NEW-VIEW, too
        self._ordering = ordering
        self._changes: dict[NodeId, Change] = {}
        self._timed_view = 0  # the wanted view for whose NEW-VIEW the timer runs
        self.mine: ViewChange | None = None  # said for `wanted`
        self.said: NewView | None = None  # by us as the leader of the wanted view
        self._entered: tuple[Signed, NewView] | None = None  # how we came into our view
        self._kept_until = 0  # our log may forget it when this height is sealed; after a boot nobody knows

    def clear(self) -> None:
        """A new epoch: its views are counted from 0."""
        self._changes.clear()
        self._timed_view = 0
        self.mine = self.said = self._entered = None

    def signed(self) -> Signed | None:
        """Our own VIEW-CHANGE for the wanted view, once the host has signed it."""
        own = self._changes.get(self._state.me)
        return own.signed if own is not None and own.view == self._state.wanted else None

    # --- leaving ------------------------------------------------------------------------------------------------

    def start(self, now: Now, view: int, why: str) -> list[Effect]:
        """Leave for `view`: durable first, then VIEW-CHANGE; from here no vote until a NEW-VIEW (4.4). Not while our
        log reaches further above our stable checkpoint than any VIEW-CHANGE may: a crash took newer seals than votes.
        They are fetched first, for to leave a claim out would be to forget it."""
        state = self._state
        assert view > state.wanted
        beyond = self._claims_beyond(view)
        if beyond:
            return [Behind(beyond)]
        state.wanted = view
        self._timer.grow()
        self.mine = self._message(view)
        number = state.epoch.number
        return [
            persist(ViewRecord(FORMAT, number, state.view, view), None),
            persist(ViewChangeRecord(FORMAT, number, self.mine), state.stable + state.span),
            CancelTimer(NEW_VIEW_TIMER),
            state.say(self.mine),
            Note("view_change", {"view": view, "why": why}),
        ]

    def _claims_beyond(self, view: int) -> int:
        """The height that must have been sealed for our claims to lie where they do, if that is above our own stable
        height and they reach beyond the span of a VIEW-CHANGE; else 0."""
        state = self._state
        heights = [slot.height for slot in self._own_slots() if slot.best_claim(view) is not None]
        highest = max(heights, default=0)
        return highest - state.parameters.window if highest > state.stable + state.span else 0

    def _own_slots(self) -> list[Slot]:
        """Those above our stable checkpoint that are of our epoch: of the next one we may have heard decisions before
        we executed the last height of this one, and views of this one have no say in them."""
        state = self._state
        number = state.epoch.number
        return [slot for slot in state.log.above(state.stable) if state.epochs.at(slot.height).number == number]

    def _message(self, view: int) -> ViewChange:
        state = self._state
        found = [slot.best_claim(view) for slot in self._own_slots()]
        claims = tuple(claim for claim in found if claim is not None)
        return ViewChange(view, state.stable, state.seal if state.stable else None, claims)

    def say_again(self) -> list[Effect]:
        """After a boot: what we had said for the wanted view, unchanged where its record still exists."""
        state = self._state
        if not state.is_changing:
            return []
        if self.mine is None or self.mine.view != state.wanted:
            self.mine = self._message(state.wanted)
        effects: list[Effect] = [state.say(self.mine)]
        if self.said is not None and self.said.view == state.wanted:
            effects.append(state.say(self.said))
        return effects

    @property
    def is_overdue(self) -> bool:
        """When the timer runs out: whether no valid NEW-VIEW came within T of a quorum's VIEW-CHANGEs (4.5.2)."""
        return self._state.is_changing and self._timed_view == self._state.wanted

    # --- VIEW-CHANGE --------------------------------------------------------------------------------------------

    def on_view_change(self, now: Now, event: Received, message: ViewChange) -> list[Effect]:
        """Accepted (4.4) as `check_view_change` says, and only if newer than what the member said before; kept one a
        member. Views at or below ours are over."""
        state = self._state
        known = self._changes.get(event.sender)
        if message.view <= state.view or (known is not None and known.view >= message.view):
            return []
        try:
            change = self._check(event.signed, message)
        except Malformed as error:
            return state.rejected(str(error), event)
        self._changes[event.sender] = change
        effects: list[Effect] = []
        if change.stable_height > state.decided:
            effects.append(Behind(change.stable_height))
        return [*effects, *self._try_wait(), *self._try_new_view()]

    def _check(self, signed: Signed, message: ViewChange) -> Change:
        state = self._state
        return check_view_change(
            signed,
            message,
            state.epoch,
            state.epochs,
            state.verifier,
            state.context.check_seal,
            state.span,
        )

    def wanted_by(self, member: NodeId) -> int:
        """The highest view above ours that it left for; 0 for none."""
        change = self._changes.get(member)
        return 0 if change is None else change.view

    def _try_wait(self) -> list[Effect]:
        """The timer for NEW-VIEW runs once a quorum wants our wanted view or a later one. (The paper waits for this
        very view; a member that moved on has wanted it too, and its older VIEW-CHANGE may be lost.)"""
        state = self._state
        if not state.is_changing or not state.is_recalled or self._timed_view == state.wanted:
            return []
        if sum(change.view >= state.wanted for change in self._changes.values()) < state.epoch.quorum:
            return []
        self._timed_view = state.wanted
        return [SetTimer(NEW_VIEW_TIMER, self._timer.timeout_us)]

    # --- NEW-VIEW -----------------------------------------------------------------------------------------------

    def _try_new_view(self) -> list[Effect]:
        """As the leader of the wanted view, with a quorum of VIEW-CHANGEs for it, our own among them (4.4). Durable
        before it is said, so that no crash makes us say two."""
        state = self._state
        me = state.me
        if not state.is_changing or state.epoch.leader(state.wanted) != me:
            return []
        if self.said is not None and self.said.view >= state.wanted:
            return []
        exact = {name: change for name, change in self._changes.items() if change.view == state.wanted}
        if me not in exact or len(exact) < state.epoch.quorum:
            return []
        mine = exact.pop(me)
        chosen = choose_changes(mine, list(exact.values()), state.epoch.quorum - 1, state.span)
        if chosen is None:
            return []
        result = plan(chosen)
        self.said = NewView(state.wanted, tuple(change.signed for change in chosen), orders_of(result))
        record = NewViewRecord(FORMAT, state.epoch.number, self.said, None)
        return [persist(record, result.stable_height + state.span), state.say(self.said)]

    def on_new_view(self, now: Now, event: Received, message: NewView) -> list[Effect]:
        """Entered (4.4) if `check_new_view` holds and its view is above ours and not below the one we left for. It
        needs no VIEW-CHANGE of our own: whoever missed the change enters by its proof."""
        state = self._state
        if message.view <= state.view or message.view < state.wanted:
            return []
        try:
            result = check_new_view(message, event.sender, state.epoch, self._open, state.span)
        except Malformed as error:
            return state.rejected(str(error), event)
        return self._enter(now, event.signed, message, result)

    def _open(self, signed: Signed) -> Change:
        """A VIEW-CHANGE that stands in a NEW-VIEW. Raises Malformed."""
        state = self._state
        known = self._changes.get(signed.sender)
        if known is not None and known.signed == signed:
            return known
        epoch, message = state.verifier.open(signed, state.epochs)
        if epoch != state.epoch.number or not isinstance(message, ViewChange):
            raise Malformed("not a VIEW-CHANGE of this epoch")
        return self._check(signed, message)

    def _enter(self, now: Now, signed: Signed, message: NewView, result: Plan) -> list[Effect]:
        state = self._state
        view = message.view
        state.view = state.wanted = view
        self.mine = None
        self._entered = (signed, message)
        for name in [name for name, change in self._changes.items() if change.view <= view]:
            del self._changes[name]
        number = state.epoch.number
        effects: list[Effect] = [
            self._keep(signed, message, max(state.stable, result.stable_height + state.span)),
            persist(ViewRecord(FORMAT, number, view, view), None),
            CancelTimer(NEW_VIEW_TIMER),
            Note("new_view", {"view": view, "leader": state.leader}),
        ]
        if result.stable_height > state.decided:
            effects.append(Behind(result.stable_height))
        return [*effects, *self._ordering.enter_view(now, signed, result)]

    def _keep(self, signed: Signed, message: NewView, height: int) -> Persist:
        """The NEW-VIEW of our view in our log, for many heights above this one."""
        self._kept_until = height + KEPT_WINDOWS * self._state.parameters.window
        return persist(NewViewRecord(FORMAT, self._state.epoch.number, message, signed), self._kept_until)

    def on_stable(self) -> list[Effect]:
        """Whoever missed the change enters by the NEW-VIEW, however old it is, and however often we were restarted: as
        long as we are in its view, it is written again before our log forgets it."""
        state = self._state
        if self._entered is None or state.stable + state.parameters.window < self._kept_until:
            return []
        return [self._keep(*self._entered, state.stable)]

    def restore(self, signed: Signed, message: NewView) -> None:
        """After a boot: the NEW-VIEW of the view that our log says we are in, judged again."""
        state = self._state
        try:
            result = check_new_view(message, signed.sender, state.epoch, self._open, state.span)
            state.opening = Opening(signed, result.orders, result.last_height)
            self._entered = (signed, message)
        except Malformed:  # our own log was valid once; what it orders binds us all the same
            orders = {height: Order(digest, -1, ()) for height, digest in message.orders}
            state.opening = Opening(signed, orders, max(orders, default=0))
