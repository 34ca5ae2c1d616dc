"""When nothing was wrong with a run: what counts as a fault here, and which networks are quick enough for T.

A fault is whatever may cost an honest leader its place, or keep a member from its work:

- an act of fate, its repair, a change of the network, the beginning and the end of a behaviour (records `fault`);
- a process that ended by itself, that booted a second time, or that lost its broker;
- members that were voted in while one that is to join has not been started, until it is: it may be the leader;
- a member whose ledger was found damaged, that observes, or that found itself diverged.

A network that loses messages, that changes while the run goes on, or on which six hops may take longer than T, is never
calm. A real run has the network of its machine, unless the scenario bends it there too. Load is no fault.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from consortium.core.genesis import tuned
from consortium.core.quorum import faults_max
from consortium.lab.checks.traces import STOPPED_CODES, running_nodes
from consortium.lab.measures.disturbances import Disturbance, disturbances
from consortium.lab.measures.series import Span
from consortium.runs.run import Run, ledger_epochs
from consortium.runs.trace_parts import PART
from consortium.scenario.faults import load_acts, read_options
from consortium.scenario.network.distributions import draw_us
from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Link, Network
from consortium.scenario.streams import Stream

DRAWS = 1_000  # the slowest of so many stands for the slowest hop of a link
HOPS = 6  # a bundle, its order, PREPARE, COMMIT; and two to spare
SLACK_TIMERS = 12  # for what a timer does not count: recall, catch-up, what was lost and is said again


class Terms(NamedTuple):
    """What the members promised one another: T and its cap, and how many of them may fail, f of n."""

    timer_us: int
    cap_us: int
    n: int
    f: int


def terms_of(run: Run) -> Terms:
    """The strictest of all epochs that the fullest ledger knows."""
    fullest = run.fullest
    epochs = [run.genesis.first_epoch]
    if fullest is not None:
        known = ledger_epochs(run.genesis, fullest.rows)
        epochs = [epoch for number in range(known.newest.number + 1) if (epoch := known.number(number)) is not None]
    parameters = [tuned(run.genesis.parameters, epoch) for epoch in epochs]
    sizes = [epoch.n for epoch in epochs]
    return Terms(
        min(each.timer_base_us for each in parameters),
        max(each.timer_cap_us for each in parameters),
        min(sizes),
        faults_max(min(sizes)),
    )


def recovery_bound_us(terms: Terms, outage_us: int) -> int:
    """How long service may take to come back, once at most f members are bad and the links carry, after an outage.

    While nothing was decided for `outage_us`, T doubled at most up to max(T, that time), and never beyond its cap. So
    long an armed timer may run; then up to f bad leaders follow one another, each of which doubles it: the sum over
    i = 0 … f+1 of min(cap, 2^i × max(T, outage)). SLACK_TIMERS × T come on top."""
    grown_us = max(terms.timer_us, outage_us)
    waits = sum(min(terms.cap_us, grown_us << place) for place in range(terms.f + 2))
    return waits + SLACK_TIMERS * terms.timer_us


def due_us(run: Run) -> int:
    """What was begun by then had its time: in a run that ended all of it, in a consortium that goes on what is older
    than the members' bound."""
    end_us = run.records.end_us
    return end_us - recovery_bound_us(terms_of(run), 0) if run.is_standing else end_us


# --- the network ----------------------------------------------------------------------------------------------------


def network_words(run: Run) -> str:
    """Why its network may cost an honest leader its place; an empty string where it may not."""
    network = run.scenario.network
    about = run.records.of_kind("run")
    if about and about[0].get("on", "") != "simulator" and not network.in_real_runs:
        return ""
    if network.changes:
        return "the network changes while the run goes on"
    lines = (*network.lines.values(), *((network.hub,) if network.hub is not None else ()))
    links = _links(network, tuple(member.name for member in run.scenario.members))
    if any(link.loss_ppm for link in links) or any(line.queue_bytes for line in lines):
        return "the network loses messages"
    hops_us = HOPS * max(_slowest_us(link) for link in links)
    timer_us = terms_of(run).timer_us
    if hops_us > timer_us:
        return f"{HOPS} hops may take {hops_us / 1e6:.3g} s, and T is {timer_us / 1e6:g} s"
    return ""


def _links(network: Network, names: tuple[str, ...]) -> frozenset[Link]:
    model = NetworkModel(network, 0, names)
    if model.common is not None:
        return frozenset((model.common,))
    return frozenset(model.spec(one, other) for one in names for other in names if one != other)


@cache
def _slowest_us(link: Link) -> int:
    stream = Stream(0, "the slowest hop")
    late_us = link.reorder_us if link.reorder_ppm else 0
    return late_us + max(draw_us(link, stream) for _ in range(DRAWS))


# --- faults ---------------------------------------------------------------------------------------------------------


def trouble_times_us(run: Run) -> list[int]:
    """When something was wrong, or was mended, in order."""
    found: list[int] = []
    booted = set(run.records.nodes) if run.let_go else set()  # earlier boots may not be at hand
    joining = {member.name for member in run.scenario.members if member.joins and member.kind == "validator"}
    kinds = ("fault", "booted", "exited", "bus", "damaged", "observing", "diverged", "epoch")
    for record in run.records.of_kind(*kinds):
        match record["kind"]:
            case "booted":
                is_trouble = record["node"] in booted or record["node"] in joining
                booted.add(record["node"])
            case "epoch":
                is_trouble = not joining <= booted
            case "exited":
                is_trouble = record["code"] not in STOPPED_CODES
            case "bus":
                is_trouble = record["state"] != "up"
            case _:
                is_trouble = True
        if is_trouble:
            found.append(record["t_us"])
    return sorted(found)


def bad_members(run: Run) -> frozenset[str]:
    """Liars, and those whose disk forgets: what they promised they cannot be held to."""
    acts = load_acts()
    forgetting = {fault.target for fault in run.scenario.faults if acts[fault.act].forgets(read_options(fault))}
    return run.traitors | forgetting | run.records.of_kind("observing", "diverged", "damaged").nodes


def standing(run: Run, t_us: int) -> list[Disturbance]:
    """What is wrong just after this moment."""
    return [each for each in disturbances(run.trace) if each.start_us <= t_us and (each.is_open or t_us < each.end_us)]


def calm_spans(run: Run) -> list[Span]:
    """Spans of time in which nothing was wrong: until the first fault; and, where everything was mended, all members
    are honest and up and no disk forgets, from the last repair on, as soon as service had its time to come back."""
    if network_words(run):
        return []
    times = trouble_times_us(run)
    end_us = run.records.end_us
    if not times:
        return [Span(0, end_us, "the run")]
    spans = [Span(0, times[0] - 1, "before the first fault")]
    booted = run.records.of_kind("booted", PART).nodes
    is_whole = not bad_members(run) and not standing(run, times[-1]) and set(running_nodes(run.trace)) == booted
    if is_whole:
        outage_us = times[-1] - times[0]
        spans.append(Span(times[-1] + recovery_bound_us(terms_of(run), outage_us), end_us, "after the last repair"))
    return [span for span in spans if span.length_us > 0]
