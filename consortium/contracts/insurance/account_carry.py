"""Personal accounts at the turn of the year: balances pass from one year's pseudonyms to the next, unpaired.

All balances go into one account (`carry/<year>`) by batches, and out of it by others; both are sorted by pseudonym. So
that no amount pairs what order does not, each amount of a batch comes in several times: whoever is owed more gets the
rest with later contributions, of which nobody but the bureau knows the parts. The rest leaves the ledger as it came,
through `external`, by the word of two roles (fund_transfer.py). Sums stay right to the fen; which balance became which
is known to the bureau and to each person.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import msgspec

from consortium.contracts.access import BY_BUREAU
from consortium.contracts.checks import check_amount, check_count, check_range
from consortium.contracts.insurance import enrolment, funds
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State

ALIKE_MIN = 5  # how often each amount occurs in a batch
BATCH_MAX = 500


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What comes into the account of a person-year."""

    psn_no: str
    amount_fen: int


class CarryOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Empty these personal accounts of a year that is over; pseudonyms ascending."""

    year: int
    psn_nos: tuple[str, ...]


class CarryIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fill personal accounts of the year after `year`; pseudonyms ascending, each amount ALIKE_MIN times or more."""

    year: int
    shares: tuple[Share, ...]


def carry_account(year: int) -> str:
    return f"{funds.CARRY}/{year}"


def compute_alike(balances_fen: tuple[int, ...]) -> tuple[int, ...]:
    """Of each balance the part that can be carried so that each amount occurs ALIKE_MIN times or more: the smallest of
    its like. All nothing where there are fewer balances than that."""
    order = sorted(range(len(balances_fen)), key=lambda place: (-balances_fen[place], place))
    shares = [0] * len(balances_fen)
    for first in range(0, len(order) - len(order) % ALIKE_MIN, ALIKE_MIN):
        is_last = len(order) - first < 2 * ALIKE_MIN
        like = order[first:] if is_last else order[first : first + ALIKE_MIN]
        for place in like:
            shares[place] = balances_fen[like[-1]]
    return tuple(shares)


def _check_batch(psn_nos: tuple[str, ...]) -> None:
    """Refuses `bad-length`, `not-sorted`."""
    check_count(len(psn_nos), BATCH_MAX, "persons")
    if any(first >= second for first, second in pairwise(psn_nos)):
        raise Refused("not-sorted", "pseudonyms come ascending, each once: another order may tell who is who")


def _check_over(year: int, context: Context) -> None:
    check_range(year, 1900, 2999, "year")
    if context.day // 10_000 <= year:
        raise Refused("year-not-over", f"{year} is not over on {context.day}")


def _check_year(state: State, psn_no: str, year: int) -> None:
    if enrolment.get_person(state, psn_no).year != year:
        raise Refused("other-year", f"a person of this batch is not of {year}")


def _carry_out(state: State, arguments: CarryOut, context: Context) -> list[Event]:
    year = arguments.year
    _check_over(year, context)
    _check_batch(arguments.psn_nos)
    target = carry_account(year)
    funds.open_account(state, target)
    movements = []
    for psn_no in arguments.psn_nos:
        _check_year(state, psn_no, year)
        account = f"person/{psn_no}"
        movements.append((account, target, funds.get_balance(state, account)))
    events: list[Event] = []
    funds.move_all(state, movements, f"carry-out/{year}", events)
    return events


def _carry_in(state: State, arguments: CarryIn, context: Context) -> list[Event]:
    year, shares = arguments.year, arguments.shares
    _check_over(year, context)
    _check_batch(tuple(share.psn_no for share in shares))
    for amount_fen, count in sorted(Counter(share.amount_fen for share in shares).items()):
        check_amount(amount_fen, "amount_fen")
        if 0 < count < ALIKE_MIN:
            raise Refused("amount-stands-out", f"{amount_fen} fen occur {count} times, fewer than {ALIKE_MIN}")
    movements = []
    for share in shares:
        _check_year(state, share.psn_no, year + 1)
        movements.append((carry_account(year), f"person/{share.psn_no}", share.amount_fen))
    events: list[Event] = []
    funds.move_all(state, movements, f"carry-in/{year}", events)
    return events


CONTRACT = Contract(
    "account_carry",
    1,
    (
        Operation("carry_out", CarryOut, BY_BUREAU, _carry_out),
        Operation("carry_in", CarryIn, BY_BUREAU, _carry_in),
    ),
)
