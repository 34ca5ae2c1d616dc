"""One member under a trusted sequencer: it orders if it is the sequencer, and believes it if not."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed, encode
from consortium.core.machine import (
    Decide,
    Effect,
    Event,
    Executed,
    Expired,
    Note,
    Now,
    Persist,
    Received,
    Stable,
    Started,
)
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate
from consortium.core.protocol import ReplicaContext
from consortium.core.transaction import batch_digest, encode_batch
from consortium.protocols.common.next_epoch import NextEpochInbox
from consortium.protocols.common.replica_state import epoch_notes, short
from consortium.protocols.common.shapes import INTEGER_MAX
from consortium.protocols.solo.asking import ASK_TIMER, Asking
from consortium.protocols.solo.messages import (
    FORMAT,
    RECORD,
    Ask,
    Held,
    Order,
    Ordered,
    OrderRecord,
    Recall,
    Recalled,
)
from consortium.protocols.solo.recall import Recaller
from consortium.protocols.solo.state import NOTHING, HeldOrder, SoloState


class Solo:
    """One member's part. Nothing a peer says makes it raise."""

    def __init__(self, context: ReplicaContext) -> None:
        self.state = SoloState(context)
        self._others_hold: dict[int, None] = {}  # heights that another member holds, as it told the sequencer
        self._next_epoch = NextEpochInbox()
        self._recaller = Recaller(self.state)
        self._asking = Asking(self.state, self._say_again)

    @property
    def view(self) -> int:
        return 0

    @property
    def leader(self) -> NodeId:
        return self.state.leader

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        state = self.state
        effects: list[Effect] = []
        match event:
            case Received():
                effects = self._on_received(now, event)
            case Executed(height, _, epoch):
                effects = self._on_executed(now, height, epoch)
            case Stable(height, _):
                state.stable = max(state.stable, height)
                state.forget()
            case Expired(timer):
                effects = self._asking.timer.on_timer(now) if timer == ASK_TIMER else self._recaller.on_timer(now)
            case Started(records, lost_key):
                effects = self._on_started(now, records, lost_key)
            case _:
                pass
        effects += [*self._try_decide(), *self._try_order(now)]
        if not self._asking.timer.is_armed and self._asking.has_work():
            effects += self._asking.timer.arm()
        return state.audible(effects)

    # --- events -------------------------------------------------------------------------------------------------

    def _on_started(self, now: Now, records: tuple[bytes, ...], lost_key: bytes | None) -> list[Effect]:
        """Our own orders above the ledger are said again; the sequencer asks what the others hold of it first."""
        state = self.state
        for data in records:
            try:
                record = RECORD.decode(data)
            except Malformed:
                continue
            if record.format == FORMAT and record.epoch == state.epoch.number and record.height > state.stable:
                state.orders[record.height] = HeldOrder(None, record.batch)
                state.ordered = max(state.ordered, record.height)
                state.last_place = max(state.last_place, (record.epoch, record.height))
                state.pool.order(record.batch)
        return [*self._recaller.begin(now, lost_key), *self._say_again()]

    def _say_again(self) -> list[Effect]:
        """Signed anew, byte for byte the same."""
        state = self.state
        if not state.may_order:
            return []
        return [
            state.say(Order(0, height, batch_digest(held.batch)), held.batch)
            for height, held in sorted(state.orders.items())
            if height > state.stable
        ]

    def _on_executed(self, now: Now, height: int, epoch: Epoch) -> list[Effect]:
        state = self.state
        state.head = max(state.head, height)
        state.decided = max(state.decided, height)
        if epoch.number <= state.epoch.number:
            return []
        before = state.epoch
        state.enter_epoch(epoch)
        self._others_hold.clear()
        state.pool.release()
        was_recalled = state.is_recalled
        effects = [*epoch_notes(state.me, before, epoch), *self._recaller.on_epoch(now, before)]
        if state.is_recalled and not was_recalled:
            effects += self._say_again()
        for event in self._next_epoch.take(epoch.number):
            effects += self._on_received(now, event)
        return effects

    # --- messages -----------------------------------------------------------------------------------------------

    def _on_received(self, now: Now, event: Received) -> list[Effect]:
        match event.message:
            case Order() as order:
                return self._on_order(event, order)
            case Held() as message:
                return self._on_held(event, message)
            case Ask() as question:
                return self._asking.on_ask(now, event, question)
            case Ordered() as answer:
                return self._on_ordered(event, answer)
            case Recall() as request:
                return self._asking.on_recall(now, event, request)
            case Recalled() as answer:
                return self._on_recalled(event, answer)
            case _:
                return self.state.rejected("not a message of solo", event)

    def _on_order(self, event: Received, order: Order) -> list[Effect]:
        """Accepted if the sequencer of its epoch signed it and the batch is the one of its digest; a second one for
        another batch is evidence."""
        state = self.state
        if event.epoch != state.epoch.number:
            self._next_epoch.keep(event, state)
            return []
        if event.sender != state.leader or order.view != 0:
            return state.rejected("not of the sequencer", event)
        if not 0 < order.height < INTEGER_MAX or state.epochs.at(order.height).number != event.epoch:
            return state.rejected("of a height of another epoch", event)
        was_held = state.holds(order.height)
        effects = self._accept(event, order)
        is_told = was_held or (state.holds(order.height) and self._is_witness(order.height))
        if is_told and event.sender != state.me:
            effects.append(state.answer(event, Held(order.height)))
        return effects

    def _is_witness(self, height: int) -> bool:
        """Whether it is our turn to tell the sequencer that its order of this height is held."""
        state = self.state
        others = [name for name in state.epoch.validators if name != state.leader]
        return others[height % len(others)] == state.me

    def _accept(self, event: Received, order: Order) -> list[Effect]:
        state = self.state
        state.note_last(event.signed, event.epoch, order.height)
        if not state.floor < order.height <= state.decided + state.span:
            self._asking.claim(event.sender, order.height)
            return []
        held = state.orders.get(order.height)
        if held is not None and batch_digest(held.batch) != order.digest:
            if held.signed is None:
                return state.rejected("equivocation", event)
            return state.equivocated(event, held.signed)
        if held is not None and held.signed is not None:
            return []
        if len(event.attachment) > state.parameters.batch_bytes_max or batch_digest(event.attachment) != order.digest:
            return state.unattributed("the batch does not match its digest", event) if event.attachment else []
        state.orders[order.height] = HeldOrder(event.signed, event.attachment)
        if event.sender != state.me:
            state.pool.order(event.attachment)
        return []

    def _on_held(self, event: Received, message: Held) -> list[Effect]:
        """Another member holds an order of ours: we may execute it."""
        state = self.state
        is_ours = event.epoch == state.epoch.number and state.is_sequencer and message.height in state.orders
        if is_ours and event.sender != state.me and state.epoch.is_validator(event.sender):
            self._others_hold[message.height] = None
        return []

    def _on_ordered(self, event: Received, answer: Ordered) -> list[Effect]:
        """The order proves itself; of one far above us we learn that we lag."""
        state = self.state
        signed = answer.order
        if answer.receiver != state.me or signed.sender == state.me:
            return []
        try:
            epoch, message = state.verifier.open(signed, state.epochs)
        except Malformed as error:
            return state.rejected(error, event)
        if not isinstance(message, Order):
            return state.rejected("not an order", event)
        effects = self._on_order(Received(signed.sender, message, signed, epoch, event.attachment), message)
        if message.height > state.decided + 1 and state.decided + 1 not in state.orders:
            self._asking.claim(signed.sender, message.height)
        return effects

    def _on_recalled(self, event: Received, answer: Recalled) -> list[Effect]:
        was_recalled = self.state.is_recalled
        effects = self._recaller.on_recalled(event, answer)
        return self._say_again() if self.state.is_recalled and not was_recalled else effects

    # --- transitions --------------------------------------------------------------------------------------------

    def _try_order(self, now: Now) -> list[Effect]:
        """As the sequencer, while there is work: batch durable, then ORDER with the batch attached."""
        state = self.state
        pool = state.pool
        effects: list[Effect] = []
        while state.may_order and self._is_free(height := max(state.ordered, state.decided) + 1):
            waiting = pool.waiting
            batch = pool.take(now) if waiting else None
            if batch is None and height <= state.epochs.reach:
                batch = encode_batch(now.wall_us, ())
            if batch is None:
                break
            state.ordered = height
            digest = batch_digest(batch)
            record = encode(OrderRecord(FORMAT, state.epoch.number, height, batch))
            size = {"transactions": waiting - pool.waiting, "bytes": len(batch)}
            effects += [
                Persist(record, height),
                state.say(Order(0, height, digest), batch),
                Note("proposed", {"view": 0, "height": height, "digest": short(digest), **size}),
            ]
        return effects

    def _is_free(self, height: int) -> bool:
        """Within a window above the last seal, of this epoch, and few heights are not executed yet."""
        state = self.state
        is_of_epoch = state.epochs.at(height).number == state.epoch.number
        in_flight = height - state.decided - 1
        return height <= state.last_height and is_of_epoch and in_flight < state.parameters.batches_in_flight

    def _try_decide(self) -> list[Effect]:
        """Strictly consecutive. The sequencer waits until another member holds its order: what a crash takes before it
        left was never decided."""
        state = self.state
        effects: list[Effect] = []
        while state.is_begun:
            height = state.decided + 1
            signed, batch = state.orders.get(height, NOTHING)
            if signed is None or (state.is_sequencer and state.epoch.n > 1 and height not in self._others_hold):
                break
            state.decided = height
            fields = {"view": 0, "height": height, "digest": short(batch_digest(batch))}
            certificate = Certificate(signed.body, ((signed.sender, signed.signature),))
            effects += [Note("committed", fields), Decide(height, batch, certificate)]
        if effects:
            self._others_hold = {height: None for height in self._others_hold if height > state.decided}
        return effects
