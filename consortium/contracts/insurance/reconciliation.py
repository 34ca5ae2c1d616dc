"""Monthly reconciliation 月度对账 of what the ledger settled with the books of an institution.

The month of an institution ends by itself: its total is fixed, and the institution states its own books of it. Where
both say the same it is agreed, and the bureau closes it. Where they differ, the ledger tells in which figures: the
institution states anew, or the bureau closes by the ledger's figures, for a reason. Who says nothing is told of. A
reversal counts in the month in which it is made, so that a month that ended never changes.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import check_identifier, check_range, check_reason
from consortium.contracts.insurance.institution import OF_INSTITUTION
from consortium.contracts.insurance.month_totals import (
    END_MONTH,
    STATE_DAYS,
    MonthTotal,
    first_day_after,
    get_month,
    month_key,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
)

REMIND = "reconciliation.remind"
ENDED, AGREED, DIFFERS, CLOSED = "ended", "agreed", "differs", "closed"
FIGURES = ("settled", "reversed", "medfee_fen", "fund_fen", "acct_fen", "cash_fen", "owed_fen")
REASONS = ("books-lost", "late-reversal", "not-stated", "inspected")


class Reconciliation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "fixmedins_code/YYYYMM". `ledger`: the month's total; `stated`: the institution's newest word, all zero
    before it; `differing`: names of the figures in which they differ."""

    stage: str
    ledger: MonthTotal
    stated: MonthTotal = MonthTotal()
    differing: tuple[str, ...] = ()
    times: int = 0  # how often the institution stated its books
    reason: str = ""


RECONCILIATIONS: Table[Reconciliation] = Table("reconciliation", Reconciliation, told_as="reconciliation")
LIFE = Life(
    RECONCILIATIONS,
    (
        Move("", "end_month", ENDED),
        Move(ENDED, "state_books", AGREED),
        Move(ENDED, "state_books", DIFFERS),
        Move(DIFFERS, "state_books", AGREED),
        Move(DIFFERS, "state_books", DIFFERS),
        Move(AGREED, "close", CLOSED),
        Move(DIFFERS, "close_by_ledger", CLOSED),
        Move(ENDED, "close_by_ledger", CLOSED),
    ),
    code="month-closed",
)


class StateBooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an institution's own books say of a month (YYYYMM), reversals with a minus: how many were settled and
    reversed, and the sums."""

    fixmedins_code: str
    month: int
    settled: int
    reversed: int
    medfee_fen: int
    fund_fen: int
    acct_fen: int
    cash_fen: int
    owed_fen: int


class OfMonth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close a month that is agreed, or ask for one."""

    fixmedins_code: str
    month: int


class CloseByLedger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close a month that is not agreed by the ledger's figures, once the institution had its days. `reason`: of
    REASONS."""

    fixmedins_code: str
    month: int
    reason: str


def stated_days_end(month: int) -> int:
    """The first day on which a month that is not agreed may be closed by the ledger."""
    return compute_day_after(first_day_after(month), STATE_DAYS)


def _end_month(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung on the first day after the month in which something was settled."""
    if not due.take(state, arguments, END_MONTH, context):
        return []
    code, _, month = arguments.key.partition("/")
    total = get_month(state, code, int(month))
    stage = LIFE.move("end_month", LIFE.stage_of(state.get(RECONCILIATIONS, arguments.key)), arguments.key)
    state.put(RECONCILIATIONS, arguments.key, Reconciliation(stage, total))
    due.put(state, stated_days_end(int(month)), REMIND, arguments.key, context)
    return [_event("month-ended", code, int(month), settled=total.settled, owed_fen=total.owed_fen)]


def _state_books(state: State, arguments: StateBooks, context: Context) -> list[Event]:
    key, held = _get(state, arguments)
    LIFE.check("state_books", held.stage, f"the month {key}")
    said = MonthTotal(disputed=held.ledger.disputed, **{name: getattr(arguments, name) for name in FIGURES})
    differing = tuple(name for name in FIGURES if getattr(said, name) != getattr(held.ledger, name))
    stage = LIFE.move("state_books", held.stage, f"the month {key}", DIFFERS if differing else AGREED)
    state.put(RECONCILIATIONS, key, Reconciliation(stage, held.ledger, said, differing, held.times + 1))
    if differing:
        return [_event("books-differ", arguments.fixmedins_code, arguments.month, figures=",".join(differing))]
    due.clear(state, stated_days_end(arguments.month), REMIND, key)
    return [_event("books-agreed", arguments.fixmedins_code, arguments.month, owed_fen=said.owed_fen)]


def _close(state: State, arguments: OfMonth, context: Context) -> list[Event]:
    key, held = _get(state, arguments)
    stage = LIFE.move("close", held.stage, f"the month {key}")
    state.put(RECONCILIATIONS, key, msgspec.structs.replace(held, stage=stage))
    return [_event("month-closed", arguments.fixmedins_code, arguments.month, reason="agreed")]


def _close_by_ledger(state: State, arguments: CloseByLedger, context: Context) -> list[Event]:
    check_reason(arguments.reason, REASONS)
    key, held = _get(state, arguments)
    stage = LIFE.move("close_by_ledger", held.stage, f"the month {key}")
    first = stated_days_end(arguments.month)
    if context.day < first:
        raise Refused("days-left", f"the institution may state its books of {arguments.month} until {first}")
    due.clear(state, first, REMIND, key)
    state.put(RECONCILIATIONS, key, msgspec.structs.replace(held, stage=stage, reason=arguments.reason))
    return [_event("month-closed", arguments.fixmedins_code, arguments.month, reason=arguments.reason)]


def _remind(state: State, arguments: Ring, context: Context) -> list[Event]:
    """An institution that did not state its books, or whose books differ still."""
    if not due.take(state, arguments, REMIND, context):
        return []
    held = state.get(RECONCILIATIONS, arguments.key)
    assert held is not None, "what is due is about a month that ended"
    why = "books-differ" if held.times else "books-not-stated"
    return [notice(why, f"reconciliation/{arguments.key}", due=arguments.day)]


def _get(state: StateReader, asked: StateBooks | OfMonth | CloseByLedger) -> tuple[str, Reconciliation]:
    """Refuses `bad-identifier`, `bad-number`, `month-open`: nothing was settled in it, or it is not over, or nobody
    rang its end yet."""
    check_identifier(asked.fixmedins_code, "fixmedins_code")
    check_range(asked.month, 190001, 299912, "month")
    key = month_key(asked.fixmedins_code, asked.month)
    held = state.get(RECONCILIATIONS, key)
    if held is None:
        raise Refused("month-open", f"no month {asked.month} of {asked.fixmedins_code} has ended")
    return key, held


def _ask(state: StateReader, asked: OfMonth, reader: Reader) -> Reconciliation:
    return _get(state, asked)[1]


def _of_key(key: str) -> OfMonth:
    code, _, month = key.partition("/")
    return OfMonth(code, int(month))


def _event(kind: str, code: str, month: int, **more: int | str) -> Event:
    return Event(kind, {"fixmedins_code": code, "month": month, **more})


CONTRACT = Contract(
    "reconciliation",
    1,
    (
        Operation("end_month", Ring, SUPERVISORS, _end_month),
        Operation("state_books", StateBooks, BY_PROVIDERS, _state_books, OF_INSTITUTION),
        Operation("close", OfMonth, BY_BUREAU, _close),
        Operation("close_by_ledger", CloseByLedger, BY_BUREAU, _close_by_ledger),
        Operation("remind", Ring, SUPERVISORS, _remind),
    ),
    (
        Query(
            "get",
            OfMonth,
            BY_PROVIDERS | SUPERVISORS,
            _ask,
            OF_INSTITUTION.or_of(*SUPERVISORS),
            RowOf(RECONCILIATIONS, lambda asked: month_key(asked.fixmedins_code, asked.month), _of_key),
        ),
    ),
    (LIFE,),
    founding=0,
)
