"""The answer of a report: what was done as spans, service before, during and after, and who was blamed, in words."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.lab.figures.overview import camps, lags, observing_spans, overview, slowest_submitter
from consortium.lab.measures import series
from consortium.lab.measures.disturbances import disturbances, phases
from consortium.lab.pages.answer import each_done, phase_figures, sentences
from consortium.runs.run import Run
from consortium.runs.trace import reject_reason
from tests.unit.lab.made_up_run import BACK_US, KILL_US, made_up_run


def fault(t_us: int, act: str, target: str = "", **more: Any) -> dict[str, Any]:
    return {"t_us": t_us, "node": "", "kind": "fault", "act": act, "target": target, **more}


def said(t_us: int, node: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"t_us": t_us, "node": node, "kind": kind, **more}


def executed(t_us: int, node: str, height: int, header: str = "h", transactions: int = 1) -> dict[str, Any]:
    return said(t_us, node, "executed", height=height, header=header, transactions=transactions, ok=transactions)


@pytest.fixture(scope="module")
def run() -> Run:
    return made_up_run()


def test_a_fault_lasts_to_its_own_repair_and_a_lie_to_its_end() -> None:
    trace = [
        fault(1, "kill", "a"),
        fault(2, "kill", "b"),
        fault(3, "restart", "b"),
        fault(4, "behaviour:silent", "c", phase="begin"),
        fault(5, "loss", ppm=200_000),
        fault(6, "restart", "a"),
        fault(7, "calm"),
        fault(8, "behaviour:silent", "c", phase="end"),
        fault(9, "clock_jump", "d"),
        fault(10, "disk_copy", "d"),
        said(20, "", "ended", verdict="done"),
    ]
    found = [(each.words, each.target, each.start_us, each.end_us, each.is_open) for each in disturbances(trace)]
    assert found == [
        ("down", "a", 1, 6, False),
        ("down", "b", 2, 3, False),
        ("silent", "c", 4, 8, False),
        ("loss 20 %", "", 5, 7, False),
        ("clock jumped", "d", 9, 20, True),
    ]
    assert [each.is_lie for each in disturbances(trace)] == [False, False, True, False, False]
    assert [(part.name, part.start_us, part.end_us) for part in phases(trace)] == [("before", 0, 1), ("during", 1, 20)]


def test_the_silence_after_a_leaders_death_belongs_to_the_time_of_the_fault(run: Run) -> None:
    figures = {each.phase.name: each for each in phase_figures(run.trace)}
    assert list(figures) == ["before", "during", "after"]
    assert (figures["during"].phase.start_us, figures["during"].phase.end_us) == (KILL_US, BACK_US)
    assert figures["during"].gap_us > 1_000_000 > max(figures["before"].gap_us, figures["after"].gap_us)
    assert figures["during"].views == 1 and figures["before"].views == figures["after"].views == 0
    assert each_done(run.trace) == []  # one thing was done: the table of phases says it all


def test_a_wait_that_is_known_shows_a_silence_where_counts_of_transactions_do_not() -> None:
    """Refused and submitted again: more was executed than is waited for, and the count hid a second of silence."""
    trace = [
        said(0, "a", "submitted", bundle="1", transactions=1),
        executed(10, "a", 1, transactions=3),
        executed(1_000_010, "a", 2),
        said(1_000_010, "a", "included", height=2, transactions=1, latency_us=1_000_005),
        said(1_500_000, "", "ended", verdict="done"),
    ]
    assert [(gap.start_us, gap.end_us) for gap in series.service_gaps(trace)] == [(10, 1_000_010)]
    bent = [fault(1, "clock_jump", "a"), *trace]  # its clock says nothing of how long it waited
    assert series.service_gaps(bent) == []


def test_a_run_that_came_to_its_end_has_no_silence_at_its_end() -> None:
    trace = [said(0, "liar", "submitted", bundle="1", transactions=1), said(9_000_000, "", "ended", verdict="done")]
    assert series.service_gaps(trace) == []
    stuck = [*trace[:1], said(9_000_000, "", "ended", verdict="no progress")]
    assert [gap.length_us for gap in series.service_gaps(stuck)] == [9_000_000]


def test_camps_of_a_fork_are_told_apart_and_agreement_has_none() -> None:
    same = [executed(1, "a", 1), executed(2, "b", 1)]
    assert camps(same) == {}
    forked = [*same, executed(3, "a", 2, "x"), executed(4, "b", 2, "y"), executed(5, "c", 2, "x")]
    assert camps(forked) == {"a": (3, 2, "A"), "c": (5, 2, "A"), "b": (4, 2, "B")}


def test_who_lags_waits_or_only_observes_is_named() -> None:
    trace = [executed(height * 10, "a", height) for height in range(1, 101)]
    trace += [said(1, "b", "booted"), executed(10, "b", 1), said(1_000, "b", "caught_up", height=100)]
    trace += [said(500, "b", "observing", why="w"), said(700, "b", "booted")]
    trace += [said(t, node, "included", latency_us=us) for node, us in (("a", 10), ("b", 900)) for t in (800, 900)]
    trace.sort(key=lambda record: record["t_us"])
    lag = lags(trace, ["a", "b"])
    assert max(lag["b"]) > 90 > 5 > max(lag["a"]) and lag["b"][-1] == 0
    assert [(span.label, span.start_us, span.end_us) for span in observing_spans(trace)] == [("b", 500, 700)]
    assert slowest_submitter(trace) == "b"


def test_reasons_are_counted_without_what_differs_from_case_to_case() -> None:
    why = {"why": "height 12 is beyond 'node-3'", "message": "Commit", "sender": "x"}
    assert reject_reason(said(1, "a", "rejected", **why)) == "Commit: height … is beyond …"
    why = {"why": "Expected `array`, got `int` - at `$.bundles[3]`"}
    assert reject_reason(said(1, "a", "rejected", **why)) == "frame: Expected `array`, got `int`"
    long = reject_reason(
        said(1, "a", "rejected", why="a certificate of another height than what it certifies says it is")
    )
    assert long == "frame: a certificate of another height than what it certifies …"


def test_words_name_what_was_rejected_and_in_whose_name(run: Run) -> None:
    lies = [said(5, "depot", "rejected", why="equivocation", message="Commit", sender="bureau")] * 3
    told = " ".join(sentences(Run(run.scenario, run.genesis, [*lies, *run.trace], run.ledgers)))
    assert "rejected 3 messages: 3 × Commit: equivocation" in told and "bureau (3)" in told
    counted = [said(5, "depot", "rejected", why="equivocation", message="Commit", sender="bureau", more=40)]
    shut = [said(6, "depot", "shut_out", publisher="bureau", why="junk", for_us=5_000_000, more=60)]
    told = " ".join(sentences(Run(run.scenario, run.genesis, [*counted, *shut, *run.trace], run.ledgers)))
    assert "rejected 41 messages: 41 × Commit: equivocation" in told and "bureau (41)" in told
    assert "depot did not listen to bureau for 5 s from 0.00 s on: junk." in told


def test_the_picture_is_the_same_for_the_same_trace_and_can_be_drawn_of_very_little(run: Run) -> None:
    names = [member.name for member in run.scenario.members]
    assert overview(run.trace, names, names) == overview(run.trace, names, names)
    assert "<svg" in overview([executed(1, "a", 1)], ["a"], [])
