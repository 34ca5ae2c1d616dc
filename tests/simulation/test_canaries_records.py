"""What hospitals say of persons in records is in the boxes of those that may have them, and in no other byte."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from consortium.scenario.load import load_scenario
from tests.canaries import Canary, Net, make_canaries
from tests.canary_runs import Left, run_and_gather

SYSTEMS = Path(__file__).parents[2] / "scenarios" / "systems"
CANARIES = make_canaries(seed=3)
PERSONS = 9
KINDS = {"name": "name", "address": "identity", "telephone": "telephone", "diagnosis": "diagnosis", "therapy": "text"}
LAID = {field: CANARIES[kind][:PERSONS] for field, kind in KINDS.items()}


ROWS = CANARIES["text"][100:108]  # what was observed in a trial


def net_of(canaries: dict[str, list[Canary]]) -> Net:
    return Net([canary for found in canaries.values() for canary in found])


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("records")
    contents = [{field: found[number].text for field, found in LAID.items()} for number in range(PERSONS)]
    (folder / "contents.json").write_text(json.dumps(contents), encoding="utf-8")
    scenario = load_scenario(SYSTEMS / "exchange.py")
    workload = msgspec.structs.replace(scenario.workload, options={"data": str(folder / "contents.json")})
    return run_and_gather(msgspec.structs.replace(scenario, workload=workload), folder / "run")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("trial")
    (folder / "rows.json").write_text(json.dumps([canary.text for canary in ROWS]), encoding="utf-8")
    scenario = load_scenario(SYSTEMS / "trial.py")
    workload = msgspec.structs.replace(scenario.workload, options={"data": str(folder / "rows.json")})
    return run_and_gather(msgspec.structs.replace(scenario, workload=workload), folder / "run")


def test_no_row_of_a_trial_is_anywhere_but_with_its_site_and_whom_it_let_read(tried: Left) -> None:
    net = Net(ROWS)
    for place, data in tried.places.items():
        assert net.caught(data) == set(), place
    caught = {name: {ROWS.index(canary) for canary, _ in net.caught(data)} for name, data in tried.opened.items()}
    assert {name: found for name, found in caught.items() if found} == {
        "hospital-1": {1, 2, 3},
        "hospital-2": {4, 5, 6, 7},
        "researcher": {1, 2, 3, 4, 5, 6, 7},
    }, "the first person withdrew"


def test_no_word_of_a_record_is_on_ledger_bus_trace_report_or_disk(left: Left) -> None:
    net = net_of(LAID)
    for place, data in left.places.items():
        assert net.caught(data) == set(), place


def test_who_may_have_a_record_has_it_and_nobody_else(left: Left) -> None:
    """By the scenario's turns: three consents, and the emergency; the erased record is with nobody."""
    net = net_of(LAID)
    caught = {name: {canary for canary, _ in net.caught(opened)} for name, opened in left.opened.items()}
    numbers = {name: {LAID["name"].index(one) for one in found if one.kind == "name"} for name, found in caught.items()}
    assert numbers == {
        "agent": set(),
        "bureau": set(),
        "hospital-1": {0, 1, 2, 4, 5, 6, 7, 8},
        "hospital-2": {0, 1, 2, 6},
        "regulator": set(),
    }


def test_a_canary_in_a_trace_would_be_caught(left: Left) -> None:
    bent = left.places["trace.jsonl"] + json.dumps({"note": LAID["diagnosis"][4].text}).encode()
    assert {canary for canary, _ in net_of(LAID).caught(bent)} == {LAID["diagnosis"][4]}
