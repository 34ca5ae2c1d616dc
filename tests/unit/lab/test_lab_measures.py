from __future__ import annotations

import csv
import io
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from consortium.lab.measures import series
from consortium.lab.measures.catalogue import catalogue
from consortium.lab.measures.measures import COLUMNS, cpu_costs, measure, number, phase_latencies
from tests.unit.lab.made_up_run import made_up_run


def record(t_us: int, node: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"t_us": t_us, "node": node, "kind": kind, **fields}


def executed(t_us: int, node: str, height: int, transactions: int = 1) -> dict[str, Any]:
    return record(t_us, node, "executed", height=height, transactions=transactions, ok=transactions, refused=0)


def test_quantiles_are_by_nearest_rank() -> None:
    assert [series.quantile(range(1, 101), share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert series.quantile([7], 0.01) == 7
    assert series.quantile([], 0.5) == 0


def test_throughput_counts_a_block_once_when_the_first_node_executes_it() -> None:
    trace = [
        record(0, "a", "submitted", bundle="1", transactions=10),
        executed(1_000_000, "b", 1, 10),
        executed(1_500_000, "a", 1, 10),
        executed(2_000_000, "a", 2, 20),
    ]
    figures = measure(trace)
    assert figures["transactions"] == 30
    assert figures["blocks"] == 2
    assert figures["throughput"] == pytest.approx(15.0)


def test_time_without_service_counts_only_while_work_waits() -> None:
    trace = [
        record(0, "a", "submitted", bundle="1", transactions=1),
        executed(100_000, "a", 1),
        # nothing to do for nine seconds: no gap
        record(9_000_000, "a", "submitted", bundle="2", transactions=1),
        executed(11_500_000, "a", 2),
    ]
    assert series.service_gaps(trace) == [series.Span(9_000_000, 11_500_000, "no service")]
    assert measure(trace)["service_gap_max"] == pytest.approx(2.5)


def test_work_that_a_killed_node_told_of_only_after_it_was_done_leaves_no_gap_behind() -> None:
    trace = [
        executed(1_000_000, "b", 1, 5),
        record(2_000_000, "a", "submitted", bundle="1", transactions=5),
        record(9_000_000, "", "ended", verdict="done"),
    ]
    assert series.service_gaps(trace) == []


def test_the_calls_of_the_genesis_file_are_no_work_done() -> None:
    assert measure([executed(0, "a", 0, 72), executed(1, "a", 1, 3)])["transactions"] == 3


def test_a_gap_is_found_also_where_service_never_returns() -> None:
    trace = [record(0, "a", "submitted", bundle="1", transactions=1), record(5_000_000, "", "ended", verdict="x")]
    assert series.service_gaps(trace) == [series.Span(0, 5_000_000, "no service")]


def test_a_bundle_that_is_submitted_again_after_a_crash_counts_once() -> None:
    trace = [record(t, "a", "submitted", bundle="1", transactions=5) for t in (0, 700_000)]
    assert measure([*trace, executed(800_000, "a", 1, 5)])["bundles_submitted"] == 1


def test_phases_run_from_proposal_to_seal_on_each_node() -> None:
    trace = [
        record(100, "a", "proposed", view=0, height=1),
        record(300, "b", "prepared", view=0, height=1),
        record(600, "b", "committed", view=0, height=1, digest="d"),
        executed(1_000, "b", 1),
        executed(2_000, "b", 2),
        record(5_000, "b", "sealed", height=2, signers=3),
    ]
    assert phase_latencies(trace) == {
        "order to prepared": [200],
        "prepared to committed": [300],
        "committed to executed": [400],
        "executed to sealed": [3_000, 4_000],
    }


def test_cpu_counters_that_begin_anew_at_a_boot_are_added_up() -> None:
    trace = [
        record(0, "a", "booted", records=0),
        record(5, "a", "cost", verify_us=100, cpu_us=300),
        record(9, "a", "cost", verify_us=150, cpu_us=400),
        record(10, "a", "booted", records=3),
        record(15, "a", "cost", verify_us=30, cpu_us=50),
    ]
    assert cpu_costs(trace) == {"a": {"verify_us": 180, "cpu_us": 450}}


def test_the_ceiling_is_what_the_cores_could_do_with_the_measured_costs_alone() -> None:
    costs = {"verify_us": 300, "execute_us": 100, "cpu_us": 9_000}
    trace = [
        record(0, "", "run", scenario="s", seed=1, on="local", cores=2),
        record(0, "a", "booted", records=0),
        executed(5, "a", 1, 10),
        record(9, "a", "cost", transactions=10, **costs),
    ]
    assert measure(trace)["ceiling"] == pytest.approx(2 * 1e6 / 40)


def test_the_leader_change_is_measured_from_the_kill_to_the_next_block() -> None:
    figures = measure(made_up_run().trace)
    assert figures["view_changes"] == 1
    assert 1.8 < figures["recovery_max"] < 2.0
    assert 1.7 < figures["service_gap_max"] < 2.0


def test_a_view_0_that_proposed_nothing_makes_the_first_new_leader_a_change_all_the_same() -> None:
    trace = [record(700_000, name, "new_view", view=1, leader="b") for name in "abcd"]
    trace += [record(800_000, "b", "proposed", view=1, height=1), executed(900_000, "a", 1)]
    assert measure(trace)["view_changes"] == 1
    assert [(span.label, span.start_us) for span in series.leader_spans(trace)] == [("", 0), ("b", 700_000)]
    assert measure(trace[4:])["view_changes"] == 0, "only what was entered counts"


def test_leaders_and_conditions_of_nodes_are_spans_over_the_run() -> None:
    trace = made_up_run().trace
    assert [(span.label, span.start_us) for span in series.leader_spans(trace)] == [
        ("bureau", 0),
        ("depot", 13_600_000),
    ]
    labels = [span.label for span in series.node_spans(trace)["bureau"]]
    assert labels == ["up", "down", "up", "catching up", "up"]
    assert [span.label for span in series.node_spans(trace)["depot"]] == ["up", "changing", "up"]


def test_measures_csv_has_the_written_columns_and_a_unit_for_every_figure() -> None:
    rows = list(csv.DictReader(io.StringIO(measure(made_up_run().trace).csv())))
    assert tuple(rows[0]) == COLUMNS
    assert all(row["unit"] in ("1", "s", "ms", "tx/s", "us/tx", "B", "B/tx") and row["what"] for row in rows)
    assert all(float(row["value"]) >= 0 for row in rows)


def test_the_document_names_every_figure() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "measures.md").read_text(encoding="utf-8")
    table = page.partition("| figure |")[2].partition("Of each distribution")[0]
    words = [word.replace("…", "*") for word in re.findall(r"`([a-z0-9_*…]+)`", table)]
    missing = [
        figure.name
        for figure in catalogue()
        if not any(fnmatch(figure.name.replace("_steady", ""), word) for word in words)
        and not figure.name.startswith("warm_up")
    ]
    assert missing == []


def test_a_trace_of_nothing_has_measures_too() -> None:
    assert measure([])["transactions"] == 0


@pytest.mark.parametrize(
    ("duration_us", "width_us"),
    [(0, 1_000), (900_000, 20_000), (30_000_000, 1_000_000), (90_000_000, 1_000_000), (600_000_000, 5_000_000)],
)
def test_bins_are_a_second_or_the_step_that_keeps_a_picture_readable(duration_us: int, width_us: int) -> None:
    assert series.bin_width_us(duration_us) == width_us


def test_figures_are_told_without_exponents() -> None:
    assert [number(1830.24, "ms"), number(6.521, "ms"), number(3, "1")] == ["1,830 ms", "6.52 ms", "3"]


def test_a_trace_without_costs_has_no_figure_of_cpu() -> None:
    trace = [record for record in made_up_run().trace if record["kind"] != "cost"]
    assert cpu_costs(trace) == {}
    assert not [figure.name for figure in measure(trace).figures if figure.name.startswith("cpu_")]
