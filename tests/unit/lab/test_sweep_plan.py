"""What a sweep is asked for becomes points and seeds, or one sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.commands.sweep import axis_words
from consortium.lab import load
from consortium.lab.measures.confidence import interval, student
from consortium.lab.measures.frames import LoadError
from consortium.lab.measures.tables import MissingExtra, need
from consortium.lab.sweeps.folder import SweepFolder
from consortium.lab.sweeps.plan import Sweep, SweepError, find_sweep, make_plan, read_vary
from consortium.lab.sweeps.run import Job, run_job
from consortium.scenario.load import ScenarioError, apply_sets
from consortium.scenario.resize import with_members
from consortium.scenario.scenario import BehaviourSpec, Fault, MemberSpec, Scenario, Workload
from consortium.simulation.costs.profile import HostCost, Profile


def members(*names: str, kind: Any = "validator") -> tuple[MemberSpec, ...]:
    return tuple(MemberSpec(name, "hospital", kind) for name in names)


FOUR = Scenario(name="four", members=members("a-1", "a-2", "a-3", "a-4"))


def plan_of(**vary: Any) -> Any:
    return make_plan(Sweep(FOUR, vary={key.replace("__", "."): value for key, value in vary.items()}, repeat=2))


# --- members ----------------------------------------------------------------------------------------------------------


def names(scenario: Scenario) -> list[str]:
    return [member.name for member in scenario.members]


def test_new_members_go_to_the_families_in_turn_and_are_like_their_last() -> None:
    last = MemberSpec("h-2", "hospital", settings={"hosts": ["loader"]})
    day = replace(FOUR, members=(*members("bureau", "h-1"), last, *members("p-1", "regulator")))
    grown = with_members(day, 8)
    assert names(grown) == ["bureau", "h-1", "h-2", "h-3", "h-4", "p-1", "p-2", "regulator"]
    assert grown.members[4].settings == {"hosts": ["loader"]}
    assert with_members(day, 5) == day


def test_members_too_many_leave_the_largest_family_and_one_of_each_stays() -> None:
    day = replace(FOUR, members=members("bureau", "h-1", "h-2", "h-3", "p-1", "p-2"))
    assert names(with_members(day, 4)) == ["bureau", "h-1", "h-2", "p-1"]
    assert names(with_members(day, 3)) == ["bureau", "h-1", "p-1"]
    with pytest.raises(ScenarioError, match="no fewer than 3"):
        with_members(day, 2)


def test_observers_and_newcomers_are_not_counted() -> None:
    watcher = MemberSpec("watcher", "regulator", "observer")
    late = MemberSpec("a-9", "hospital", joins=True)
    grown = with_members(replace(FOUR, members=(*FOUR.members, watcher, late)), 6)
    assert names(grown) == ["a-1", "a-2", "a-3", "a-4", "a-5", "a-6", "watcher", "a-9"]


def test_without_a_family_new_members_are_like_the_last_validator() -> None:
    assert names(with_members(replace(FOUR, members=members("left", "right")), 4)) == [
        "left",
        "right",
        "right-2",
        "right-3",
    ]


def test_a_member_that_a_fault_names_is_missed() -> None:
    struck = replace(FOUR, faults=(Fault("kill", "a-4", at_us=1_000),))
    with pytest.raises(SweepError, match=r"members=3.*a-4"):
        make_plan(Sweep(struck, vary={"members": (4, 3)}))


# --- what varies ------------------------------------------------------------------------------------------------------


def test_values_are_numbers_words_times_or_an_array() -> None:
    assert read_vary(["members=4,7", "network.latency=500us,20ms,1.5s", "protocol=pbft,solo", "batch=1_000"]) == {
        "members": [4, 7],
        "network.latency": [500, 20_000, 1_500_000],
        "protocol": ["pbft", "solo"],
        "batch": [1_000],
    }
    assert read_vary(["workload.options.x=[[1,2],[3]]", "network.default.distribution=normal"]) == {
        "workload.options.x": [[1, 2], [3]],
        "network.default.distribution": ["normal"],
    }


def test_every_combination_is_a_point_the_first_path_slowest_with_the_same_seeds() -> None:
    plan = plan_of(members=(4, 7), network__latency=(1_000, 2_000))
    assert [tuple(point.settings.values()) for point in plan.points] == [(4, 1_000), (4, 2_000), (7, 1_000), (7, 2_000)]
    assert [point.scenario.network.default.mean_us for point in plan.points] == [1_000, 2_000] * 2
    assert [len(point.scenario.members) for point in plan.points] == [4, 4, 7, 7]
    assert plan.seeds == (1, 2)
    assert make_plan(Sweep(FOUR, repeat=3), seed=9).seeds == (9, 10, 11)


def test_what_is_derived_follows_the_point() -> None:
    sweep = Sweep(FOUR, vary={"members": (4, 8)}, derive={"timer": lambda point: 1_000 * point["members"]})
    assert [point.scenario.parameters.timer_base_us for point in make_plan(sweep).points] == [4_000, 8_000]
    wrong = Sweep(FOUR, vary={"members": (4, 8)}, derive={"timer": lambda point: point["member"]})
    with pytest.raises(SweepError, match="derive 'timer' at members=4: KeyError"):
        make_plan(wrong)


@pytest.mark.parametrize(
    ("vary", "told"),
    [
        ({"membres": [4, 7]}, "did you mean 'members'"),
        ({"network.default.men_us": [4, 7]}, "unknown key 'men_us', did you mean 'mean_us'"),
        ({"members": []}, "no values"),
        ({"members": [4, 4]}, "named twice"),
        ({"members": [True, 4]}, "expected a number"),
        ({"members": [0, 4]}, "from 1 to"),
        ({"seed": [1, 2]}, "--repeat"),
        ({"network.latency": [1, 2], "network.default.mean_us": [3]}, "the same setting"),
        ({"protocol": ["pbft", "pbtf"]}, "did you mean 'pbft'"),
        ({"members": [4]}, "nothing varies"),
        ({"network.latency": range(15_000), "members": [4, 5]}, "30,000 runs"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(vary: dict[str, Any], told: str) -> None:
    with pytest.raises(SweepError, match=told):
        make_plan(Sweep(FOUR, vary=vary))


@pytest.mark.parametrize("text", ["members", "=4", "members=", "members=4,,5", "x=[1,"])
def test_a_vary_that_is_none_is_one_sentence(text: str) -> None:
    with pytest.raises(SweepError, match="--vary"):
        read_vary([text])


def test_no_repeats_are_refused_and_options_of_a_workload_are_judged_before_the_first_run() -> None:
    with pytest.raises(SweepError, match="--repeat 0"):
        make_plan(Sweep(FOUR, repeat=0))
    loaded = replace(FOUR, workload=Workload("settlement_load", {"transactions": 4}))
    with pytest.raises(SweepError, match=r"workload.options.foo=1.*unknown field `foo`"):
        make_plan(Sweep(loaded, vary={"workload.options.foo": [1, 2]}))


def test_a_sweep_file_brings_its_question_and_a_broken_one_its_line(tmp_path: Path) -> None:
    path = tmp_path / "study.py"
    path.write_text('"""Why?"""\nfrom consortium.lab.sweeps.plan import Sweep\nSWEEP = Sweep("low_load", repeat=2)\n')
    found = find_sweep(str(path))
    assert (found.name, found.question, found.repeat) == ("study", "Why?", 2)
    path.write_text("from consortium.lab.sweeps.plan import Sweep\nSWEEP = Sweep(vari={})\n")
    with pytest.raises(SweepError, match=r"study.py: TypeError.*vari"):
        find_sweep(str(path))
    path.write_text("SWEEP = 3\n")
    with pytest.raises(SweepError, match="SWEEP is no Sweep"):
        find_sweep(str(path))


# --- the folder -------------------------------------------------------------------------------------------------------


def test_another_sweep_in_the_same_folder_is_refused_and_so_is_a_folder_of_something_else(tmp_path: Path) -> None:
    first, other = plan_of(members=(4, 7)), plan_of(members=(4, 10))
    with SweepFolder(tmp_path / "s", first, "command").owned():
        pass
    with SweepFolder(tmp_path / "s", first, "command").owned():
        pass
    with pytest.raises(SweepError, match="holds another sweep"), SweepFolder(tmp_path / "s", other, "").owned():
        pass
    changed = make_plan(Sweep(replace(FOUR, suite="keyed-hash"), vary={"members": (4, 7)}, repeat=2))
    with pytest.raises(SweepError, match="its scenario"), SweepFolder(tmp_path / "s", changed, "").owned():
        pass
    dear = first._replace(profile=Profile("dear", cores=2))
    with pytest.raises(SweepError, match="other costs"), SweepFolder(tmp_path / "s", dear, "").owned():
        pass
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(SweepError, match="no sweep's"), SweepFolder(tmp_path / "mine", first, "").owned():
        pass
    with pytest.raises(LoadError, match="not finished"):
        load(tmp_path / "s")


def test_a_profile_goes_with_every_run(tmp_path: Path) -> None:
    loaded = replace(FOUR, workload=Workload("settlement_load", {"transactions": 8, "persons": 2}))
    one = tuple(replace(member, settings={"hosts": ["loader"]}) for member in FOUR.members)
    sweep = Sweep(replace(loaded, members=one, suite="keyed-hash"), repeat=2)
    free = SweepFolder(tmp_path / "free", make_plan(sweep), "")
    slow = SweepFolder(tmp_path / "slow", make_plan(sweep, profile=Profile("s", host=HostCost(event_ns=500_000))), "")
    latencies = [run_job(folder.jobs()[0]).result.figures["latency_p50"] for folder in (free, slow)]
    assert latencies[1] > latencies[0] + 1


def test_two_processes_cannot_be_at_one_sweep(tmp_path: Path) -> None:
    plan = plan_of(members=(4, 7))
    with (
        SweepFolder(tmp_path / "s", plan, "").owned(),
        pytest.raises(SweepError, match="another process"),
        SweepFolder(tmp_path / "s", plan, "").owned(),
    ):
        pass


def test_a_result_of_another_plan_or_a_torn_one_is_done_again(tmp_path: Path) -> None:
    plan = plan_of(members=(4, 5))
    folder = SweepFolder(tmp_path / "s", plan, "")
    with folder.owned():
        done = run_job(folder.jobs()[0])
        folder.keep(done)
        assert list(folder.done()) == [(0, 0)]
        (path,) = (tmp_path / "s" / "done").glob("*.json")
        whole = path.read_bytes()
        for broken in (b"", whole[:-20], whole.replace(plan.digest.encode(), b"0" * 64), b'{"plan": 3}', b"\xff"):
            path.write_bytes(broken)
            assert folder.done() == {}


def test_a_run_that_raises_is_a_result_that_says_so() -> None:
    impossible = replace(FOUR, behaviours=(BehaviourSpec("no-such-behaviour", "a-1"),))
    import msgspec

    done = run_job(Job(3, 1, msgspec.json.encode(impossible)))
    assert (done.point, done.repeat, done.result.outcome) == (3, 1, "error")
    assert done.result.why


# --- figures ----------------------------------------------------------------------------------------------------------


def test_the_interval_is_students() -> None:
    """Quantiles as in the published tables; the example is the first of Student's own paper (1908), sleep data."""
    assert [round(student(k), 3) for k in (1, 5, 30, 31, 60, 120)] == [12.706, 2.571, 2.042, 2.040, 2.000, 1.980]
    found = interval([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    assert found.deviation is not None
    assert found.low is not None
    assert round(found.mean, 2) == 0.75
    assert round(found.deviation, 3) == 1.789
    assert round(found.low, 4) == -0.5298
    assert interval([3.0]) == (1, 3.0, None, None, None)


def test_a_library_that_is_missing_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"not installed: pip install \w+"):
        need("pyarrow", "Parquet", "frames")
    monkeypatch.setitem(sys.modules, "distributed", None)
    from consortium.commands.workers import Cluster

    with pytest.raises(MissingExtra, match=r"pip install distributed"):
        Cluster("tcp://127.0.0.1:1")


def test_load_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="expected the folder of a sweep or of a run, or a trace"):
        load(tmp_path / "nowhere")
    with pytest.raises(LoadError, match="neither a sweep nor a run"):
        load(tmp_path)
    (tmp_path / "trace.jsonl").write_text('{"t_us":1,"node":"a","kind":"booted","records":0}\n')
    assert load(tmp_path / "trace.jsonl").kind.tolist() == ["booted"]
    assert "duration" in load(tmp_path).name.tolist()
    with pytest.raises(LoadError, match="a run has measures, bundles"):
        load(tmp_path, "runs")


def test_a_time_means_in_a_sweep_file_what_it_means_after_vary(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from consortium.lab.sweeps.plan import Sweep\n"
        "SWEEP = Sweep('low_load', vary={'network.latency': ('1ms', '20ms'), 'protocol': ('pbft', 'solo')})\n"
    )
    plan = make_plan(find_sweep(str(tmp_path / "own.py")))
    assert [point.scenario.network.default.mean_us for point in plan.points] == [1_000, 1_000, 20_000, 20_000]


def test_equal_values_have_no_deviation_not_even_in_the_last_bit() -> None:
    found = interval([28.9] * 3)
    assert (found.mean, found.deviation, found.low, found.high) == (28.9, 0.0, 28.9, 28.9)


def test_an_axis_is_headed_by_its_last_word_unless_two_end_alike() -> None:
    assert axis_words(("protocol", "workload.options.interval_us")) == ("protocol", "interval_us")
    assert axis_words(("network.latency", "timer", "batch")) == ("network.latency, us", "timer, us", "batch")
    assert axis_words(("a.mean_us", "b.mean_us", "c.x")) == ("a.mean_us", "b.mean_us", "x")


def test_a_number_of_members_in_set_is_answered_with_the_command_that_varies_it() -> None:
    with pytest.raises(ScenarioError, match="sweep SCENARIO --vary members="):
        apply_sets(FOUR, ["members=10"])
    with pytest.raises(ScenarioError, match=r"unknown key 'batch'; known are behaviours, .*, parameters, "):
        apply_sets(FOUR, ["batch=5"])
