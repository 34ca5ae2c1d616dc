"""A running node adds nothing to its host: what it tells is read from the siblings."""

from __future__ import annotations

import pytest

from consortium.core.crypto import SUITES
from consortium.core.machine import Note, Now, Submit
from consortium.core.membership import Purpose
from consortium.core.votes import PLAIN, VoteKeeping
from consortium.ledger.rows import DictRows
from consortium.node.running import RunningNode
from consortium.scenario.assemble import RunPlan, Shared, build_genesis, build_host, prepare
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario
from consortium.simulation.shortcuts.keeping import CountedKeeping

NAMES = ("a", "b", "c", "d")
PURPOSES: tuple[Purpose, ...] = ("vote", "submit", "recover")
SUITE = SUITES["keyed-hash"]()
SECRETS: dict[str, dict[Purpose, bytes]] = {
    name: {purpose: f"{name} {purpose}".encode().ljust(32, b".") for purpose in PURPOSES} for name in NAMES
}
KEYS = {name: {purpose: SUITE.public_key(secret) for purpose, secret in held.items()} for name, held in SECRETS.items()}
NOW = Now(7, 1_800_000_000_000_007)


def running(*behaviours: BehaviourSpec, keeping: VoteKeeping = PLAIN) -> RunningNode:
    members = tuple(MemberSpec(name, "hospital") for name in NAMES)
    scenario = Scenario("four", members, suite="keyed-hash", behaviours=behaviours)
    prepared = prepare(scenario, b"k" * 32)
    genesis = build_genesis(scenario, prepared, KEYS, 1_800_000_000_000_000)
    shared = Shared.of(genesis)._replace(keeping=keeping)
    return build_host(RunPlan.of(scenario, genesis, prepared), "a", SECRETS["a"], DictRows(), shared)


def test_a_node_is_done_when_its_role_is_and_nothing_of_it_waits() -> None:
    node = running()
    assert node.is_done and node.queues == {"pool": 0, "outbox": 0}
    node.parts.outbox.step(NOW, Submit("one", (("bill", "issue", {}),)))
    assert not node.is_done
    assert node.queues == {"pool": 0, "outbox": 1}


def test_at_the_genesis_it_tells_what_its_siblings_hold() -> None:
    node = running()
    node.begin_run(0)
    assert Note("booted", {"records": 0}) in node.boot(NOW, [])
    assert (node.head_height, node.stable_height, node.epoch, node.view) == (0, 0, 0, 0)
    assert node.leader == "a" and node.is_member and not any(node.costs_ns.values())
    assert node.validator_places(0) == {name: place for place, name in enumerate(NAMES)}
    assert node.validator_places(1) == {}, "of an epoch that it does not know it names nobody"


@pytest.mark.parametrize(("behaviours", "may"), [((), True), ((BehaviourSpec("silent", "a"),), False)])
def test_votes_are_counted_beside_the_node_only_where_no_behaviour_must_hear_them(
    behaviours: tuple[BehaviourSpec, ...], may: bool
) -> None:
    assert bool(running(*behaviours, keeping=CountedKeeping()).counters) is may
    assert not running(*behaviours).counters, "a real node has no short way"
