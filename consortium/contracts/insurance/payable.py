"""What the funds owe an institution for a settlement, and when it becomes payable.

A claim is adjudicated and owed at once, from sums that its issuer told. It becomes payable when bureau or regulator has
held the sums against the lines and says so, or on the day that the policy pack gives them (`lines_days`). What is owed
waits on `unconfirmed/<fixmedins_code>/<day on which it becomes payable>`. Where the lines differ
(or the person), it waits on `disputed/<bill number>`, under a hold, until the other of the two confirms the lines after
all, or the settlement is reversed.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_choice
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, funds
from consortium.contracts.insurance.journal import Settlement, get_settlement, settlement_key
from consortium.contracts.insurance.payout import get_payout_account
from consortium.contracts.oversight import due, hold
from consortium.core.contract import Context, Event, Life, Move, Refused, State, StateReader, Table

RELEASE = "settlement.release"
CONFIRMED, DISPUTED = "confirmed", "disputed"
PERSON = "person"  # the settlement is of another than its bill: only the bureau can tell (docs/privacy.md)
DIFFERENCES = ("commitment", "lines", "sums", "sold", "missing", PERSON)  # from its record, or no record was given


class Word(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like the settlement: what a supervisor last said of its lines, who, and since which day."""

    stage: str
    member: str
    role: str
    day: int
    what: str = ""


WORDS: Table[Word] = Table("lines_word", Word)
LIFE = Life(
    WORDS,
    (
        Move("", "confirm_lines", CONFIRMED),
        Move(DISPUTED, "confirm_lines", CONFIRMED),
        Move("", "report_mismatch", DISPUTED),
        Move(CONFIRMED, "report_mismatch", DISPUTED),
    ),
    code="already-judged",
)


class ConfirmLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lines of a settlement's bill bear out what the bill says: what is owed becomes payable."""

    psn_no: str
    year: int
    sequence: int


class ReportMismatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """They do not, in `what`: what is owed is held, and may be taken back from what was payable already."""

    psn_no: str
    year: int
    sequence: int
    what: str  # commitment | lines | sums | sold | missing | person


def sources_of(settlement: Settlement, account: str) -> list[tuple[str, int]]:
    """Which account pays the institution how much; `account`: the person's. Cash changes hands off the ledger."""
    amounts = settlement.amounts
    shares = [
        (enrolment.POOLS[settlement.insutype], settlement.pool_paid_fen),
        (funds.LARGE_AMOUNT, amounts.hifob_pay),
        (funds.SERIOUS_ILLNESS, amounts.hifmi_pay),
        (funds.MEDICAL_AID, amounts.maf_pay),
        (account, amounts.acct_pay),
    ]
    return [(source, fen) for source, fen in shares if fen]


def owe(
    state: State,
    settlement: Settlement,
    key: str,
    payee: str,
    account: str,
    context: Context,
    events: list[Event],
) -> None:
    """Move what a new settlement is paid, out of the funds and the person's `account`, to where it waits. `payee`: an
    account other than the institution's, opened here."""
    if payee:
        funds.open_account(state, payee)
    shares = sources_of(settlement, account)
    target = payee or f"payable/{settlement.fixmedins_code}"
    if settlement.payable_on and shares:
        target = _unconfirmed(settlement.fixmedins_code, settlement.payable_on)
        if not funds.has_account(state, target):
            due.put(state, settlement.payable_on, RELEASE, settlement.fixmedins_code, context)
    funds.move_all(state, [(source, target, fen) for source, fen in shares], f"settlement/{key}", events)


def give_back(state: State, settlement: Settlement, key: str, account: str, cause: str, events: list[Event]) -> None:
    """Move it back to where it came from, wherever it waits or went; a hold over its lines is gone with it."""
    source = find_place(state, settlement, key)
    record = f"settlement/{key}"
    if hold.find_hold(state, source, hold.LINES_DIFFER, record) is not None:
        hold.lift(state, source, hold.LINES_DIFFER, record, events)
    refunds = [(source, target, fen) for target, fen in sources_of(settlement, account)]
    funds.move_all(state, refunds, cause, events, is_return=True)


def confirm_lines(state: State, arguments: ConfirmLines, context: Context) -> list[Event]:
    """The operation `settlement.confirm_lines`. Refuses `already-judged`, `settlement-reversed`, and
    `same-organisation` of a mismatch that a member of the same role reported."""
    settlement, key = _standing(state, arguments)
    source = find_place(state, settlement, key)
    word = state.get(WORDS, key)
    stage = LIFE.move("confirm_lines", LIFE.stage_of(word), f"the word on settlement {key}")
    events: list[Event] = []
    record = f"settlement/{key}"
    if word is not None and word.role == context.role:
        raise Refused("same-organisation", f"{word.member} ({word.role}) reported it: another role must confirm")
    if hold.find_hold(state, source, hold.LINES_DIFFER, record) is not None:
        hold.lift(state, source, hold.LINES_DIFFER, record, events)
    _move(state, settlement, source, _payee(state, settlement, key), record, events)
    state.put(WORDS, key, Word(stage, context.member, context.role, context.day))
    events.append(_event("lines-confirmed", arguments, settlement, context))
    return events


def report_mismatch(state: State, arguments: ReportMismatch, context: Context) -> list[Event]:
    """The operation `settlement.report_mismatch`. Refuses `already-judged`, `settlement-reversed`."""
    check_choice(arguments.what, DIFFERENCES, "what")
    settlement, key = _standing(state, arguments)
    source = find_place(state, settlement, key)
    word = state.get(WORDS, key)
    stage = LIFE.move("report_mismatch", LIFE.stage_of(word), f"the word on settlement {key}")
    events: list[Event] = []
    target, record = f"disputed/{settlement.bill_no}", f"settlement/{key}"
    _move(state, settlement, source, target, record, events, is_return=True)
    hold.place_by_rule(state, target, hold.LINES_DIFFER, record, context, events)
    state.put(WORDS, key, Word(stage, context.member, context.role, context.day, arguments.what))
    events.append(_event("lines-mismatch", arguments, settlement, context, what=arguments.what))
    return events


def release(state: State, arguments: due.Ring, context: Context) -> list[Event]:
    """The operation `settlement.release`: what nobody judged in time becomes payable."""
    if not due.take(state, arguments, RELEASE, context):
        return []
    code = arguments.key
    source = _unconfirmed(code, arguments.day)
    amount_fen = funds.get_balance(state, source)
    events: list[Event] = []
    funds.move(state, source, f"payable/{code}", amount_fen, f"release/{code}/{arguments.day}", events)
    events.append(Event("payable-released", {"fixmedins_code": code, "day": arguments.day, "amount_fen": amount_fen}))
    return events


def _unconfirmed(fixmedins_code: str, day: int) -> str:
    return f"unconfirmed/{fixmedins_code}/{day}"


def find_place(state: StateReader, settlement: Settlement, key: str) -> str:
    """The account on which the money of a settlement is now; it may have been paid out of `payable/…` since."""
    word = state.get(WORDS, key)
    if word is not None and word.stage == DISPUTED:
        return f"disputed/{settlement.bill_no}"
    waiting = _unconfirmed(settlement.fixmedins_code, settlement.payable_on)
    if word is None and settlement.payable_on and funds.has_account(state, waiting):
        return waiting
    return _payee(state, settlement, key)


def _payee(state: StateReader, settlement: Settlement, key: str) -> str:
    return get_payout_account(state, key) or f"payable/{settlement.fixmedins_code}"


def _standing(state: StateReader, said: ConfirmLines | ReportMismatch) -> tuple[Settlement, str]:
    """A settlement that was not reversed, and its key."""
    settlement = get_settlement(state, said.psn_no, said.year, said.sequence)
    key = settlement_key(said.psn_no, said.year, said.sequence)
    if bills.get_bill(state, settlement.bill_no).settlement != key:
        raise Refused("settlement-reversed", f"settlement {key} was reversed")
    return settlement, key


def _move(
    state: State,
    settlement: Settlement,
    source: str,
    target: str,
    cause: str,
    events: list[Event],
    *,
    is_return: bool = False,
) -> None:
    if source != target:
        amount_fen = sum(fen for _, fen in sources_of(settlement, ""))
        funds.move(state, source, target, amount_fen, cause, events, is_return=is_return)


def _event(
    kind: str, said: ConfirmLines | ReportMismatch, settlement: Settlement, context: Context, **more: str
) -> Event:
    return Event(
        kind,
        {
            "psn_no": said.psn_no,
            "year": said.year,
            "sequence": said.sequence,
            "bill_no": settlement.bill_no,
            "fixmedins_code": settlement.fixmedins_code,
            "member": context.member,
            **more,
        },
    )
