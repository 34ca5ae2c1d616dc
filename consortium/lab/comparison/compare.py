"""Runs side by side: their figures with ratios, and where their configuration differs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.errors import UserError
from consortium.lab.checks.claims import Verdict
from consortium.lab.measures import traffic
from consortium.lab.measures.catalogue import STEADY, catalogue
from consortium.lab.measures.distributions import Distributions
from consortium.lab.measures.measures import Measures
from consortium.lab.measures.message_counts import of_ordering
from consortium.lab.measures.series import first_executions
from consortium.lab.pages.results import outcome_sentence
from consortium.runs.folder import REAL_PLACES, place_of
from consortium.runs.run import Run
from consortium.runs.trace import Record

SHOWN = (  # in a terminal; of those that have a steady variant, that one where all runs have it
    "throughput",
    "latency_mean",
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "submit_to_order_p50",
    "phase_order_to_prepared_p50",
    "phase_prepared_to_committed_p50",
    "phase_order_to_committed_p50",
    "phase_committed_to_executed_p50",
    "blocks",
    "transactions",
    "messages_per_block",
    "deliveries_per_block",
    "bytes_per_transaction",
    "view_changes",
    "service_gap_total",
    "cpu_all",
    "ledger_bytes",
)
ABSENT = "-"


class CompareError(UserError, ValueError):
    """These cannot be compared. The sentence says why and what to do."""


class Side(NamedTuple):
    """One of the runs. `label` is its own among all sides."""

    label: str
    folder: Path
    run: Run
    found: Distributions
    measures: Measures
    verdicts: Sequence[Verdict]

    @property
    def outcome(self) -> str:
        return outcome_sentence(self.run, self.verdicts)


class Line(NamedTuple):
    """One figure of all runs; None where a run does not have it."""

    name: str
    unit: str
    what: str
    values: tuple[float | None, ...]

    def ratio(self, index: int) -> float | None:
        """Of that run's value to the first run's; None where there is none."""
        first, value = self.values[0], self.values[index]
        return value / first if first and value is not None else None

    def difference(self, index: int) -> float | None:
        first, value = self.values[0], self.values[index]
        return None if first is None or value is None else value - first


class Setting(NamedTuple):
    """One path of the scenario (as of `--set`) whose value is not the same in all runs."""

    path: str
    values: tuple[str, ...]


def labels_of(folders: Sequence[Path]) -> list[str]:
    """The last names of the folders, as much of their paths as makes them differ. Raises CompareError."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise CompareError("the same folder is named twice; name different runs")
    for depth in range(1, 6):
        labels = ["/".join(folder.parts[-depth:]) for folder in folders]
        if len(set(labels)) == len(labels):
            return labels
    return [str(folder) for folder in folders]


def lines_of(sides: Sequence[Side]) -> list[Line]:
    """Every figure that at least one run has, in the order of the catalogue; and messages of ordering by block."""
    found = []
    for name, unit, what in catalogue():
        values = tuple(side.measures.get(name) for side in sides)
        if any(value is not None for value in values):
            found.append(Line(name, unit, what, values))
        if name == "deliveries_per_block":
            ordering = tuple(ordering_deliveries(side.run.trace, side.run.scenario.protocol) for side in sides)
            if any(value is not None for value in ordering):
                found.append(
                    Line("ordering_deliveries_per_block", "1", "those of the protocol's normal case", ordering)
                )
    return found


def ordering_deliveries(trace: Sequence[Record], protocol: str) -> float | None:
    """Deliveries of the messages of the normal case, by block: what docs/consensus.md's formula counts."""
    said = traffic.by_kind(traffic.said(trace), len(traffic.nodes_of(trace)))
    kinds = of_ordering(protocol)
    blocks = len(first_executions(trace))
    if not said or not kinds or not blocks:
        return None
    return sum(said[kind][1] for kind in kinds if kind in said) / blocks


def shown(lines: Sequence[Line]) -> list[Line]:
    """The few that a person asks for first."""
    by_name = {line.name: line for line in lines}
    chosen = []
    for name in (*SHOWN[:14], "ordering_deliveries_per_block", *SHOWN[14:]):
        stem, _, statistic = name.rpartition("_")
        steady = by_name.get(f"{stem}{STEADY}_{statistic}") or by_name.get(f"{name}{STEADY}")
        line = steady if steady is not None and None not in steady.values else by_name.get(name)
        if line is not None:
            chosen.append(line)
    return chosen


def settings_that_differ(runs: Sequence[Run]) -> list[Setting]:
    """Place, costs and version of the runs, then their scenarios path by path. What a scenario says to people (its name
    and question) is compared, too: two runs of two scenarios are no repetition."""
    flat = [{**_about(run), **dict(_flat("", _plain(run)))} for run in runs]
    paths = list(dict.fromkeys(path for settings in flat for path in settings))
    lists = {path for path in paths if any(isinstance(settings.get(path), _Count) for settings in flat)}
    found = []
    for path in paths:
        if path == "question" or _is_under(path, lists, flat):
            continue
        values = tuple(_told(settings.get(path)) for settings in flat)
        if len(set(values)) > 1:
            found.append(Setting(path, values))
    return found


class _Count(int):
    """How many entries a list has."""


def _plain(run: Run) -> Any:
    return msgspec.to_builtins(run.scenario)


def _about(run: Run) -> dict[str, Any]:
    started: Record = next(iter(run.records.of_kind("run")), {})
    names: Mapping[str, str] = {
        "version": "consortium",
        "profile": "profile",
        "profile_broker": "profile's broker",
        "broker": "broker",
        "machine": "machine",
    }
    told = {words: started[key] for key, words in names.items() if started.get(key)}
    return {"ran": REAL_PLACES.get(place_of(run), place_of(run)), **told}


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list | tuple) and any(isinstance(inner, Mapping | list | tuple) for inner in value):
        yield path, _Count(len(value))
        for index, inner in enumerate(value):
            yield from _flat(f"{path}.{index}", inner)
    else:
        yield path, value


def _is_under(path: str, lists: set[str], flat: Sequence[Mapping[str, Any]]) -> bool:
    """Within a list whose lengths differ: then the lengths say enough."""
    parts = path.split(".")
    above = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    return any(each in lists and len({settings.get(each) for settings in flat}) > 1 for each in above)


def _told(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, _Count):
        return f"{int(value)} entries"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return value or '""' if isinstance(value, str) else msgspec.json.encode(value).decode()


def comparison_csv(sides: Sequence[Side], lines: Sequence[Line]) -> bytes:
    """`name,unit,` a column for each run, and for all but the first its ratio to the first; `what`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["name", "unit", *(side.label for side in sides), *(f"{s.label} ratio" for s in sides[1:]), "what"])
    for line in lines:
        values = ["" if value is None else f"{round(value, 6):.12g}" for value in line.values]
        ratios = [line.ratio(index) for index in range(1, len(sides))]
        told = ["" if ratio is None else f"{ratio:.4g}" for ratio in ratios]
        writer.writerow([line.name, line.unit, *values, *told, line.what])
    return out.getvalue().encode()
