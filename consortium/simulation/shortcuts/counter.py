"""What a machine offers besides `step` to a simulation of many nodes: a short way for votes."""

from __future__ import annotations

from typing import Protocol

from consortium.core.machine import Received
from consortium.core.protocol import Counting
from consortium.simulation.shortcuts.tally import Tally


class TallyCounter(Counting, Protocol):
    """A `Counting` whose votes can also be delivered as a number."""

    def tally(self, event: Received) -> Tally | None:
        """Where votes with the bytes of this one are counted; None where they must be stepped."""
        ...

    def wants_names(self, event: Received) -> bool:
        """Whether a step of such a vote may look at who voted, and not only at how many did."""
        ...
