"""The workload "statistics": bureau and regulator publish invented tables, until the year's budget is spent.

Needs a bureau and a regulator that host "statistician". The numbers are as a library would have made them elsewhere:
in a simulation nothing is drawn that another run would draw otherwise.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, REGULATOR
from consortium.contracts.records.statistics import Cell, Publish, SetBudget
from consortium.core.genesis import genesis_call
from consortium.roles.statistician import StatisticianTasks, ToPublish
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

YEAR, QUESTION = 2025, "persons-by-scheme"
TRUE = {"employee": 1_204, "resident": 873}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ε in thousandths."""

    tables: int = 4
    epsilon_milli: int = 300
    budget_milli: int = 1_000
    interval_us: int = 100_000


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not 1 <= options.tables <= 100:
        raise ScenarioError("workload.options: expected 1 to 100 tables")
    publishers = [playing(scenario, role, "statistics")[0] for role in (BUREAU, REGULATOR)]
    tables: dict[str, list[ToPublish]] = {name: [] for name in publishers}
    for number in range(options.tables):
        publisher = publishers[number % 2]
        noise = stream_of(scenario, number, options.epsilon_milli)
        cells = tuple(Cell(name, value + noise[place]) for place, (name, value) in enumerate(TRUE.items()))
        table = Publish(f"{publisher}:s-{number:03d}", QUESTION, YEAR, options.epsilon_milli, 1, cells)
        tables[publisher].append(ToPublish(number * options.interval_us, table))
    calls = (genesis_call("statistics", "set_budget", SetBudget(YEAR, options.budget_milli)),)
    return Prepared(calls, {name: Work(name, (StatisticianTasks(tuple(own)),)) for name, own in tables.items()})


def stream_of(scenario: Scenario, number: int, epsilon_milli: int) -> list[int]:
    """Invented noise of about the size that ε asks for."""
    stream = Stream(scenario.seed, "statistics", str(number))
    size = 2_000 // epsilon_milli + 1
    return [stream.below(2 * size + 1) - size for _ in TRUE]


WORKLOAD = WorkloadSpec("statistics", _prepare)
