"""How many messages a protocol's normal case takes for one height among n validators: closed formulas.

What is counted are signed statements of the normal case with an honest leader and nothing lost: no submissions, no
checkpoints, nothing said again. A publish to all is heard by n − 1 others. Validators alone; an observer hears each
broadcast, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Counts(NamedTuple):
    """For one height: what leaves nodes (to all counts once), and what arrives."""

    publishes: int
    deliveries: int


def pbft(n: int) -> dict[str, Counts]:
    """Castro & Liskov, OSDI 1999, 4.2: the order, PREPARE of all others, COMMIT of all. 2n(n − 1) deliveries."""
    return {
        "PrePrepare": Counts(1, n - 1),
        "Prepare": Counts(n - 1, (n - 1) * (n - 1)),
        "Commit": Counts(n, n * (n - 1)),
    }


def hotstuff(n: int) -> dict[str, Counts]:
    """Yin et al., PODC 2019, 5 (chained): a proposal to all, and a vote of every other member to who leads next:
    2(n − 1) deliveries, as long as each block carries a height. A height that none follows needs three more blocks."""
    return {"Proposal": Counts(1, n - 1), "Ballot": Counts(n - 1, n - 1)}


def solo(n: int) -> dict[str, Counts]:
    """The sequencer's order to all; one member answers. n deliveries."""
    return {"Order": Counts(1, n - 1), "Held": Counts(1, 1)} if n > 1 else {"Order": Counts(1, 0)}


FORMULAS = {"pbft": pbft, "hotstuff": hotstuff, "solo": solo}
TOLD = {"pbft": "2n(n−1)", "hotstuff": "2(n−1)", "solo": "n"}


def expected(protocol: str, n: int) -> Mapping[str, Counts]:
    """By type of message; empty for a protocol that no formula is known of."""
    formula = FORMULAS.get(protocol)
    return formula(n) if formula else {}


def deliveries(protocol: str, n: int) -> int | None:
    counts = expected(protocol, n)
    return sum(each.deliveries for each in counts.values()) if counts else None


def of_ordering(protocol: str) -> tuple[str, ...]:
    """The types of message that the formula counts."""
    return tuple(expected(protocol, 4))
