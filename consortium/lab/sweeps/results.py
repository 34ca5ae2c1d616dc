"""A finished sweep, read back from its tables: what its figures are drawn from. Needs no pandas."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.lab.measures.message_counts import of_ordering
from consortium.lab.sweeps.plan import ALIASES, LOAD, MEMBERS, SweepError, check_sweep_format
from consortium.scenario.scenario import Scenario

SettingValue = str | int | float | bool | None


class Mean(NamedTuple):
    """Over the runs of a point; `low` and `high`: the 95 % confidence interval, None where one run alone has it."""

    mean: float
    low: float | None
    high: float | None
    values: int


class PointResult(NamedTuple):
    """`quantiles`: (distribution, without warm-up?) → (share, milliseconds), each the mean over the runs that have it.
    `ordering`: deliveries of the protocol's normal case by block; None where nothing is known of it."""

    number: int
    settings: Mapping[str, SettingValue]
    scenario: Scenario
    runs: int
    failed: int
    figures: Mapping[str, Mean]
    quantiles: Mapping[tuple[str, bool], Sequence[tuple[float, float]]]
    ordering: float | None

    @property
    def saturation(self) -> float | None:
        """Transactions a second of this configuration, where load is an axis."""
        share, rate = self.settings.get(LOAD), self.scenario.workload.options.get("rate")
        return rate * 100 / share if isinstance(share, int | float) and isinstance(rate, int | float) else None

    @property
    def validators(self) -> int:
        return sum(member.kind == "validator" for member in self.scenario.members)


class SweepResults(NamedTuple):
    name: str
    question: str
    axes: tuple[str, ...]
    seeds: tuple[int, ...]
    version: str
    profile: str
    points: tuple[PointResult, ...]

    def values(self, axis: str) -> list[SettingValue]:
        """Those that the axis takes, in the order of the sweep."""
        return list(dict.fromkeys(point.settings[axis] for point in self.points))

    def is_numeric(self, axis: str) -> bool:
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values(axis))


def read_sweep(folder: Path) -> SweepResults:
    """Raises SweepError where the sweep is not finished or cannot be read."""
    if not (folder / "schema.json").is_file():
        raise SweepError(f"{folder}: this sweep is not finished; the command that began it (in its README.md) goes on")
    try:
        plan = msgspec.json.decode((folder / "plan.json").read_bytes(), type=dict[str, Any])
        check_sweep_format(folder, plan)
        settings = [dict(each) for each in plan["points"]]
        scenarios = [_scenario(folder / "scenarios" / f"{number:04}.json") for number in range(len(settings))]
        figures, counts = _figures(folder / "points.csv")
        quantiles = _quantiles(folder / "quantiles.csv")
        traffic = _traffic(folder / "traffic.csv")
        points = tuple(
            PointResult(
                number,
                {axis: _plain(each[axis]) for axis in plan["axes"]},
                scenarios[number],
                *counts[number],
                figures[number],
                quantiles.get(number, {}),
                _ordering(scenarios[number].protocol, traffic.get(number, {}), figures[number], counts[number]),
            )
            for number, each in enumerate(settings)
        )
    except SweepError:
        raise
    except (OSError, KeyError, ValueError, msgspec.MsgspecError) as error:
        raise SweepError(
            f"{folder} cannot be read as a sweep ({type(error).__name__}: {error}); run it again"
        ) from None
    seeds, axes = tuple(plan["seeds"]), tuple(plan["axes"])
    return SweepResults(plan["name"], plan["question"], axes, seeds, plan["version"], _profile(plan), points)


def _profile(plan: Mapping[str, Any]) -> str:
    profile = plan.get("profile") or ""
    return profile if isinstance(profile, str) else str(profile.get("name", ""))


def _scenario(path: Path) -> Scenario:
    return msgspec.json.decode(path.read_bytes(), type=Scenario)


def _plain(value: Any) -> SettingValue:
    return (
        value if isinstance(value, str | int | float | bool) or value is None else msgspec.json.encode(value).decode()
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _figures(path: Path) -> tuple[dict[int, dict[str, Mean]], dict[int, tuple[int, int]]]:
    found: dict[int, dict[str, Mean]] = {}
    counts: dict[int, tuple[int, int]] = {}
    for row in _rows(path):
        held = found.setdefault(int(row["point"]), {})
        counts[int(row["point"])] = (int(row["runs"]), int(row["failed"]))
        if row["mean"]:
            low, high = (float(row[end]) if row[end] else None for end in ("low", "high"))
            held[row["figure"]] = Mean(float(row["mean"]), low, high, int(row["values"]))
    return found, counts


def _quantiles(path: Path) -> dict[int, dict[tuple[str, bool], list[tuple[float, float]]]]:
    sums: dict[int, dict[tuple[str, bool], dict[float, list[float]]]] = {}
    for row in _rows(path):
        key = (row["distribution"], row["is_steady"] == "yes")
        values = sums.setdefault(int(row["point"]), {}).setdefault(key, {})
        values.setdefault(float(row["share"]), []).append(float(row["value_ms"]))
    return {
        point: {
            key: [(share, sum(values) / len(values)) for share, values in sorted(shares.items())]
            for key, shares in held.items()
        }
        for point, held in sums.items()
    }


def _traffic(path: Path) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for row in _rows(path):
        held = found.setdefault(int(row["point"]), {})
        held[row["type"]] = held.get(row["type"], 0) + int(row["deliveries"])
    return found


def _ordering(
    protocol: str, traffic: Mapping[str, int], figures: Mapping[str, Mean], counts: tuple[int, int]
) -> float | None:
    """Runs that failed are in `traffic` and not in the mean of blocks: with any of them there is no figure."""
    kinds, blocks = of_ordering(protocol), figures.get("blocks")
    runs, failed = counts
    if not kinds or blocks is None or failed or not blocks.mean or not any(kind in traffic for kind in kinds):
        return None
    return sum(traffic.get(kind, 0) for kind in kinds) / (blocks.mean * runs)


# --- for people -------------------------------------------------------------------------------------------------------

_WORDS = {
    MEMBERS: "validators",
    LOAD: "load, share of saturation",
    "network.default.mean_us": "mean one-way delay",
    "network.default.deviation_us": "deviation of the delay",
    "network.default.loss_ppm": "loss",
    "parameters.timer_base_us": "timer",
    "parameters.batch_transactions_max": "transactions a batch",
    "workload.options.interval_us": "interval of submissions of a member",
    "workload.options.outstanding": "outstanding submissions of a member",
    "workload.options.bundle": "transactions a bundle",
}


def scale_of(axis: str) -> tuple[float, str]:
    """(factor, unit) in which an axis is shown: microseconds as milliseconds, parts per million as percent."""
    path = ALIASES.get(axis, axis)
    if path == LOAD:
        return 1.0, "%"
    if path.endswith("_us"):
        return 1e-3, "ms"
    if path.endswith("_ppm"):
        return 1e-4, "%"
    return 1.0, ""


def axis_words(axis: str) -> str:
    unit = scale_of(axis)[1]
    path = ALIASES.get(axis, axis)
    return _WORDS.get(path, path) + (f" ({unit})" if unit else "")


def setting_words(axis: str, value: SettingValue) -> str:
    """`n = 7`, `delay = 20 ms`, `protocol pbft`: short, for a legend."""
    if axis == MEMBERS:
        return f"n = {value}"
    if axis == LOAD:
        return f"{value} %"
    if isinstance(value, str):
        return value if ALIASES.get(axis, axis) == "protocol" else f"{axis.rpartition('.')[2]} {value}"
    factor, unit = scale_of(axis)
    told = f"{value * factor:,.6g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    name = axis.rpartition(".")[2].removesuffix("_us").removesuffix("_ppm").replace("_", " ")
    return f"{name} {told}{' ' + unit if unit else ''}"
