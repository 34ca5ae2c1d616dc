"""Accounts and holds: where money may go, and that none is lost."""

from __future__ import annotations

from collections.abc import Iterable

OUTSIDE = "external"
WAITING = ("unconfirmed", "disputed")  # kinds of accounts that are there while they hold money


class No(Exception):
    """The operation is refused."""


def need(condition: object, why: str) -> None:
    if not condition:
        raise No(why)


class Accounts:
    """All balances by name. What they sum to is zero, for whatever moves has a source."""

    def __init__(self) -> None:
        self.accounts: dict[str, int] = {OUTSIDE: 0}
        self.held: dict[str, dict[str, str]] = {}  # by account: each record that it is held over, and who placed it

    def move(self, movements: Iterable[tuple[str, str, int]], *, gives_back: bool = False) -> None:
        """All of them or none. Only what is owed to an institution, and the outside, may be below zero. A hold stops
        what is paid, and nothing that is given back."""
        after = dict[str, int]()
        for source, target, fen in movements:
            need(fen >= 0, "negative")
            if fen:
                if not gives_back:
                    self.need_free(source, target)
                for name, change in ((source, -fen), (target, fen)):
                    need(name in self.accounts or name.partition("/")[0] in WAITING, f"no account {name}")
                    after[name] = after.get(name, self.accounts.get(name, 0)) + change
        for name, balance in after.items():
            need(balance >= 0 or name == OUTSIDE or name.startswith("payable/"), f"{name} is short")
        self.accounts.update(after)
        for name in [name for name in after if not after[name] and name.partition("/")[0] in WAITING]:
            del self.accounts[name]

    def need_free(self, source: str, target: str) -> None:
        """Nobody is paid out of a held account, nor into one that stands for money that is gone."""
        need(source not in self.held, "held")
        need(target not in self.held or target.partition("/")[0] not in ("paid", "supplier"), "held")

    def hold(self, account: str, record: str, member: str) -> None:
        need(record not in self.held.get(account, {}), "held for this already")
        self.held.setdefault(account, {})[record] = member

    def lift(self, account: str, record: str) -> None:
        del self.held[account][record]
        if not self.held[account]:
            del self.held[account]
