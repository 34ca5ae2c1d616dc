"""Simulated against real: one scenario both ways at several sizes, and how far apart the figures are.

A study file is Python with a module-level `VALIDATION = Validation(...)`; its docstring is the question it asks.
"""

from __future__ import annotations

import csv
import io
import runpy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from consortium.core.errors import UserError
from consortium.lab.measures.catalogue import STEADY
from consortium.lab.measures.measures import Measures
from consortium.scenario.load import ScenarioError, apply_sets, check_scenario
from consortium.scenario.resize import with_members
from consortium.scenario.scenario import Scenario

FIGURES = {"latency_p50": ("p50", "ms"), "latency_p95": ("p95", "ms"), "throughput": ("throughput", "tx/s")}
AIMS = {"latency_p50": 0.10, "latency_p95": 0.20, "throughput": 0.15}
AIM_MEMBERS_MAX = 10
PARTS = {
    "submit_to_order": "submission to order",
    "phase_order_to_prepared": "order to prepared",
    "phase_prepared_to_committed": "prepared to committed",
    "phase_order_to_committed": "order to committed",
    "commit_to_execute": "commit to execution",
}
OTHERS_MAX = 0.05  # of the cores' time that other programs may have had before a machine is not called quiet


class ValidationError(UserError, ValueError):
    """The study cannot be run as it is. The sentence says what to do."""


@dataclass(frozen=True)
class Validation:
    """`members`: the sizes. `repeat`: runs of each size and kind, with the scenario's seed, the next one, and so on.
    `broker`: of the real runs and, by its costs, of the simulated ones."""

    scenario: Scenario
    members: Sequence[int] = (4, 7, 10, 16)
    repeat: int = 3
    broker: str = "mosquitto"
    sets: Callable[[int], Sequence[str]] | None = None  # `path=value` for a number of members
    name: str = ""
    question: str = ""

    def at(self, members: int, run: int) -> Scenario:
        """Of one size and one repetition. Raises ScenarioError."""
        scenario = with_members(self.scenario, members)
        if self.sets is not None:
            scenario = apply_sets(scenario, self.sets(members))
        return replace_seed(scenario, self.scenario.seed + run)


def replace_seed(scenario: Scenario, seed: int) -> Scenario:
    return msgspec.structs.replace(scenario, seed=seed)


def load_validation(path: Path, members: Sequence[int] = (), sets: Sequence[str] = ()) -> Validation:
    """`members` and `sets` from the command line come on top. Raises ValidationError, ScenarioError."""
    if path.suffix != ".py" or not path.is_file():
        raise ValidationError(
            f"{path}: expected a Python file with VALIDATION = Validation(scenario=…, members=(4, 7))"
        )
    try:
        found = runpy.run_path(str(path))
    except ScenarioError:
        raise
    except Exception as error:  # whatever a user's file does wrong is told as theirs
        raise ValidationError(f"{path}: {type(error).__name__}: {error}") from None
    study = found.get("VALIDATION")
    if not isinstance(study, Validation):
        raise ValidationError(f"{path} has no VALIDATION = Validation(scenario=…, members=(4, 7, 10, 16))")
    question = study.question or (found.get("__doc__") or "").strip()
    scenario = apply_sets(study.scenario, sets)
    study = replace(study, scenario=scenario, name=study.name or path.stem, question=question)
    if members:
        study = replace(study, members=tuple(members))
    if not study.members or study.repeat < 1:
        raise ValidationError(f"{path}: members and repeat: expected at least one size and one run")
    for size in study.members:
        check_scenario(study.at(size, 0))
    return study


class Both(NamedTuple):
    """One size: the figures of its real runs and of its simulated ones. `others`: the share of the cores' time that
    other programs had during each real run; None where the system does not tell."""

    members: int
    real: Sequence[Measures]
    simulated: Sequence[Measures]
    others: Sequence[float | None] = ()

    @property
    def suffix(self) -> str:
        """Of figures without warm-up, where all runs have them."""
        every = [*self.real, *self.simulated]
        return STEADY if all(each.get(f"latency{STEADY}_p50") is not None for each in every) else ""

    def pair(self, name: str) -> tuple[float | None, float | None]:
        """(real, simulated), each the mean over its runs."""
        stem, _, statistic = name.rpartition("_")
        whole = f"{name}{self.suffix}" if name == "throughput" else f"{stem}{self.suffix}_{statistic}"
        return _mean(self.real, whole), _mean(self.simulated, whole)

    def error(self, name: str) -> float | None:
        """Of the simulation, relative to the real run; None where either lacks the figure."""
        real, simulated = self.pair(name)
        return None if real is None or simulated is None or real == 0 else simulated / real - 1

    def spread(self, name: str) -> float | None:
        """Of the real runs among themselves: (greatest - least) / mean."""
        stem, _, statistic = name.rpartition("_")
        whole = f"{name}{self.suffix}" if name == "throughput" else f"{stem}{self.suffix}_{statistic}"
        values = [value for each in self.real if (value := each.get(whole)) is not None]
        mean = sum(values) / len(values) if values else 0.0
        return (max(values) - min(values)) / mean if mean and len(values) > 1 else None

    @property
    def is_quiet(self) -> bool:
        return all(share is None or share <= OTHERS_MAX for share in self.others)

    def parts(self) -> list[tuple[str, float, float]]:
        """(phase, real, simulated): mean milliseconds of what a latency consists of."""
        found: list[tuple[str, float, float]] = []
        for name, words in PARTS.items():
            if name == "phase_order_to_committed" and any(part[0] == "order to prepared" for part in found):
                continue
            real, simulated = self.pair(f"{name}_mean")
            if real is not None and simulated is not None:
                found.append((words, real, simulated))
        return found

    def cpu_error(self) -> float | None:
        """Of the CPU that all nodes used by transaction."""
        real, simulated = _mean(self.real, "cpu_all"), _mean(self.simulated, "cpu_all")
        return None if not real or simulated is None else simulated / real - 1

    def reasons(self) -> list[str]:
        """Where the error comes from, as far as the figures tell."""
        told = []
        parts = self.parts()
        if parts:
            words, real, simulated = max(parts, key=lambda part: abs(part[2] - part[1]))
            told.append(
                f"most of it lies in «{words}»: {real:.3g} ms real, {simulated:.3g} ms simulated"
                f" ({simulated - real:+.3g} ms)"
            )
        cpu = self.cpu_error()
        if cpu is not None:
            told.append(f"simulated nodes use {cpu:+.0%} CPU a transaction against real ones")
        spread = self.spread("latency_p50")
        if spread is not None:
            told.append(f"the real runs differ among themselves by {spread:.0%} (p50)")
        known = [share for share in self.others if share is not None]
        if known:
            told.append(f"other programs had {max(known):.0%} of the cores during the real runs")
        return told


def _mean(runs: Sequence[Measures], name: str) -> float | None:
    values = [value for each in runs if (value := each.get(name)) is not None]
    return sum(values) / len(values) if values else None


def verdict(sizes: Sequence[Both]) -> str:
    """Whether the aim is met, in one sentence, and whether the machine was one on which that can be said."""
    judged = [both for both in sizes if both.members <= AIM_MEMBERS_MAX]
    beyond = [
        f"{FIGURES[name][0]} at n = {both.members} ({error:+.0%})"
        for both in judged
        for name, aim in AIMS.items()
        if (error := both.error(name)) is not None and abs(error) > aim
    ]
    aims = ", ".join(f"{FIGURES[name][0]} {aim:.0%}" for name, aim in AIMS.items())
    quiet = (
        "" if all(both.is_quiet for both in judged) else " The machine was not quiet: other programs took its cores."
    )
    if not judged:
        return f"No size up to {AIM_MEMBERS_MAX} was run: the aim ({aims}) says nothing of larger ones.{quiet}"
    if not beyond:
        return f"Within the aim at every n up to {AIM_MEMBERS_MAX}: {aims}.{quiet}"
    return f"Beyond the aim ({aims}): {', '.join(beyond)}.{quiet}"


def validation_csv(sizes: Sequence[Both]) -> bytes:
    """A row for each size and figure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["members", "figure", "unit", "real", "simulated", "error", "is_steady", "real_runs", "others"])
    for both in sizes:
        known = [share for share in both.others if share is not None]
        for name, (_, unit) in FIGURES.items():
            real, simulated, error = *both.pair(name), both.error(name)
            values = ["" if value is None else f"{value:.6g}" for value in (real, simulated, error)]
            steady, others = "yes" if both.suffix else "no", f"{max(known):.4f}" if known else ""
            writer.writerow([both.members, name, unit, *values, steady, len(both.real), others])
    return out.getvalue().encode()
