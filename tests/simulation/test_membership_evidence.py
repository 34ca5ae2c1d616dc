"""Lies become evidence on the ledger, once, whoever saw them first; and no honest member is ever named there."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.governance.convictions import CHARGES, CONVICTIONS, Conviction
from consortium.core.evidence import check_conflict, is_signed_by
from consortium.core.messages import Message, ViewVote, Vote
from consortium.ledger.catch_up import CatchUp
from consortium.ledger.sealer import Sealer
from consortium.node.pool import BundlePool
from consortium.protocols import load_protocols
from consortium.scenario.scenario import BehaviourSpec, Fault
from tests.simulation.membership_runs import Ran, deed, promote, scenario_of


def convictions(ran: Ran, name: str) -> dict[str, Conviction]:
    return dict(ran.ledger(name).reader.range(CONVICTIONS, "", "~"))


@pytest.mark.parametrize("behaviour", ["equivocating_leader", "double_votes", "twin"])
def test_who_votes_twice_is_convicted_on_every_ledger_and_nobody_else(behaviour: str) -> None:
    ran = Ran(scenario_of([], behaviours=(BehaviourSpec(behaviour, "m0"),)))
    for name in ("m1", "m2", "m3"):
        found = convictions(ran, name)
        assert list(found) == ["m0/00000000"]
        assert list(ran.ledger(name).reader.range(CHARGES, "", "~")) == []
    conviction = found["m0/00000000"]
    check_conflict(conviction.evidence, ran.genesis.chain, ran.genesis.suite)
    key = ran.genesis.first_epoch.key("m0", "vote")
    assert key is not None and is_signed_by(conviction.evidence, key, ran.genesis.suite)
    assert ran.noted("convicted", culprit="m0")


@pytest.mark.parametrize("seed", range(1, 5))
def test_crashes_lost_messages_new_views_and_new_members_convict_nobody(seed: int) -> None:
    kill = Fault("kill", "leader", at_us=300_000 + 90_000 * seed, options={"outputs": seed})
    faults = (
        kill,
        Fault("restart", "last", after_us=800_000),
        Fault("kill", f"m{seed % 4}", at_us=1_600_000, options={"outputs": 2 * seed}),
        Fault("restart", "last", after_us=300_000),
    )
    ran = Ran(
        scenario_of([promote(0, 400, 4), deed(2, 1_500, "rekey", 2)], observers=1, seed=seed, loss=0.15, faults=faults)
    )
    assert convictions(ran, "m0") == {} and ran.noted("submitted")
    assert not [record for record in ran.noted("rejected") if record["why"] == "equivocation"]


def test_a_liar_among_changing_members_is_named_in_the_epoch_of_its_lie() -> None:
    lie = BehaviourSpec("double_votes", "m4", from_us=0)
    ran = Ran(scenario_of([promote(0, 500, 4)], observers=1, behaviours=(lie,)))
    assert list(convictions(ran, "m0")) == ["m4/00000001"], "an observer says no votes, a validator does"


def _shape(kind: type[Message]) -> list[Any]:
    known = {**Vote.__annotations__, **ViewVote.__annotations__}
    return [kind.__annotations__.get(name, known.get(name)) for name in kind.__struct_fields__]


def test_only_votes_have_the_shape_that_evidence_is_judged_by() -> None:
    kinds = [*BundlePool.messages, *Sealer.messages, *CatchUp.messages]
    for protocol in load_protocols().values():
        kinds += protocol.messages
    assert any(issubclass(kind, Vote) for kind in kinds) and any(issubclass(kind, ViewVote) for kind in kinds)
    for kind in kinds:
        is_like_view_vote = _shape(kind) == list(ViewVote.__annotations__.values())
        assert is_like_view_vote == issubclass(kind, ViewVote), f"{kind.__name__} has the shape of a view's vote"
        is_alike = _shape(kind) == list(Vote.__annotations__.values())
        assert is_alike == issubclass(kind, Vote), f"{kind.__name__} has the shape of a vote, and is none"
