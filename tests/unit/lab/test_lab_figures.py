"""Figures for a paper: of a run, of a sweep, and the closed formulas beside what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from consortium.commands.report import sweep_page
from consortium.lab.figures.of_run import figures_of_run
from consortium.lab.figures.of_sweep import figures_of_sweep, point_words
from consortium.lab.figures.paper import draw_svg, save
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.measures import measure
from consortium.lab.measures.message_counts import deliveries
from consortium.lab.sweeps.folder import SweepFolder
from consortium.lab.sweeps.plan import Sweep, SweepError, make_plan
from consortium.lab.sweeps.results import SweepResults, axis_words, read_sweep, setting_words
from consortium.lab.sweeps.run import run_job
from consortium.runs.run import Run
from tests.unit.lab.made_up_run import made_up_run
from tests.unit.lab.test_lab_compare import FOUR


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    sets = ("workload.options.transactions=20",)
    vary = {"members": (4, 7), "workload.options.interval_us": (100_000, 400_000)}
    plan = make_plan(Sweep(FOUR, vary, repeat=2, sets=sets, name="small", question="How small?\n\nSmall."))
    folder = SweepFolder(tmp_path_factory.mktemp("sweep") / "small", plan, "consortium sweep small")
    with folder.owned():
        found = {(job.point, job.repeat): run_job(job) for job in folder.jobs()}
        with pytest.raises(SweepError, match="not finished"):
            read_sweep(folder.folder)
        folder.write_tables(found)
    return read_sweep(folder.folder)


def test_a_sweep_is_read_back_with_its_means_and_their_intervals(results: SweepResults) -> None:
    point = results.points[0]
    p50 = point.figures["latency_p50"]
    assert p50.values == 2 and p50.low is not None and p50.high is not None and p50.low <= p50.mean <= p50.high
    shares = point.quantiles["latency", False]
    assert shares[0][0] == 0.0 and shares[-1][0] == 1.0 and shares == sorted(shares)
    assert point.figures["latency_p50"].mean == pytest.approx(dict(shares)[0.5])


def test_measured_messages_of_a_sweep_are_those_of_the_formula(results: SweepResults) -> None:
    assert [(point.validators, point.ordering) for point in results.points] == [
        (n, pytest.approx(deliveries("pbft", n))) for n in (4, 4, 7, 7)
    ]


def test_with_a_run_that_failed_messages_are_not_divided_by_blocks_of_others(results: SweepResults) -> None:
    from consortium.lab.sweeps.results import _ordering

    point = results.points[0]
    assert _ordering("pbft", {"Commit": 12}, point.figures, (2, 1)) is None
    assert _ordering("pbft", {"Commit": 12}, point.figures, (2, 0)) is not None


def test_a_sweep_gets_the_figures_that_its_axes_allow(results: SweepResults) -> None:
    names = [picture.name for picture in figures_of_sweep(results)]
    assert names == ["by-members", "by-interval-us", "messages", "throughput-latency", "latency-cdf", "phases"]
    one_size = results._replace(points=results.points[:2])
    assert "messages" not in [picture.name for picture in figures_of_sweep(one_size)]


def test_a_page_of_a_sweep_shows_every_point_and_every_figure(results: SweepResults) -> None:
    pictures = figures_of_sweep(results)
    page = sweep_page(results, pictures)
    assert all(point_words(results, point) in page for point in results.points)
    assert page.count("<img") == len(pictures) and "How small?" in page


def test_axes_are_told_in_units_that_people_use() -> None:
    assert axis_words("network.latency") == "mean one-way delay (ms)"
    assert setting_words("network.latency", 20_000) == "latency 20 ms"
    assert setting_words("members", 7) == "n = 7"
    assert setting_words("protocol", "hotstuff") == "hotstuff"
    assert setting_words("network.default.loss_ppm", 50_000) == "loss 5 %"


def test_a_run_gets_four_figures_and_each_says_where_it_comes_from(tmp_path: Path) -> None:
    run = made_up_run()
    found = distributions(run.trace)
    pictures = figures_of_run(run, found, measure(run.trace, found))
    assert [picture.name for picture in pictures] == ["latency-cdf", "phases", "over-time", "views-and-faults"]
    assert all("made_up_day" in picture.source and "seed 7" in picture.source for picture in pictures)
    assert {path.suffix for path in save(pictures[-1:], tmp_path)} == {".svg", ".png"}
    assert draw_svg(pictures[-1]) == (tmp_path / "views-and-faults.svg").read_text()


def test_a_run_that_executed_nothing_still_gets_the_figures_that_there_are() -> None:
    made = made_up_run()
    silent = Run(made.scenario, made.genesis, [record for record in made.trace if record["kind"] in ("run", "booted")])
    found = distributions(silent.trace)
    for picture in figures_of_run(replace(silent), found, measure(silent.trace, found)):
        draw_svg(picture)
