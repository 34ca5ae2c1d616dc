"""Values that cannot be meant are refused, with a sentence that says where."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from consortium.scenario.load import ScenarioError, check_scenario, explain_unknown, read_workload_options
from consortium.scenario.scenario import Fault, Link, MemberSpec, Network, Scenario, Stop
from consortium.scenario.workloads.claim_day import DayOptions
from consortium.scenario.workloads.settlement_load import Options

GOOD = Scenario("small_day", tuple(MemberSpec(name, "hospital") for name in "abcd"))


def test_the_scenario_that_is_bent_here_is_good() -> None:
    check_scenario(GOOD)
    check_scenario(replace(GOOD, faults=(Fault("heal", at_us=0), Fault("heal", after_us=3))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "../../x"}, "name '../../x'"),
        ({"name": ""}, "name ''"),
        ({"name": "Day"}, "lower-case"),
        ({"seed": -3}, "seed=-3"),
        ({"stop": Stop(limit_us=0)}, "stop.limit_us=0"),
        ({"stop": Stop(stall_us=-1)}, "stop.stall_us=-1"),
        ({"network": Network(Link(loss_ppm=2_000_000))}, "network.default.loss_ppm=2000000"),
        ({"network": Network(links={"a>b": Link(duplicate_ppm=1_000_001)})}, "a>b.duplicate_ppm"),
        ({"faults": (Fault("heal", at_us=-5),)}, "faults.0.at_us=-5"),
        ({"faults": (Fault("heal", at_us=1), Fault("heal", after_us=-1))}, "faults.1.after_us=-1"),
        ({"faults": (Fault("heal", at_us=5, at_height=3),)}, "both given"),
    ],
)
def test_what_cannot_be_meant_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        check_scenario(replace(GOOD, **change))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "word", "nearest"), [(DayOptions, "claim_max", "claims_max"), (Options, "bundles", "bundle")]
)
def test_a_misspelt_option_of_a_workload_names_the_nearest(kind: Any, word: str, nearest: str) -> None:
    with pytest.raises(ScenarioError, match=f"`{word}`, did you mean '{nearest}'"):
        read_workload_options({word: 1}, kind)


def test_a_sentence_of_another_mistake_stays_as_it_is() -> None:
    assert explain_unknown("Expected `int`, got `str`", ["int"]) == "Expected `int`, got `str`"
