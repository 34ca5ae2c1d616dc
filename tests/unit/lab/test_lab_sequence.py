"""The messages about one height: every delivery of a simulation, and what processes recorded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.lab.figures.lamport import lamport
from consortium.lab.figures.overheard import overhear
from consortium.lab.figures.paper import draw_svg
from consortium.lab.figures.sequence import (
    Heard,
    Said,
    SequenceError,
    counts,
    diagram,
    from_recordings,
    from_trace,
    is_recorded,
    window_of,
)
from consortium.lab.measures.message_counts import expected
from consortium.runs.run import Run
from consortium.scenario.resize import with_members
from consortium.scenario.scenario import Fault, Link, Network, Scenario
from consortium.simulation.costs.profile import Profile
from nodes.conduct.conductor import run_local
from tests.unit.lab.test_lab_compare import FOUR, simulated

SPREAD = Network(default=Link("lognormal", mean_us=20_000, deviation_us=8_000))


@pytest.fixture(scope="module")
def run() -> Run:
    return simulated(replace(FOUR, network=SPREAD))


@pytest.mark.parametrize("protocol", ["pbft", "hotstuff", "solo"])
def test_every_message_of_the_formula_is_an_arrow_and_takes_time(protocol: str) -> None:
    run = simulated(replace(FOUR, network=SPREAD, protocol=protocol, seed=3))
    shown = overhear(run, 5, None)
    found = counts(shown)
    formula = {kind: count.deliveries for kind, count in expected(protocol, 4).items() if kind != "Held"}
    if protocol == "hotstuff":  # with the blocks above, whose votes decide it
        assert found["Proposal"] in (4 * 3, 3 * 3) and 3 * 3 <= found["Ballot"] <= 4 * 3
    else:
        assert found == formula
    assert all(a.heard_us is None or a.heard_us > a.said_us for a in shown.arrows)
    assert {mark.kind for mark in shown.marks} >= {"proposed", "committed", "executed"}


def test_a_run_that_does_not_repeat_is_not_drawn_as_if_it_did(run: Run) -> None:
    place = next(
        index for index, record in enumerate(run.trace) if record["kind"] == "executed" and record["height"] == 2
    )
    trace = list(run.trace)
    trace[place] = {**trace[place], "t_us": trace[place]["t_us"] - 1}
    with pytest.raises(SequenceError, match="do not repeat this run"):
        overhear(Run(run.scenario, run.genesis, trace), 5, None)


def test_a_height_that_was_never_reached_and_a_profile_that_the_run_had_not_are_refused(run: Run) -> None:
    for height in (0, 10_000):
        with pytest.raises(SequenceError, match="this run executed heights 1 to"):
            overhear(run, height, None)
    with pytest.raises(SequenceError, match="leave --profile out"):
        overhear(run, 5, Profile(name="mine"))


def test_the_first_hearing_belongs_to_the_first_saying_and_what_nobody_hears_is_drawn_so(run: Run) -> None:
    window = window_of(run.trace, 5)
    first, again = window.begin_us + 10, window.begin_us + 20
    said = [Said(first, "hospital-1", "", b"k", "Order"), Said(again, "hospital-1", "hospital-2", b"k", "Order")]
    heard = [
        Heard(first + 5, "hospital-3", b"k"),
        Heard(again + 5, "hospital-2", b"k"),
        Heard(first, "hospital-2", b"?"),
    ]
    shown = diagram(run, 5, said, heard, "made up")
    assert {(a.receiver, a.said_us, a.heard_us) for a in shown.arrows} == {
        ("hospital-2", first, again + 5),
        ("hospital-3", first, first + 5),
        ("hospital-4", first, None),
        ("hospital-2", again, None),
    }


def test_a_leader_change_is_drawn_with_the_wishes_that_led_to_it() -> None:
    slow = replace(FOUR.parameters, timer_base_us=400_000)
    faults = (Fault("kill", "hospital-1", at_us=500_000),)
    run = simulated(replace(FOUR, parameters=slow, faults=faults))
    entered_us = next(r["t_us"] for r in run.trace if r["kind"] == "new_view")
    height = min(r["height"] for r in run.trace if r["kind"] == "executed" and r["t_us"] > entered_us)
    shown = overhear(run, height, None)
    assert {"ViewChange", "NewView", "PrePrepare"} <= counts(shown).keys()
    assert all(arrow.heard_us is None for arrow in shown.arrows if arrow.receiver == "hospital-1")
    assert "hospital-1 executed it much later, or never" in lamport(shown, "").caption


def test_the_picture_draws_what_there_is_and_the_same_bytes_every_time(run: Run) -> None:
    picture = lamport(overhear(run, 5, None), "somewhere")
    assert "from its seed" in picture.caption and picture.name == "sequence-5"
    assert draw_svg(picture) == draw_svg(picture)
    silent = lamport(from_trace(run, 5), "somewhere")
    assert "no message is drawn" in silent.caption
    draw_svg(silent)


@pytest.mark.live
def test_a_recorded_run_tells_who_heard_whom(tmp_path: Path) -> None:
    scenario: Scenario = replace(FOUR, suite="ed25519", workload=replace(FOUR.workload, options={
        "transactions": 24, "interval_us": 100_000, "persons": 5}))  # fmt: skip
    folder = tmp_path / "run"
    assert run_local(scenario, folder, is_recorded=True).verdict == "done"
    from consortium.commands.folders import load_told

    run = load_told(folder)
    assert is_recorded(run, folder)
    shown = from_recordings(run, 3, folder)
    kinds = Counter(arrow.kind for arrow in shown.arrows if arrow.heard_us is not None)
    assert kinds["PrePrepare"] >= 2 and kinds["Prepare"] >= 4 and kinds["Commit"] >= 4
    assert all(arrow.heard_us is None or arrow.heard_us >= arrow.said_us for arrow in shown.arrows)


@pytest.mark.parametrize("members", [26, 33])
def test_many_members_are_heard_one_by_one_also_where_the_simulator_carries_votes_together(members: int) -> None:
    options = {"transactions": members, "interval_us": 300_000, "persons": 2}
    few = replace(FOUR, network=SPREAD, workload=replace(FOUR.workload, options=options))
    run = simulated(with_members(few, members))
    shown = overhear(run, 1, None)
    assert counts(shown) == {kind: count.deliveries for kind, count in expected("pbft", members).items()}
    assert all(arrow.heard_us is not None for arrow in shown.arrows)
