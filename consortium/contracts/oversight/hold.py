"""Holds: one question, `check_payment`, asked wherever money moves, and one answer, `payment-held`.

A hold lies on an account. Several may lie on one account at once, each by its cause and the record that it is about;
the account is free when the last is lifted. Which movements a hold stops:

- money that *leaves* a held account: a suspended fund pays nobody, what is owed to an institution stays owed;
- money that is paid to a held *payee* (`paid/…`, `payout/…`, `supplier/…`, `bank/…`): what stands there has left the
  ledger.

What is owed still adds up on a held `payable/…`, premiums still come into a held fund, and whatever gives money back
(a reversal, a refund, a recovery) passes: a hold keeps money from being paid, never from returning. So movements that
give back do not ask.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_choice, check_identifier, check_reference
from consortium.core.contract import Context, Event, Refused, State, StateReader, Table

FINDING, INQUIRY, JUDGMENT, LINES_DIFFER = "finding", "inquiry", "judgment", "lines-differ"
WHYS = (FINDING, INQUIRY, JUDGMENT, LINES_DIFFER)
KINDS = ("fund", "person", "payable", "paid", "payout", "supplier", "disputed")  # never `external`
PAYEES = ("paid", "payout", "supplier", "bank")
HOLDS_MAX = 64  # on one account


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an account is held, over which record ("finding/F-7"), by whom, since which day; whether whoever placed it
    asks for its end."""

    why: str
    record: str
    member: str
    role: str
    day: int
    is_lifting: bool = False


class Holds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the account's name; there is no entry for a free account."""

    holds: tuple[Hold, ...]


HOLDS: Table[Holds] = Table("hold", Holds)


def is_held(state: StateReader, account: str) -> bool:
    return state.get(HOLDS, account) is not None


def check_free(state: StateReader, account: str) -> None:
    """Refuses `payment-held`, with the first of its holds."""
    held = state.get(HOLDS, account)
    if held is not None:
        first = held.holds[0]
        raise Refused("payment-held", f"{account} is held since {first.day}: {first.why} of {first.record}")


def check_payment(state: StateReader, source: str, target: str) -> None:
    """Refuses `payment-held` where a payment from `source` to `target` would pass a hold."""
    check_free(state, source)
    if target.partition("/")[0] in PAYEES:
        check_free(state, target)


def get_holds(state: StateReader, account: str) -> tuple[Hold, ...]:
    held = state.get(HOLDS, account)
    return () if held is None else held.holds


def find_hold(state: StateReader, account: str, why: str, record: str) -> Hold | None:
    return next((one for one in get_holds(state, account) if (one.why, one.record) == (why, record)), None)


def place(state: State, account: str, why: str, record: str, context: Context, events: list[Event]) -> None:
    """Hold an account, which need not be open yet. Refuses `bad-choice`, `bad-identifier`, `bad-reference`,
    `hold-exists`, `too-many-holds`."""
    kind, _, identifier = account.partition("/")
    check_choice(kind, KINDS, "the account's kind")
    check_identifier(identifier, "the account's identifier")
    check_choice(why, WHYS, "why")
    check_reference(record, "record")
    if find_hold(state, account, why, record) is not None:
        raise Refused("hold-exists", f"{account} is held for {why} of {record} already")
    known = get_holds(state, account)
    if len(known) >= HOLDS_MAX:
        raise Refused("too-many-holds", f"{account} is held {len(known)} times; it is not freed by one of them")
    _put(state, account, why, record, context, events)


def place_by_rule(state: State, account: str, why: str, record: str, context: Context, events: list[Event]) -> None:
    """What a contract itself holds, of an account and a record that it knows: no hold that somebody placed before, and
    no number of them, keeps it from that. There it lies already, it stays as it is."""
    if find_hold(state, account, why, record) is None:
        _put(state, account, why, record, context, events)


def _put(state: State, account: str, why: str, record: str, context: Context, events: list[Event]) -> None:
    hold = Hold(why, record, context.member, context.role, context.day)
    state.put(HOLDS, account, Holds((*get_holds(state, account), hold)))
    events.append(Event("hold-placed", {"account": account, "why": why, "record": record, "member": context.member}))


def lift(state: State, account: str, why: str, record: str, events: list[Event]) -> None:
    """End one hold. Refuses `unknown-hold`."""
    _, left = _taken(state, account, why, record)
    if left:
        state.put(HOLDS, account, Holds(left))
    else:
        state.delete(HOLDS, account)
    events.append(Event("hold-lifted", {"account": account, "why": why, "record": record, "holds_left": len(left)}))


def ask_lift(state: State, account: str, why: str, record: str, events: list[Event]) -> None:
    """Whoever placed it asks for its end. Refuses `unknown-hold`."""
    hold, left = _taken(state, account, why, record)
    state.put(HOLDS, account, Holds((*left, msgspec.structs.replace(hold, is_lifting=True))))
    events.append(Event("hold-lift-asked", {"account": account, "why": why, "record": record, "member": hold.member}))


def _taken(state: StateReader, account: str, why: str, record: str) -> tuple[Hold, tuple[Hold, ...]]:
    """One hold, and the others of its account."""
    hold = find_hold(state, account, why, record)
    if hold is None:
        raise Refused("unknown-hold", "the account is not held for this reason of this record")
    return hold, tuple(one for one in get_holds(state, account) if (one.why, one.record) != (why, record))
