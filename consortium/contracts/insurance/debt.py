"""Recovery of debts 追缴: what an institution owes the funds after reversals is demanded, and comes back or is held.

A reversal of what was paid out already leaves `payable/<code>` below zero: the institution owes the funds. The bureau
demands all of it with a term. The institution repays out of what it was paid, the bureau receives money from outside,
and what is newly owed to it offsets the debt by itself. What is open when the term ends is told in a notice, and the
institution is paid nothing more until it is settled. A debt is written off by the words of two roles, at a fund's cost.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, NOBODY, SUPERVISORS
from consortium.contracts.checks import (
    check_amount,
    check_identifier,
    check_own_number,
    check_positive_amount,
    check_range,
    check_reason,
    check_reference,
)
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.institution import find_acting, get_institution
from consortium.contracts.oversight import due, hold
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
    Whose,
)

CHECK_DUE = "debt.check_due"
TERM_DAYS_MAX = 365
DEMANDED, OVERDUE, SETTLED, WRITTEN_OFF = "demanded", "overdue", "settled", "written-off"
REASONS = ("reversed", "lines-differ", "overpaid", "judgment")
HELD_FOR = "debt"  # why what is paid to a debtor is held; placed and lifted by this contract


class Debt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. `repaid_fen`: by the institution's or the bureau's word; what offset it is not counted.
    `fund`, `proposer`, `role`: of a proposal to write it off, "" without one."""

    fixmedins_code: str
    demanded_fen: int
    due_on: int
    stage: str
    reason: str
    repaid_fen: int = 0
    fund: str = ""
    proposer: str = ""
    role: str = ""


class Debtor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `fixmedins_code`: its debt that is open. One at a time."""

    debt_no: str


DEBTS: Table[Debt] = Table("debt", Debt, told_as="debt")
DEBTORS: Table[Debtor] = Table("debtor", Debtor)
LIFE = Life(
    DEBTS,
    (
        Move("", "demand", DEMANDED),
        *(
            Move(before, operation, after)
            for before in (DEMANDED, OVERDUE)
            for operation in ("repay", "receive")
            for after in (before, SETTLED)
        ),
        Move(DEMANDED, "check_due", OVERDUE),
        Move(DEMANDED, "check_due", SETTLED),
        Move(DEMANDED, "endorse_write_off", WRITTEN_OFF),
        Move(OVERDUE, "endorse_write_off", WRITTEN_OFF),
    ),
    code="debt-closed",
)


class Demand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that an institution owes the funds now, within `days`. The number begins with the bureau's name and a
    colon; `reason`: of REASONS."""

    debt_no: str
    fixmedins_code: str
    days: int
    reason: str


class Repay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Out of what the institution was paid; `amount_fen` 0: all that is open."""

    debt_no: str
    amount_fen: int = 0


class Receive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bureau's word that so much came from outside. `cause`: a reference, as "bank/2026-0017"."""

    debt_no: str
    amount_fen: int
    cause: str


class ProposeWriteOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That this fund (`fund/…`) bears what is open."""

    debt_no: str
    fund: str


class OfDebt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Endorse the proposal to write it off, or ask for a debt."""

    debt_no: str


def find_open(state: StateReader, debt: Debt) -> int:
    """What is open of it in fen: never more than the institution owes now, for new claims offset it."""
    owes_fen = -funds.get_balance(state, f"payable/{debt.fixmedins_code}")
    return max(0, min(debt.demanded_fen - debt.repaid_fen, owes_fen))


def _demand(state: State, arguments: Demand, context: Context) -> list[Event]:
    number, code = arguments.debt_no, arguments.fixmedins_code
    check_own_number(number, context.member, "debt_no")
    check_range(arguments.days, 1, TERM_DAYS_MAX, "days")
    check_reason(arguments.reason, REASONS)
    get_institution(state, code)
    stage = LIFE.move("demand", LIFE.stage_of(state.get(DEBTS, number)), f"debt {number}")
    known = state.get(DEBTORS, code)
    if known is not None:
        raise Refused("debt-open", f"{code} has debt {known.debt_no} open; what it owes more is demanded after it")
    owes_fen = -funds.get_balance(state, f"payable/{code}")
    if owes_fen <= 0:
        raise Refused("nothing-owed", f"{code} owes the funds nothing")
    due_on = compute_day_after(context.day, arguments.days)
    debt = Debt(code, owes_fen, due_on, stage, arguments.reason)
    state.put(DEBTS, number, debt)
    state.put(DEBTORS, code, Debtor(number))
    due.put(state, due_on, CHECK_DUE, number, context)
    more: dict[str, int | str] = {"due_on": due_on, "reason": arguments.reason}
    return [_event("debt-demanded", number, debt, owes_fen, **more)]


def _repay(state: State, arguments: Repay, context: Context) -> list[Event]:
    check_amount(arguments.amount_fen, "amount_fen")
    number, debt = _get(state, arguments)
    LIFE.check("repay", debt.stage, f"debt {number}")
    amount_fen = arguments.amount_fen or find_open(state, debt)
    source = f"paid/{debt.fixmedins_code}"
    return _pay_back(state, number, debt, source, amount_fen, f"debt/{number}", "repay")


def _receive(state: State, arguments: Receive, context: Context) -> list[Event]:
    check_positive_amount(arguments.amount_fen, "amount_fen")
    check_reference(arguments.cause, "cause")
    number, debt = _get(state, arguments)
    LIFE.check("receive", debt.stage, f"debt {number}")
    return _pay_back(state, number, debt, funds.EXTERNAL, arguments.amount_fen, arguments.cause, "receive")


def _pay_back(
    state: State, number: str, debt: Debt, source: str, amount_fen: int, cause: str, operation: str
) -> list[Event]:
    """Where new claims have offset all of it, nothing moves, and it is settled. Refuses `too-much`."""
    open_fen = find_open(state, debt)
    if amount_fen > open_fen:
        raise Refused("too-much", f"{open_fen} fen of debt {number} are open, not {amount_fen}")
    events: list[Event] = []
    funds.move(state, source, f"payable/{debt.fixmedins_code}", amount_fen, cause, events, is_return=True)
    after = SETTLED if amount_fen == open_fen else debt.stage
    stage = LIFE.move(operation, debt.stage, f"debt {number}", after)
    paid = msgspec.structs.replace(debt, stage=stage, repaid_fen=debt.repaid_fen + amount_fen)
    state.put(DEBTS, number, paid)
    events.append(_event("debt-repaid", number, debt, amount_fen))
    if stage == SETTLED:
        _close(state, number, paid, events)
    return events


def _check_due(state: State, arguments: Ring, context: Context) -> list[Event]:
    """The term is over: settled by what was newly owed, or overdue."""
    if not due.take(state, arguments, CHECK_DUE, context):
        return []
    number = arguments.key
    debt = state.get(DEBTS, number)
    assert debt is not None, "what is due is about a debt that is there"
    open_fen = find_open(state, debt)
    stage = LIFE.move("check_due", debt.stage, f"debt {number}", OVERDUE if open_fen else SETTLED)
    late = msgspec.structs.replace(debt, stage=stage)
    state.put(DEBTS, number, late)
    events: list[Event] = []
    if not open_fen:
        _close(state, number, late, events)
        return events
    record = f"debt/{number}"
    hold.place_by_rule(state, f"paid/{debt.fixmedins_code}", HELD_FOR, record, context, events)
    fields: dict[str, int | str] = {"fixmedins_code": debt.fixmedins_code, "amount_fen": open_fen}
    return [*events, notice("debt-overdue", record, due=arguments.day, **fields)]


def _propose_write_off(state: State, arguments: ProposeWriteOff, context: Context) -> list[Event]:
    number, debt = _get(state, arguments)
    LIFE.check("endorse_write_off", debt.stage, f"debt {number}")
    funds.check_account(arguments.fund, ("fund",))
    if not funds.has_account(state, arguments.fund):
        raise Refused("unknown-account", f"there is no account {arguments.fund}")
    proposed = msgspec.structs.replace(debt, fund=arguments.fund, proposer=context.member, role=context.role)
    state.put(DEBTS, number, proposed)
    return [_event("write-off-proposed", number, debt, find_open(state, debt), member=context.member)]


def _endorse_write_off(state: State, arguments: OfDebt, context: Context) -> list[Event]:
    """Refuses `not-proposed`, `same-organisation`."""
    number, debt = _get(state, arguments)
    stage = LIFE.move("endorse_write_off", debt.stage, f"debt {number}")
    if not debt.fund:
        raise Refused("not-proposed", f"nobody proposed to write debt {number} off")
    if context.role == debt.role:
        raise Refused("same-organisation", f"{debt.proposer} ({debt.role}) proposed it: another role must endorse")
    open_fen = find_open(state, debt)
    events: list[Event] = []
    payable = f"payable/{debt.fixmedins_code}"
    funds.move(state, debt.fund, payable, open_fen, f"debt/{number}", events)
    closed = msgspec.structs.replace(debt, stage=stage)
    state.put(DEBTS, number, closed)
    events.append(_event("debt-written-off", number, debt, open_fen, member=context.member))
    _close(state, number, closed, events)
    return events


def _close(state: State, number: str, debt: Debt, events: list[Event]) -> None:
    """Nothing is due any more, nothing is held, and what is owed next may be demanded."""
    state.delete(DEBTORS, debt.fixmedins_code)
    due.clear(state, debt.due_on, CHECK_DUE, number)
    account, record = f"paid/{debt.fixmedins_code}", f"debt/{number}"
    if hold.find_hold(state, account, HELD_FOR, record) is not None:
        hold.lift(state, account, HELD_FOR, record, events)
    if debt.stage == SETTLED:
        events.append(_event("debt-settled", number, debt, debt.repaid_fen))


def _get(state: StateReader, asked: Repay | Receive | ProposeWriteOff | OfDebt) -> tuple[str, Debt]:
    check_identifier(asked.debt_no, "debt_no")
    debt = state.get(DEBTS, asked.debt_no)
    if debt is None:
        raise Refused("unknown-debt", f"there is no debt {asked.debt_no}")
    return asked.debt_no, debt


def _find_debtor(state: StateReader, asked: Repay | OfDebt) -> tuple[str, ...]:
    debt = state.get(DEBTS, asked.debt_no)
    return NOBODY if debt is None else find_acting(state, debt.fixmedins_code)


def _ask(state: StateReader, asked: OfDebt, reader: Reader) -> Debt:
    return _get(state, asked)[1]


def _event(kind: str, number: str, debt: Debt, amount_fen: int, **more: int | str) -> Event:
    fields: dict[str, int | str] = {"debt_no": number, "fixmedins_code": debt.fixmedins_code, "amount_fen": amount_fen}
    return Event(kind, fields | more)


_DEBTOR = Whose(_find_debtor, owner="who owes it")

CONTRACT = Contract(
    "debt",
    1,
    (
        Operation("demand", Demand, BY_BUREAU, _demand),
        Operation("repay", Repay, BY_PROVIDERS, _repay, _DEBTOR),
        Operation("receive", Receive, BY_BUREAU, _receive),
        Operation("check_due", Ring, SUPERVISORS, _check_due),
        Operation("propose_write_off", ProposeWriteOff, SUPERVISORS, _propose_write_off),
        Operation("endorse_write_off", OfDebt, SUPERVISORS, _endorse_write_off),
    ),
    (
        Query(
            "get",
            OfDebt,
            BY_PROVIDERS | SUPERVISORS,
            _ask,
            _DEBTOR.or_of(*SUPERVISORS),
            RowOf(DEBTS, lambda asked: asked.debt_no, OfDebt),
        ),
    ),
    (LIFE,),
    founding=0,
)
