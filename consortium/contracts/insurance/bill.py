"""Medical e-bills 医疗电子票据: 赋码 number → 开具 issue → 交付 deliver → 查验 verify → 归集 collect → 报销
reimburse; 冲红 red-letter.

A bill number is known whatever its case, width or spaces: `normalise` maps all spellings to one. It begins with
the code of the institution that issues it and a hyphen, so that no institution can take another's numbers
(`institution.sign` refuses codes of which one number could begin with two). A
bill is reimbursed once, whoever sends it: its `settlement` names the one that did. Reimbursing is the business
of `settlement`.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, NOBODY, PATIENT, SUPERVISORS
from consortium.contracts.checks import (
    AMOUNT_FEN_MAX,
    IDENTIFIER_MAX,
    check_amount,
    check_count,
    check_day,
    check_identifier,
    check_positive_amount,
    check_range,
    check_text,
    check_trace_code,
    is_identifier,
)
from consortium.contracts.insurance.institution import (
    OF_INSTITUTION,
    Institution,
    check_open,
    find_acting,
    get_institution,
)
from consortium.core.contract import (
    GENESIS,
    Context,
    Contract,
    Event,
    Operation,
    Refused,
    State,
    StateReader,
    Table,
    Whose,
)

NUMBERED, ISSUED, DELIVERED, VERIFIED, COLLECTED = "numbered", "issued", "delivered", "verified", "collected"
REVERSED, RED_LETTER = "reversed", "red-letter"
LIVE = (ISSUED, DELIVERED, VERIFIED, COLLECTED)
LINES_MAX = 50
LINE_CODES_MAX = 50
QUANTITY_MAX = 1_000_000
_TYPED_MAX = 256


class Line(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One position: `cnt` times `pric` fen. A whole-pack line has no codes or one a pack; a split line (`trdn_flag`)
    has one code, and `cnt` counts minimal units."""

    med_list_codg: str
    cnt: int
    pric: int
    drug_trac_codg: tuple[str, ...] = ()
    trdn_flag: bool = False


class Bill(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed by the normalised number. `settlement` is the key of the one that reimbursed it, "" while none did."""

    fixmedins_code: str
    stage: str
    psn_no: str = ""
    issued_day: int = 0
    medfee_sumamt: int = 0
    lines: tuple[Line, ...] = ()
    settlement: str = ""
    red_letter: str = ""  # of a reversed bill the red-letter bill's number, of a red-letter bill the reversed one's


BILLS: Table[Bill] = Table("bill", Bill)


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """赋码: reserve a number, `<fixmedins_code>-<serial>`."""

    fixmedins_code: str
    bill_no: str


class Issue(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """开具: issue a bill, on a reserved number or on a new one in one go. The sum of the lines is computed here."""

    fixmedins_code: str
    bill_no: str
    psn_no: str
    issued_day: int
    lines: tuple[Line, ...]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """交付, 查验 or 归集 of a bill."""

    bill_no: str


class Reverse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """冲红: cancel a bill that nobody reimbursed, by a red-letter bill with a number of its own."""

    bill_no: str
    red_bill_no: str
    reason: str


# full-width forms to ASCII, capitals to small letters, every kind of space to nothing
_ONE_SPELLING: dict[int, str | None] = {
    **{ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{0xFF01 + offset: chr(0x21 + offset).lower() for offset in range(94)},
    **dict.fromkeys((*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029)),
    **dict.fromkeys((0x202F, 0x205F, 0x3000)),
}


def normalise(bill_no: str) -> str:
    """One spelling for a bill's number: half width, no white space, lower case. Refuses `bad-identifier`.

    By a table of our own: Unicode's normal forms change with its version, and so with Python's."""
    number = try_normalise(bill_no)
    if number is None:
        raise Refused(
            "bad-identifier", "a bill's number has 1 to 64 of A-Z a-z 0-9 . _ : - and begins with A-Z a-z 0-9"
        )
    return number


def try_normalise(bill_no: str) -> str | None:
    """Like `normalise`; None where no bill can have such a number."""
    if is_identifier(bill_no):
        return bill_no.lower()  # all of it ASCII: this is what the table does to it
    if len(bill_no) > _TYPED_MAX:
        return None
    number = bill_no.translate(_ONE_SPELLING)
    return number if is_identifier(number) else None


def get_bill(state: StateReader, number: str) -> Bill:
    """By its normalised number. Refuses `unknown-bill`."""
    bill = state.get(BILLS, number)
    if bill is None:
        raise Refused("unknown-bill", f"there is no bill {number}")
    return bill


def find_issuer(state: StateReader, bill_no: str) -> tuple[str, ...]:
    """The member that acts for a bill's institution, by any spelling of the number; none where there is no bill."""
    bill = None if (number := try_normalise(bill_no)) is None else state.get(BILLS, number)
    return NOBODY if bill is None else find_acting(state, bill.fixmedins_code)


OF_ISSUER = Whose(lambda state, arguments: find_issuer(state, arguments.bill_no), owner="who issued the bill")


def check_reimbursable(bill: Bill, number: str) -> None:
    """Refuses `bill-reimbursed` or `bill-not-issued`."""
    if bill.settlement:
        raise Refused("bill-reimbursed", f"bill {number} was reimbursed by settlement {bill.settlement}")
    if bill.stage not in LIVE:
        raise Refused("bill-not-issued", f"bill {number} is {bill.stage}")


def mark_reimbursed(state: State, number: str, bill: Bill, settlement: str) -> None:
    """报销: note the settlement that paid, or "" when it is reversed."""
    state.put(BILLS, number, msgspec.structs.replace(bill, settlement=settlement))


def draft(
    state: StateReader,
    fixmedins_code: str,
    bill_no: str,
    psn_no: str,
    issued_day: int,
    lines: tuple[Line, ...],
    context: Context,
) -> tuple[str, Bill, Institution]:
    """Check a bill to be issued; returns normalised number, bill, for the caller to store, and who issues it.

    Refuses `bill-exists`, `bill-number-foreign`, `bad-length`, `trace-code-count`, and what the shared checks refuse.
    """
    number, institution = _check_number(state, fixmedins_code, bill_no, context, issued_day)
    check_identifier(psn_no, "psn_no")
    check_day(issued_day, "issued_day")
    known = state.get(BILLS, number)
    if known is not None and known.stage != NUMBERED:
        raise Refused("bill-exists", f"bill {number} is {known.stage} already")
    return number, Bill(fixmedins_code, ISSUED, psn_no, issued_day, _check_lines(lines), lines), institution


def _check_number(
    state: StateReader, fixmedins_code: str, bill_no: str, context: Context, day: int
) -> tuple[str, Institution]:
    institution = get_institution(state, fixmedins_code)
    check_open(institution, fixmedins_code, day)
    return _own_number(fixmedins_code, bill_no), institution


def _own_number(fixmedins_code: str, bill_no: str) -> str:
    number = normalise(bill_no)
    if not number.startswith(f"{fixmedins_code.lower()}-"):
        raise Refused("bill-number-foreign", f"a bill of {fixmedins_code} has a number that begins {fixmedins_code}-")
    return number


def _check_lines(lines: tuple[Line, ...]) -> int:
    check_count(len(lines), LINES_MAX, "lines")
    medfee_sumamt = 0
    for line in lines:
        code, cnt, pric = line.med_list_codg, line.cnt, line.pric
        if not (
            code.isascii()
            and code.isalnum()
            and len(code) <= IDENTIFIER_MAX
            and 0 < cnt <= QUANTITY_MAX
            and 0 <= pric <= AMOUNT_FEN_MAX
        ):  # seldom: which of them is it, if any?
            check_identifier(code, "med_list_codg")
            check_range(cnt, 1, QUANTITY_MAX, "cnt")
            check_amount(pric, "pric")
        medfee_sumamt += cnt * pric
        if line.drug_trac_codg or line.trdn_flag:
            _check_codes(line)
    check_positive_amount(medfee_sumamt, "the sum of the lines")
    return medfee_sumamt


def _check_codes(line: Line) -> None:
    check_count(len(line.drug_trac_codg), LINE_CODES_MAX, "drug_trac_codg")
    for code in line.drug_trac_codg:
        check_trace_code(code)
    expected = 1 if line.trdn_flag else line.cnt
    if len(line.drug_trac_codg) != expected:
        raise Refused("trace-code-count", f"the line has {len(line.drug_trac_codg)} trace codes, expected {expected}")


def _number(state: State, arguments: Number, context: Context) -> list[Event]:
    number, _ = _check_number(state, arguments.fixmedins_code, arguments.bill_no, context, 0)
    if state.get(BILLS, number) is not None:
        raise Refused("bill-exists", f"the number {number} is taken")
    state.put(BILLS, number, Bill(arguments.fixmedins_code, NUMBERED))
    return [Event("bill-numbered", {"bill_no": number, "fixmedins_code": arguments.fixmedins_code})]


def _issue(state: State, arguments: Issue, context: Context) -> list[Event]:
    number, bill, _ = draft(
        state,
        arguments.fixmedins_code,
        arguments.bill_no,
        arguments.psn_no,
        arguments.issued_day,
        arguments.lines,
        context,
    )
    state.put(BILLS, number, bill)
    return [issued_event(number, bill)]


def issued_event(number: str, bill: Bill) -> Event:
    return Event(
        "bill-issued",
        {
            "bill_no": number,
            "fixmedins_code": bill.fixmedins_code,
            "psn_no": bill.psn_no,
            "medfee_sumamt": bill.medfee_sumamt,
        },
    )


def _advance(state: State, bill_no: str, before: str, after: str) -> list[Event]:
    number = normalise(bill_no)
    bill = get_bill(state, number)
    if bill.stage != before:
        raise Refused("wrong-stage", f"bill {number} is {bill.stage}: {after} follows {before}")
    state.put(BILLS, number, msgspec.structs.replace(bill, stage=after))
    return [Event(f"bill-{after}", {"bill_no": number})]


def _deliver(state: State, arguments: Step, context: Context) -> list[Event]:
    return _advance(state, arguments.bill_no, ISSUED, DELIVERED)


def _verify(state: State, arguments: Step, context: Context) -> list[Event]:
    return _advance(state, arguments.bill_no, DELIVERED, VERIFIED)


def _collect(state: State, arguments: Step, context: Context) -> list[Event]:
    return _advance(state, arguments.bill_no, VERIFIED, COLLECTED)


def _reverse(state: State, arguments: Reverse, context: Context) -> list[Event]:
    number = normalise(arguments.bill_no)
    bill = get_bill(state, number)
    check_text(arguments.reason, "reason")
    code = bill.fixmedins_code
    check_reimbursable(bill, number)
    red_number = _own_number(code, arguments.red_bill_no)
    if state.get(BILLS, red_number) is not None:
        raise Refused("bill-exists", f"the number {red_number} is taken")
    state.put(BILLS, number, msgspec.structs.replace(bill, stage=REVERSED, red_letter=red_number))
    red = Bill(
        fixmedins_code=code,
        stage=RED_LETTER,
        psn_no=bill.psn_no,
        issued_day=bill.issued_day,
        medfee_sumamt=-bill.medfee_sumamt,
        red_letter=number,
    )
    state.put(BILLS, red_number, red)
    return [Event("bill-reversed", {"bill_no": number, "red_bill_no": red_number, "reason": arguments.reason})]


CONTRACT = Contract(
    "bill",
    1,
    (
        Operation("number", Number, BY_PROVIDERS, _number, OF_INSTITUTION),
        Operation("issue", Issue, BY_PROVIDERS | {GENESIS}, _issue, OF_INSTITUTION),
        Operation("deliver", Step, BY_PROVIDERS, _deliver, OF_ISSUER),
        Operation("verify", Step, BY_PROVIDERS | SUPERVISORS | {PATIENT}, _verify),
        Operation("collect", Step, BY_BUREAU, _collect),
        Operation("reverse", Reverse, BY_PROVIDERS, _reverse, OF_ISSUER),
    ),
)
