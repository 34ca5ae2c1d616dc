"""Runs side by side: figures, ratios, and where the configurations differ."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from consortium.commands.compare import comparison_page, figure_tables, plain, ratio_words
from consortium.lab.checks.claims import judge
from consortium.lab.comparison.compare import (
    CompareError,
    Side,
    comparison_csv,
    labels_of,
    lines_of,
    ordering_deliveries,
    settings_that_differ,
    shown,
)
from consortium.lab.figures.of_run import figures_of_sides
from consortium.lab.figures.paper import draw_png, draw_svg
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.measures import measure
from consortium.lab.measures.message_counts import deliveries, expected
from consortium.runs.run import Run
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.simulation.run import simulate

FOUR = Scenario(
    name="four",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    suite="keyed-hash",
    workload=Workload("settlement_load", {"transactions": 60, "interval_us": 100_000, "persons": 5}),
)


def side(label: str, run: Run) -> Side:
    found = distributions(run.trace)
    return Side(label, Path(label), run, found, measure(run.trace, found), judge(run))


def simulated(scenario: Scenario) -> Run:
    done = simulate(scenario)
    return Run(scenario, done.genesis, done.trace, dict(done.ledgers))


@pytest.fixture(scope="module")
def sides() -> list[Side]:
    busy = replace(FOUR, workload=replace(FOUR.workload, options={**FOUR.workload.options, "interval_us": 12_000}))
    slow = replace(busy, parameters=replace(busy.parameters, batch_delay_us=20_000), seed=2)
    return [side("quick", simulated(busy)), side("slow", simulated(slow))]


def test_a_ratio_is_to_the_first_run_and_a_difference_says_in_which_direction(sides: list[Side]) -> None:
    line = next(line for line in lines_of(sides) if line.name == "latency_p50")
    quick, slow = line.values
    assert quick is not None and slow is not None and slow > quick
    assert line.ratio(1) == slow / quick
    assert line.difference(1) == slow - quick
    assert (ratio_words(1.0), ratio_words(None), ratio_words(1.2345)) == ("×1", "-", "×1.23")


def test_what_differs_between_two_scenarios_is_named_by_its_path_and_nothing_else(sides: list[Side]) -> None:
    found = {setting.path: setting.values for setting in settings_that_differ([side.run for side in sides])}
    assert found == {"seed": ("1", "2"), "parameters.batch_delay_us": ("0", "20,000")}


def test_two_runs_of_one_scenario_differ_in_nothing(sides: list[Side]) -> None:
    assert settings_that_differ([sides[0].run, sides[0].run]) == []


def test_other_members_are_counted_and_not_listed_one_by_one(sides: list[Side]) -> None:
    run = sides[0].run
    more = replace(run.scenario, members=(*FOUR.members, MemberSpec("hospital-5", "hospital")))
    found = settings_that_differ([run, Run(more, run.genesis, run.trace)])
    assert [(setting.path, setting.values) for setting in found] == [("members", ("4 entries", "5 entries"))]


def test_figures_of_steady_state_are_taken_where_all_runs_have_them(sides: list[Side]) -> None:
    names = [line.name for line in shown(lines_of(sides))]
    assert "latency_steady_p95" in names and "latency_p95" not in names
    cut = Side("cut", Path("cut"), sides[1].run, sides[1].found, measure([]), ())
    assert "latency_p95" in [line.name for line in shown(lines_of([sides[0], cut]))]


def test_a_simulated_height_takes_as_many_messages_as_the_formula_says(sides: list[Side]) -> None:
    assert ordering_deliveries(sides[0].run.trace, "pbft") == deliveries("pbft", 4) == 24
    assert ordering_deliveries(sides[0].run.trace, "unheard-of") is None


def test_the_closed_formulas_are_sums_over_types_of_message() -> None:
    for n in (4, 7, 10, 31):
        assert deliveries("pbft", n) == 2 * n * (n - 1)
        assert deliveries("hotstuff", n) == 2 * (n - 1)
        assert deliveries("solo", n) == n
        assert sum(counts.publishes for counts in expected("pbft", n).values()) == 2 * n
    assert deliveries("unheard-of", 4) is None


def test_labels_are_the_last_names_and_as_much_more_as_tells_them_apart() -> None:
    assert labels_of([Path("runs/a"), Path("runs/b")]) == ["a", "b"]
    assert labels_of([Path("one/a"), Path("two/a")]) == ["one/a", "two/a"]
    with pytest.raises(CompareError, match="named twice"):
        labels_of([Path("runs/a"), Path("runs/../runs/a")])


def test_the_page_shows_both_runs_and_needs_no_network_and_no_other_file(sides: list[Side]) -> None:
    lines, pictures = lines_of(sides), figures_of_sides(sides)
    page = comparison_page(sides, lines, settings_that_differ([side.run for side in sides]), pictures)
    assert not re.search(r"<(script|link|iframe|object)\b", page)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "parameters.batch_delay_us" in page and "quick" in page and "slow" in page
    assert page.count("<img") == len(pictures) == 3


def test_a_figure_says_where_it_comes_from_and_is_the_same_bytes_every_time(sides: list[Side]) -> None:
    picture = figures_of_sides(sides)[0]
    for word in ("four", "seed 1 and 2", "pbft", "4 validators", "CPU free", "consortium", "drawn on"):
        assert word in picture.source
    assert draw_svg(picture) == draw_svg(picture)
    assert draw_png(picture).startswith(b"\x89PNG")
    assert "<text" not in draw_svg(picture), "letters are outlines: no font is needed"


def test_the_table_has_a_column_a_run_and_its_ratio(sides: list[Side]) -> None:
    rows = comparison_csv(sides, lines_of(sides)).decode().splitlines()
    assert rows[0] == "name,unit,quick,slow,slow ratio,what"
    assert any(row.startswith("latency_p50,ms,") for row in rows)


def test_many_runs_are_told_below_one_another_and_no_figure_is_cut_to_fit(sides: list[Side]) -> None:
    many = [replace_label(side, f"run-{index}-with-a-long-name") for index, side in enumerate((*sides, *sides, *sides))]
    for width in (80, 120):
        console = Console(width=width, file=StringIO())
        lines = shown(lines_of(many))
        tables = figure_tables(many, lines, console)
        assert len(tables) > 1
        for table in tables:
            console.print(table)
        told = console.file.getvalue()  # type: ignore[attr-defined]
        assert "…" not in told and max(map(len, told.splitlines())) <= width
        for line in lines:
            assert all(plain(value) in told for value in line.values)


def replace_label(side: Side, label: str) -> Side:
    return side._replace(label=label)
