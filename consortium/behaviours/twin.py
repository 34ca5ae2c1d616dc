"""Two hosts with one identity: each keeps to the protocol, knows nothing of the other, and signs with the same keys.

The simulator runs the second one, `NAME~twin`, with a disk of its own (Bano et al., Twins, 2021). What both say
together is what no honest member would say: two batches, two votes, at one height.
"""

from __future__ import annotations

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing

SUFFIX = "~twin"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`groups`: whom the member's own host hears and is heard by, and whom its twin; none given: the first and
    the last of the others, as few as let a host vote. A member may stand in both."""

    groups: tuple[tuple[str, ...], ...] = ()


BEHAVIOUR = BehaviourKind(
    Options, Behaviour, "two hosts with one identity", is_twin=True, drawings=(Drawing(lambda _: {}, 190),)
)
