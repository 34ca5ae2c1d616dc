"""Funds and accounts 基金/个人账户: double entry, all balances always sum to zero.

Every movement has a cause, a reference to a record ("settlement/<psn_no>/2026/000003"). Money from fund to fund moves
by the word of two organisations (fund_transfer.py).

Accounts are named "kind/identifier": `fund/employee-pool`, `person/<psn_no>` (the personal account),
`unconfirmed/<code>/<day>` and `disputed/<bill>` (what waits for a word on the lines of bills),
`payable/<code>` (what the funds owe an institution; negative where it owes them after a reversal),
`paid/<code>` (what it was paid). What else was paid out lies in `payout/<psn_no>` (to a patient), `supplier/<member>`
and `bank/<member>` (which bought a receivable). `gift/<gift>` holds what of a gift is not paid out, `carry/<year>`
balances on their way into the next year, `lock/<lock>` what a hash lock binds, and `cleared/<chain>` what another
region was paid; all money comes from `external`, which is minus the rest. Only `external` and `payable/…` may be below
zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.access import BUREAU, NOBODY, SUPERVISORS, SUPPLIER
from consortium.contracts.checks import (
    AMOUNT_FEN_MAX,
    check_identifier,
    check_positive_amount,
    check_reference,
)
from consortium.contracts.oversight import hold
from consortium.core.contract import (
    GENESIS,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
    Whose,
)

EXTERNAL = "external"
CARRY = "carry"  # the kind of the accounts through which personal accounts pass from year to year
EMPLOYEE_POOL = "fund/employee-pool"  # 职工统筹基金
RESIDENT_POOL = "fund/resident-pool"  # 居民统筹基金
LARGE_AMOUNT = "fund/large-amount"  # 职工大额医疗费用补助
SERIOUS_ILLNESS = "fund/serious-illness"  # 居民大病保险
MEDICAL_AID = "fund/medical-aid"  # 医疗救助
PROCUREMENT = "fund/procurement"  # 集采货款专户
STANDARD_FUNDS = (
    "employee-pool",
    "resident-pool",
    "large-amount",
    "serious-illness",
    "medical-aid",
    "procurement",
)
BALANCE_FEN_MAX = 10**17
WAITING = ("unconfirmed", "disputed")  # kinds of accounts that are there while they hold money


class Account(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The state of one account, keyed by its name."""

    balance_fen: int


ACCOUNTS: Table[Account] = Table("account", Account, told_as="account")


class Open(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open `fund/<fund>` with a balance of zero."""

    fund: str


class Contribute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money from outside (premiums, opening balances, donations) into `target`, a fund or personal account. `cause`: a
    reference, as "opening/2026"."""

    target: str
    amount_fen: int
    cause: str


class OfAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for an account by its whole name."""

    account: str


def get_balance(state: StateReader, name: str) -> int:
    """The balance in fen; 0 where the account was never opened."""
    account = state.get(ACCOUNTS, name)
    return 0 if account is None else account.balance_fen


def get_spendable(state: StateReader, name: str) -> int:
    """What an account can pay with, in fen: its balance, and nothing while it is held."""
    return 0 if hold.is_held(state, name) else get_balance(state, name)


def has_account(state: StateReader, name: str) -> bool:
    return state.get(ACCOUNTS, name) is not None


def open_account(state: State, name: str) -> None:
    """Open an account with zero, unless it is there already. `name` is made of checked identifiers."""
    if state.get(ACCOUNTS, name) is None:
        state.put(ACCOUNTS, name, Account(0))


def move(
    state: State,
    source: str,
    target: str,
    amount_fen: int,
    cause: str,
    events: list[Event],
    *,
    is_return: bool = False,
) -> None:
    """Move money between two open accounts and tell why; refuses like `move_all`. Zero moves nothing."""
    move_all(state, ((source, target, amount_fen),), cause, events, is_return=is_return)


def move_all(
    state: State,
    movements: Sequence[tuple[str, str, int]],
    cause: str,
    events: list[Event],
    *,
    is_return: bool = False,
) -> None:
    """Several movements (source, target, fen) of one cause; each account is read and written once. `is_return`: they
    give back what was paid, and pass every hold.

    Emits an Event "movement" {source, target, amount_fen, cause} for each that is not zero. Refuses `bad-amount`,
    `same-account`, `unknown-account`, `fund-exhausted` (a fund), `account-short` (any other account that may not be
    negative), `payment-held`.
    """
    balances: dict[str, int] = {}
    for source, target, amount_fen in movements:
        if amount_fen == 0:
            continue
        if not 0 < amount_fen <= AMOUNT_FEN_MAX:
            raise Refused("bad-amount", f"a movement of {amount_fen} fen from {source} to {target}")
        if source == target:
            raise Refused("same-account", f"source and target are both {source}")
        if not is_return:
            hold.check_payment(state, source, target)
        balances[source] = _read(state, balances, source) - amount_fen
        balances[target] = _read(state, balances, target) + amount_fen
        events.append(Event("movement", {"source": source, "target": target, "amount_fen": amount_fen, "cause": cause}))
    for name, balance_fen in balances.items():
        _check_balance(name, balance_fen)
        if balance_fen == 0 and name.partition("/")[0] in WAITING:
            state.delete(ACCOUNTS, name)
        else:
            state.put(ACCOUNTS, name, Account(balance_fen))


def _read(state: State, balances: dict[str, int], name: str) -> int:
    balance_fen = balances.get(name)
    if balance_fen is not None:
        return balance_fen
    account = state.get(ACCOUNTS, name)
    if account is not None:
        return account.balance_fen
    if name == EXTERNAL or name.partition("/")[0] in WAITING:
        return 0
    raise Refused("unknown-account", f"there is no account {name}")


def _check_balance(name: str, balance_fen: int) -> None:
    if balance_fen < 0:
        kind = name.partition("/")[0]
        if kind == "fund":
            raise Refused("fund-exhausted", f"{name} is short of {-balance_fen} fen")
        if kind not in (EXTERNAL, "payable"):
            raise Refused("account-short", f"{name} is short of {-balance_fen} fen")
    if not -BALANCE_FEN_MAX < balance_fen < BALANCE_FEN_MAX:
        raise Refused("bad-amount", f"{name} would hold {balance_fen} fen, more than an account can")


def check_account(name: str, kinds: tuple[str, ...]) -> None:
    """Refuses `bad-account` unless the name is "kind/identifier" with one of these kinds."""
    kind, _, identifier = name.partition("/")
    if kind not in kinds:
        raise Refused("bad-account", f"an account here must begin with {' or '.join(f'{k}/' for k in kinds)}")
    check_identifier(identifier, "the account's identifier")


def _open(state: State, arguments: Open, context: Context) -> list[Event]:
    check_identifier(arguments.fund, "fund")
    name = f"fund/{arguments.fund}"
    if has_account(state, name):
        raise Refused("account-exists", f"{name} is open already")
    open_account(state, name)
    return [Event("fund-opened", {"fund": name})]


def _contribute(state: State, arguments: Contribute, context: Context) -> list[Event]:
    check_account(arguments.target, ("fund", "person"))
    check_positive_amount(arguments.amount_fen, "amount_fen")
    check_reference(arguments.cause, "cause")
    events: list[Event] = []
    move(state, EXTERNAL, arguments.target, arguments.amount_fen, arguments.cause, events)
    return events


def _get_account(state: StateReader, name: str) -> Account:
    account = state.get(ACCOUNTS, name)
    if account is None:
        raise Refused("unknown-account", "there is no such account")
    return account


def _find_owner(state: StateReader, asked: OfAccount) -> tuple[str, ...]:
    """Of `supplier/…` the supplier; an institution asks `institution.accounts`."""
    kind, _, owner = asked.account.partition("/")
    is_open = state.get(ACCOUNTS, asked.account) is not None
    return (owner,) if is_open and kind == "supplier" else NOBODY


_BUREAU = frozenset((BUREAU, GENESIS))

CONTRACT = Contract(
    "funds",
    1,
    (
        Operation("open", Open, _BUREAU, _open),
        Operation("contribute", Contribute, _BUREAU, _contribute),
    ),
    (
        Query(
            "balance",
            OfAccount,
            SUPERVISORS | {SUPPLIER},
            lambda state, asked, _: _get_account(state, asked.account),
            Whose(_find_owner, SUPERVISORS, "whose account it is"),
            RowOf(ACCOUNTS, lambda asked: asked.account, OfAccount),
        ),
    ),
)
