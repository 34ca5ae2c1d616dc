"""Which version of each contract executes a height: one row of the state, which the genesis founds and votes extend.

A contract that the row does not name does not exist on the chain, also where a program has it: so a program that brings
a new contract executes what older ones executed. It comes by a vote, as a new version does.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from consortium.core.contract import Contract, State, StateReader, Table
from consortium.core.errors import UserError

ONLY = "only"  # the key of a table with one row


class Step(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """From this height on, until the next step, this version executes."""

    from_height: int
    version: int


class Versions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By contract, in order of name: its steps, ascending by height and by version."""

    steps: dict[str, tuple[Step, ...]]

    def at(self, contract: str, height: int) -> int:
        """The version of a contract that executes this height; 0 = there is no such contract then."""
        held = 0
        for step in self.steps.get(contract, ()):
            if step.from_height > height:
                break
            held = step.version
        return held

    def newest(self, contract: str) -> Step:
        """The last step that was decided; it may lie ahead."""
        steps = self.steps.get(contract, ())
        return steps[-1] if steps else Step(0, 0)


VERSIONS: Table[Versions] = Table("registry.versions", Versions)
_NONE = Versions({})


class VersionMissing(UserError, RuntimeError):
    """A height is executed by a version that this program does not have. Nothing of the height was done."""


def version_missing(contract: str, version: int, height: int, held: Contract | None) -> VersionMissing:
    """`held`: what the program has of the contract."""
    has = "has no contract of this name" if held is None else f"has {_listed(sorted(held.versions))}"
    return VersionMissing(
        f"from height {height} on version {version} of contract {contract!r} executes, and this program {has}: "
        f"install one that has version {version} and start again; the ledger is kept as it stands below that height"
    )


def _listed(versions: list[int]) -> str:
    word = "version" if len(versions) == 1 else "versions"
    return f"{word} {', '.join(map(str, versions))}"


def get_versions(state: StateReader) -> Versions:
    return state.get(VERSIONS, ONLY) or _NONE


def found(state: State, versions: Mapping[str, int]) -> None:
    """Those of the genesis."""
    state.put(VERSIONS, ONLY, Versions({name: (Step(0, version),) for name, version in sorted(versions.items())}))


def decide_version(state: State, contract: str, version: int, from_height: int) -> None:
    """The members decided: from this height on, which lies ahead, this version executes."""
    steps = dict(get_versions(state).steps)
    steps[contract] = (*steps.get(contract, ()), Step(from_height, version))
    state.put(VERSIONS, ONLY, Versions(dict(sorted(steps.items()))))
