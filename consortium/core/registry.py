"""The seam between contracts and ledger for members: three small tables of the state, and the rule of activation.

A contract that decides on members appends to PENDING; it knows no more. The ledger reads PENDING after each block,
makes the next epoch of it, and writes EPOCHS, NEWEST and RULES, which contracts read. So the state root commits to all
epochs, also to one that is not active yet.

A change executed at height h is active from A on: the first height above h + window for which A−1 is a checkpoint. All
changes of heights in (H − interval, H], where H + window is a checkpoint, thus go into one epoch, which is final (and
known to whoever executed H) `window` heights before anything can be decided under it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from consortium.core import versions
from consortium.core.contract import State, StateReader, Table
from consortium.core.genesis import Genesis, Parameters
from consortium.core.membership import Epoch, Member, NodeId

ONLY = "only"  # the key of a table with one row


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of the genesis contracts need to judge keys and evidence by."""

    suite: str
    checkpoint_interval: int
    window: int


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`member` None: `name` is a member no more. Otherwise: this is what `name` is from the next epoch on."""

    name: NodeId
    member: Member | None


class Pending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes that were decided and stand in no epoch yet, oldest first, at most one a name; and new parameters."""

    changes: tuple[Change, ...]
    tuning: dict[str, int] = {}


class Newest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number of the newest epoch; it may not be active yet."""

    number: int


RULES: Table[Rules] = Table("registry.rules", Rules)
PENDING: Table[Pending] = Table("registry.pending", Pending)
NEWEST: Table[Newest] = Table("registry.newest", Newest)
EPOCHS: Table[Epoch] = Table("registry.epoch", Epoch)


def epoch_key(number: int) -> str:
    return f"{number:08d}"


# --- the rule of activation -----------------------------------------------------------------------------------------


def compute_activation(height: int, parameters: Parameters | Rules) -> int:
    """A: the first height above `height` + window for which A−1 is a checkpoint."""
    interval = parameters.checkpoint_interval
    return -(-(height + parameters.window) // interval) * interval + 1


def is_closing(height: int, parameters: Parameters | Rules) -> bool:
    """Whether the changes that wait after this height become an epoch now: it begins at height + window + 1."""
    return (height + parameters.window) % parameters.checkpoint_interval == 0


# --- what contracts use ---------------------------------------------------------------------------------------------


def newest_epoch(state: StateReader) -> Epoch | None:
    """The newest epoch, active or not; None in a state without a registry."""
    newest = state.get(NEWEST, ONLY)
    return None if newest is None else state.get(EPOCHS, epoch_key(newest.number))


def epoch_at(state: StateReader, height: int) -> Epoch | None:
    """The epoch whose members decide `height`, as far as it is known."""
    epoch = newest_epoch(state)
    while epoch is not None and epoch.first_height > height:
        epoch = state.get(EPOCHS, epoch_key(epoch.number - 1))
    return epoch


def pending_changes(state: StateReader) -> tuple[Change, ...]:
    pending = state.get(PENDING, ONLY)
    return () if pending is None else pending.changes


def pending_tuning(state: StateReader) -> dict[str, int]:
    pending = state.get(PENDING, ONLY)
    return {} if pending is None else pending.tuning


def future_tuning(state: StateReader) -> dict[str, int]:
    """The changed parameters of the newest epoch, with those that wait."""
    newest = newest_epoch(state)
    return {**({} if newest is None else newest.tuning), **pending_tuning(state)}


def decide_tuning(state: State, tuning: Mapping[str, int]) -> None:
    """The members decided on these parameters: they hold from the next activation on."""
    both = {**pending_tuning(state), **tuning}
    state.put(PENDING, ONLY, Pending(pending_changes(state), dict(sorted(both.items()))))


def decide_change(state: State, change: Change) -> None:
    """The members decided on this: it is active from the next activation on. One that waits for the same name is
    replaced."""
    others = tuple(other for other in pending_changes(state) if other.name != change.name)
    state.put(PENDING, ONLY, Pending((*others, change), pending_tuning(state)))


# --- what the ledger uses -------------------------------------------------------------------------------------------


def apply_changes(members: Sequence[Member], changes: Sequence[Change]) -> tuple[Member, ...]:
    """The members after the changes, by name."""
    by_name = {member.name: member for member in members}
    for change in changes:
        if change.member is None:
            by_name.pop(change.name, None)
        else:
            by_name[change.name] = change.member
    return tuple(by_name[name] for name in sorted(by_name))


def is_waiting(state: StateReader) -> bool:
    """Whether anything was decided that stands in no epoch yet."""
    return bool(pending_changes(state) or pending_tuning(state))


def revoked_submitters(state: StateReader, height: int) -> frozenset[NodeId]:
    """Whose submit key in the epoch of `height` was replaced by a change that waits: from the block after that change
    on it signs nothing any more, though the new key begins with its epoch. (A key is replaced when it was stolen, and a
    thief must not have until then.)"""
    newest, changes = newest_epoch(state), pending_changes(state)
    if newest is None or (newest.first_height <= height and not changes):
        return frozenset()
    epoch = epoch_at(state, height)
    assert epoch is not None
    after = {member.name: member for member in apply_changes(newest.members, changes)}
    return frozenset(
        member.name
        for member in epoch.members
        if member.name in after and after[member.name].keys.get("submit") != member.keys.get("submit")
    )


def found(state: State, genesis: Genesis) -> None:
    """The registry of a new chain."""
    parameters = genesis.parameters
    state.put(RULES, ONLY, Rules(genesis.suite, parameters.checkpoint_interval, parameters.window))
    versions.found(state, genesis.versions)
    put_epoch(state, genesis.first_epoch)


def put_epoch(state: State, epoch: Epoch) -> None:
    state.put(EPOCHS, epoch_key(epoch.number), epoch)
    state.put(NEWEST, ONLY, Newest(epoch.number))


def close(state: State, height: int) -> Epoch | None:
    """At a closing height: the epoch that the waiting changes make; None if none waits, or if they would leave no
    validator (a contract's mistake must not stop the chain)."""
    newest, rules = newest_epoch(state), state.get(RULES, ONLY)
    if not is_waiting(state) or newest is None or rules is None:
        return None
    members, tuning = apply_changes(newest.members, pending_changes(state)), dict(sorted(future_tuning(state).items()))
    state.delete(PENDING, ONLY)
    epoch = Epoch(newest.number + 1, height + rules.window + 1, members, tuning)
    if not epoch.validators:
        return None
    put_epoch(state, epoch)
    return epoch
