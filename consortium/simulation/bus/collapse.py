"""Collapsed votes: where a phase only counts, one event a node, when its quorum is complete.

All PREPAREs (COMMITs, CHECKPOINTs) with the same bytes make a group. It knows when each vote reaches each member. It
asks each member how many more votes may be counted before one must be stepped (`shortcuts/counter.py`), and steps that
one alone, at its own time and place in the order. The votes in between go into the member's tally as a number. Where
names matter (a batch to be fetched, a timer that may say votes again) the group tells the tally who voted. When
anything happens outside the normal case the group dissolves: tallies learn the names of what has arrived, and the rest
travels on as single deliveries. So every step happens when it would have, and hears what it would have heard.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from consortium.core.machine import Received
from consortium.simulation.bus.arrays import NOT_YET, ROW_BITS, Arrivals, Integers, filled, integers, sooner
from consortium.simulation.bus.deliveries import BroadcastInFlight, Deliveries
from consortium.simulation.clock import Clock
from consortium.simulation.shortcuts.counter import TallyCounter
from consortium.simulation.shortcuts.tally import NEVER, Box, Tally
from consortium.simulation.simulated_node import Delivery, SimulatedNode

GROUPS_MAX = 16
SHARE_OF_MEAN = 4  # of a mean delay: how far ahead dues are looked for
NAMES_MAX = 128  # members; among more, certificates hold the votes that were sent first, one value for all
QUIET = ("PrePrepare", "Submission", "Busy", "Status")  # besides votes; anything else ends the normal case


class Awaited(NamedTuple):
    """At this member the vote that must be stepped arrives now; if `key` is still the due that is known."""

    group: Group
    place: int
    key: int

    def act(self) -> None:
        self.group.collapse.due(self)

    def __lt__(self, other: object) -> bool:
        return False  # one that is dissolved lies in the heap beside the delivery that takes its place


class Tick(NamedTuple):
    """Time to look a stretch further ahead."""

    group: Group

    def act(self) -> None:
        self.group.collapse.tick(self)


class Group:
    """Votes with the same bytes. By receiver, `needs`: the number of the arrival that must be stepped, counted from 1;
    `dues`: the key of that arrival, once it is known; `seen`: how many arrivals its tally holds."""

    def __init__(
        self,
        collapse: Collapse,
        event: Received,
        counters: Sequence[TallyCounter | None],
        places: Mapping[str, int],
    ) -> None:
        receivers = len(counters)
        self.collapse = collapse
        self.event = event
        self.places = places  # of the validators, as tallies have them
        self.counters = counters  # by receiver, who counts there; when one dies or begins to live, groups dissolve
        self.senders: dict[str, None] = {}
        self.broadcasts: list[BroadcastInFlight] = []
        self.bases: list[int] = []
        self.box = Box()
        self.arrivals = Arrivals(receivers)
        self.needs = filled(receivers, 1)
        self.dues = filled(receivers, NOT_YET)
        self.seen = [0] * receivers
        self.stepped = [-1] * receivers  # the key of the newest that was stepped
        self.tallies: list[Tally | None] = [None] * receivers  # where this member counts them, or did
        self.last_us = 0  # when everything that was sent has arrived
        self.until_us = 0  # dues up to it are known
        self.is_live = True


class Collapse:
    """`is_allowed()`: whether nothing but the normal case is to be expected now."""

    def __init__(
        self,
        clock: Clock,
        nodes: Sequence[SimulatedNode],
        deliveries: Deliveries,
        hear: Callable[[Delivery], None],
        is_allowed: Callable[[], bool],
        mean_us: int,
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._deliveries = deliveries
        self._hear = hear
        self._is_allowed = is_allowed
        self._ahead_us = max(1, mean_us // SHARE_OF_MEAN)
        self._groups: dict[bytes, Group] = {}
        self._spent: dict[bytes, None] = {}  # bytes of votes that are not (any more) a group
        self._is_naming = len(nodes) <= NAMES_MAX
        self._place_of = {node.name: place for place, node in enumerate(nodes)}
        self._stepping: Awaited | None = None
        self.count = 0  # groups that were ever made

    # --- sending ------------------------------------------------------------------------------------------------

    def takes(self, broadcast: BroadcastInFlight, times_us: Integers, places: Integers) -> bool:
        """Whether this broadcast, a vote, is delivered from here."""
        event = broadcast.event
        if event is None:
            self.dissolve()
            return False
        body = event.signed.body
        if not self._is_vote(event):
            self.noticed(event)
            return False
        is_whole = broadcast.is_single and len(places) == len(self._nodes) - 1
        group = self._groups.get(body)
        if group is None and is_whole and body not in self._spent and self._is_allowed():
            group = self._open(event)
        elif group is not None and (not is_whole or event.sender in group.senders):
            self.dissolve()
            group = None
        if group is None:
            self._spent[body] = None
            return False
        self._add(group, broadcast, times_us, places)
        return True

    def _is_vote(self, event: Received) -> bool:
        host = self._nodes[0].host
        return host is not None and type(event.message) in host.counters

    def noticed(self, event: Received | None) -> None:
        """Something was sent to one member alone."""
        if self._groups and (event is None or type(event.message).__name__ not in QUIET):
            self.dissolve()

    def _open(self, event: Received) -> Group:
        self.count += 1
        if len(self._groups) >= GROUPS_MAX:
            self.dissolve()
        host = self._nodes[0].host
        assert host is not None
        places = host.validator_places(event.epoch)
        kind, hosts = type(event.message), [node.host for node in self._nodes]
        counters: list[Any] = [None if host is None else host.counters.get(kind) for host in hosts]
        group = self._groups[event.signed.body] = Group(self, event, counters, places)
        group.until_us = self._clock.now_us
        for place in range(len(self._nodes)):
            self._ask(group, place)
        self._clock.push(0, Tick(group))
        return group

    def _add(self, group: Group, broadcast: BroadcastInFlight, times_us: Integers, places: Integers) -> None:
        assert broadcast.event is not None
        group.senders[broadcast.event.sender] = None
        group.broadcasts.append(broadcast)
        group.bases.append(broadcast.base)
        group.box.votes.append(broadcast.event.signed)
        group.last_us = max(group.last_us, broadcast.last_us)
        group.arrivals.add(times_us, places)
        if int(times_us.min()) > group.until_us:
            return  # no due is known that lies so far ahead
        for place in sooner(group.arrivals.newest(), group.dues, (group.until_us + 1) << ROW_BITS):
            self._schedule(group, place)

    # --- when ---------------------------------------------------------------------------------------------------

    def _ask(self, group: Group, place: int) -> None:
        """Find out which arrival this member must step next."""
        counter, needed = group.counters[place], group.needs[place]
        tally = None if counter is None else counter.tally(group.event)
        if needed == NEVER and (tally is None or tally.votes_until_step < NEVER // 2):
            self._add_unnamed(group, place, group.tallies[place])  # while none was needed nobody kept count
        if tally is None:
            need = group.seen[place] + 1
        elif tally.votes_until_step >= NEVER // 2:
            need = NEVER
        else:
            need = group.seen[place] + max(1, tally.votes_until_step)
        if tally is not None:
            group.tallies[place] = tally
        if need != needed:
            group.needs[place] = need
            group.dues[place] = NOT_YET
            self._schedule(group, place)

    def _schedule(self, group: Group, place: int) -> None:
        """Set the due of one member, if it does not lie beyond `until_us`."""
        need = int(group.needs[place])
        if need > group.arrivals.rows:
            return
        key = group.arrivals.kth(place, need)
        if key < (group.until_us + 1) << ROW_BITS:
            self._set_due(group, place, key)

    def _set_due(self, group: Group, place: int, key: int) -> None:
        group.dues[place] = key
        assert key >> ROW_BITS >= self._clock.now_us, "what is past was counted"
        row = key & ((1 << ROW_BITS) - 1)
        self._clock.push_at(key >> ROW_BITS, group.bases[row] + 2 * place, Awaited(group, place, key))

    def tick(self, tick: Tick) -> None:
        group = tick.group
        if not group.is_live:
            return
        if self._try_finish(group):
            return
        group.until_us = self._clock.now_us + self._ahead_us
        for place, key in group.arrivals.due_below((group.until_us + 1) << ROW_BITS, group.needs, group.dues):
            self._set_due(group, place, key)
        self._clock.push(self._ahead_us, tick)

    def due(self, due: Awaited) -> None:
        """The vote that must be stepped has come to this member."""
        group, place, key = due
        if not group.is_live or group.dues[place] != key:
            return
        group.dues[place] = NOT_YET
        self._stepping = due
        broadcast = group.broadcasts[key & ((1 << ROW_BITS) - 1)]
        node = self._nodes[place]
        self._hear(
            Delivery(
                node,
                node.incarnation,
                broadcast.publisher,
                broadcast.frame,
                broadcast.digest,
                broadcast.payload,
                0,
                broadcast.event,
                broadcast.is_single,
            )
        )

    # --- what a member knows ------------------------------------------------------------------------------------

    def before(self, node: SimulatedNode, *, is_naming: bool = False) -> None:
        """A member is stepped now. First its tallies take in what has come. `is_naming`: with names."""
        place = self._place_of[node.name]
        for group in self._groups.values():
            tally = group.tallies[place]
            if tally is None:
                continue
            counter = group.counters[place]
            if is_naming or self._is_naming or (counter is not None and counter.wants_names(group.event)):
                self._name_votes(group, place, tally)
            elif tally.votes_until_step < NEVER // 2:
                self._add_unnamed(group, place, tally)
        stepping, self._stepping = self._stepping, None
        if stepping is not None:
            stepping.group.seen[place] += 1
            stepping.group.stepped[place] = stepping.key

    def after(self, node: SimulatedNode) -> None:
        """It was stepped, and may have to step another arrival next."""
        place = self._place_of[node.name]
        for group in self._groups.values():
            self._ask(group, place)

    def _bound(self, group: Group, place: int) -> int:
        """Keys below it came to this member before what happens now."""
        earlier = bisect_left(group.bases, self._clock.order - 2 * place)
        return (self._clock.now_us << ROW_BITS) + earlier

    def _add_unnamed(self, group: Group, place: int, tally: Tally | None) -> None:
        count = group.arrivals.count_below(place, self._bound(group, place)) - group.seen[place]
        if count > 0 and tally is not None:
            tally.add_unnamed(group.box, count)
            group.seen[place] += count

    def _name_votes(self, group: Group, place: int, tally: Tally) -> None:
        rows = group.arrivals.rows_below(place, max(self._bound(group, place), group.stepped[place] + 1))
        places, votes = group.places, group.box.votes
        tally.name_votes([(places[votes[row].sender], votes[row]) for row in rows])
        group.seen[place] = max(group.seen[place], len(rows))

    # --- ending -------------------------------------------------------------------------------------------------

    def dissolve(self) -> None:
        """Tallies learn the names of what has come, and the rest goes on as single deliveries."""
        groups, self._groups = self._groups, {}
        for body, group in groups.items():
            self._spent[body] = None
            group.is_live = False
            for place, tally in enumerate(group.tallies):
                if tally is not None:
                    self._name_votes(group, place, tally)
            everybody = range(len(self._nodes))
            bounds = integers([max(self._bound(group, place), group.stepped[place] + 1) for place in everybody])
            for row, broadcast in enumerate(group.broadcasts):
                self._deliveries.lay(broadcast, *group.arrivals.left(row, bounds))

    def _try_finish(self, group: Group) -> bool:
        """Everything has come to everybody, and nobody is missing: all tallies are equal from now on."""
        if group.arrivals.rows + 1 < len(self._nodes) or group.last_us >= self._clock.now_us:
            return False
        first = group.tallies[0]
        if first is None:
            return False
        self._name_votes(group, 0, first)
        if 0 in first.seen:
            return False  # a member has not voted yet
        seen, voters = bytearray(first.seen), list(first.voters)
        for tally in group.tallies:
            if tally is not None:
                tally.complete(seen, voters)
        del self._groups[group.event.signed.body]
        self._spent[group.event.signed.body] = None
        group.is_live = False
        return True
