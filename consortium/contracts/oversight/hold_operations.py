"""Who places and lifts holds: the bureau and the regulator place one; it ends when whoever placed it asks for that and
another role agrees, or by a vote. The rules that other contracts ask are in `hold`."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.oversight import hold
from consortium.core.contract import (
    VOTE,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Whose,
)


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold `account` ("payable/<code>" and so on). `why`: finding | inquiry | judgment | lines-differ. `record`: what
    it is about, as "finding/F-7"."""

    account: str
    why: str
    record: str


class Lift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which hold of which account shall end."""

    account: str
    why: str
    record: str


class OfAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which holds lie on an account."""

    account: str


def _place(state: State, arguments: Place, context: Context) -> list[Event]:
    events: list[Event] = []
    hold.place(state, arguments.account, arguments.why, arguments.record, context, events)
    return events


def _ask_lift(state: State, arguments: Lift, _context: Context) -> list[Event]:
    events: list[Event] = []
    hold.ask_lift(state, arguments.account, arguments.why, arguments.record, events)
    return events


def _endorse_lift(state: State, arguments: Lift, context: Context) -> list[Event]:
    """A vote of the members lifts without being asked: whoever placed it may be gone. Refuses `unknown-hold`,
    `lift-not-asked`, `same-organisation`."""
    account, why, record = arguments.account, arguments.why, arguments.record
    found = hold.find_hold(state, account, why, record)
    if found is not None and not found.is_lifting and context.role != VOTE:
        raise Refused("lift-not-asked", f"{found.member} placed the hold on {account} and does not ask for its end")
    if found is not None and found.role == context.role:
        raise Refused(
            "same-organisation", f"a {found.role} placed the hold on {account}: another role must agree to its end"
        )
    events: list[Event] = []
    hold.lift(state, account, why, record, events)
    return events


def _placed_by(state: StateReader, arguments: Lift) -> Collection[str]:
    found = hold.find_hold(state, arguments.account, arguments.why, arguments.record)
    return () if found is None else (found.member,)


def _of_account(state: StateReader, arguments: OfAccount, _reader: Reader) -> hold.Holds:
    return hold.Holds(hold.get_holds(state, arguments.account))


CONTRACT = Contract(
    "hold",
    1,
    (
        Operation("place", Place, SUPERVISORS, _place),
        Operation("ask_lift", Lift, SUPERVISORS, _ask_lift, Whose(_placed_by, owner="who placed the hold")),
        Operation("endorse_lift", Lift, SUPERVISORS | {VOTE}, _endorse_lift),
    ),
    (Query("of_account", OfAccount, SUPERVISORS, _of_account),),
)
