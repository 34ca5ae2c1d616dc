"""Money, added up again from the receipts' `movement` events, block by block: double entry, nobody short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder
from consortium.core.machine import Rows
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.ledger.prune import pruned_height
from consortium.runs.run import Run, StoredBlock, blocks

MOVEMENT = "movement"
ACCOUNT_TABLE = "account"
_ACCOUNTS = (ACCOUNT_TABLE.encode() + b"\x00", ACCOUNT_TABLE.encode() + b"\x01")
MAY_OWE = ("external", "payable")  # kinds of accounts that may be below zero; see contracts/insurance/funds.py


class _Account(msgspec.Struct, frozen=True):
    balance_fen: int


_ACCOUNT: Decoder[_Account] = Decoder(_Account, 1_000)


class Movement(NamedTuple):
    source: str
    target: str
    amount_fen: int


def movements(block: StoredBlock) -> Iterator[Movement]:
    """Of the transactions that took effect, in order. Raises Malformed on a damaged receipt."""
    for receipt in block.receipts():
        if receipt.is_ok:
            for event in receipt.events:
                if event.kind == MOVEMENT:
                    fields = event.fields
                    yield Movement(str(fields["source"]), str(fields["target"]), int(fields["amount_fen"]))


def may_owe(account: str) -> bool:
    return account.partition("/")[0] in MAY_OWE


def stored_balances(rows: Rows) -> dict[str, int]:
    """The balances in the table of state, by account. Raises Malformed."""
    return _balances(rows, "state", b"")


def opening_balances(rows: Rows) -> dict[str, int]:
    """The balances that a ledger began with: none with the genesis, those of its snapshot if it took one. Where a node
    let go of old blocks: those of today, without what the blocks that it kept have moved."""
    if not pruned_height(rows):
        return _balances(rows, "base", b"state")
    balances = stored_balances(rows)
    for block in blocks(rows):
        for movement in movements(block):
            balances[movement.source] = balances.get(movement.source, 0) + movement.amount_fen
            balances[movement.target] = balances.get(movement.target, 0) - movement.amount_fen
    return balances


def _balances(rows: Rows, table: str, prefix: bytes) -> dict[str, int]:
    low, high = (prefix + ACCOUNT_TABLE.encode() + end for end in (b"\x00", b"\x01"))
    return {key[len(low) :].decode(): _ACCOUNT.decode(value).balance_fen for key, value in rows.range(table, low, high)}


def check_money(run: Run) -> list[str]:
    """After every block each account that must not owe is at or above zero; in the end the stored balances are those
    that the movements give, and all of them sum to zero."""
    failures = []
    for camp in run.camps:
        balances = opening_balances(camp.rows)
        short: dict[str, int] = {}
        for block in blocks(camp.rows):
            touched: dict[str, None] = {}
            for movement in movements(block):
                if movement.amount_fen <= 0:
                    failures.append(f"{camp.label}, height {block.height}: a movement of {movement.amount_fen} fen")
                balances[movement.source] = balances.get(movement.source, 0) - movement.amount_fen
                balances[movement.target] = balances.get(movement.target, 0) + movement.amount_fen
                touched[movement.source] = touched[movement.target] = None
            for account in touched:
                if balances[account] < 0 and not may_owe(account) and account not in short:
                    short[account] = block.height
                    failures.append(
                        f"{camp.label}, height {block.height}: {account} is short of {-balances[account]} fen"
                    )
        failures += _compare(camp.label, balances, stored_balances(camp.rows))
    return failures


def _compare(label: str, added: dict[str, int], stored: dict[str, int]) -> list[str]:
    failures = []
    for account in sorted({*added, *stored}):
        if added.get(account, 0) != stored.get(account, 0):
            failures.append(
                f"{label}: {account} is stored with {stored.get(account, 0)} fen; its movements give "
                f"{added.get(account, 0)} fen"
            )
    if sum(stored.values()) != 0:
        failures.append(f"{label}: all stored balances together give {sum(stored.values())} fen, not 0")
    return failures


class FundLine(NamedTuple):
    """One fund over a run, in fen: what came in at genesis, what came in and went out since, what is left."""

    account: str
    opening_fen: int
    income_fen: int
    expense_fen: int

    @property
    def closing_fen(self) -> int:
        return self.opening_fen + self.income_fen - self.expense_fen


def fund_lines(rows: Rows) -> list[FundLine]:
    """Every `fund/…` account, and the other kinds of accounts summed by kind (`person/…`), by name."""
    opening: dict[str, int] = {}
    for account, balance_fen in opening_balances(rows).items():
        opening[_line_of(account)] = opening.get(_line_of(account), 0) + balance_fen
    income: dict[str, int] = {}
    expense: dict[str, int] = {}
    for block in blocks(rows):
        for movement in movements(block):
            source, target = _line_of(movement.source), _line_of(movement.target)
            if block.height == 0:
                opening[source] = opening.get(source, 0) - movement.amount_fen
                opening[target] = opening.get(target, 0) + movement.amount_fen
            else:
                expense[source] = expense.get(source, 0) + movement.amount_fen
                income[target] = income.get(target, 0) + movement.amount_fen
    names = sorted({*opening, *income, *expense})
    return [FundLine(n, opening.get(n, 0), income.get(n, 0), expense.get(n, 0)) for n in names]


def _line_of(account: str) -> str:
    kind, slash, _ = account.partition("/")
    return account if kind == "fund" or not slash else f"{kind}/…"


def _no_money(run: Run) -> str:
    """The opening balances of the genesis alone are nobody's movement."""
    if unchecked.no_stored_blocks(run):
        return unchecked.no_stored_blocks(run)
    if any(rows.range("state", *_ACCOUNTS) for rows in run.ledgers.values()):
        return ""
    return "no ledger holds an account"


CHECK = Claim(
    "money balances",
    Kind.SAFETY,
    "After every block no account is short by its movements added up again; they give the stored balances.",
    check_money,
    _no_money,
    order=40,
)
