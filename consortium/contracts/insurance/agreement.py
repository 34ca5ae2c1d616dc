"""Service agreements 服务协议 with institutions: items, volumes, quality terms, and conditions that act by themselves.

The bureau offers an agreement for a year, the institution accepts it. From then on settlement takes no service that it
does not name, and each month is judged by the ledger's own count when it is over: more disputed bills than agreed
suspend the institution, a month above its volume or budget is told in a notice, one that kept all of it is paid the
agreed bonus out of a fund. Nobody decides that anew; a human resumes what was suspended.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import check_amount, check_choice, check_count, check_identifier, check_range
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.agreements import ACCEPTED, AGREEMENTS, OFFERED, Agreement, agreement_key
from consortium.contracts.insurance.bill import MED_TYPES
from consortium.contracts.insurance.institution import OF_INSTITUTION, SIGNED, get_institution, suspend_by_rule
from consortium.contracts.insurance.month_totals import MonthTotal, first_day_after, get_month
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
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
)

JUDGE_MONTH = "agreement.judge_month"
COUNT_MAX = 10**9
KEPT, SHORT, ABOVE, SUSPENDED = "kept", "short", "above", "suspended"  # what a month is judged to be
LIFE = Life(
    AGREEMENTS,
    (
        Move("", "offer", OFFERED),
        Move(OFFERED, "offer", OFFERED),
        Move(OFFERED, "accept", ACCEPTED),
    ),
    code="agreement-accepted",
)


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agreement, or another in place of one that was not accepted. Fields as of Agreement; `fund`: `fund/…`."""

    fixmedins_code: str
    year: int
    med_types: tuple[str, ...]
    stays_min: int
    stays_max: int
    budget_fen: int
    disputes_max: int
    bonus_fen: int
    fund: str


class OfAgreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accept the newest offer of the year, or ask for the agreement."""

    fixmedins_code: str
    year: int


def _offer(state: State, arguments: Offer, context: Context) -> list[Event]:
    code, year = arguments.fixmedins_code, arguments.year
    get_institution(state, code)
    check_range(year, 1900, 2999, "year")
    check_count(len(arguments.med_types), len(MED_TYPES), "med_types")
    for med_type in arguments.med_types:
        check_choice(med_type, MED_TYPES, "med_types")
    check_range(arguments.stays_min, 0, COUNT_MAX, "stays_min")
    check_range(arguments.stays_max, arguments.stays_min, COUNT_MAX, "stays_max")
    check_range(arguments.disputes_max, 0, COUNT_MAX, "disputes_max")
    check_amount(arguments.budget_fen, "budget_fen")
    check_amount(arguments.bonus_fen, "bonus_fen")
    funds.check_account(arguments.fund, ("fund",))
    if not funds.has_account(state, arguments.fund):
        raise Refused("unknown-account", f"there is no account {arguments.fund}")
    key = agreement_key(code, year)
    stage = LIFE.move("offer", LIFE.stage_of(state.get(AGREEMENTS, key)), f"the agreement {key}")
    agreement = Agreement(
        stage,
        arguments.med_types,
        arguments.stays_min,
        arguments.stays_max,
        arguments.budget_fen,
        arguments.disputes_max,
        arguments.bonus_fen,
        arguments.fund,
    )
    state.put(AGREEMENTS, key, agreement)
    return [Event("agreement-offered", {"fixmedins_code": code, "year": year})]


def _accept(state: State, arguments: OfAgreement, context: Context) -> list[Event]:
    """From the month of the chain's day on, or from January of a year to come. Refuses `year-over`."""
    key, held = _get(state, arguments)
    stage = LIFE.move("accept", held.stage, f"the agreement {key}")
    if context.day // 10_000 > arguments.year:
        raise Refused("year-over", f"{arguments.year} is over")
    state.put(AGREEMENTS, key, msgspec.structs.replace(held, stage=stage))
    first = max(context.day // 100, arguments.year * 100 + 1)
    _put_due(state, arguments.fixmedins_code, first, context)
    return [Event("agreement-accepted", {"fixmedins_code": arguments.fixmedins_code, "year": arguments.year})]


def _put_due(state: State, code: str, month: int, context: Context) -> None:
    due.put(state, first_day_after(month), JUDGE_MONTH, f"{code}/{month}", context)


def _judge_month(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung on the first day after each month of an accepted agreement."""
    if not due.take(state, arguments, JUDGE_MONTH, context):
        return []
    code, _, month = arguments.key.partition("/")
    held = state.get(AGREEMENTS, agreement_key(code, int(month) // 100))
    assert held is not None, "what is due is about an agreement that is there"
    if int(month) % 100 < 12:
        _put_due(state, code, int(month) + 1, context)
    total = get_month(state, code, int(month))
    verdict = _judge(held, total)
    events: list[Event] = []
    record = f"agreement/{arguments.key}"
    if verdict == SUSPENDED and get_institution(state, code).status == SIGNED:
        suspend_by_rule(state, code, "agreement.judge_month", "inspection-failed", context, events)
    elif verdict == ABOVE:
        counted: dict[str, int | str] = {"settled": total.settled, "owed_fen": total.owed_fen}
        events.append(notice("agreement-exceeded", record, due=arguments.day, **counted))
    elif verdict == KEPT:
        funds.move(state, held.fund, f"payable/{code}", held.bonus_fen, record, events)
    fields: dict[str, int | str] = {"fixmedins_code": code, "month": int(month), "verdict": verdict}
    return [*events, Event("month-judged", fields)]


def _judge(agreement: Agreement, total: MonthTotal) -> str:
    if total.disputed > agreement.disputes_max:
        return SUSPENDED
    standing = total.settled - total.reversed
    if standing > agreement.stays_max or total.owed_fen > agreement.budget_fen:
        return ABOVE
    return SHORT if standing < agreement.stays_min else KEPT


def _get(state: StateReader, asked: OfAgreement) -> tuple[str, Agreement]:
    check_identifier(asked.fixmedins_code, "fixmedins_code")
    check_range(asked.year, 1900, 2999, "year")
    key = agreement_key(asked.fixmedins_code, asked.year)
    held = state.get(AGREEMENTS, key)
    if held is None:
        raise Refused("no-agreement", f"nothing was offered to {asked.fixmedins_code} for {asked.year}")
    return key, held


def _ask(state: StateReader, asked: OfAgreement, reader: Reader) -> Agreement:
    return _get(state, asked)[1]


def _of_key(key: str) -> OfAgreement:
    code, _, year = key.partition("/")
    return OfAgreement(code, int(year))


CONTRACT = Contract(
    "agreement",
    1,
    (
        Operation("offer", Offer, BY_BUREAU, _offer),
        Operation("accept", OfAgreement, BY_PROVIDERS, _accept, OF_INSTITUTION),
        Operation("judge_month", Ring, SUPERVISORS, _judge_month),
    ),
    (
        Query(
            "get",
            OfAgreement,
            BY_PROVIDERS | SUPERVISORS,
            _ask,
            OF_INSTITUTION.or_of(*SUPERVISORS),
            RowOf(AGREEMENTS, lambda asked: agreement_key(asked.fixmedins_code, asked.year), _of_key),
        ),
    ),
    (LIFE,),
    founding=0,
)
