"""The search: breadth first over the states of the whole, so that what it finds has a shortest trace."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from consortium.exploration.exhaustive.graph import Graph, Rule
from consortium.exploration.exhaustive.liar import Liar
from consortium.exploration.exhaustive.scope import Scope
from consortium.exploration.exhaustive.statements import Statements
from consortium.exploration.exhaustive.world import World

PLACE_BITS = 24
PLACE_MASK = (1 << PLACE_BITS) - 1
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
        self._deaths_max = scope.crashes + len(scope.losers)
        honest = scope.honest
        self._shifts = tuple(PLACE_BITS * place for place in range(len(honest)))
        self._mirror_shifts = [
            tuple(PLACE_BITS * honest.index(renaming.get(name, name)) for name in honest)
            for renaming in self.graph.renamings[1:]
        ]
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
        self._visit(_pack(tuple(self.graph.first(name) for name in self.scope.honest)), -1, 0)
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
        packed = self._packed[place]
        state = self._unpack(packed)
        said = self._said(state)
        lives = sum(self.graph.standings[number].life - 1 for number in state)
        for which, number in enumerate(state):
            for rule in self._rules(number, said, lives):
                after = packed + (rule.target - number << PLACE_BITS * which)
                if after not in self._places and self._visit(after, place, which):
                    return

    def _rules(self, number: int, said: int, lives: int) -> list[Rule]:
        standings = self.graph.standings
        rules = [*self.graph.rules(number, said), *self.graph.own_rules(number)]
        if lives < self._deaths_max:
            return rules
        return [rule for rule in rules if standings[rule.target].life == standings[number].life]

    def _said(self, state: State) -> int:
        said = 0
        for number in state:
            said |= self.graph.standings[number].said
        return said | self._liar.says(said)

    def _visit(self, packed: int, parent: int, changed: int) -> bool:
        """Takes in a new state, in which the member in the place `changed` moved. Whether it breaks a promise."""
        state = self._unpack(packed)
        if any(mirror in self._places for mirror in self._mirrors(state)):
            return False
        self._places[packed] = len(self._packed)
        self._packed.append(packed)
        self._parents.append(parent)
        broken = self._broken(state, changed)
        if broken is not None:
            self._violation = Violation(*broken, tuple(self._trace(len(self._packed) - 1)))
        return broken is not None

    def _unpack(self, packed: int) -> State:
        return tuple([packed >> shift & PLACE_MASK for shift in self._shifts])

    def _mirrors(self, state: State) -> Iterator[int]:
        """The same state under other names, packed."""
        standings = self.graph.standings
        for which, shifts in enumerate(self._mirror_shifts):
            mirror = 0
            for number, shift in zip(state, shifts, strict=True):
                mirror |= standings[number].mirrors[which] << shift
            yield mirror

    # --- promises ---------------------------------------------------------------------------------------------------

    def _broken(self, state: State, changed: int) -> tuple[str, str] | None:
        """Agreement: no two batches are executed at one height, whoever executed them and in which life. Votes once:
        nobody honest contradicts a vote of its own, in whichever life, but for one whose log was lost unnoticed."""
        standings = self.graph.standings
        moved = standings[state[changed]]
        for height, digest in moved.decided:
            for number in state:
                for other_height, other in standings[number].decided:
                    if other_height == height and other != digest:
                        letters = self.world.letter(other), self.world.letter(digest)
                        who = f"{standings[number].name} executed {letters[0]} and {moved.name} executed {letters[1]}"
                        return "agreement", f"{who} at height {height}"
        if moved.twice and "votes once" in self._claims:
            return "votes once", f"{moved.name} said {moved.twice}"
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
