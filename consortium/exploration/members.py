"""How the members of one seed change while it runs: by votes on the ledger, as stewards propose them.

f never falls (the contract refuses that), and a newcomer whose node is not up yet counts among those that may be bad.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from consortium.core.draws import Shape, between, chance, choose
from consortium.core.membership import Kind, NodeId
from consortium.core.quorum import faults_max
from consortium.exploration.faults import Cast
from consortium.scenario.scenario import Fault, MemberSpec
from consortium.scenario.streams import Stream

NEWCOMER = "late"
STEWARD = "steward"
MembershipAction = dict[str, Any]


class Changes(NamedTuple):
    """`deeds` of the workload `membership`; `newcomer`: in no genesis, its node begins with a fault of `arrival`, and
    once more, when it is sure to be admitted if it ever is."""

    deeds: tuple[MembershipAction, ...] = ()
    newcomer: MemberSpec | None = None
    arrival: tuple[Fault, ...] = ()


def draw_changes(stream: Stream, shape: Shape, cast: Cast, loaders: tuple[NodeId, ...]) -> Changes:
    """Of four seeds in ten; else none."""
    if not chance(stream, 40):
        return Changes()
    deeds: list[MembershipAction] = []
    newcomer = None
    arrival: tuple[Fault, ...] = ()
    match choose(stream, ("admit", "admit", "remove", "demote", "promote", "rekey")):
        case "admit":
            bad = len(cast.traitors) + len(cast.wounded)
            may_vote = faults_max(len(shape.names) + 1) > bad
            kind: Kind = "validator" if may_vote and chance(stream, 70) else "observer"
            newcomer = MemberSpec(NEWCOMER, "hospital", kind, {"hosts": [STEWARD]}, joins=True)
            admit = {"action": "admit", "name": NEWCOMER, "role": "hospital", "kind": kind}
            deeds.append(_by(stream, shape, cast, admit))
            again = Fault("restart", NEWCOMER, after_us=shape.timer_us * between(stream, 20, 60))
            arrival = (Fault("restart", NEWCOMER), again)
        case "remove" | "demote" as act:
            quiet = [name for name in shape.names if name not in loaders]
            if quiet:
                name = choose(stream, quiet)
                change = {"action": "remove"} if act == "remove" else {"action": "appoint", "kind": "observer"}
                deeds.append(_by(stream, shape, cast, {**change, "name": name}))
        case "promote" if shape.observer:
            promote = {"action": "appoint", "name": shape.observer, "kind": "validator"}
            deeds.append(_by(stream, shape, cast, promote))
    if not deeds or chance(stream, 40):
        purposes = choose(stream, (("vote",), ("vote",), ("submit",), ("submit", "vote")))
        deeds.append(_by(stream, shape, cast, {"action": "rekey", "purposes": list(purposes)}))
    for name in cast.wounded:
        if chance(stream, 60):
            wait_us = shape.timer_us * between(stream, 4, 40)
            deeds.append({"by": name, "at_us": wait_us, "action": "recover"})
    return Changes(tuple(deeds), newcomer, arrival)


def _by(stream: Stream, shape: Shape, cast: Cast, deed: MembershipAction) -> MembershipAction:
    """Proposed by an honest member, early enough to be decided before the load is."""
    at_us = shape.mean_us * choose(stream, (0, 10, 40, 100))
    return {"by": choose(stream, cast.honest), "at_us": at_us, **deed}


def with_stewards(members: list[MemberSpec]) -> list[MemberSpec]:
    """Each of them with a hand in who belongs to the consortium."""
    found = []
    for member in members:
        hosts = [*member.settings.get("hosts", ()), STEWARD]
        found.append(MemberSpec(member.name, member.role, member.kind, {"hosts": hosts}, member.joins))
    return found
