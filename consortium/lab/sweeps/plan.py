"""A sweep: one scenario at every combination of some values, each with several seeds; and its plan, point by point.

A sweep file is Python with a module-level `SWEEP = Sweep(...)`; its docstring is the question it asks.
"""

from __future__ import annotations

import itertools
import runpy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium import __version__
from consortium.core.errors import UserError
from consortium.lab.sweeps.saturation import NotLoaded, Saturation, at_share, check_loaded
from consortium.scenario.assemble import prepare
from consortium.scenario.fhir.records import ImportFault
from consortium.scenario.find import find_scenario
from consortium.scenario.load import ScenarioError, apply_sets, check_scenario, load_scenario, with_files
from consortium.scenario.resize import with_members
from consortium.scenario.scenario import Scenario
from consortium.simulation.costs.profile import Profile

FORMAT = 1
RUNS_MAX = 20_000
MEMBERS = "members"
LOAD = "load"  # percent of the configuration's saturation
LOAD_MAX = 1_000
ALIASES = {
    "network.latency": "network.default.mean_us",
    "network.jitter": "network.default.deviation_us",
    "network.loss": "network.default.loss_ppm",
    "network.distribution": "network.default.distribution",
    "timer": "parameters.timer_base_us",
    "batch": "parameters.batch_transactions_max",
}
UNITS_US = {"us": 1, "ms": 1_000, "s": 1_000_000}

Settings = Mapping[str, Any]


class SweepError(UserError, ValueError):
    """The sweep cannot be run as it is. The sentence says where and what to do."""


def check_sweep_format(folder: Path, plan: Mapping[str, Any]) -> None:
    """Raises SweepError where the plan in a sweep's folder is of a format that this version does not read."""
    if plan.get("format") != FORMAT:
        raise SweepError(
            f"{folder} is a sweep of format {plan.get('format')}, written by consortium {plan.get('version')}; this is "
            f"consortium {__version__}, which reads format {FORMAT}"
        )


@dataclass(frozen=True)
class Sweep:
    """`scenario`: the value, or the name or path of one. `vary`: path (as of `--set`, `members`, or an alias) → values;
    every combination is a point, the first path varying slowest. `derive`: path → what it is at a point, computed from
    the point's settings. `repeat`: runs of each point, with the scenario's seed, the next one, and so on."""

    scenario: Scenario | str
    vary: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    repeat: int = 1
    derive: Mapping[str, Callable[[Settings], Any]] = field(default_factory=dict)
    sets: Sequence[str] = ()  # `path=value` for all points
    name: str = ""
    question: str = ""


class Point(NamedTuple):
    """`settings`: by path, as they were named; what was derived is in the scenario alone. Where load is an axis, that
    scenario has no rate yet: a plan is `loaded` once saturation is known."""

    number: int
    settings: Settings
    scenario: Scenario


class Plan(NamedTuple):
    """Everything that decides what a sweep's results are. `axes`: the paths that vary, in order. `profile`: what CPU
    costs in its simulations (None: nothing)."""

    name: str
    question: str
    axes: tuple[str, ...]
    points: tuple[Point, ...]
    seeds: tuple[int, ...]
    profile: Profile | None = None

    @property
    def digest(self) -> str:
        """Of all scenarios, seeds, costs and of our version: two plans of one digest have the same results."""
        parts = [__version__, repr(self.seeds), *self.axes]
        parts += [repr([point.settings[LOAD] for point in self.points])] if self.is_loaded else []
        parts += [] if self.profile is None else [msgspec.json.encode(self.profile).decode()]
        parts += [msgspec.json.encode(point.scenario).decode() for point in self.points]
        return sha256("\x00".join(parts).encode()).hexdigest()

    @property
    def runs(self) -> int:
        return len(self.points) * len(self.seeds)

    @property
    def is_loaded(self) -> bool:
        """Whether load is an axis."""
        return LOAD in self.axes

    @property
    def configurations(self) -> dict[int, Scenario]:
        """By the number of its first point, each scenario whose saturation must be known."""
        found: dict[bytes, Point] = {}
        for point in self.points if self.is_loaded else ():
            found.setdefault(msgspec.json.encode(point.scenario), point)
        return {point.number: point.scenario for point in found.values()}

    def loaded(self, saturations: Mapping[int, Saturation]) -> Plan:
        """With each point's share of the saturation of its configuration, named as in `configurations`."""
        known = {msgspec.json.encode(scenario): saturations[number] for number, scenario in self.configurations.items()}
        points = [
            point._replace(
                scenario=at_share(point.scenario, point.settings[LOAD], known[msgspec.json.encode(point.scenario)])
            )
            for point in self.points
        ]
        return self._replace(points=tuple(points))


def load_sweep(path: Path) -> Sweep | None:
    """The SWEEP of a Python file; None where it has none (a scenario, say). Raises ScenarioError, SweepError."""
    if path.suffix != ".py":
        return None
    try:
        found = runpy.run_path(str(path))
    except (ScenarioError, SweepError):
        raise
    except (Exception, SystemExit) as error:  # whatever a user's file does wrong is told as theirs
        raise SweepError(f"{path}: {type(error).__name__}: {error}") from None
    sweep = found.get("SWEEP")
    if sweep is None:
        return None
    if not isinstance(sweep, Sweep):
        raise SweepError(f"{path}: SWEEP is no Sweep; expected `SWEEP = Sweep(scenario=…, vary={{…}}, repeat=…)`")
    question = sweep.question or (found.get("__doc__") or "").strip()
    if isinstance(sweep.scenario, Scenario):
        sweep = replace(sweep, scenario=with_files(sweep.scenario, path.parent))
    return replace(sweep, vary=_read_times(sweep.vary), name=sweep.name or path.stem, question=question)


def _read_times(vary: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """`"20ms"` means in a file what it means after --vary."""
    read: dict[str, Sequence[Any]] = {}
    for path, values in vary.items():
        if isinstance(values, (list, tuple)):
            times = [_time_us(path, value) if isinstance(value, str) else None for value in values]
            values = [value if time is None else time for value, time in zip(values, times, strict=True)]
        read[path] = values
    return read


def find_sweep(name: str) -> Sweep:
    """A sweep file, or a scenario as a sweep of nothing yet. Raises ScenarioError, SweepError."""
    path = find_scenario(name)
    sweep = load_sweep(path)
    if sweep is not None:
        return sweep
    scenario = load_scenario(path)
    return Sweep(scenario, name=scenario.name, question=scenario.question)


def read_vary(texts: Sequence[str]) -> dict[str, list[Any]]:
    """`--vary path=value,value`; the values are numbers, words, `20ms` for paths of times, or one JSON array."""
    found: dict[str, list[Any]] = {}
    for text in texts:
        path, equals, rest = text.partition("=")
        if not equals or not path:
            raise SweepError(f"--vary {text!r}: expected path=value,value,… as in --vary members=4,7,10")
        if path in found:
            raise SweepError(f"--vary {path} is given twice; name all its values in one, as in --vary {path}=1,2,3")
        found[path] = _values(path, rest, text)
    return found


def _values(path: str, rest: str, text: str) -> list[Any]:
    if rest.startswith("["):
        try:
            values = msgspec.json.decode(rest)
        except msgspec.MsgspecError as error:
            raise SweepError(f"--vary {text!r}: not a JSON array: {error}") from None
        return list(values)
    words = [word.strip() for word in rest.split(",")]
    if "" in words:
        raise SweepError(f"--vary {text!r}: a value is empty; expected {path}=value,value,…")
    return [_value(path, word) for word in words]


def _time_us(path: str, word: str) -> int | None:
    """`20ms` in microseconds, where the path takes a time."""
    if ALIASES.get(path, path).endswith("_us"):
        for unit in ("us", "ms", "s"):
            number = word.removesuffix(unit)
            if number != word and _is_number(number):
                return round(float(number.replace("_", "")) * UNITS_US[unit])
    return None


def _value(path: str, word: str) -> Any:
    time_us = _time_us(path, word)
    if time_us is not None:
        return time_us
    if word.replace("_", "").isdecimal():
        return int(word.replace("_", ""))
    try:
        return msgspec.json.decode(word)
    except msgspec.MsgspecError:
        return word


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def make_plan(sweep: Sweep, seed: int | None = None, profile: Profile | None = None) -> Plan:
    """Every point's scenario, checked. `seed`: the first one, instead of the scenario's. Raises ScenarioError,
    SweepError."""
    base = _base(sweep, seed)
    if LOAD in sweep.vary:
        sweep = replace(sweep, vary={**sweep.vary, LOAD: _read_loads(sweep.vary[LOAD])})
    if sweep.repeat < 1:
        raise SweepError(f"--repeat {sweep.repeat}: expected 1 or more; each is a run of every point with a seed more")
    _check_axes(sweep)
    combinations = [dict(zip(sweep.vary, values, strict=True)) for values in itertools.product(*sweep.vary.values())]
    if len(combinations) * sweep.repeat > RUNS_MAX:
        raise SweepError(f"{len(combinations) * sweep.repeat:,} runs: at most {RUNS_MAX:,}; vary less, or repeat less")
    if len(combinations) * sweep.repeat == 1:
        raise SweepError("nothing varies and nothing is repeated: add --vary path=value,value or --repeat N, or use "
                         "`consortium run`")  # fmt: skip
    points = tuple(_point(index, base, sweep, settings) for index, settings in enumerate(combinations))
    _check_workloads(points)
    seeds = tuple(range(base.seed, base.seed + sweep.repeat))
    name = sweep.name or base.name
    return Plan(name, sweep.question or base.question, tuple(sweep.vary), points, seeds, profile)


def _read_loads(values: Any) -> list[float]:
    """Percent, written as `50%` or as a number. Raises SweepError."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise SweepError(f"--load {values!r}: expected shares of saturation, as in --load 10%,50%,90%")
    found: list[float] = []
    for value in values:
        text = str(value).strip().removesuffix("%")
        share = float(text) if _is_number(text) else -1.0
        if not 0 < share <= LOAD_MAX:
            raise SweepError(f"--load {value}: expected a share of saturation above 0 and up to {LOAD_MAX}%, as 50%")
        found.append(int(share) if share == int(share) else share)
    return found


def _base(sweep: Sweep, seed: int | None) -> Scenario:
    scenario = sweep.scenario
    if isinstance(scenario, str):
        scenario = load_scenario(find_scenario(scenario))
    try:  # constructors do not check types: going through builtins does, and names the path
        scenario = msgspec.convert(msgspec.to_builtins(scenario), Scenario)
    except msgspec.ValidationError as error:
        raise SweepError(f"the scenario of sweep {sweep.name!r}: {error}") from None
    scenario = apply_sets(scenario, sweep.sets)
    return scenario if seed is None else msgspec.structs.replace(scenario, seed=seed)


def _check_axes(sweep: Sweep) -> None:
    meant: dict[str, str] = {}
    for path, values in sweep.vary.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
            raise SweepError(f"--vary {path}: no values; expected {path}=value,value,…")
        if any(values[place] in values[:place] for place in range(len(values))):
            raise SweepError(f"--vary {path}: a value is named twice; --repeat runs a point again with other seeds")
        target = ALIASES.get(path, path)
        if target in ("seed", "name", "question"):
            raise SweepError(f"--vary {path}: seeds come from --repeat, and names mean nothing; vary something else")
        if target in meant:
            raise SweepError(f"--vary {path} and --vary {meant[target]} are the same setting; name it once")
        meant[target] = path


def _point(index: int, base: Scenario, sweep: Sweep, settings: Settings) -> Point:
    where = _where(settings)
    all_settings = dict(settings)
    for path, compute in sweep.derive.items():
        try:
            all_settings[path] = compute(settings)
        except Exception as error:
            raise SweepError(f"derive {path!r} at {where}: {type(error).__name__}: {error}") from None
    try:
        scenario = apply_settings(base, all_settings)
        check_scenario(scenario)
        if LOAD in settings:
            check_loaded(scenario)
    except (ScenarioError, NotLoaded) as error:
        raise SweepError(f"at the point {where}: {str(error).replace('--set', '--vary')}") from None
    return Point(index, settings, scenario)


def _check_workloads(points: Sequence[Point]) -> None:
    """Each workload is made once, with the first point that has it: its options are judged nowhere else."""
    known: set[bytes] = set()
    for point in points:
        workload = msgspec.json.encode(point.scenario.workload)
        if workload in known:
            continue
        known.add(workload)
        try:
            prepare(point.scenario, bytes(32))
        except (ScenarioError, ImportFault) as error:
            raise SweepError(f"at the point {_where(point.settings)}: {error}") from None


def apply_settings(scenario: Scenario, settings: Settings) -> Scenario:
    """`members` first, then the rest in order. Raises ScenarioError."""
    if MEMBERS in settings:
        count = settings[MEMBERS]
        if type(count) is not int:
            raise ScenarioError(f"members={count!r}: expected a number of validators")
        scenario = with_members(scenario, count)
    rest = {path: value for path, value in settings.items() if path not in (MEMBERS, LOAD)}
    sets = [f"{ALIASES.get(path, path)}={msgspec.json.encode(value).decode()}" for path, value in rest.items()]
    return apply_sets(scenario, sets)


def _where(settings: Settings) -> str:
    return " ".join(f"{path}={_told(value)}" for path, value in settings.items())


def _told(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
