"""How soon service is back when a leader dies: from the kill to the first block that others execute without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from consortium.lab.measures import series
from consortium.lab.measures.catalogue import Figure, Measure
from consortium.lab.measures.distributions import Distributions
from consortium.runs.records import Records
from consortium.runs.trace import Record
from consortium.scenario.faults import condition_after


class Death(NamedTuple):
    """`resumed_us` None: nobody executed anything more."""

    t_us: int
    leader: str
    resumed_us: int | None


def leader_deaths(trace: Sequence[Record]) -> list[Death]:
    """Kills of the member that had proposed last, in order. Blocks that were decided before the kill do not count as
    service: the first block counts that was proposed after it."""
    deaths: list[Death] = []
    open_deaths: list[Death] = []
    proposer = ""
    proposed_us: dict[int, int] = {}  # height -> when it was last proposed
    for record in Records.of(trace).of_kind("proposed", "fault", "executed"):
        kind = record["kind"]
        if kind == "proposed":
            proposer = record["node"]
            proposed_us[record["height"]] = record["t_us"]
        elif kind == "fault" and record["target"] == proposer and condition_after(record["act"]) == "down":
            open_deaths.append(Death(record["t_us"], proposer, None))
        elif kind == "executed" and open_deaths and record["transactions"]:
            t_us = proposed_us.get(record["height"], -1)
            back = [death for death in open_deaths if t_us > death.t_us]
            deaths += [death._replace(resumed_us=record["t_us"]) for death in back]
            open_deaths = [death for death in open_deaths if death not in back]
    return sorted([*deaths, *open_deaths])


_DEATH = "from the kill of a leader to the first block with transactions that was proposed and executed after it"
FIGURES = (
    Figure("leader_deaths", "1", "times that the member that proposed last was killed"),
    Figure("leader_death_p50", "s", f"{_DEATH}; median"),
    Figure("leader_death_p99", "s", f"{_DEATH}; 99 in 100 are faster"),
    Figure("leader_death_max", "s", f"{_DEATH}; the longest"),
)


def _take(trace: Records, found: Distributions) -> Iterator[tuple[str, float]]:
    deaths = leader_deaths(trace)
    if not deaths:
        return
    waits = sorted(death.resumed_us - death.t_us for death in deaths if death.resumed_us is not None)
    yield "leader_deaths", len(deaths)
    if waits:
        yield "leader_death_p50", series.quantile(waits, 0.5) / 1e6
        yield "leader_death_p99", series.quantile(waits, 0.99) / 1e6
        yield "leader_death_max", waits[-1] / 1e6


MEASURE = Measure("leader deaths", FIGURES, _take, order=40)
