"""The search: breadth first over the states of the whole, so that what it finds has a shortest trace."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.exploration.exhaustive.graph import Graph, Rule
from consortium.exploration.exhaustive.liar import Liar
from consortium.exploration.exhaustive.scope import Scope
from consortium.exploration.exhaustive.statements import Statements
from consortium.exploration.exhaustive.world import World

PLACE_BITS = 24
LOOK = 100  # states between two looks at the budget

CLAIMS = ("agreement", "votes once")

State = tuple[int, ...]  # the standing of each honest member, in the order of names


class Violation(NamedTuple):
    """`steps`: who does what after what, a line each."""

    claim: str
    sentence: str
    steps: tuple[str, ...]


class Seen(NamedTuple):
    """How far a search has come. `is_complete`: every state of the scope was visited."""

    states: int
    waiting: int
    standings: int
    steps: int
    statements: int
    depth: int
    is_complete: bool
    violation: Violation | None


class Search:
    """One search of one scope; `claims` are the promises that are watched."""

    def __init__(self, scope: Scope, claims: Sequence[str] = CLAIMS, graph: type[Graph] = Graph) -> None:
        self.scope = scope
        self._claims = claims
        self.world = World(scope)
        self.graph = graph(self.world)
        self._statements: Statements = self.graph.statements
        self._liar = Liar(self.world, self._statements, scope.liar)
        self._places: dict[int, int] = {}  # of each state, packed, in the order of visiting
        self._packed: list[int] = []
        self._parents = array("q")
        self._next = 0
        self._level_end = 0
        self._depth = 0
        self._violation: Violation | None = None

    @property
    def seen(self) -> Seen:
        waiting = len(self._packed) - self._next
        return Seen(
            len(self._packed), waiting, len(self.graph.standings), self.graph.steps, len(self._statements.all),
            self._depth, not waiting, self._violation,
        )  # fmt: skip

    def run(self) -> Iterator[Seen]:
        """Goes on until every state was visited or a promise was broken; tells now and then how far it is."""
        self._visit(tuple(self.graph.first(name) for name in self.scope.honest), -1)
        self._level_end = 1
        while self._next < len(self._packed) and self._violation is None:
            if self._next == self._level_end:
                self._depth += 1
                self._level_end = len(self._packed)
            self._expand(self._next)
            self._next += 1
            if self._next % LOOK == 0:
                yield self.seen
        yield self.seen

    # --- inside -----------------------------------------------------------------------------------------------------

    def _expand(self, place: int) -> None:
        state = self._unpack(self._packed[place])
        said = self._said(state)
        lives = sum(self.graph.standings[number].life - 1 for number in state)
        for which, number in enumerate(state):
            for rule in self._rules(number, said, lives):
                self._visit((*state[:which], rule.target, *state[which + 1 :]), place)
                if self._violation is not None:
                    return

    def _rules(self, number: int, said: int, lives: int) -> Iterator[Rule]:
        standings = self.graph.standings
        budget = self.scope.crashes + len(self.scope.losers)
        for rule in (*self.graph.rules(number, said), *self.graph.own_rules(number)):
            if standings[rule.target].life == standings[number].life or lives < budget:
                yield rule

    def _said(self, state: State) -> int:
        said = 0
        for number in state:
            said |= self.graph.standings[number].said
        return said | self._liar.says(said)

    def _visit(self, state: State, parent: int) -> None:
        packed = _pack(state)
        if packed in self._places or any(_pack(other) in self._places for other in self._mirrors(state)):
            return
        self._places[packed] = len(self._packed)
        self._packed.append(packed)
        self._parents.append(parent)
        broken = self._broken(state)
        if broken is not None:
            self._violation = Violation(*broken, tuple(self._trace(len(self._packed) - 1)))

    def _unpack(self, packed: int) -> State:
        mask = (1 << PLACE_BITS) - 1
        return tuple(packed >> PLACE_BITS * place & mask for place in range(len(self.scope.honest)))

    def _mirrors(self, state: State) -> Iterator[State]:
        """The same state under other names."""
        honest = self.scope.honest
        for place, renaming in enumerate(self.graph.renamings[1:]):
            images = {
                renaming.get(name, name): self.graph.standings[number].mirrors[place]
                for name, number in zip(honest, state, strict=True)
            }
            yield tuple(images[name] for name in honest)

    # --- promises ---------------------------------------------------------------------------------------------------

    def _broken(self, state: State) -> tuple[str, str] | None:
        """Agreement: no two batches are executed at one height, whoever executed them and in which life. Votes once:
        nobody honest contradicts a vote of its own, in whichever life, but for one whose log was lost unnoticed."""
        decided: dict[int, tuple[NodeId, bytes]] = {}
        for name, number in zip(self.scope.honest, state, strict=True):
            for height, digest in self.graph.standings[number].decided:
                other, known = decided.setdefault(height, (name, digest))
                if known != digest:
                    letters = self.world.letter(known), self.world.letter(digest)
                    who = f"{other} executed {letters[0]} and {name} executed {letters[1]}"
                    return "agreement", f"{who} at height {height}"
        for number in state if "votes once" in self._claims else ():
            if self.graph.standings[number].twice:
                return "votes once", self.graph.standings[number].twice
        return None

    def _trace(self, place: int) -> Iterator[str]:
        path = []
        while place >= 0:
            path.append(self._unpack(self._packed[place]))
            place = self._parents[place]
        path.reverse()
        for number, name in zip(path[0], self.scope.honest, strict=True):
            said = self._words(self.graph.standings[number].said)
            if said:
                yield f"{name} boots: says {said}"
        for before, after in pairwise(path):
            yield self._step_words(before, after)

    def _step_words(self, before: State, after: State) -> str:
        which = next(place for place, number in enumerate(before) if number != after[place])
        old, new = (self.graph.standings[state[which]] for state in (before, after))
        rules = self._rules(before[which], self._said(before), 0)
        rule = next(rule for rule in rules if rule.target == after[which])
        heard = ", ".join(self._statements.words(number) for number in rule.heard)
        parts = [f"hears {heard}" if heard else rule.act]
        said = self._words(new.said & ~old.said)
        if said:
            parts.append(f"says {said}")
        for height, digest in new.decided:
            if (height, digest) not in old.decided:
                parts.append(f"executes {self.world.letter(digest)} at height {height}")
        return f"{new.name} {'; '.join(parts)}"

    def _words(self, bits: int) -> str:
        return ", ".join(self._statements.words(each.number).rsplit(" of ", 1)[0] for each in self._statements.of(bits))


def _pack(state: State) -> int:
    packed = 0
    for place, number in enumerate(state):
        packed |= number << PLACE_BITS * place
    return packed
