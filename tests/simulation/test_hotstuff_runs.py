"""HotStuff and solo under the scenarios that PBFT was built for: whole nodes, contracts, attacks, damaged disks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.contracts.governance.convictions import CHARGES, CONVICTIONS
from consortium.core.membership import Epochs
from consortium.exploration.draw import draw_under
from consortium.exploration.judge import examine, story
from consortium.lab.checks.claims import judge
from consortium.lab.checks.culprits import accusations
from consortium.lab.checks.evidence import culprits, find_evidence
from consortium.lab.checks.statements import Watcher
from consortium.runs.run import Run
from consortium.scenario.assemble import Shared
from consortium.scenario.load import ScenarioError, check_scenario, load_scenario
from consortium.scenario.scenario import BehaviourSpec, Fault, Link, Network, Stop
from consortium.simulation.run import simulate
from tests.adversary_kit import Observed, scenario
from tests.sampling import sampled
from tests.simulation.membership_runs import Ran, deed, promote, scenario_of

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


MADE_FOR_PBFT = (
    "attacks/bad_new_view",
    "attacks/equivocating_leader",
    "attacks/poisoned_view_change",
    "attacks/twin",
    "attacks/view_inflation",
    "faults/crash_mid_step",
    "faults/older_disk",
    "faults/torn_votes",
    "membership_recovery",
)
WITHOUT_TRAITORS = ("faults/crash_mid_step", "faults/loss", "faults/older_disk", "membership_recovery")


@pytest.mark.parametrize("name", sampled(MADE_FOR_PBFT, 3))
def test_a_scenario_made_for_pbft_holds_under_hotstuff(name: str) -> None:
    _holds(name, "hotstuff")


@pytest.mark.parametrize("name", sampled(WITHOUT_TRAITORS, 1))
def test_a_scenario_without_traitors_holds_under_solo(name: str) -> None:
    _holds(name, "solo")


def _holds(name: str, protocol: str) -> None:
    value = load_scenario(SCENARIOS / f"{name}.py", [f"protocol={protocol}"])
    result = simulate(value)
    verdicts = judge(Run(value, result.genesis, result.trace, result.ledgers))
    assert result.is_done and [verdict.name for verdict in verdicts if verdict.fails] == []


@pytest.mark.parametrize("seed", sampled((3, 151, 236, 251, 273), 2))
def test_an_explored_seed_holds_under_hotstuff(seed: int) -> None:
    """236: an honest leader that cannot know our lock was blamed. 251: the author of a block that another had bent in
    its answer. 273: a bundle that stood on a branch given up was neither proposed nor relayed again."""
    examined = examine(draw_under(seed, "hotstuff"))
    assert examined.failures == (), story(examined.trace)[-3_000:]


@pytest.mark.parametrize("protocol", ["hotstuff", "solo"])
def test_a_seed_under_another_protocol_can_be_run_by_hand(protocol: str) -> None:
    for seed in range(60):
        check_scenario(draw_under(seed, protocol))


@pytest.mark.parametrize("behaviour", ["double_votes", "twin"])
def test_who_votes_twice_in_a_view_is_convicted_on_every_ledger_and_nobody_else(behaviour: str) -> None:
    ran = Ran(scenario_of([], behaviours=(BehaviourSpec(behaviour, "m0"),), protocol="hotstuff"))
    for name in ("m1", "m2", "m3"):
        reader = ran.ledger(name).reader
        assert list(dict(reader.range(CONVICTIONS, "", "~"))) == ["m0/00000000"]
        assert list(reader.range(CHARGES, "", "~")) == []


GROUPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "halves": (),
    "one and two": (("m1",), ("m2", "m3")),
    "each another": (("m1",), ("m2",), ("m3",)),
    "one told nothing": (("m2",), ("m1",)),
}


@pytest.mark.parametrize("camps", sampled(tuple(GROUPS), 1, always=("one told nothing",)))
def test_a_leader_that_shows_its_proposals_to_members_that_share_nothing_is_convicted(camps: str) -> None:
    """A quorum votes for one of them, or no view ever ends: either way the two proposals meet."""
    options = {"groups": GROUPS[camps]} if GROUPS[camps] else {}
    lie = BehaviourSpec("equivocating_leader", "m0", options=options)
    ran = Ran(scenario_of([], behaviours=(lie,), protocol="hotstuff"))
    for name in ("m1", "m2", "m3"):
        reader = ran.ledger(name).reader
        assert list(dict(reader.range(CONVICTIONS, "", "~"))) == ["m0/00000000"]
        assert list(reader.range(CHARGES, "", "~")) == []


def test_a_leader_of_seven_that_divides_the_others_is_convicted() -> None:
    lie = BehaviourSpec("equivocating_leader", "leader")
    observed = Observed(replace(scenario(lie, n=7, transactions=140), protocol="hotstuff"))
    run = Run(observed.scenario, observed.simulated.genesis, observed.trace, observed.simulated.ledgers)
    assert observed.failed == {} and {accusation.culprit for accusation in accusations(run)} == {"node-1"}


def test_members_change_under_hotstuff_and_lost_messages_convict_nobody() -> None:
    deeds = [promote(0, 400, 4), deed(2, 1_500, "rekey", 2)]
    ran = Ran(scenario_of(deeds, observers=1, seed=2, loss=0.15, protocol="hotstuff"))
    assert [epoch.n for epoch in ran.epochs()] == [4, 5, 5]
    assert list(dict(ran.ledger("m0").reader.range(CONVICTIONS, "", "~"))) == []


def _forking() -> Observed:
    """f+1 = 2 of 4 run twice, and each pair of hosts hears one honest member."""
    twins = BehaviourSpec("twin", "node-1,node-2")
    camps = (("node-1", "node-2", "node-3"), ("node-1~twin", "node-2~twin", "node-4"))
    twice = scenario(
        replace(twins, options={"groups": [["node-1", "node-2", "node-3"], ["node-1", "node-2", "node-4"]]}),
        faults=[Fault("partition", at_us=1_000, groups=camps)],
        stop=Stop(limit_us=20_000_000, stall_us=3_000_000),
    )
    return Observed(replace(twice, protocol="hotstuff"))


def test_more_than_f_twins_fork_the_chain_and_their_own_signatures_convict_them_alone() -> None:
    """The positive control of agreement, and of evidence."""
    observed = _forking()
    assert "agreement" in observed.failed
    watcher = Watcher()
    for seen in observed.frames:
        watcher.hear(seen.sender.partition("~")[0], seen.payload)
    genesis = observed.simulated.genesis
    verifier = Shared.of(genesis).verifier
    statements = watcher.statements(verifier, Epochs((genesis.first_epoch,)))
    assert culprits(find_evidence(statements, verifier.codec)) == ["node-1", "node-2"]


@pytest.mark.parametrize(
    ("protocol", "behaviour", "options", "words"),
    [
        ("hotstuff", "double_votes", {"accomplice": True}, "take 'twin'"),
        ("hotstuff", "poisoned_view_change", {"lie": "seal"}, "the lies are 'claims' and 'omit'"),
        ("solo", "equivocating_leader", {}, "the sequencer is trusted"),
        ("solo", "withheld_votes", {}, "nobody votes"),
    ],
)
def test_what_a_protocol_has_no_words_for_is_refused_in_a_sentence(
    protocol: str, behaviour: str, options: dict[str, object], words: str
) -> None:
    value = replace(scenario(BehaviourSpec(behaviour, "node-1", options=options)), protocol=protocol)
    with pytest.raises(ScenarioError, match=f"behaviours.0: {behaviour} cannot be had under {protocol}: .*{words}"):
        check_scenario(value)


# --- messages a decision ----------------------------------------------------------------------------------------------

ORDERING = {
    "pbft": ("PrePrepare", "Prepare", "Commit"),
    "hotstuff": ("Proposal", "Ballot", "Certified"),
    "solo": ("Order", "Held"),
}


def _deliveries(protocol: str, n: int) -> tuple[Counter[str], int]:
    """Deliveries by kind over the wire (what a host loops back to itself is none), and heights; without loss."""
    value = scenario(n=n, transactions=400, interval_us=0, timer_base_us=4_000_000)
    value = replace(value, protocol=protocol, network=Network(Link("constant", 1_000)))
    observed = Observed(value)
    assert observed.failed == {} and observed.notes("view_change") == []
    found: Counter[str] = Counter()
    for said in observed.said():
        found[type(said.message).__name__] += n - 1 if said.to is None else 1
    return found, max(record["height"] for record in observed.notes("executed"))


def _count(found: Counter[str], kinds: Sequence[str]) -> int:
    return sum(found[kind] for kind in kinds)


@pytest.mark.parametrize("n", sampled((4, 7), 1, always=("4",)))
def test_messages_a_decision_are_those_of_the_closed_formulas(n: int) -> None:
    """PBFT 2n(n-1) a height. HotStuff 2(n-1) a view: n-1 deliveries of the proposal, and the ballots of all but the
    next leader, whose own is looped back; plus n-1 where a QC is told by itself. Solo n: the order, and one receipt."""
    found, heights = _deliveries("pbft", n)
    assert _count(found, ORDERING["pbft"]) == 2 * n * (n - 1) * heights
    found, heights = _deliveries("solo", n)
    assert _count(found, ORDERING["solo"]) == n * heights
    found, heights = _deliveries("hotstuff", n)
    views = heights + _pushes(found, n)
    assert _count(found, ("Proposal", "Ballot")) == 2 * (n - 1) * views


def _pushes(found: Counter[str], n: int) -> int:
    """Blocks without a batch: two wherever work runs out, and then a QC is told by itself."""
    return 2 * (found["Certified"] // (n - 1))
