"""Whom persons have act for them, for what and until when: what contracts ask that take a delegate's word."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.contract import Context, Refused, StateReader, Table

CONSENT, TRIAL = "consent", "trial"
AGENTS_MAX = 8  # of one person
MATTERS = (CONSENT, TRIAL)  # contracts that take a delegate's word


class Delegation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "pseudonym/agent". `may`: the contracts whose operations the agent uses for the person, before `to_day`."""

    may: tuple[str, ...]
    to_day: int


DELEGATIONS: Table[Delegation] = Table("delegation", Delegation, told_as="delegation")


def check_delegate(state: StateReader, pseudonym: str, matter: str, context: Context) -> None:
    """Whether the member that asks acts for this person in this matter today. Refuses `delegation-missing`,
    `delegation-over`."""
    found = state.get(DELEGATIONS, f"{pseudonym}/{context.member}")
    if found is None or matter not in found.may:
        raise Refused("delegation-missing", f"the person has not delegated {matter} to {context.member}")
    if found.to_day <= context.day:
        raise Refused("delegation-over", f"the delegation to {context.member} ended before {found.to_day}")


def find_delegates(state: StateReader, pseudonym: str) -> Iterator[str]:
    """Members with a delegation of this person, over or not."""
    prefix = f"{pseudonym}/"
    return (key.removeprefix(prefix) for key, _ in state.range(DELEGATIONS, prefix, f"{pseudonym}0", limit=AGENTS_MAX))
