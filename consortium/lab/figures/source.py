"""Where a figure comes from, in one line for its foot: scenario, seeds, place, version, machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from consortium import __version__
from consortium.runs.folder import REAL_PLACES, place_of
from consortium.runs.machine_words import machine_words
from consortium.runs.run import Run
from consortium.runs.trace import Record


def source_of(runs: Sequence[Run]) -> str:
    """Of one run, or of several: what they have in common once."""
    started = [_started(run) for run in runs]
    scenarios = each_of(run.scenario.name for run in runs)
    seeds = each_of(run.scenario.seed for run in runs)
    protocols = each_of(run.scenario.protocol for run in runs)
    members = each_of(sum(member.kind == "validator" for member in run.scenario.members) for run in runs)
    places = each_of(place_words(run) for run in runs)
    versions = each_of(record.get("version", __version__) for record in started)
    head = f"scenario {scenarios}, seed {seeds}; {protocols}, {members} validators; {places}"
    machines = each_of(record["machine"] for record in started if record.get("machine"))
    return f"{head}; consortium {versions}; " + (f"machine: {machines}" if machines else f"drawn on {machine_words()}")


def place_words(run: Run) -> str:
    place = place_of(run)
    started = _started(run)
    if place in REAL_PLACES:
        return REAL_PLACES[place] + (f" ({started['broker']} broker)" if started.get("broker") else "")
    profile = started.get("profile")
    costs = f"profile {profile}, {started.get('profile_broker', '')} broker" if profile else "CPU free"
    return f"simulator (virtual time, {costs})" if place == "simulator" else place


def _started(run: Run) -> Record:
    return next(iter(run.records.of_kind("run")), {})


def each_of(values: Iterable[object]) -> str:
    found = list(dict.fromkeys(str(value) for value in values))
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
