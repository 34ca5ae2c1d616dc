"""How soon service is back when a leader dies: from the kill to the first block that others execute without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
