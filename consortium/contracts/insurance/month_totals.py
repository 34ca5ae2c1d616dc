"""What the ledger settled for an institution in a month, counted as it happens: for reconciliation and agreements.

A month is that of the chain's day on which something was settled, reversed or disputed; a reversal counts in its own
month, with a minus. What was paid out to patients themselves is not the institution's, and is not counted.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.oversight import due
from consortium.core.contract import Context, Event, State, StateReader, Table
from consortium.core.versions import get_versions

PAYEES = ("unconfirmed", "disputed", "payable")  # kinds of accounts on which an institution is owed
STATE_DAYS = 10  # within which after its end the institution states its books of a month
END_MONTH = "reconciliation.end_month"


class MonthTotal(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed "fixmedins_code/YYYYMM". `owed_fen`: what funds and personal accounts came to owe, by case where cases are
    paid; the other amounts are sums of the settlements' own."""

    settled: int = 0
    reversed: int = 0
    disputed: int = 0
    medfee_fen: int = 0
    fund_fen: int = 0
    acct_fen: int = 0
    cash_fen: int = 0
    owed_fen: int = 0


MONTHS: Table[MonthTotal] = Table("month_total", MonthTotal)
_COUNTED = {"settled": (1, 0, 0), "settlement-reversed": (0, 1, 0), "lines-mismatch": (0, 0, 1)}


def month_key(fixmedins_code: str, month: int) -> str:
    return f"{fixmedins_code}/{month}"


def get_month(state: StateReader, fixmedins_code: str, month: int) -> MonthTotal:
    """Nothing counted where nothing was settled."""
    return state.get(MONTHS, month_key(fixmedins_code, month)) or MonthTotal()


def first_day_after(month: int) -> int:
    """The day after the last of a month YYYYMM."""
    year, number = divmod(month, 100)
    return (year + number // 12) * 10_000 + (number % 12 + 1) * 100 + 1


def count_month(state: State, events: list[Event], context: Context) -> None:
    """Add what these events of one operation of settlement tell."""
    for event in events:
        counted = _COUNTED.get(event.kind)
        if counted is not None:
            _add(state, event, counted, _owed(events), context)


def _add(state: State, event: Event, counted: tuple[int, int, int], owed_fen: int, context: Context) -> None:
    code, month = str(event.fields["fixmedins_code"]), context.day // 100
    key = month_key(code, month)
    held = state.get(MONTHS, key)
    if held is None:
        held = MonthTotal()
        if get_versions(state).at("reconciliation", context.height):
            due.put(state, first_day_after(month), END_MONTH, key, context)

    def amount(name: str) -> int:
        return int(event.fields.get(name, 0))

    added = MonthTotal(
        held.settled + counted[0],
        held.reversed + counted[1],
        held.disputed + counted[2],
        held.medfee_fen + amount("medfee_sumamt"),
        held.fund_fen + amount("fund_pay_sumamt"),
        held.acct_fen + amount("acct_pay"),
        held.cash_fen + amount("cash_payamt"),
        held.owed_fen + owed_fen,
    )
    state.put(MONTHS, key, added)


def _owed(events: list[Event]) -> int:
    """What came to be owed to the institution, less what it gives back; not what was a patient's before it was
    disputed."""
    owed_fen = 0
    for event in events:
        if event.kind == "movement":
            source, target = (str(event.fields[name]).partition("/")[0] for name in ("source", "target"))
            if source == "payout":
                continue
            owed_fen += int(event.fields["amount_fen"]) * ((target in PAYEES) - (source in PAYEES))
    return owed_fen
