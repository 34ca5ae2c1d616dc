"""Medical e-bills 医疗电子票据: 赋码 number → 开具 issue → 交付 deliver → 查验 verify → 归集 collect → 报销
reimburse; 冲红 red-letter.

A bill number is known whatever its case, width or spaces: `normalise` maps all spellings to one. It begins with
the code of the institution that issues it and a hyphen, so that no institution can take another's numbers
(`institution.sign` refuses codes of which one number could begin with two). A
bill is reimbursed once, whoever sends it: its `settlement` names the one that did. Reimbursing is the business
of `settlement`. The lines of a bill are private (lines.py): here stand their sums, what was sold by trace code, and a
commitment.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, NOBODY, SUPERVISORS
from consortium.contracts.checks import (
    check_choice,
    check_day,
    check_digest,
    check_pseudonym,
    check_reason,
    is_identifier,
)
from consortium.contracts.insurance.institution import (
    OF_INSTITUTION,
    Institution,
    check_open,
    find_acting,
    get_institution,
)
from consortium.contracts.insurance.lines import Sold, Sums, check_sold, check_sums
from consortium.contracts.insurance.waiting_claims import check_none_waits
from consortium.core.contract import (
    GENESIS,
    NOT_YOURS,
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
    Whose,
)
from consortium.core.spoken import Speech

NUMBERED, ISSUED, DELIVERED, VERIFIED, COLLECTED = "numbered", "issued", "delivered", "verified", "collected"
REVERSED, RED_LETTER = "reversed", "red-letter"
LIVE = (ISSUED, DELIVERED, VERIFIED, COLLECTED)
INPATIENT, OUTPATIENT = "inpatient", "outpatient"
MED_TYPES = (INPATIENT, OUTPATIENT)
_TYPED_MAX = 256


class Bill(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed by the normalised number. `patient`: the patient's pseudonym for bills of that year, which is not that of
    its settlements (docs/privacy.md); none where the bill was settled as it was issued. `settlement` is the key of the
    one that reimbursed it, "" while none did."""

    fixmedins_code: str
    stage: str
    patient: str = ""
    med_type: str = ""  # inpatient | outpatient
    begndate: int = 0  # YYYYMMDD, the first day of service
    enddate: int = 0  # the last: of discharge
    sums: Sums = Sums()
    sold: tuple[Sold, ...] = ()
    lines: bytes = b""
    settlement: str = ""
    red_letter: str = ""  # of a reversed bill the red-letter bill's number, of a red-letter bill the reversed one's


BILLS: Table[Bill] = Table("bill", Bill, told_as="bill", key_of=lambda text: normalise(text))
LIFE = Life(
    BILLS,
    (
        Move("", "number", NUMBERED),
        Move("", "issue", ISSUED),
        Move(NUMBERED, "issue", ISSUED),
        Move("", "settlement.issue_and_claim", ISSUED),
        Move(NUMBERED, "settlement.issue_and_claim", ISSUED),
        Move(ISSUED, "deliver", DELIVERED),
        Move(DELIVERED, "verify", VERIFIED),
        Move(DELIVERED, "verify_by_patient", VERIFIED),
        Move(VERIFIED, "collect", COLLECTED),
        *(Move(stage, "reverse", REVERSED) for stage in LIVE),
        Move("", "reverse", RED_LETTER),
    ),
)
REASONS = ("wrong-person", "wrong-amount", "wrong-lines", "issued-twice", "not-provided", "returned", "mismatch")


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """赋码: reserve a number, `<fixmedins_code>-<serial>`."""

    fixmedins_code: str
    bill_no: str


class Issue(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """开具: issue a bill, on a reserved number or on a new one in one go. `patient`: as of Bill. `lines`: the
    commitment to its lines, 32 bytes."""

    fixmedins_code: str
    bill_no: str
    patient: str
    med_type: str  # inpatient | outpatient
    begndate: int  # YYYYMMDD, the first day of service
    enddate: int  # the last: of discharge
    sums: Sums
    sold: tuple[Sold, ...]
    lines: bytes


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """交付, 查验 or 归集 of a bill."""

    bill_no: str


VERIFY_BY_PATIENT: Speech[Step] = Speech("bill", "verify_by_patient", Step)  # 查验 by the patient's own word


class OfBill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a bill, by any spelling of its number."""

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


def check_verified(bill: Bill, number: str) -> None:
    """Refuses `bill-not-verified`: what its issuer does not settle in one transaction, another has verified."""
    if bill.stage not in (VERIFIED, COLLECTED):
        raise Refused("bill-not-verified", f"bill {number} is {bill.stage}: another than its issuer verifies it first")


def mark_reimbursed(state: State, number: str, bill: Bill, settlement: str) -> None:
    """报销: note the settlement that paid, or "" when it is reversed."""
    state.put(BILLS, number, msgspec.structs.replace(bill, settlement=settlement))


def draft(state: StateReader, issue: Issue, context: Context) -> tuple[str, Bill, Institution]:
    """Check a bill to be issued; returns normalised number, bill, for the caller to store, and who issues it.

    Refuses `bill-exists`, `bill-number-foreign`, `bad-date`, `future-day`, `sums-differ`, and what the shared checks
    and those of lines refuse.
    """
    number, institution = _check_number(state, issue.fixmedins_code, issue.bill_no, context, issue.enddate)
    check_choice(issue.med_type, MED_TYPES, "med_type")
    _check_service_days(issue.begndate, issue.enddate, context.day)
    known = state.get(BILLS, number)
    if known is not None and not LIFE.allows("issue", known.stage):
        raise Refused("bill-exists", f"bill {number} is {known.stage} already")
    check_sums(issue.sums)
    check_sold(issue.sold)
    check_digest(issue.lines, "lines")
    bill = Bill(
        fixmedins_code=issue.fixmedins_code,
        stage=ISSUED,
        patient=issue.patient,
        med_type=issue.med_type,
        begndate=issue.begndate,
        enddate=issue.enddate,
        sums=issue.sums,
        sold=issue.sold,
        lines=issue.lines,
    )
    return number, bill, institution


def _check_service_days(begndate: int, enddate: int, today: int) -> None:
    """Refuses `bad-date`, and `future-day` of a service that has not ended by today."""
    check_day(begndate, "begndate")
    if enddate != begndate:
        check_day(enddate, "enddate")
        if enddate < begndate:
            raise Refused("bad-date", f"the service ends on {enddate}, before it begins on {begndate}")
    if enddate > today:
        raise Refused("future-day", f"the service ends on {enddate}; today is {today}")


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


def _number(state: State, arguments: Number, context: Context) -> list[Event]:
    number, _ = _check_number(state, arguments.fixmedins_code, arguments.bill_no, context, 0)
    if state.get(BILLS, number) is not None:
        raise Refused("bill-exists", f"the number {number} is taken")
    state.put(BILLS, number, Bill(arguments.fixmedins_code, NUMBERED))
    return [Event("bill-numbered", {"bill_no": number, "fixmedins_code": arguments.fixmedins_code})]


def _issue(state: State, arguments: Issue, context: Context) -> list[Event]:
    check_pseudonym(arguments.patient, "patient")
    number, bill, _ = draft(state, arguments, context)
    state.put(BILLS, number, bill)
    return [issued_event(number, bill)]


def issued_event(number: str, bill: Bill) -> Event:
    return Event(
        "bill-issued",
        {
            "bill_no": number,
            "fixmedins_code": bill.fixmedins_code,
            "patient": bill.patient,
            "begndate": bill.begndate,
            "enddate": bill.enddate,
            "medfee_sumamt": bill.sums.medfee_sumamt,
        },
    )


def _advance(state: State, bill_no: str, operation: str, kind: str) -> list[Event]:
    number = normalise(bill_no)
    bill = get_bill(state, number)
    stage = LIFE.move(operation, bill.stage, f"bill {number}")
    state.put(BILLS, number, msgspec.structs.replace(bill, stage=stage))
    return [Event(kind, {"bill_no": number})]


def _deliver(state: State, arguments: Step, context: Context) -> list[Event]:
    return _advance(state, arguments.bill_no, "deliver", "bill-delivered")


def _verify(state: State, arguments: Step, context: Context) -> list[Event]:
    if context.member in find_issuer(state, arguments.bill_no):
        raise Refused("own-bill", "another than its issuer verifies a bill")
    return _advance(state, arguments.bill_no, "verify", "bill-verified")


def _verify_by_patient(state: State, said: Step, pseudonym: str, context: Context) -> list[Event]:
    number = normalise(said.bill_no)
    bill = state.get(BILLS, number)
    if bill is None or bill.patient != pseudonym:
        raise Refused(NOT_YOURS, "the speaker has no such bill")
    return _advance(state, number, "verify_by_patient", "bill-verified")


def _collect(state: State, arguments: Step, context: Context) -> list[Event]:
    return _advance(state, arguments.bill_no, "collect", "bill-collected")


def _reverse(state: State, arguments: Reverse, context: Context) -> list[Event]:
    number = normalise(arguments.bill_no)
    bill = get_bill(state, number)
    check_reason(arguments.reason, REASONS)
    code = bill.fixmedins_code
    check_reimbursable(bill, number)
    check_none_waits(state, number)
    red_number = _own_number(code, arguments.red_bill_no)
    if state.get(BILLS, red_number) is not None:
        raise Refused("bill-exists", f"the number {red_number} is taken")
    state.put(BILLS, number, msgspec.structs.replace(bill, stage=REVERSED, red_letter=red_number))
    red = Bill(
        fixmedins_code=code,
        stage=RED_LETTER,
        patient=bill.patient,
        med_type=bill.med_type,
        begndate=bill.begndate,
        enddate=bill.enddate,
        sums=Sums(*(-getattr(bill.sums, name) for name in Sums.__struct_fields__)),
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
        Operation("verify", Step, SUPERVISORS, _verify),
        VERIFY_BY_PATIENT.operation(_verify_by_patient),
        Operation("collect", Step, BY_BUREAU, _collect),
        Operation("reverse", Reverse, BY_PROVIDERS, _reverse, OF_ISSUER),
    ),
    (
        Query(
            "get",
            OfBill,
            BY_PROVIDERS | SUPERVISORS,
            lambda state, asked, _: get_bill(state, normalise(asked.bill_no)),
            OF_ISSUER.or_of(*SUPERVISORS),
            RowOf(BILLS, lambda asked: normalise(asked.bill_no), OfBill),
        ),
    ),
    (LIFE,),
)
