"""The first part of a sweep over load: the saturation of each configuration, on all cores or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import NamedTuple

import msgspec
from rich.console import Console

from consortium.commands.workers import Death
from consortium.lab.sweeps.folder import SweepFolder
from consortium.lab.sweeps.plan import LOAD, Plan, SweepError
from consortium.lab.sweeps.saturation import Saturation, find_saturation
from consortium.scenario.scenario import Scenario
from consortium.simulation.costs.profile import Profile


class Search(NamedTuple):
    """One configuration: `scenario` and `profile` as JSON, the latter empty where CPU is free."""

    number: int
    scenario: bytes
    profile: bytes


class Found(NamedTuple):
    """`why`: the error, where there is no saturation."""

    number: int
    saturation: Saturation | None
    why: str = ""


def run_search(search: Search) -> Found:
    """Never raises for what a scenario does."""
    try:
        scenario = msgspec.json.decode(search.scenario, type=Scenario)
        profile = msgspec.json.decode(search.profile, type=Profile) if search.profile else None
        return Found(search.number, find_saturation(scenario, profile))
    except Exception as error:
        return Found(search.number, None, f"{type(error).__name__}: {error}"[:300])


Searchers = Callable[[Sequence[Search]], Generator[Found | Death[Search] | None, None, None]]


def find_all(folder: SweepFolder, run: Searchers, console: Console) -> dict[int, Saturation]:
    """Of all configurations of the plan; those that were found before are not searched again. Raises SweepError."""
    plan, known = folder.plan, folder.saturations()
    profile = b"" if plan.profile is None else msgspec.json.encode(plan.profile)
    todo = [Search(number, msgspec.json.encode(scenario), profile)
            for number, scenario in plan.configurations.items() if number not in known]  # fmt: skip
    with closing(run(todo) if todo else _nothing()) as arriving:
        for found in arriving:
            if isinstance(found, Found):
                known[found.number] = _checked(plan, found)
                folder.keep_saturation(found.number, known[found.number])
            elif found is not None and found.is_final:
                raise SweepError(found.sentence(f"the search for the saturation of {where(plan, found.job.number)}"))
    for number in sorted(known):
        told = f"saturation of {where(plan, number)}: {known[number].words()}"
        console.print(told, markup=False, soft_wrap=True)
    return known


def _nothing() -> Generator[None, None, None]:
    yield from ()


def _checked(plan: Plan, found: Found) -> Saturation:
    if found.saturation is None or found.saturation.rate <= 0:
        why = found.why or "nothing was executed"
        raise SweepError(
            f"the saturation of {where(plan, found.number)} was not found: {why}; try it by `consortium run`"
        )
    return found.saturation


def where(plan: Plan, number: int) -> str:
    """The configuration of this point: its settings without the load."""
    settings = plan.points[number].settings
    return " ".join(f"{axis}={value}" for axis, value in settings.items() if axis != LOAD) or plan.name
