"""Load as an axis: saturation is found by a stated search, and points take their shares of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.commands import app
from consortium.core.genesis import Parameters
from consortium.lab.figures.of_sweep import figures_of_sweep
from consortium.lab.sweeps.plan import Sweep, SweepError, make_plan
from consortium.lab.sweeps.results import read_sweep
from consortium.lab.sweeps.run import examine
from consortium.lab.sweeps.saturation import Saturation, Step, at_share, find_saturation, middle_rate
from consortium.runs.folder import encode_scenario
from consortium.scenario.scenario import Disk, Fault, Link, MemberSpec, Network, Scenario, Workload

HOP_US = 10_000
LOADER = {"hosts": ["loader"]}
ONE_SERVER = Scenario(
    "one_server",
    tuple(MemberSpec(name, "hospital", settings=LOADER if name == "a" else {}) for name in ("a", "b")),
    protocol="solo",
    suite="plain",
    parameters=Parameters(batches_in_flight=1, batch_transactions_max=5),
    network=Network(default=Link(mean_us=HOP_US)),
    disk=Disk(0, 0),
    workload=Workload("settlement_load", {"transactions": 100, "persons": 5}),
    is_recalled=True,
)
CAPACITY = 5 * 1e6 / (2 * HOP_US)  # an order goes there and is held back, and five settlements are in it


@pytest.fixture(scope="module")
def found() -> Saturation:
    return find_saturation(replace(ONE_SERVER, faults=(Fault("kill", "b", at_us=1),)))


def test_saturation_is_what_one_server_can_do_and_faults_do_not_count(found: Saturation) -> None:
    assert found.rate == pytest.approx(CAPACITY, rel=0.02)
    assert [step.under_way for step in found.steps] == [8 << index for index in range(len(found.steps))]
    assert found.steps[-1].rate < 1.03 * found.steps[-2].rate


@pytest.mark.parametrize("percent", [20, 80, 150])
def test_a_share_below_saturation_is_executed_as_it_comes_and_beyond_it_no_more_than_saturation(
    percent: int, found: Saturation
) -> None:
    scenario = at_share(ONE_SERVER, percent, found)
    assert scenario.workload.options["rate"] == pytest.approx(percent / 100 * CAPACITY, rel=0.02)
    figures = examine(scenario).figures
    assert figures["load_executed"] == pytest.approx(min(1.0, percent / 100) * CAPACITY, rel=0.08)
    assert (figures["latency_p50"] > 300) == (percent > 100)


def test_the_middle_of_a_run_counts_and_not_how_it_fills_and_empties() -> None:
    executed = [(0, 100), *((1_000_000 + 10_000 * place, 1) for place in range(300)), (9_000_000, 100)]
    assert middle_rate(executed) == pytest.approx(100, rel=0.01)
    assert middle_rate([]) == middle_rate([(5, 5)]) == 0.0


def test_points_with_one_configuration_share_its_saturation() -> None:
    plan = make_plan(Sweep(ONE_SERVER, vary={"batch": (5, 10), "load": ("10%", 50, "120 %")}))
    assert [point.settings["load"] for point in plan.points] == [10, 50, 120] * 2
    assert list(plan.configurations) == [0, 3]
    known = {0: Saturation(100.0, 1_000, ()), 3: Saturation(200.0, 1_000, ())}
    rates = [point.scenario.workload.options["rate"] for point in plan.loaded(known).points]
    assert rates == [10.0, 50.0, 120.0, 20.0, 100.0, 240.0]
    other = make_plan(Sweep(ONE_SERVER, vary={"batch": (5, 10), "load": (10, 50, 119)}))
    assert plan.digest != other.digest


def test_the_process_of_arrivals_stays_and_a_closed_loop_becomes_poisson() -> None:
    found = Saturation(100.0, 1_000, (Step(1, 100.0, 1_000),))
    paced = replace(
        ONE_SERVER, workload=Workload("settlement_load", {"transactions": 100, "interval_us": 9, "bundle": 2})
    )
    options = at_share(paced, 50, found).workload.options
    assert options == {"bundle": 2, "arrivals": "constant", "rate": 50.0, "transactions": 100}
    assert at_share(ONE_SERVER, 50, found).workload.options["arrivals"] == "poisson"


@pytest.mark.parametrize("load", ["much", "0%", "-5", "2000%", "nan", ""])
def test_a_share_that_cannot_be_meant_is_told(load: str) -> None:
    with pytest.raises(SweepError, match=r"expected a share of saturation above 0.*as 50%"):
        make_plan(Sweep(ONE_SERVER, vary={"load": ["10%", load]}))


def test_a_scenario_without_a_load_has_no_share() -> None:
    with pytest.raises(SweepError, match="vary something else than load"):
        make_plan(Sweep(replace(ONE_SERVER, workload=Workload()), vary={"load": ("10%", "20%")}))


def test_one_command_finds_saturation_runs_the_shares_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "one_server.json", tmp_path / "swept"
    file.write_bytes(encode_scenario(ONE_SERVER))
    words = ["sweep", str(file), "--load", "30%,90%", "--jobs", "1", "--out", str(out)]
    for _ in range(2):
        with pytest.raises(SystemExit) as left:
            app.main(words)
        told = " ".join(capsys.readouterr().out.split())
        assert left.value.code in (0, None) and "saturation of one_server: 2" in told and "all 2 runs hold" in told
    assert "2 are done already" in told
    results = read_sweep(out)
    assert [point.settings["load"] for point in results.points] == [30, 90]
    assert results.points[0].saturation == pytest.approx(CAPACITY, rel=0.02)
    (curve,) = [picture for picture in figures_of_sweep(results) if picture.name.startswith("throughput-latency")]
    assert "share of saturation" in curve.caption
