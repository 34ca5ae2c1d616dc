"""Workloads by name: what a run has to do, made from a scenario before the run.

A workload module in this room offers `WORKLOAD = WorkloadSpec(name, prepare)`; it is found by pkgutil.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from consortium.core.genesis import GenesisCall
from consortium.scenario.scenario import Scenario


class Prepared(NamedTuple):
    """`calls`: for the genesis. `work`: what each member has to do, by member name, as its role understands it."""

    calls: tuple[GenesisCall, ...]
    work: Mapping[str, Any]


class WorkloadSpec(NamedTuple):
    """`prepare(scenario, pseudonym_key)`: the key turns source ids into pseudonyms and is secret in real runs."""

    name: str
    prepare: Callable[[Scenario, bytes], Prepared]


def _nothing(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    return Prepared((), {})


WORKLOAD = WorkloadSpec("none", _nothing)


def load_workloads() -> dict[str, WorkloadSpec]:
    """All workloads by name."""
    import consortium.scenario as room

    found: dict[str, WorkloadSpec] = {}
    for module in pkgutil.iter_modules(room.__path__):
        if module.name in ("assemble",):
            continue
        spec = getattr(import_module(f"{room.__name__}.{module.name}"), "WORKLOAD", None)
        if isinstance(spec, WorkloadSpec):
            found[spec.name] = spec
    return dict(sorted(found.items()))
