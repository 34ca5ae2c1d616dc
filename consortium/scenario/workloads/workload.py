"""Workloads by name: what a run has to do, made from a scenario before the run.

A workload module in this room offers `WORKLOAD = WorkloadSpec(name, prepare)`; it is found by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from consortium.core.discovery import offered_by_name
from consortium.core.genesis import GenesisCall
from consortium.roles.work import Work
from consortium.scenario.scenario import Scenario


class Prepared(NamedTuple):
    """`calls`: for the genesis. `work`: what each member has to do, by member name. `samples`: what people may try out
    as a member, JSON by member name, where the workload is for people."""

    calls: tuple[GenesisCall, ...]
    work: Mapping[str, Work]
    samples: Mapping[str, bytes] = MappingProxyType({})


class WorkloadSpec(NamedTuple):
    """`prepare(scenario, pseudonym_key)`: the key turns source ids into pseudonyms and is secret in real runs."""

    name: str
    prepare: Callable[[Scenario, bytes], Prepared]


def _nothing(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    return Prepared((), {})


WORKLOAD = WorkloadSpec("none", _nothing)


def load_workloads() -> dict[str, WorkloadSpec]:
    """All workloads by name."""
    return offered_by_name("consortium.scenario.workloads", "WORKLOAD", WorkloadSpec)
