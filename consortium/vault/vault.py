"""The vault of one node: a machine beside pool and ledger that keeps private records, gives and gets them, and erases.

It keeps no list of who may have what: it asks the ledger (`core.vault.Catalogue`). It hears `Guard` and `Read` from its
role and answers `Opened`; it speaks `AskRecord` and `GiveRecord` with the vaults of others; `Keep` and `Drop` stand
before whatever rests on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import islice

from consortium.core.calendar import compute_day
from consortium.core.codec import Malformed, encode
from consortium.core.contract import StateReader
from consortium.core.machine import (
    Drop,
    Effect,
    Event,
    Expired,
    Guard,
    Jumped,
    Keep,
    Note,
    Now,
    Opened,
    Queried,
    Read,
    Receipted,
    Received,
    Send,
    SetTimer,
    Started,
    Submit,
)
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Message
from consortium.core.vault import BOX, LACKING, Box, Boxes, Catalogue, Entry
from consortium.vault.audit import Audit
from consortium.vault.giving import EarlyQuestions, Giver
from consortium.vault.locksmith import Locksmith
from consortium.vault.messages import AskRecord, GiveRecord
from consortium.vault.wants import Want, Wants

LOOKED_AT_ONCE = 256  # records of ours that a look through the ledger takes at a time
LOOK_US = 50_000  # between two such looks
NOT_ENTITLED = "not-entitled"
ASK, LOOK = ("vault", "ask"), ("vault", "look")


class VaultSite:
    """Where a vault lives. `epoch()`: that of the next height. `height()`: the head's."""

    def __init__(
        self,
        me: NodeId,
        state: StateReader,
        epoch: Callable[[], Epoch],
        height: Callable[[], int],
        utc_offset_minutes: int,
    ) -> None:
        self.me = me
        self.state = state
        self.epoch = epoch
        self.height = height
        self.utc_offset_minutes = utc_offset_minutes

    def key(self, member: NodeId) -> bytes | None:
        """The member's registered key to seal to."""
        return self.epoch().key(member, "encrypt")


class Vault:
    messages: tuple[type[Message], ...] = (AskRecord, GiveRecord)

    def __init__(self, site: VaultSite, catalogue: Catalogue, boxes: Boxes, locksmith: Locksmith) -> None:
        self._site = site
        self._catalogue = catalogue
        self._boxes = boxes
        self._locksmith = locksmith
        self._audit = Audit(boxes)
        self._giver = Giver(site.me, catalogue, site.state)
        self._early = EarlyQuestions()
        self._wants = Wants()
        self._look: Iterator[str] | None = None  # the rest of the records that the ledger says are ours to hold
        self._asked = 0
        self._timer_us: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether it waits for no record that somebody else could give."""
        return self._look is None and not len(self._wants)

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Received(message=AskRecord() as question):
                effects = self._on_ask(now, event, question)
            case Received(message=GiveRecord() as answer):
                effects = self._on_give(now, event, answer)
            case Guard():
                return self._on_guard(event)
            case Read():
                effects = self._on_read(now, event)
            case Queried(reader, handle, purpose):
                return [self._write_audit(now, reader, handle, purpose)]
            case Receipted():
                effects = self._on_receipted(now, event)
            case Started() | Jumped():
                effects = self._begin_look(now)
            case Expired(timer) if timer == LOOK:
                effects = self._go_on_looking(now)
            case Expired():
                self._timer_us, effects = None, []
            case _:
                return []
        return [*effects, *self._pump(now), *self._finish_look()]

    def commitment(self, handle: str, record: bytes) -> bytes | None:
        """What we commit to with this record under this handle. None where it cannot be kept: another one is, or it was
        erased, or nobody could open its box."""
        if self._is_erased(handle) or self._site.key(self._site.me) is None:
            return None
        commitment = self._locksmith.salts.commit(handle, record)
        stored = self._boxes.get(handle)
        try:
            is_ours = stored is None or BOX.decode(stored).commitment == commitment
        except Malformed:
            return None
        return commitment if is_ours else None

    # --- our role ---------------------------------------------------------------------------------------------------

    def _on_guard(self, guard: Guard) -> list[Effect]:
        if self._boxes.get(guard.handle) is not None or self._is_erased(guard.handle):
            return []
        key = self._site.key(self._site.me)
        if key is None:
            return [_refused("no encrypt key of ours is registered", self._site.me)]
        return [self._keep(self._locksmith.lock(guard.handle, guard.record, key))]

    def _on_read(self, now: Now, read: Read) -> list[Effect]:
        entry = self._catalogue.find(self._site.state, read.handle)
        if entry is None:
            return [Opened(read.handle, None, why="unknown")]
        if self._is_erased(read.handle):
            return [Opened(read.handle, None, why="erased")]
        if not entry.may_have(self._site.me):
            return [Opened(read.handle, None, why=NOT_ENTITLED)]
        if self._boxes.get(read.handle) is not None:
            return self._open(now, read.handle, entry, (read.purpose,))
        self._wants.add(read.handle, now.monotonic_us).purposes.append(read.purpose)
        return []

    def _open(self, now: Now, handle: str, entry: Entry, purposes: Sequence[str]) -> list[Effect]:
        """Out of its box, for our role. A box that a disk has bent is dropped, and its record asked for."""
        try:
            box = BOX.decode(self._boxes.get(handle) or b"")
            contents = self._locksmith.open(box)
            if box.commitment != entry.commitment:
                raise Malformed("the box is of another record")
        except Malformed as error:
            return [*self._lose(now, handle, str(error), purposes)]
        effects: list[Effect] = []
        for purpose in purposes:
            effects.append(self._write_audit(now, self._site.me, handle, purpose))
            effects.append(Opened(handle, contents.record, contents.salt))
        return effects

    def _lose(self, now: Now, handle: str, why: str, purposes: Sequence[str] = ()) -> list[Effect]:
        self._wants.add(handle, now.monotonic_us).purposes.extend(purposes)
        note = Note("damaged", {"what": f"private record {handle}: {why}; it is asked of the others"})
        return [self._drop(handle), note]

    # --- giving -----------------------------------------------------------------------------------------------------

    def _on_ask(self, now: Now, event: Received, question: AskRecord) -> list[Effect]:
        asker = event.sender
        if question.height > self._site.height() and question.receiver == self._site.me:
            self._early.add(event, question)
            return []
        if not self._giver.has_share(now.monotonic_us, asker):
            why = "it has had its share"
            return [Note("withheld", {"to": asker, "why": why})] if self._giver.is_first_beyond(asker) else []
        today = self._today(now)
        if not self._giver.has_share_of_day(self._audit.count(today, asker)):
            withheld = Note("withheld", {"to": asker, "why": "it has had its share of the day"})
            return [withheld] if self._giver.is_first_beyond_day(asker, today) else []
        entry = self._giver.entry_for(asker, question)
        if isinstance(entry, str):
            self._giver.count(asker, 0)
            return [Note("withheld", {"to": asker, "handle": question.handle, "why": entry})]
        key, stored = self._site.key(asker), self._boxes.get(question.handle)
        if key is None:
            return []
        place = (asker, question.nonce, question.request)
        lost: list[Effect] = []
        given = b""
        try:
            if stored is not None:
                box = BOX.decode(stored)
                if box.commitment != entry.commitment:
                    raise Malformed("the box is of another record")
                given = encode(self._locksmith.seal_to(box, key, question.nonce))
        except Malformed as error:
            lost = self._lose(now, question.handle, str(error))
        self._giver.count(asker, len(given))
        answer = Send(asker, GiveRecord(*place, sha256(given).digest()), given, event.epoch)
        if not given:
            return [*lost, answer]
        written = self._write_audit(now, asker, question.handle, question.request)
        return [written, answer, Note("record_given", {"to": asker, "handle": question.handle})]

    # --- getting ----------------------------------------------------------------------------------------------------

    def _on_give(self, now: Now, event: Received, answer: GiveRecord) -> list[Effect]:
        want = self._wants.of_answer(answer.nonce, event.sender)
        if want is None or answer.receiver != self._site.me:
            return [_refused("an answer to no question of ours", event.sender)]
        entry = self._catalogue.find(self._site.state, want.handle)
        if entry is None or self._is_erased(want.handle):
            return self._give_up(want, "erased")
        if not event.attachment:
            want.lacking.add(event.sender)
            self._wants.failed(now.monotonic_us, want)
            return []
        try:
            box = self._checked(want.handle, entry, event, answer)
        except Malformed as error:
            want.differing.add(event.sender)
            self._wants.failed(now.monotonic_us, want)
            return [_refused(f"private record {want.handle}: {error}", event.sender)]
        self._wants.pop(want.handle)
        got = Note("record_kept", {"handle": want.handle, "from": event.sender})
        return [self._keep(box), got, *self._open(now, want.handle, entry, want.purposes)]

    def _checked(self, handle: str, entry: Entry, event: Received, answer: GiveRecord) -> Box:
        """What was given, if it is the record that the ledger commits to. Raises Malformed."""
        if sha256(event.attachment).digest() != answer.digest:
            raise Malformed("the attachment is not the one that was signed")
        box = BOX.decode_canonical(event.attachment)
        if box.handle != handle or box.commitment != entry.commitment:
            raise Malformed("another record than the one asked for")
        self._locksmith.open(box)
        return box

    def _pump(self, now: Now) -> list[Effect]:
        """Questions that are due, and a timer for those that are not."""
        effects: list[Effect] = []
        while (want := self._wants.take_due(now.monotonic_us)) is not None:
            effects += self._ask(now, want)
        due_us = self._wants.next_due_us()
        if due_us is not None and (self._timer_us is None or due_us < self._timer_us):
            self._timer_us = max(due_us, now.monotonic_us + 1)
            effects.append(SetTimer(ASK, self._timer_us - now.monotonic_us))
        return effects

    def _ask(self, now: Now, want: Want) -> list[Effect]:
        entry = self._catalogue.find(self._site.state, want.handle)
        if entry is None or self._is_erased(want.handle):
            return self._give_up(want, "erased")
        members, me = self._site.epoch().by_name, self._site.me
        holders = [name for name in entry.holders if name != me and name in members]
        if me in entry.holders:  # whom it was given to may have it still
            holders += [name for name in entry.readers if name != me and name in members and name not in holders]
        holder = want.next_holder(sorted(holders))
        if holder is None:
            return self._give_up(want, "differs" if want.differing else "lacking" if want.rounds else "lost")
        self._asked += 1
        nonce = self._locksmith.nonce(f"{want.handle} {now.monotonic_us} {now.wall_us} {self._asked}")
        self._wants.asked(now.monotonic_us, want, holder, nonce)
        request = want.purposes[0] if want.purposes else "holder"
        return [Send(holder, AskRecord(holder, nonce, want.handle, request, self._site.height()))]

    def _give_up(self, want: Want, why: str) -> list[Effect]:
        self._wants.pop(want.handle)
        effects: list[Effect] = [Opened(want.handle, None, why=why) for _ in want.purposes]
        if why not in ("erased", NOT_ENTITLED):
            effects.append(Note("record_missing", {"handle": want.handle, "why": why}))
        return effects

    # --- what the ledger says ---------------------------------------------------------------------------------------

    def _on_receipted(self, now: Now, event: Receipted) -> list[Effect]:
        effects: list[Effect] = []
        for outcome in event.outcomes:
            for told in outcome.receipt.events:
                handle, person = told.fields.get("handle"), told.fields.get("leave_of")
                if isinstance(handle, str):
                    effects += self._consider(now, handle)
                if isinstance(person, str):
                    effects += self._let_go(person)
        for early, question in self._early.take(event.height):
            effects += self._on_ask(now, early, question)
        return [*effects, *self._anchors(compute_day(event.time_us, self._site.utc_offset_minutes))]

    def _consider(self, now: Now, handle: str) -> list[Effect]:
        """Something was decided about this record: erase it, or get it."""
        if self._is_erased(handle):
            return self._erase(handle)
        entry = self._catalogue.find(self._site.state, handle)
        if entry is not None and self._site.me in entry.holders and self._boxes.get(handle) is None:
            self._wants.add(handle, now.monotonic_us)
        return []

    def _let_go(self, person: str = "") -> list[Effect]:
        """A person's leave has ended, or anybody's while we were away: what we had by it goes."""
        effects: list[Effect] = []
        for handle in self._catalogue.ended(self._site.state, self._site.me, person):
            entry, want = self._catalogue.find(self._site.state, handle), self._wants.get(handle)
            if entry is not None and entry.may_have(self._site.me):
                continue
            if want is not None:
                effects += self._give_up(want, NOT_ENTITLED)
            if self._boxes.get(handle) is not None:
                effects += [self._drop(handle), Note("record_let_go", {"handle": handle})]
        return effects

    def _erase(self, handle: str) -> list[Effect]:
        """Out of the store first, then said: a member confirms what is durable. One that had nothing confirms that."""
        effects: list[Effect] = []
        if self._boxes.get(handle) is not None:
            effects = [self._drop(handle), Note("record_erased", {"handle": handle})]
        want = self._wants.get(handle)
        if want is not None:
            effects += self._give_up(want, "erased")
        if self._catalogue.awaits(self._site.state, self._site.me, handle):
            effects.append(Submit(f"erased:{handle}", (self._catalogue.confirm(handle),)))
        return effects

    def _begin_look(self, now: Now) -> list[Effect]:
        """After a boot, or where blocks were skipped: what was erased goes before anything is served; what is ours to
        hold and is not there is asked for, bit by bit."""
        state, effects = self._site.state, list[Effect]()
        for handle in self._catalogue.erased(state):
            effects += self._erase(handle)
        effects += self._let_go()
        is_all = self._boxes.get(LACKING) is not None
        self._look = iter(self._catalogue.held_by(state, self._site.me, is_all))
        return [*effects, *self._go_on_looking(now)]

    def _go_on_looking(self, now: Now) -> list[Effect]:
        if self._look is None:
            return []
        some = list(islice(self._look, LOOKED_AT_ONCE))
        for handle in some:
            if self._boxes.get(handle) is None and not self._is_erased(handle):
                self._wants.add(handle, now.monotonic_us)
        if len(some) < LOOKED_AT_ONCE:
            self._look = None
            return self._finish_look()
        return [SetTimer(LOOK, LOOK_US)]

    def _finish_look(self) -> list[Effect]:
        """A store that was begun anew is whole again when all has come that can be had."""
        if self._look is not None or len(self._wants) or self._boxes.get(LACKING) is None:
            return []
        return [self._drop(LACKING)]

    def _is_erased(self, handle: str) -> bool:
        return self._catalogue.is_erased(self._site.state, handle)

    # --- the store --------------------------------------------------------------------------------------------------

    def _keep(self, box: Box) -> Keep:
        row = Keep(box.handle, encode(box))
        self._boxes.stage(*row)
        return row

    def _drop(self, handle: str) -> Drop:
        self._boxes.stage(handle, None)
        return Drop(handle)

    def _write_audit(self, now: Now, reader: NodeId, handle: str, purpose: str) -> Keep:
        return self._audit.write(self._today(now), reader, handle, purpose)

    def _today(self, now: Now) -> int:
        return compute_day(now.wall_us, self._site.utc_offset_minutes)

    def _anchors(self, today: int) -> list[Effect]:
        """Each day of reads that is over is anchored on the ledger, once."""
        if not self._audit.has_ended(today):
            return []
        anchored = self._catalogue.anchored(self._site.state, self._site.me)
        return [
            Submit(f"reads:{reads.day}", (self._catalogue.anchor(reads.day, reads.first, reads.number, reads.root),))
            for reads in self._audit.ended(today, anchored)
        ]


def _refused(why: str, sender: NodeId) -> Note:
    return Note("rejected", {"why": why[:120], "sender": sender[:64]})
