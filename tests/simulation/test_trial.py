"""What a trial rests on is what was committed to in time; who leaves it is in no store any more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.contracts.records.trial_records import DATA_SETS, TRIALS
from consortium.lab.checks.private_records import kept_handles, tombstones
from consortium.ledger.state import Reader, State
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault
from consortium.scenario.workloads.trial import PROTOCOL, RESULT, WORKLOAD
from tests.simulated_runs import outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "trial.py")
READER_AWAY = (Fault("kill", "researcher", at_us=1_000_000), Fault("restart", "researcher", after_us=4_000_000))
ONE, TWO = "dataset/sponsor:t-1/hospital-1/000", "dataset/sponsor:t-1/hospital-2/000"


@pytest.mark.parametrize("faults", [(), READER_AWAY], ids=["all there", "the researcher is away"])
def test_a_result_rests_on_data_of_those_that_stayed(faults: tuple[Fault, ...]) -> None:
    run = sound(SCENARIO, faults=faults)
    refused = Counter(one.receipt.code for one in outcomes(run) if not one.receipt.is_ok)
    assert refused == {"sealed": 1}
    assert run.fullest is not None and set(tombstones(run.fullest.rows)) == {f"{ONE}1"}
    assert set(kept_handles(run, "hospital-1")) == {f"{ONE}2"}
    assert set(kept_handles(run, "researcher")) == {f"{ONE}2", f"{TWO}1"}
    state = Reader(State(run.fullest.rows))
    trials = dict(state.range(TRIALS, "", "~"))
    assert {name: found.stage for name, found in trials.items()} == {
        "sponsor:t-1": "published",
        "sponsor:t-2": "rejected",
    }
    published = trials["sponsor:t-1"]
    assert (published.protocol, published.result) == (PROTOCOL, RESULT)
    assert published.rests_on == ("sponsor:t-1/hospital-1/0002", "sponsor:t-1/hospital-2/0001")
    stages = {key: (data.stage, data.rows) for key, data in state.range(DATA_SETS, "", "~")}
    assert stages == {
        "sponsor:t-1/hospital-1/0001": ("void", 4),
        "sponsor:t-1/hospital-1/0002": ("current", 3),
        "sponsor:t-1/hospital-2/0001": ("current", 4),
    }


def changed(**settings: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        msgspec.structs.replace(one, settings=settings.get(one.name, one.settings)) for one in SCENARIO.members
    )


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        (changed(sponsor={}), {}, "a sponsor, a committee"),
        (changed(agent={}), {}, "a hospital and an agent"),
        (SCENARIO.members, {"persons": 1}, "2 to 200 persons"),
        (SCENARIO.members, {"data": "nowhere.json"}, "a JSON file"),
    ],
)
def test_a_scenario_that_lacks_something_is_told_so(
    members: tuple[Any, ...], options: dict[str, int], words: str
) -> None:
    workload = msgspec.structs.replace(SCENARIO.workload, options=options)
    with pytest.raises(ScenarioError, match=words):
        WORKLOAD.prepare(msgspec.structs.replace(SCENARIO, members=members, workload=workload), b"k" * 32)
