"""What each honest member can do, computed once by the real host and remembered: standings and the rules between them.

A member's *standing* is all that it holds, told apart by what it means. It changes by itself alone, so what one
statement does to one standing is found out once, however many states of the whole have that standing in them.

Partial order. A statement that changes nothing but what its hearer has counted shows to nobody; it is heard right
before the act that needs it. So a *rule* leads from one standing to the next: the statements that must have been said,
and where the member stands once it has heard them. What is heard in vain is heard later, or never. Statements are
tried together where they are counted together: those of one kind and view, and a RECALL with what its sender said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.core.messages import Vote
from consortium.exploration.exhaustive.meaning import Meaning
from consortium.exploration.exhaustive.player import Player
from consortium.exploration.exhaustive.statements import Statements, places
from consortium.exploration.exhaustive.world import World
from consortium.protocols.pbft.messages import Prepare, PrePrepare, Recall, ViewChange
from consortium.protocols.pbft.records import decode_record

LEAVES = "hears that a quorum suspects the leader with it"


class Rule(NamedTuple):
    """`needs`: the statements, as bits, in the order `heard`. `act`: of the member's own, "" for none."""

    needs: int
    target: int
    heard: tuple[int, ...] = ()
    act: str = ""


class Standing:
    """`frozen` is empty for one that was met only as the mirror image of another."""

    __slots__ = (
        "decided",
        "frozen",
        "is_observing",
        "known",
        "life",
        "mirrors",
        "name",
        "own",
        "rules",
        "said",
        "silent",
        "twice",
    )

    def __init__(self, name: NodeId) -> None:
        self.name = name
        self.frozen = b""
        self.said = 0
        self.decided: tuple[tuple[int, bytes], ...] = ()
        self.life = 0
        self.twice = ""  # two votes for one thing
        self.mirrors: tuple[int, ...] = ()
        self.is_observing = False
        self.known = 0  # statements that were tried here
        self.silent: list[int] = []  # those of them that changed only what was counted
        self.rules: list[Rule] = []
        self.own: list[Rule] | None = None  # acts of its own: it leaves its view, or crashes


class Graph:
    """Standings of all members, numbered."""

    def __init__(self, world: World) -> None:
        scope = world.scope
        self.world = world
        renamings = [{}, *scope.renamings()]
        self._meanings = tuple(Meaning(world, scope.askers, renaming) for renaming in renamings)
        self.renamings = renamings
        self.statements = Statements(world, self._meanings)
        self.standings: list[Standing] = []
        self._numbers: dict[tuple[NodeId, bytes], int] = {}
        self._steps: dict[tuple[int, int], tuple[int, bool]] = {}
        self.steps = 0  # of real hosts

    def first(self, name: NodeId) -> int:
        """Booted on a new disk, before anything was said."""
        player = Player(self.world, name)
        player.boot(self.statements.add)
        return self.number(player)

    # --- rules ------------------------------------------------------------------------------------------------------

    def rules(self, number: int, said: int) -> list[Rule]:
        """All that this member may do next, where `said` was said; each rule shows from outside or on its disk."""
        standing = self.standings[number]
        new = said & self.statements.audience[standing.name] & ~standing.known
        if standing.is_observing:
            new &= ~self.statements.answers
        if new:
            self._learn(number, standing, new)
        return [rule for rule in standing.rules if rule.needs & said == rule.needs]

    def own_rules(self, number: int) -> list[Rule]:
        """Leaving a view, and (`target` of a later life) deaths and boots."""
        standing = self.standings[number]
        if standing.own is None:
            standing.own = list(self._own_rules(number, standing))
        return standing.own

    def _own_rules(self, number: int, standing: Standing) -> Iterator[Rule]:
        if self._thaw(number).may_leave:
            rule = Rule(0, 0, (), LEAVES)

            def leave(player: Player, cut: int | None) -> int:
                return player.leave(self.statements.add, cut)

            after = self._act(number, lambda player: leave(player, None))
            if after is not None and after[0] != number:
                yield rule._replace(target=after[0])
                yield from self._deaths(number, leave, rule)
        for crash, words in self._crashes(standing):
            after = self._act(number, crash)
            if after is not None:
                yield Rule(0, after[0], (), words)

    def _crashes(self, standing: Standing) -> Iterator[tuple[Callable[[Player], None], str]]:
        """The ways in which this member may die now."""
        scope = self.world.scope
        if scope.crashes:
            yield lambda player: player.reboot(self.statements.add), "dies and boots"
        if standing.name in scope.losers and standing.life == 1:
            yield lambda player: player.lose(self.statements.add), "loses its disk and boots"

    def _deaths(self, number: int, act: Callable[[Player, int | None], int], rule: Rule) -> Iterator[Rule]:
        """Deaths in the middle of an act, between any two of its outputs."""
        crashes = list(self._crashes(self.standings[number]))
        count = act(self._thaw(number), None) if crashes else 0
        for cut in range(1, count):
            for crash, words in crashes:

                def die(player: Player, cut: int = cut, crash: Callable[[Player], None] = crash) -> None:
                    act(player, cut)
                    crash(player)

                after = self._act(number, die)
                if after is not None:
                    yield rule._replace(target=after[0], act=f"{rule.act} after {cut} outputs of that {words}".strip())

    def _learn(self, number: int, standing: Standing, new: int) -> None:
        standing.known |= new
        topics: set[tuple[object, int]] = set()
        for each in places(new):
            after, is_seen = self.step(number, each)
            if after in (number, -1):
                continue
            statement = self.statements.all[each]
            if is_seen:
                self._add(standing, number, Rule(1 << each, after, (each,)))
                if isinstance(statement.message, Recall):
                    topics.add((statement.sender, each))
            else:
                standing.silent.append(each)
                topics.add((statement.topic, -1))
                topics.update(
                    (statement.sender, rule.heard[0])
                    for rule in standing.rules
                    if len(rule.heard) == 1 and self._is_recall_of(rule.heard[0], statement.sender)
                )
        for topic, recall in sorted(topics, key=repr):
            self._learn_together(number, standing, topic, recall)

    def _is_recall_of(self, number: int, sender: NodeId) -> bool:
        statement = self.statements.all[number]
        return isinstance(statement.message, Recall) and statement.sender == sender

    def _learn_together(self, number: int, standing: Standing, topic: object, recall: int) -> None:
        """Rules of two statements or more: all that are silent here and counted together."""
        every = self.statements.all
        if recall < 0:
            tried = [each for each in standing.silent if every[each].topic == topic]
        else:
            tried = [each for each in standing.silent if every[each].sender == topic] + [recall]
        known = {(rule.needs, rule.target) for rule in standing.rules}
        met = {(number, 0)}
        stack: list[tuple[int, tuple[int, ...]]] = [(number, ())]
        while stack:
            here, heard = stack.pop()
            for each in tried:
                after, is_seen = (here, False) if each in heard else self.step(here, each)
                if after in (here, -1):
                    continue
                path = (*heard, each)
                needs = sum(1 << one for one in path)
                if not is_seen and (after, needs) not in met:
                    met.add((after, needs))
                    stack.append((after, path))
                elif is_seen and heard and (needs, after) not in known:
                    known.add((needs, after))
                    self._add(standing, here, Rule(needs, after, path))

    def _add(self, standing: Standing, before_last: int, rule: Rule) -> None:
        """A rule, and those of a death in the middle of its last act."""
        event = self.statements.all[rule.heard[-1]].event
        standing.rules.append(rule)
        standing.rules.extend(
            self._deaths(before_last, lambda player, cut: player.hear(event, self.statements.add, cut), rule)
        )

    # --- steps of real hosts ----------------------------------------------------------------------------------------

    def step(self, number: int, statement: int) -> tuple[int, bool]:
        """Where one statement leads, and whether that shows; -1 where it leads out of the scope."""
        found = self._steps.get((number, statement))
        if found is None:
            event = self.statements.all[statement].event
            act = self._act(number, lambda player: player.hear(event, self.statements.add))
            found = self._steps[number, statement] = (-1, False) if act is None else act
        return found

    def _act(self, number: int, act: Callable[[Player], object]) -> tuple[int, bool] | None:
        """None: out of the scope."""
        player = self._thaw(number)
        act(player)
        self.steps += 1
        return None if player.is_beyond else (self.number(player), player.is_seen)

    def _thaw(self, number: int) -> Player:
        player: Player = self.world.thaw(self.standings[number].frozen)
        return player

    def number(self, player: Player) -> int:
        """Of the standing; a new one is kept."""
        number = self._reserve(player.name, self._digest(0, player))
        standing = self.standings[number]
        if not standing.frozen:
            standing.frozen = self.world.freeze(player)
            standing.said, standing.decided, standing.life = player.said, player.decided, player.life
            standing.is_observing = player.is_observing
            if player.name != self.world.scope.unnoticed:
                standing.twice = self._twice(player)
            standing.mirrors = tuple(
                self._reserve(renaming.get(player.name, player.name), self._digest(place, player))
                for place, renaming in enumerate(self.renamings[1:], 1)
            )
        return number

    def _twice(self, player: Player) -> str:
        """What this member said and contradicted, in whichever life; "" for nothing."""
        said: dict[tuple[object, ...], int] = {}
        for each in self.statements.of(player.said):
            message = each.message
            if isinstance(message, Vote | ViewChange):
                phase = "order" if isinstance(message, PrePrepare | Prepare) else type(message).__name__
                other = said.setdefault((phase, message.view, getattr(message, "height", 0)), each.number)
                if other != each.number:
                    return f"{self.statements.words(other)} and {self.statements.words(each.number)}"
        return ""

    def _reserve(self, name: NodeId, digest: bytes) -> int:
        number = self._numbers.get((name, digest))
        if number is None:
            number = self._numbers[name, digest] = len(self.standings)
            self.standings.append(Standing(name))
        return number

    def _digest(self, place: int, player: Player) -> bytes:
        meaning = self._meanings[place]
        is_asker = player.name in self.world.scope.askers
        records = [decode_record(record) for record, _ in player.records] if is_asker else []
        said = sorted(statement.digests[place] for statement in self.statements.of(player.said))
        return meaning.digest(
            player.life, player.has_lost, player.durable, player.decided, said, records, player.may_leave, player.bench
        )
