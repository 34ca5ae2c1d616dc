"""Figures of CPU: what the named costs took by transaction, and what the cores could do with them alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from consortium.lab.measures import series
from consortium.lab.measures.catalogue import Figure, Measure
from consortium.lab.measures.distributions import Distributions
from consortium.runs.records import Records
from consortium.runs.trace import Record

COSTS = ("verify", "hash", "decode", "execute", "state", "store", "bus")
FIGURES = (
    *(
        Figure(f"cpu_{name}", "us/tx", f"CPU spent on {name} over all nodes, per committed transaction")
        for name in COSTS
    ),
    Figure("cpu_all", "us/tx", "all CPU of all nodes, per committed transaction"),
    Figure("ceiling", "tx/s", f"the run's cores doing nothing but what is counted: {', '.join(COSTS)}"),
)


def cpu_costs(trace: Iterable[Record]) -> dict[str, dict[str, int]]:
    """Per node the sums of its `cost` records over all its lives; the counters begin anew at every boot."""
    total: dict[str, dict[str, int]] = {}
    current: dict[str, dict[str, int]] = {}

    def fold(node: str) -> None:
        sums = total.setdefault(node, {})
        for name, value in current.pop(node, {}).items():
            sums[name] = sums.get(name, 0) + value

    for record in Records.of(trace).of_kind("booted", "cost"):
        node = record["node"]
        if record["kind"] == "booted":
            if node in current:
                fold(node)
        else:
            current[node] = {k: v for k, v in record.items() if k not in ("t_us", "node", "kind") and type(v) is int}
    for node in list(current):
        fold(node)
    return dict(sorted(total.items()))


def _take(trace: Records, found: Distributions) -> Iterator[tuple[str, float]]:
    costs = cpu_costs(trace)
    transactions = sum(record["transactions"] for record in series.first_executions(trace))
    if not costs or not transactions:
        return
    for name in (*COSTS, "cpu"):
        spent = sum(node.get(f"{name}_us", 0) for node in costs.values())
        yield f"cpu_{'all' if name == 'cpu' else name}", spent / transactions
    named = sum(node.get(f"{name}_us", 0) for node in costs.values() for name in COSTS) / transactions
    if named > 0:
        yield "ceiling", _cores(trace) * 1e6 / named


def _cores(trace: Iterable[Record]) -> int:
    """Of the machine of the run, where its first record tells; else of this one."""
    started = next(iter(Records.of(trace).of_kind("run")), {})
    return int(started.get("cores") or os.cpu_count() or 1)


MEASURE = Measure("costs", FIGURES, _take, order=60)
