"""Exploration: seeds draw what they promise, a slice of them holds, failures are seen, shrunk and kept."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.exploration.draw import BATCHES_MIN, draw
from consortium.exploration.faults import FAULTS_MIN, promises_service, repairs, wounded
from consortium.exploration.judge import examine, failing_claim, fails_likewise, story, trace_digest
from consortium.exploration.shrink import shrink
from consortium.scenario.load import check_scenario, load_scenario
from consortium.scenario.scenario import BehaviourSpec, Fault, Scenario
from tests.sampling import sampled

REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.json"))


@pytest.mark.parametrize("seed", sampled(range(0, 200, 20), 4))
def test_a_slice_of_all_seeds_holds(seed: int) -> None:
    examined = examine(draw(seed))
    assert examined.failures == ()
    assert examined.batches >= BATCHES_MIN or not promises_service(examined.scenario)


def test_every_seed_is_a_scenario_that_can_be_run_by_hand_with_at_least_three_faults_or_none_at_all() -> None:
    for seed in range(300):
        scenario = draw(seed)
        check_scenario(scenario)
        faults = sum(fault.act not in repairs() for fault in scenario.faults)
        is_calm = scenario.name == f"calm-{seed}"
        assert (faults == 0 and not scenario.behaviours) if is_calm else faults >= FAULTS_MIN
        liars = {spec.target for spec in scenario.behaviours} | wounded(scenario)
        validators = sum(member.kind == "validator" and not member.joins for member in scenario.members)
        assert 4 <= validators <= 10 and 3 * (len(liars) - (not promises_service(scenario))) < validators


def test_seeds_change_their_members_in_every_way() -> None:
    """Newcomers, removals, other kinds, new keys, recovery; a drawn change is one that the contract knows."""
    met: dict[str, int] = {}
    for seed in range(150):
        scenario = draw(seed)
        for deed in scenario.workload.options.get("deeds", ()):
            met[deed["action"]] = met.get(deed["action"], 0) + 1
            assert deed["by"] in {member.name for member in scenario.members}
    assert set(met) == {"admit", "appoint", "rekey", "recover", "remove"} and min(met.values()) >= 3, met


def test_a_run_that_decides_too_little_or_meets_too_few_faults_is_told() -> None:
    """The judge's own measure of an exploration."""
    drawn = draw(12)
    few = replace(drawn, faults=(), behaviours=())
    assert [failure.claim for failure in examine(few).failures] == ["enough faults"]
    options = {**drawn.workload.options, "transactions": 4}
    short = replace(drawn, workload=replace(drawn.workload, options=options), faults=())
    assert "enough batches" in [failure.claim for failure in examine(short).failures]


def test_a_seed_draws_the_same_scenario_and_the_same_trace_again() -> None:
    assert encode(draw(11)) == encode(draw(11)) != encode(draw(12))
    assert trace_digest(examine(draw(11))) == trace_digest(examine(draw(11)))


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_failed_holds_for_good(path: Path) -> None:
    examined = examine(load_scenario(path))
    assert examined.failures == (), story(examined.trace)[-4_000:]


# --- positive controls ------------------------------------------------------------------------------------------------


def _impatient(scenario: Scenario) -> Scenario:
    """It ends 20 seconds after the last progress: what stands still then stands still for good."""
    return replace(scenario, stop=replace(scenario.stop, stall_us=20_000_000))


def test_a_member_that_never_comes_back_is_found_as_want_of_progress() -> None:
    faults = (Fault("partition", at_height=5, groups=(("m0",), ("m1",), ("m2",), ("m3",))),)
    examined = examine(_impatient(replace(draw(8), faults=faults)))
    assert "progress" in [failure.claim for failure in examined.failures]


@pytest.mark.nightly
def test_a_failure_is_shrunk_to_what_it_needs() -> None:
    """Of everything that the seed drew, the partition that is never healed is left."""
    drawn = draw(3)
    camps = tuple((member.name,) for member in drawn.members)
    broken = _impatient(replace(drawn, faults=(*drawn.faults[:4], Fault("partition", after_us=1_000, groups=camps))))
    claim = failing_claim(examine(broken))
    assert claim is not None
    small, tries = shrink(broken, fails_likewise(claim), tries_max=25)
    assert tries <= 25 and [fault.act for fault in small.faults] == ["partition"]
    assert len(small.members) < len(broken.members)


def test_more_silent_members_than_f_are_found_as_want_of_progress() -> None:
    scenario = draw(8)
    silent = tuple(BehaviourSpec("silent", member.name) for member in scenario.members[:3])
    examined = examine(_impatient(replace(scenario, behaviours=silent, faults=())))
    assert any(failure.claim == "progress" for failure in examined.failures)


def test_more_equivocating_members_than_f_are_found_as_a_fork() -> None:
    """f+1 = 2 of 4: a leader that orders two batches, and an accomplice that tells each camp what it wants to hear."""
    scenario = replace(draw(11), faults=())
    liars = (
        BehaviourSpec("equivocating_leader", "m0", options={"groups": (("m1", "m2"), ("m3",))}),
        BehaviourSpec("double_votes", "m0", options={"accomplice": True}),
        BehaviourSpec("double_votes", "m1", options={"accomplice": True}),
    )
    claims = [failure.claim for failure in examine(_impatient(replace(scenario, behaviours=liars))).failures]
    assert "agreement" in claims and "honest votes" not in claims, claims
