"""What fate can do to a run: the verbs that acts are carried out with, wherever the run takes place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from consortium.core.membership import NodeId
from consortium.scenario.streams import Stream

WhichDisk = Literal["own", "copy", "empty"]


class World(Protocol):
    """A run whose members, links, broker, clocks and disks can be harmed and mended. The simulator has one, and a run
    of local processes another. `name` is one of `names`: a member, or the twin of one. Each verb is harmless where
    there is nothing to do, as for a node that is down already. `where` says in what kind of run, for sentences."""

    where: ClassVar[str]

    @property
    def names(self) -> Collection[str]:
        """All that can be a target."""
        ...

    @property
    def leader(self) -> NodeId:
        """Who leads now, as far as living nodes know; empty where nobody lives that could say it."""
        ...

    def note(self, name: str, kind: str, fields: dict[str, Any]) -> None:
        """Writes a record about this node, or (name "") about the run, to the trace."""
        ...

    # --- nodes ------------------------------------------------------------------------------------------------------

    def kill(self, name: str, after_outputs: int) -> None:
        """It dies after so many more of its outputs (a sync, a message); 0: at once."""
        ...

    def start(self, name: str, disk: WhichDisk) -> None:
        """It starts (if it is up: after it died) with its own disk, the last copy of it (without one: empty), or an
        empty one. A member that joins starts as soon as it can be proved to be a member."""
        ...

    def pause(self, name: str) -> None:
        """It stands still; what arrives waits."""
        ...

    def resume(self, name: str) -> None: ...

    # --- links and broker -------------------------------------------------------------------------------------------

    def cut(self, groups: Sequence[Sequence[str]], links: Sequence[str]) -> None:
        """Members of different groups (those of none form one together) hear nothing of one another, and nothing goes
        over these one-way links ("sender>receiver"). Replaces the cut before; empty: all links are open."""
        ...

    def change_links(self, links: Sequence[str], fields: Mapping[str, Any]) -> None:
        """These fields of `Link` hold for the links that match (none named: for all), until `calm_links`."""
        ...

    def calm_links(self) -> None:
        """All links are again as the scenario's network says. Cuts stay."""
        ...

    def stop_broker(self, number: int) -> None:
        """The broker dies: nothing is delivered. `number`: which of several, from 1; 0: all of them. Where there is
        one, it is the first."""
        ...

    def start_broker(self, number: int) -> None: ...

    # --- clocks -----------------------------------------------------------------------------------------------------

    def jump_clock(self, name: str, wall_us: int, monotonic_us: int) -> None:
        """Both clocks jump by so much; they go on as fast as before."""
        ...

    def drift_clock(self, name: str, wall_ppm: int, monotonic_ppm: int) -> None:
        """From now on each clock gains so many microseconds a second; 0: it runs right."""
        ...

    # --- disks ------------------------------------------------------------------------------------------------------

    def copy_disk(self, name: str) -> None:
        """Keeps a copy of its disk as it is now, for a later `start`."""
        ...

    def fill_disk(self, name: str) -> None:
        """Its disk takes nothing more: the node ends at its next write."""
        ...

    def free_disk(self, name: str) -> None: ...

    def tear_votes(self, name: str, writes: int) -> None:
        """So many of the last writes to its vote log turn out not to be whole, once the node is down. The damage is
        noted when it is done."""
        ...

    def flip_bit(self, name: str, table: str, stream: Stream) -> None:
        """A bit of its vote log (`votes`), of this table of its ledger, or of some table (`any`) is flipped, once the
        node is down. The damage is noted when it is done."""
        ...
