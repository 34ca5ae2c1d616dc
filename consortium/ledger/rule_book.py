"""By which version of each contract a height is executed: what the state says, out of what this program has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec

from consortium.core.contract import Contract, StateReader
from consortium.core.machine import Note
from consortium.core.versions import Versions, get_versions, version_missing

FOREVER = 1 << 62  # above every height


class Verb(NamedTuple):
    """An operation as one version has it."""

    contract: Contract
    decode: Callable[[bytes | msgspec.Raw], Any]


class Rules(NamedTuple):
    """`verbs` by contract and operation. `missing`: (contract, version) that the state names and no program here has;
    with any of them nothing may be executed."""

    contracts: Mapping[str, Contract]
    verbs: Mapping[tuple[str, str], Verb]
    missing: tuple[tuple[str, int], ...]


class _Span(NamedTuple):
    """The heights from `first_height` on, below `end_height`, between which no version changes."""

    versions: Versions
    first_height: int
    end_height: int
    rules: Rules


class RuleBook:
    """`contracts`: the newest of each, with its older ones."""

    def __init__(self, contracts: Mapping[str, Contract], state: StateReader) -> None:
        self._contracts = contracts
        self._state = state
        self._made: dict[tuple[tuple[str, int], ...], Rules] = {}
        self._last: _Span | None = None  # asked for block by block, it mostly is the same

    def at(self, height: int) -> Rules:
        """The rules of a height that is executed next, or was before."""
        return self._rules(get_versions(self._state), height)

    def begins(self, height: int) -> list[tuple[str, int]]:
        """(contract, version) of those that execute from this height on and did not before."""
        versions = get_versions(self._state)
        self._rules(versions, height)
        if self._last is None or self._last.first_height != height:
            return []
        return sorted({*versions_at(versions, height)} - {*versions_at(versions, height - 1)})

    def warn(self, height: int) -> list[Note]:
        """After this height: of each version that was decided for later and that this program does not have."""
        notes: list[Note] = []
        for name, steps in get_versions(self._state).steps.items():
            held = self._contracts.get(name)
            for step in steps:
                if step.from_height > height and (held is None or step.version not in held.versions):
                    why = str(version_missing(name, step.version, step.from_height, held))
                    notes.append(Note("rules_missing", {"contract": name, "version": step.version, "why": why}))
        return notes

    def check(self, height: int) -> None:
        """Raises VersionMissing where this program cannot execute a height."""
        self.check_in(get_versions(self._state), height)

    def check_in(self, versions: Versions, height: int) -> None:
        """The same by the versions of another state, which is to take the place of ours."""
        missing = self._rules(versions, height).missing
        if missing:
            name, version = missing[0]
            first = next(step for step in versions.steps[name] if step.version == version)
            raise version_missing(name, version, first.from_height, self._contracts.get(name))

    def _rules(self, versions: Versions, height: int) -> Rules:
        last = self._last
        if last is not None and last.versions is versions and last.first_height <= height < last.end_height:
            return last.rules
        named = versions_at(versions, height)
        rules = self._made.get(named)
        if rules is None:
            rules = self._made[named] = self._make(named)
        changes = [step.from_height for steps in versions.steps.values() for step in steps]
        first = max((change for change in changes if change <= height), default=0)
        ahead = [change for change in changes if change > height]
        self._last = _Span(versions, first, min(ahead, default=FOREVER), rules)
        return rules

    def _make(self, named: tuple[tuple[str, int], ...]) -> Rules:
        contracts: dict[str, Contract] = {}
        missing: list[tuple[str, int]] = []
        for name, version in named:
            held = self._contracts.get(name)
            contract = None if held is None else held.versions.get(version)
            if contract is None:
                missing.append((name, version))
            else:
                contracts[name] = contract
        verbs = {
            (name, operation.name): Verb(contract, _decoder(operation.arguments))
            for name, contract in contracts.items()
            for operation in contract.operations.values()
        }
        return Rules(contracts, verbs, tuple(missing))


def versions_at(versions: Versions, height: int) -> tuple[tuple[str, int], ...]:
    """(contract, version) of all that exist at a height, in order of name."""
    found = ((name, versions.at(name, height)) for name in versions.steps)
    return tuple((name, version) for name, version in found if version)


@cache
def _decoder(kind: Any) -> Callable[[bytes | msgspec.Raw], Any]:
    """One for all executors: a process may hold hundreds."""
    return msgspec.msgpack.Decoder(kind).decode
