"""The bureau's payouts: what the funds owe an institution is paid out once it comes to enough.

What is owed is the balance of `payable/<code>` as of the block that was heard last, less what is being paid out. It is
followed through every movement, into the account and out of it, and read from the state after a gap. It is not read
from the state at each block: while history is told again the state is already that of the newest block, and a role
would wish for other payouts than before its crash.
"""

from __future__ import annotations

from consortium.contracts.insurance import funds, institution
from consortium.core.contract import Event, StateReader
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.organisation import text

PAYABLE = "payable/"


class Payouts:
    """Part of a conduct. `least_fen`: from which sum on an institution is paid out; 0: never."""

    def __init__(self, state: StateReader, least_fen: int) -> None:
        self._state = state
        self._least_fen = least_fen
        self._balances: dict[str, int] = {}  # fen, by institution
        self._unpaid: dict[str, tuple[str, int]] = {}  # payouts not settled, by reference: institution and fen
        self._counts: dict[str, int] = {}  # payouts so far, by institution
        self._moved: dict[str, None] = {}  # institutions to look at when the block ends, in order
        self._has_gap = False
        self._since = 0  # the height after which movements are followed, 0 = all

    def on_event(self, event: Event) -> None:
        """Of a transaction that took effect."""
        if not self._least_fen or self._has_gap:
            return
        if event.kind == "movement":
            amount_fen = event.fields.get("amount_fen", 0)
            if isinstance(amount_fen, int):
                self._add(text(event, "target"), amount_fen)
                self._add(text(event, "source"), -amount_fen)
        elif event.kind == "institution-resumed":
            self._moved[text(event, "fixmedins_code")] = None
        elif event.kind == "hold-lifted" and text(event, "account").startswith(PAYABLE):
            self._moved[text(event, "account").removeprefix(PAYABLE)] = None

    def on_settled(self, settled: Settled) -> None:
        """A payout came too late for money that was taken back meanwhile: the rest is looked at again."""
        code, _ = self._unpaid.pop(settled.reference, ("", 0))
        if code and settled.outcome.receipt.code == "payable-short":
            self._moved[code] = None

    def on_gap(self) -> None:
        self._has_gap = True

    def resume(self, height: int, agenda: Agenda) -> None:
        self._has_gap, self._since, self._counts = False, height, {}
        found = self._state.range(funds.ACCOUNTS, PAYABLE, "payable0")
        self._balances = {account.removeprefix(PAYABLE): held.balance_fen for account, held in found}
        self._moved = dict.fromkeys(self._balances)
        self.on_block(agenda)

    def on_block(self, agenda: Agenda) -> None:
        """After all events of a block: wish for what can be paid out. A reference says all of its payout."""
        moved, self._moved = self._moved, {}
        for code in moved:
            unpaid_fen = sum(fen for payee, fen in self._unpaid.values() if payee == code)
            owed_fen = self._balances.get(code, 0) - unpaid_fen
            if not self._least_fen or owed_fen < self._least_fen:
                continue
            count = self._counts[code] = self._counts.get(code, 0) + 1
            reference = f"disburse:{code}:{count}"
            if self._since:
                reference += f":{self._since}:{owed_fen}"
            pay = institution.Disburse(code, owed_fen, reference.replace(":", "/", 1))
            self._unpaid[reference] = (code, owed_fen)
            agenda.wish(reference, (("institution", "disburse", pay),))

    def _add(self, account: str, amount_fen: int) -> None:
        if account.startswith(PAYABLE):
            code = account.removeprefix(PAYABLE)
            self._balances[code] = self._balances.get(code, 0) + amount_fen
            self._moved[code] = None
