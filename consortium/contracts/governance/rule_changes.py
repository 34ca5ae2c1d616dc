"""Rules by vote: a call that is executed once a quorum wants it, and a new version of a contract from a height on.

A call is judged twice: when it is proposed, so that nobody votes for what would be refused, and when it has passed, for
much may have changed meanwhile. What a refused call wrote is thrown away, and the proposal is closed as failed.

Whether any program has a version is not the ledger's to know: whoever votes for it says that its own has it. A node
whose program lacks it stops before its first height (`core.versions.VersionMissing`).
"""

from __future__ import annotations

from consortium.contracts.checks import check_identifier, check_range
from consortium.core import registry
from consortium.core.contract import CanonicalCall, Context, Event, Refused, State
from consortium.core.genesis import VERSION_MAX
from consortium.core.trial import Trial
from consortium.core.versions import decide_version, get_versions

CALL, UPGRADE = "call", "upgrade"
HEIGHT_MAX = 1 << 53


def check_call(state: State, call: CanonicalCall | None, context: Context) -> None:
    """Refuses what the call would be refused for now, with its own code; `no-call` where there is none."""
    context.execute_call(Trial(state), _given(call), context)


def carry_out(state: State, call: CanonicalCall | None, context: Context) -> list[Event]:
    """Execute a call that has passed. Refuses as the operation does, and then nothing of it is written."""
    trial = Trial(state)
    events = context.execute_call(trial, _given(call), context)
    trial.keep()
    return events


def _given(call: CanonicalCall | None) -> CanonicalCall:
    if call is None:
        raise Refused("no-call", "a proposal to call carries contract, operation and arguments")
    return call


def check_upgrade(state: State, contract: str, version: int, from_height: int, context: Context) -> None:
    """Refuses `bad-identifier`, `bad-number`, `no-change`, `upgrade-pending`: a version is never taken back, and one
    that was decided begins before the next is asked for."""
    check_identifier(contract, "contract")
    check_range(version, 1, VERSION_MAX, "version")
    check_range(from_height, 0, HEIGHT_MAX, "from_height")
    newest = get_versions(state).newest(contract)
    if newest.from_height > context.height:
        begins = f"version {newest.version} of {contract} begins at height {newest.from_height}"
        raise Refused("upgrade-pending", f"{begins}; propose the next after it")
    if version <= newest.version:
        raise Refused("no-change", f"{contract} has version {newest.version}; only a higher one can follow it")


def decide_upgrade(state: State, contract: str, version: int, from_height: int, context: Context) -> int:
    """The height from which on it is active: that of the next activation, or a later one that was stated."""
    check_upgrade(state, contract, version, from_height, context)
    rules = state.get(registry.RULES, registry.ONLY)
    if rules is None:
        raise Refused("no-registry", "this chain has no registry of members")
    height = max(from_height, registry.compute_activation(context.height, rules))
    decide_version(state, contract, version, height)
    return height
