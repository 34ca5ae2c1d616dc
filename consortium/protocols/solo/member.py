"""One member under a trusted sequencer: it orders if it is the sequencer, and believes it if not."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed, encode, tagged_hash
from consortium.core.evidence import make_evidence, report_evidence
from consortium.core.genesis import Parameters, tuned
from consortium.core.machine import (
    Behind,
    Broadcast,
    Decide,
    Effect,
    Event,
    Executed,
    Expired,
    Note,
    Now,
    Persist,
    Received,
    Send,
    SetTimer,
    Stable,
    Started,
)
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.protocol import ReplicaContext
from consortium.core.transaction import batch_digest, encode_batch
from consortium.protocols.common.next_epoch import NextEpochInbox
from consortium.protocols.common.rate_limit import RateLimit
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
    sequencer,
)

ASK_TIMER = ("solo", "ask")
RECALL_TIMER = ("solo", "recall")
INTEGER_MAX = 1 << 53
ANSWERS_AT_ONCE = 16
ANSWER_BYTES_MAX = 4_000_000


class Solo:
    """One member's part. Nothing a peer says makes it raise."""

    def __init__(self, context: ReplicaContext) -> None:
        self.me = context.me
        self._context = context
        self.epochs = context.epochs
        self._pool = context.pool
        self._head = self._decided = context.head_height
        self._stable = context.stable_height
        self.epoch: Epoch = context.epochs.at(self._head + 1)
        self._orders: dict[int, tuple[Signed | None, bytes]] = {}  # batches by height; signed once we know how
        self._held: dict[int, None] = {}  # heights that another member holds, as it told the sequencer
        self._ordered = self._head  # the highest height that we ordered, as the sequencer
        self._last: Signed | None = None  # the highest order that we hold
        self._last_place = (-1, 0)  # its epoch and height
        self._early = NextEpochInbox()
        self._is_recalled = self._is_observing = False
        self._answers: dict[NodeId, None] = {}
        self._nonce = b""
        self._nonces = 0
        self._is_asking = False
        self._asked_at = -1
        self._ask_us = self._first_us
        self._allowance = RateLimit(2, self._first_us)
        self._claimed: dict[NodeId, int] = {}

    @property
    def _parameters(self) -> Parameters:
        return tuned(self._context.parameters, self.epoch)

    @property
    def _first_us(self) -> int:
        return max(1, self._parameters.timer_base_us // 8)

    @property
    def view(self) -> int:
        return 0

    @property
    def leader(self) -> NodeId:
        return sequencer(self.epoch)

    @property
    def _leads(self) -> bool:
        return self.leader == self.me and self._is_recalled and self._is_begun

    @property
    def _is_begun(self) -> bool:
        return self._stable >= self.epoch.first_height - 1

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        effects: list[Effect] = []
        match event:
            case Received():
                effects = self._on_received(now, event)
            case Executed(height, _, epoch):
                effects = self._on_executed(now, height, epoch)
            case Stable(height, _):
                self._stable = max(self._stable, height)
                self._orders = {at: held for at, held in self._orders.items() if at > self._floor}
            case Expired(timer):
                effects = self._on_ask_timer(now) if timer == ASK_TIMER else self._on_recall_timer(now)
            case Started(records, lost_key):
                effects = self._on_started(now, records, lost_key)
            case _:
                pass
        effects += [*self._try_decide(), *self._try_order(now), *self._watch()]
        if self.me in self.epoch.by_name:
            return effects
        return [effect for effect in effects if not isinstance(effect, Send | Broadcast)]

    @property
    def _floor(self) -> int:
        return min(self._stable, self._decided)

    # --- boot ---------------------------------------------------------------------------------------------------

    def _on_started(self, now: Now, records: tuple[bytes, ...], lost_key: bytes) -> list[Effect]:
        """Our own orders above the ledger are said again; the sequencer asks what the others hold of it first."""
        for data in records:
            try:
                record = RECORD.decode(data)
            except Malformed:
                continue
            if record.format == FORMAT and record.epoch == self.epoch.number and record.height > self._stable:
                self._orders[record.height] = (None, record.batch)
                self._ordered = max(self._ordered, record.height)
                self._last_place = max(self._last_place, (record.epoch, record.height))
                self._pool.order(record.batch)
        if lost_key and self.epoch.key(self.me, "vote") == lost_key:
            return self._observe("the log of our orders was damaged", self.me)
        return self._recall(now)

    def _recall(self, now: Now) -> list[Effect]:
        if self.leader != self.me:
            return []
        if self.epoch.n == 1:
            self._is_recalled = True
            return self._say_again()
        self._answers.clear()
        return self._on_recall_timer(now)

    def _on_recall_timer(self, now: Now) -> list[Effect]:
        if self._is_recalled or self._is_observing or self.leader != self.me:
            return []
        self._nonce = self._fresh(now)
        return [self._say(Recall(self._nonce)), SetTimer(RECALL_TIMER, self._parameters.timer_base_us)]

    def _on_recalled(self, event: Received, answer: Recalled) -> list[Effect]:
        """Half of the others and one show no order of ours that our log lacks: we go on."""
        if answer.receiver != self.me or answer.nonce != self._nonce or self._is_recalled or self._is_observing:
            return []
        if not self.epoch.is_validator(event.sender):
            return []
        if answer.order is not None and self._is_lost(answer.order):
            return self._observe("others hold orders of ours that our log lacks", event.sender)
        self._answers[event.sender] = None
        if len(self._answers) < self.epoch.n // 2:
            return []
        self._is_recalled = True
        return self._say_again()

    def _is_lost(self, signed: Signed) -> bool:
        try:
            epoch, message = self._context.verifier.open(signed, self.epochs)
        except Malformed:
            return False
        is_ours = signed.sender == self.me and isinstance(message, Order) and epoch == self.epoch.number
        return is_ours and isinstance(message, Order) and message.height > max(self._ordered, self._stable)

    def _observe(self, why: str, by: NodeId) -> list[Effect]:
        self._is_observing = True
        why = f"{why}; this node orders nothing until it has a new voting key"
        return [Note("observing", {"why": why, "shown_by": by})]

    def _say_again(self) -> list[Effect]:
        """Signed anew, byte for byte the same."""
        if not self._leads:
            return []
        return [
            self._say(Order(0, height, batch_digest(batch)), batch)
            for height, (_, batch) in sorted(self._orders.items())
            if height > self._stable
        ]

    # --- ordering -----------------------------------------------------------------------------------------------

    def _try_order(self, now: Now) -> list[Effect]:
        """As the sequencer, while there is work: batch durable, then ORDER with the batch attached."""
        effects: list[Effect] = []
        while self._leads and self._is_free(height := max(self._ordered, self._decided) + 1):
            waiting = self._pool.waiting
            batch = self._pool.take(now) if waiting else None
            if batch is None and height <= self.epochs.reach:
                batch = encode_batch(now.wall_us, ())
            if batch is None:
                break
            self._ordered = height
            digest = batch_digest(batch)
            record = encode(OrderRecord(FORMAT, self.epoch.number, height, batch))
            short = digest.hex()[:16]
            count = waiting - self._pool.waiting
            size = {"transactions": count, "bytes": len(batch)}
            effects += [
                Persist(record, height),
                self._say(Order(0, height, digest), batch),
                Note("proposed", {"view": 0, "height": height, "digest": short, **size}),
            ]
        return effects

    def _is_free(self, height: int) -> bool:
        """Within a window above the last seal, of this epoch, and few heights are not executed yet."""
        is_of_epoch = self.epochs.at(height).number == self.epoch.number
        in_flight = height - self._decided - 1
        is_near = height <= self._stable + self._parameters.window
        return is_near and is_of_epoch and in_flight < self._parameters.batches_in_flight

    def _on_order(self, event: Received, order: Order) -> list[Effect]:
        """Accepted if the sequencer of its epoch signed it and the batch is the one of its digest; a second one for
        another batch is evidence."""
        if event.epoch != self.epoch.number:
            self._early.keep(event, self)
            return []
        if event.sender != self.leader or order.view != 0:
            return self._rejected("not of the sequencer", event)
        if not 0 < order.height < INTEGER_MAX or self.epochs.at(order.height).number != event.epoch:
            return self._rejected("of a height of another epoch", event)
        was_held = self._holds(order.height)
        effects = self._accept(event, order)
        is_told = was_held or (self._holds(order.height) and self._is_witness(order.height))
        if is_told and event.sender != self.me:
            effects.append(Send(event.sender, Held(order.height), b"", event.epoch))
        return effects

    def _holds(self, height: int) -> bool:
        return height <= self._decided or self._orders.get(height, (None, b""))[0] is not None

    def _is_witness(self, height: int) -> bool:
        others = [name for name in self.epoch.validators if name != self.leader]
        return others[height % len(others)] == self.me

    def _accept(self, event: Received, order: Order) -> list[Effect]:
        if (event.epoch, order.height) > self._last_place or self._last is None:
            self._last, self._last_place = event.signed, (event.epoch, order.height)
        if not self._floor < order.height <= self._decided + 2 * self._parameters.window:
            self._claimed[event.sender] = max(order.height, self._claimed.get(event.sender, 0))
            return []
        held = self._orders.get(order.height)
        if held is not None and batch_digest(held[1]) != order.digest:
            effects = self._rejected("equivocation", event)
            if held[0] is not None:
                effects.append(report_evidence(make_evidence(held[0], event.signed)))
            return effects
        if held is not None and held[0] is not None:
            return []
        if len(event.attachment) > self._parameters.batch_bytes_max or batch_digest(event.attachment) != order.digest:
            return self._unattributed("the batch does not match its digest", event) if event.attachment else []
        self._orders[order.height] = (event.signed, event.attachment)
        if event.sender != self.me:
            self._pool.order(event.attachment)
        return []

    def _on_held(self, event: Received, message: Held) -> list[Effect]:
        """Another member holds an order of ours: we may execute it."""
        is_ours = event.epoch == self.epoch.number and self.leader == self.me and message.height in self._orders
        if is_ours and event.sender != self.me and self.epoch.is_validator(event.sender):
            self._held[message.height] = None
        return []

    def _try_decide(self) -> list[Effect]:
        """Strictly consecutive. The sequencer waits until another member holds its order: what a crash takes before it
        left was never decided."""
        effects: list[Effect] = []
        while self._is_begun:
            height = self._decided + 1
            signed, batch = self._orders.get(height, (None, b""))
            if signed is None or (self.leader == self.me and self.epoch.n > 1 and height not in self._held):
                break
            self._decided = height
            fields = {"view": 0, "height": height, "digest": batch_digest(batch).hex()[:16]}
            certificate = Certificate(signed.body, ((signed.sender, signed.signature),))
            effects += [Note("committed", fields), Decide(height, batch, certificate)]
        if effects:
            self._held = {height: None for height in self._held if height > self._decided}
        return effects

    # --- the seams ----------------------------------------------------------------------------------------------

    def _on_executed(self, now: Now, height: int, epoch: Epoch) -> list[Effect]:
        self._head = max(self._head, height)
        self._decided = max(self._decided, height)
        if epoch.number <= self.epoch.number:
            return []
        before, self.epoch = self.epoch, epoch
        self._orders.clear()
        self._held.clear()
        self._ordered = self._head
        self._pool.release()
        fields = {"epoch": epoch.number, "first_height": epoch.first_height, "validators": epoch.n}
        effects: list[Effect] = [Note("epoch", fields)]
        was, is_now = self.me in before.by_name, self.me in epoch.by_name
        if was != is_now:
            effects.append(Note("admitted" if is_now else "removed", {"epoch": epoch.number}))
        is_same = sequencer(before) == self.me and before.key(self.me, "vote") == epoch.key(self.me, "vote")
        if not (is_same and (self._is_recalled or self._is_observing)):
            self._is_recalled = self._is_observing = False
            effects += self._recall(now)
        for event in self._early.take(epoch.number):
            effects += self._on_received(now, event)
        return effects

    def _on_received(self, now: Now, event: Received) -> list[Effect]:
        match event.message:
            case Order() as order:
                return self._on_order(event, order)
            case Held() as message:
                return self._on_held(event, message)
            case Ask() as question:
                return self._on_ask(now, event, question)
            case Ordered() as answer:
                return self._on_ordered(now, event, answer)
            case Recall(nonce=nonce):
                return self._on_recall(now, event, nonce)
            case Recalled() as answer:
                return self._on_recalled(event, answer)
            case _:
                return self._rejected("not a message of solo", event)

    def _on_recall(self, now: Now, event: Received, nonce: bytes) -> list[Effect]:
        if event.sender == self.me or len(nonce) > 32 or not self._allowance.spend(now, event.sender):
            return []
        return [Send(event.sender, Recalled(event.sender, nonce, self._last), b"", event.epoch)]

    # --- what was lost ------------------------------------------------------------------------------------------

    def _watch(self) -> list[Effect]:
        """A timer runs while something waits that should have been ordered or heard of."""
        if self._is_asking or not self._has_work():
            return []
        self._is_asking, self._asked_at = True, self._decided
        self._ask_us = self._first_us
        return [SetTimer(ASK_TIMER, self._ask_us)]

    def _has_work(self) -> bool:
        is_filling = self._decided < self.epochs.reach
        return (
            self._pool.unexecuted > 0 or is_filling or max(self._orders, default=0) > self._decided or self._gap() > 0
        )

    def _gap(self) -> int:
        """How many heights the sequencer's orders, or what f+1 others say, are beyond us."""
        claims = sorted((height for name, height in self._claimed.items() if name != self.leader), reverse=True)
        weak = self.epoch.weak
        shown = claims[weak - 1] if len(claims) >= weak else 0
        return max(self._claimed.get(self.leader, 0), shown) - self._decided

    def _on_ask_timer(self, now: Now) -> list[Effect]:
        """Nothing came since the last look: ask everybody, and let catch-up know of a gap."""
        self._is_asking = False
        if not self._has_work():
            return []
        effects: list[Effect] = []
        if self._asked_at == self._decided:
            self._ask_us = min(2 * self._ask_us, 4 * self._parameters.timer_base_us)
            effects = [*self._say_again(), self._say(Ask(self._fresh(now), self._decided + 1))]
            if self._gap() > 0:
                effects.append(Behind(self._decided + self._gap()))
        else:
            self._ask_us = self._first_us
        self._is_asking, self._asked_at = True, self._decided
        return [*effects, SetTimer(ASK_TIMER, self._ask_us)]

    def _on_ask(self, now: Now, event: Received, question: Ask) -> list[Effect]:
        """Rationed a member. Orders from that height on that we hold, as the sequencer signed them."""
        if event.sender == self.me or len(question.nonce) > 32 or event.epoch != self.epoch.number:
            return []
        if not 0 <= question.height < INTEGER_MAX:
            return self._rejected("height out of bounds", event)
        held = [self._orders.get(question.height + step) for step in range(ANSWERS_AT_ONCE)]
        known = [(signed, batch) for signed, batch in filter(None, held) if signed is not None]
        if not (known or self._last) or self._head < question.height or not self._allowance.spend(now, event.sender):
            return []
        effects: list[Effect] = []
        size = 0
        for signed, batch in known:
            size += len(batch)
            if size > ANSWER_BYTES_MAX and effects:
                break
            effects.append(Send(event.sender, Ordered(event.sender, question.nonce, signed), batch, event.epoch))
        if not effects and self._last is not None:
            effects.append(Send(event.sender, Ordered(event.sender, question.nonce, self._last), b"", event.epoch))
        return effects

    def _on_ordered(self, now: Now, event: Received, answer: Ordered) -> list[Effect]:
        """The order proves itself; of one far above us we learn that we lag."""
        if answer.receiver != self.me or answer.order.sender == self.me:
            return []
        try:
            epoch, message = self._context.verifier.open(answer.order, self.epochs)
        except Malformed as error:
            return self._rejected(str(error), event)
        if not isinstance(message, Order):
            return self._rejected("not an order", event)
        effects = self._on_order(Received(answer.order.sender, message, answer.order, epoch, event.attachment), message)
        if message.height > self._decided + 1 and self._decided + 1 not in self._orders:
            self._claimed[answer.order.sender] = max(message.height, self._claimed.get(answer.order.sender, 0))
        return effects

    # --- small --------------------------------------------------------------------------------------------------

    def _say(self, message: Message, attachment: bytes = b"") -> Broadcast:
        return Broadcast(message, attachment, self.epoch.number)

    def _fresh(self, now: Now) -> bytes:
        self._nonces += 1
        parts = (now.wall_us, now.monotonic_us, self._nonces)
        return tagged_hash(b"consortium solo nonce", self.me.encode(), encode(parts))[:16]

    def _unattributed(self, why: str, event: Received) -> list[Effect]:
        """The attachment is at fault, which nobody signed: whoever passed the statement on may have changed it."""
        return [Note("rejected", {"why": why[:120], "sender": "", "message": type(event.message).__name__})]

    def _rejected(self, why: str, event: Received) -> list[Effect]:
        kind = type(event.message).__name__
        return [Note("rejected", {"why": why[:120], "sender": event.sender, "message": kind})]
