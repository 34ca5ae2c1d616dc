"""The same seed leaves the trace that it left before: a change of behaviour shows here, and is named in its commit."""

import pytest

from tests.fingerprints import main, read_golden, run, scenario_paths

QUICK = (
    "attacks/fork", "attacks/slow_leader", "attacks/replayed_messages", "faults/crash_mid_step", "faults/duplication",
    "faults/empty_disk", "studies/validation", "studies/latency_of_members_on_a_wan",
)  # fmt: skip
PATHS = {f"scenarios/{name}.py" for name in QUICK}


def test_every_scenario_has_a_fingerprint_and_no_other_two_are_alike() -> None:
    golden = read_golden()
    assert sorted(golden) == scenario_paths(), "python -m tests.fingerprints NEW_ONE --write"
    assert len({left.fingerprint for left in golden.values()}) == len(golden)


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path in PATHS else pytest.mark.nightly) for path in scenario_paths()],
)
@pytest.mark.timeout(900)
def test_a_scenario_leaves_the_trace_that_it_left(path: str) -> None:
    assert run(path) == read_golden()[path], f"python -m tests.fingerprints {path}"


def test_another_seed_leaves_another_trace() -> None:
    path = "scenarios/attacks/slow_leader.py"
    assert run(path, ["seed=4711"]).fingerprint != read_golden()[path].fingerprint


def test_a_word_that_no_path_holds_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults/losss"]) == 2
    assert "no scenario's path holds faults/losss" in capsys.readouterr().err
