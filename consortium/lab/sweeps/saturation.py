"""Saturation: how many transactions a second one configuration can execute, found by a stated search.

A closed loop keeps so many transactions under way in all; their number is doubled until throughput grows by less than
`GROWTH`, and saturation is the highest throughput that was reached. Throughput is that of the middle three fifths of a
run's transactions, so that neither filling nor emptying the loop counts. Searched is the configuration as it is without
faults and behaviours: a share of saturation is a share of what it can do when nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import msgspec

from consortium.core.errors import UserError
from consortium.lab.measures.bundles import bundles_of
from consortium.lab.measures.series import first_executions, quantile
from consortium.scenario.arrivals.options import CLOSED, RECORDED, LoadOptions
from consortium.scenario.scenario import Scenario, Stop, Workload
from consortium.scenario.workloads.settlement_load import WORKLOAD, loading_members
from consortium.simulation.costs.profile import Profile
from consortium.simulation.run import Simulation

GROWTH = 0.03
UNDER_WAY_FIRST = 8  # bundles of each member that loads
ROUNDS = 10  # a run has so many times what is under way
TRANSACTIONS_MIN = 400
DOUBLINGS_MAX = 14
LATENCIES_MIN = 50  # a load lasts at least so many latencies of the first step
LIMIT_US = 3_600_000_000
_OF_OPEN = ("arrivals", "rate", "per", "spread", "interval_us", "rest_every", "rest_us", "on_us", "off_us",
            "period_us", "swing_percent", "file", "recorded", "outstanding", "transactions")  # fmt: skip


class NotLoaded(UserError, ValueError):
    """The scenario has no load whose share could be taken. The sentence says what to do."""


class Step(msgspec.Struct, frozen=True):
    """`under_way` transactions in all, and what came of it: transactions a second, and the median latency."""

    under_way: int
    rate: float
    latency_us: int


class Saturation(msgspec.Struct, frozen=True):
    """`rate`: transactions a second. `latency_us`: the median when little is under way."""

    rate: float
    latency_us: int
    steps: tuple[Step, ...]

    def words(self) -> str:
        best = max(self.steps, key=lambda step: step.rate)
        return f"{self.rate:,.0f} tx/s with {best.under_way:,} under way, found in {len(self.steps)} runs"


def check_loaded(scenario: Scenario) -> LoadOptions:
    """The options of its load. Raises NotLoaded."""
    if scenario.workload.source != WORKLOAD.name:
        raise NotLoaded(
            f"a share of saturation is one of the workload {WORKLOAD.name!r}; this scenario's is "
            f"{scenario.workload.source!r}: vary something else than load"
        )
    if not loading_members(scenario):
        raise NotLoaded('no member hosts a load; give one settings={"hosts": ["loader"]}')
    known = {key: value for key, value in scenario.workload.options.items() if key in LoadOptions.__struct_fields__}
    try:
        return msgspec.convert(known, LoadOptions)
    except msgspec.ValidationError as error:
        raise NotLoaded(f"workload.options: {error}") from None


def find_saturation(scenario: Scenario, profile: Profile | None = None) -> Saturation:
    """Some ten runs of this configuration."""
    options, loaders = check_loaded(scenario), len(loading_members(scenario))
    largest = max(options.size_shares)
    room = max(1, scenario.parameters.pool_transactions_max // len(scenario.members))
    each = min(room, UNDER_WAY_FIRST * largest)
    steps: list[Step] = []
    for _ in range(DOUBLINGS_MAX):
        steps.append(_step(scenario, each, loaders, profile))
        before = max((step.rate for step in steps[:-1]), default=0.0)
        if steps[-1].rate < (1 + GROWTH) * before or each == room:
            break
        each = min(room, 2 * each)
    return Saturation(max(step.rate for step in steps), steps[0].latency_us, tuple(steps))


def _step(scenario: Scenario, each: int, loaders: int, profile: Profile | None) -> Step:
    under_way = each * loaders
    options = {"transactions": max(TRANSACTIONS_MIN, ROUNDS * under_way), "outstanding": each, "arrivals": CLOSED}
    trace = Simulation(_with(_at_rest(scenario), options), profile=profile).run().trace
    latencies = sorted(bundle.latency_us for bundle in bundles_of(trace))
    return Step(under_way, middle_rate([(r["t_us"], r["transactions"]) for r in first_executions(trace)]),
                quantile(latencies, 0.5))  # fmt: skip


def middle_rate(executed: list[tuple[int, int]]) -> float:
    """Transactions a second of the middle three fifths. `executed`: (when, how many), by time."""
    whole = sum(count for _, count in executed)
    passed, first, last = 0, (0, 0), (0, 0)
    for t_us, count in executed:
        passed += count
        if passed <= whole // 5 or not first[0]:
            first = (t_us, passed)
        if passed <= whole - whole // 5:
            last = (t_us, passed)
    return (last[1] - first[1]) * 1e6 / (last[0] - first[0]) if last[0] > first[0] else 0.0


def at_share(scenario: Scenario, percent: float, saturation: Saturation) -> Scenario:
    """The scenario under so many percent of saturation, as an open load: its own process of arrivals, Poisson where
    it was closed. It lasts LATENCIES_MIN latencies, or as long as its own total takes."""
    options = check_loaded(scenario)
    rate = percent / 100 * saturation.rate
    total = options.transactions or 0
    enough = ceil(rate * LATENCIES_MIN * saturation.latency_us / 1e6)
    is_drawn = options.process not in (CLOSED, RECORDED)
    kept = {name: value for name, value in scenario.workload.options.items() if name in _KEPT} if is_drawn else {}
    load = {**kept, "arrivals": options.process if is_drawn else "poisson", "rate": round(rate, 3)}
    return _with(scenario, {**load, "transactions": max(total, enough)})


_KEPT = ("spread", "on_us", "off_us", "period_us", "swing_percent")


def _with(scenario: Scenario, load: Mapping[str, Any]) -> Scenario:
    options = {key: value for key, value in scenario.workload.options.items() if key not in _OF_OPEN}
    return msgspec.structs.replace(scenario, workload=Workload(scenario.workload.source, {**options, **load}))


def _at_rest(scenario: Scenario) -> Scenario:
    return msgspec.structs.replace(scenario, faults=(), behaviours=(), stop=Stop(limit_us=LIMIT_US))
