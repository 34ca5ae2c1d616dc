"""Whether what an exhaustive search takes for granted holds, tried on the real hosts that it met.

Two reductions rest on the code that is searched. *Meaning*: hosts that were taken for one do the same, whatever they
hear. *Order*: a statement that shows to nobody may be heard after the next act as well as before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from consortium.exploration.exhaustive.graph import Graph
from consortium.exploration.exhaustive.player import Player
from consortium.exploration.exhaustive.scope import Scope
from consortium.exploration.exhaustive.search import Search
from consortium.exploration.exhaustive.statements import places
from consortium.protocols.pbft.messages import Recall


class AuditedGraph(Graph):
    """Keeps a copy of each host that was taken for another one; `twins_max` for each standing."""

    twins_max = 4

    def number(self, player: Player) -> int:
        number = super().number(player)
        frozen = self.world.freeze(player)
        twins = self.twins.setdefault(number, {})
        if frozen != self.standings[number].frozen and len(twins) < self.twins_max:
            twins[frozen] = None
        return number

    @property
    def twins(self) -> dict[int, dict[bytes, None]]:
        found: dict[int, dict[bytes, None]] = self.__dict__.setdefault("_twins", {})
        return found


class Audit:
    """A search of a whole scope whose reductions are tried."""

    def __init__(self, scope: Scope) -> None:
        self.search = Search(scope, graph=AuditedGraph)
        graph = self.search.graph
        assert isinstance(graph, AuditedGraph)
        self.graph = graph
        self.tried = 0

    def differing_twins(self) -> Iterator[str]:
        """Hosts that were taken for one and differ in what a statement makes of them."""
        for number, twins in list(self.graph.twins.items()):
            for frozen in list(twins):
                for each in places(self.graph.standings[number].known):
                    self.tried += 1
                    player: Player = self.graph.world.thaw(frozen)
                    player.hear(self.graph.statements.all[each].event, self.graph.statements.add)
                    after = -1 if player.is_beyond else self.graph.number(player)
                    if after != self.graph.step(number, each)[0]:
                        yield f"{player.name} hears {self.graph.statements.words(each)}"

    def late_hearing_matters(self) -> Iterator[str]:
        """Pairs of a silent statement and an act of another topic after it that do not commute, and pairs of silent
        ones of two topics that together are an act."""
        for number in range(len(self.graph.standings)):
            standing = self.graph.standings[number]
            acts = [rule.heard[0] for rule in standing.rules if len(rule.heard) == 1 and not rule.act]
            for silent, act in product(list(standing.silent), [*acts, *standing.silent]):
                if not self._are_tried_together(silent, act):
                    self.tried += 1
                    if not self._commute(number, silent, act, is_act=act in acts):
                        words = self.graph.statements.words
                        yield f"{standing.name}: {words(silent)} before {words(act)}"

    def _are_tried_together(self, one: int, other: int) -> bool:
        every = self.graph.statements.all
        is_recall = isinstance(every[other].message, Recall) and every[one].sender == every[other].sender
        return every[one].topic == every[other].topic or is_recall

    def _commute(self, number: int, silent: int, act: int, *, is_act: bool) -> bool:
        """Also where the silent one makes the act impossible: it need not be heard."""
        first = self.graph.step(number, silent)[0]
        before, is_seen = self.graph.step(first, act)
        if not is_act:
            return not is_seen
        after = self.graph.step(self.graph.step(number, act)[0], silent)[0]
        return before in (after, first)
