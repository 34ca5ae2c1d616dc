"""What a liar may say: every statement of the scope that its key signs and that an honest member would accept.

Each may be told to anybody at any time, another to the next: two orders for one height, votes for both, VIEW-CHANGEs
that hide what was prepared or show any part of it that can be proven, NEW-VIEWs from any quorum of VIEW-CHANGEs, and
answers to RECALL that remember nothing. What no honest member accepts changes nothing, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from consortium.core.codec import Malformed
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Message, Signed, Vote
from consortium.exploration.exhaustive.statements import Statement, Statements
from consortium.exploration.exhaustive.world import PARAMETERS, World, no_seal
from consortium.protocols.pbft.certificates import Change, check_view_change, orders_of, plan
from consortium.protocols.pbft.messages import (
    Claim,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    ViewChange,
)

FORKS = 2  # batches of its own that a liar has for each height, where it leads the first view; one where it leads later


class Liar:
    """`name` None: nobody lies."""

    def __init__(self, world: World, statements: Statements, name: NodeId | None) -> None:
        self._world = world
        self._statements = statements
        self._name = name or ""
        self._known: dict[int, int] = {}
        self._own_batches: dict[int, list[bytes]] = {}
        scope = world.scope
        led = [view for view in range(scope.views) if scope.leader(view) == name]
        for height in range(1, scope.heights + 1):
            count = 0 if not led else FORKS if led[0] == 0 else 1
            self._own_batches[height] = [world.batch_of(place, height) for place in range(count)]

    def says(self, said: int) -> int:
        """All that it may say once this was said by others, as bits."""
        if not self._name:
            return 0
        found = self._known.get(said)
        if found is None:
            found = self._known[said] = self._made(said)
        return found

    # --- inside -----------------------------------------------------------------------------------------------------

    def _made(self, said: int) -> int:
        heard = list(self._statements.of(said))
        bits = 0
        for message in [*self._votes(heard), *self._answers(heard)]:
            bits |= self._say(message)
        for view in range(1, self._world.scope.views):
            for change in self._changes(view, [*heard, *self._statements.of(bits)]):
                bits |= self._say(change)
            if self._world.scope.leader(view) == self._name:
                for new_view in self._new_views(view, [*heard, *self._statements.of(bits)]):
                    bits |= self._say(new_view)
        return bits

    def _say(self, message: Message) -> int:
        to = message.receiver if isinstance(message, Recalled) else None
        number = self._statements.add(to, message, self._world.sign(self._name, message))
        return 0 if number is None or number < 0 else 1 << number

    def _digests(self, heard: Sequence[Statement], height: int) -> list[bytes]:
        """Those that it can name: its own, and what others proposed."""
        orders = [each.message for each in heard if isinstance(each.message, PrePrepare)]
        proposed = [order.digest for order in orders if order.height == height]
        return list(dict.fromkeys([*self._own_batches[height], *proposed]))

    def _votes(self, heard: Sequence[Statement]) -> Iterator[Message]:
        scope = self._world.scope
        for view, height in product(range(scope.views), range(1, scope.heights + 1)):
            kinds: tuple[type[Vote], ...] = (PrePrepare if scope.leader(view) == self._name else Prepare, Commit)
            for digest, kind in product(self._digests(heard, height), kinds):
                yield kind(view, height, digest)

    def _answers(self, heard: Sequence[Statement]) -> Iterator[Message]:
        for each in heard:
            if isinstance(each.message, Recall):
                yield Recalled(each.sender, each.message.nonce, (), None, 0)

    def _changes(self, view: int, heard: Sequence[Statement]) -> Iterator[ViewChange]:
        """With every choice of claims that can be proven, one or none a height."""
        heights = range(1, self._world.scope.heights + 1)
        choices = [[None, *self._claims(height, view, heard)] for height in heights]
        for chosen in product(*choices):
            yield ViewChange(view, 0, None, tuple(claim for claim in chosen if claim is not None))

    def _claims(self, height: int, below: int, heard: Sequence[Statement]) -> Iterator[Claim]:
        """Prepared certificates. (A commit certificate says no more to those who plan a view.)"""
        size = self._world.epoch.quorum - 1
        for each in heard:
            order = each.message
            if isinstance(order, PrePrepare) and order.height == height and order.view < below:
                vote = Prepare(order.view, height, order.digest)
                signed = {other.sender: other.event.signed for other in heard if other.message == vote}
                if len(signed) >= size:
                    first = [signed[name] for name in sorted(signed)[:size]]
                    yield Claim(each.event.signed, Certificate(first[0].body, tuple(one.pair for one in first)))

    def _new_views(self, view: int, heard: Sequence[Statement]) -> Iterator[NewView]:
        """From every quorum of VIEW-CHANGEs."""
        epoch = self._world.epoch
        by_sender: dict[NodeId, list[Change]] = {}
        for each in heard:
            if isinstance(each.message, ViewChange) and each.message.view == view:
                by_sender.setdefault(each.sender, []).extend(self._checked(each.event.signed, each.message))
        for names in combinations(sorted(by_sender), epoch.quorum):
            for changes in product(*(by_sender[name] for name in names)):
                yield NewView(view, tuple(change.signed for change in changes), orders_of(plan(changes)))

    def _checked(self, signed: Signed, message: ViewChange) -> list[Change]:
        world = self._world
        span = 2 * PARAMETERS.window
        try:
            return [check_view_change(signed, message, world.epoch, world.epochs, world.verifier, no_seal, span)]
        except Malformed:
            return []
