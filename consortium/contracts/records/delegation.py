"""Delegation 授权委托: a person has a member act for it in some matters until a day, and ends that when it wants.

So nobody has to hand its key to whoever acts for it: a delegate signs as itself, and the ledger says for whom. A
delegate cannot delegate further, renew the person's key, or have a record erased.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_choice, check_count, check_identifier
from consortium.contracts.records.consents import check_end
from consortium.contracts.records.delegations import AGENTS_MAX, DELEGATIONS, MATTERS, Delegation, find_delegates
from consortium.core.contract import Context, Contract, Event, Refused, State
from consortium.core.registry import newest_epoch
from consortium.core.spoken import Speech


class Delegate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to have a member act for it in these matters (consent, trial), before `to_day`. Said again,
    it takes the place of what was said before."""

    agent: str
    may: tuple[str, ...]
    to_day: int


class Undelegate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to end it."""

    agent: str


DELEGATE: Speech[Delegate] = Speech("delegation", "delegate", Delegate)
REVOKE: Speech[Undelegate] = Speech("delegation", "revoke", Undelegate)


def _delegate(state: State, said: Delegate, pseudonym: str, context: Context) -> list[Event]:
    check_count(len(said.may), len(MATTERS), "may")
    for matter in said.may:
        check_choice(matter, MATTERS, "may")
    check_end(said.to_day, context)
    epoch = newest_epoch(state)
    if epoch is None or said.agent not in epoch.by_name:
        raise Refused("unknown-member", "whoever acts for a person must be a member")
    others = [name for name in find_delegates(state, pseudonym) if name != said.agent]
    check_count(len(others) + 1, AGENTS_MAX, "members that act for the person")
    may = tuple(sorted(set(said.may)))
    state.put(DELEGATIONS, f"{pseudonym}/{said.agent}", Delegation(may, said.to_day))
    fields = {"pseudonym": pseudonym, "agent": said.agent, "may": " ".join(may)}
    return [Event("delegated", {**fields, "to_day": said.to_day})]


def _revoke(state: State, said: Undelegate, pseudonym: str, context: Context) -> list[Event]:
    """Refuses `delegation-missing`, also where it was ended before. What was done under it stays."""
    check_identifier(said.agent, "agent")
    key = f"{pseudonym}/{said.agent}"
    if state.get(DELEGATIONS, key) is None:
        raise Refused("delegation-missing", "the person has delegated nothing to this member")
    state.delete(DELEGATIONS, key)
    return [Event("delegation-revoked", {"pseudonym": pseudonym, "agent": said.agent})]


CONTRACT = Contract("delegation", 1, (DELEGATE.operation(_delegate), REVOKE.operation(_revoke)), founding=0)
