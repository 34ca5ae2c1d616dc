"""Designated institutions 定点医疗机构: licence, level, kind, and the consortium member that acts for them.

One member may act for several institutions. Signing opens `payable/<code>` and `paid/<code>`; a suspended
institution neither claims nor is paid until a human decides; a terminated one may only be signed anew.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_FOUNDERS, BY_PROVIDERS, HOSPITAL, NOBODY, PHARMACY, SUPERVISORS
from consortium.contracts.checks import (
    BASIS_POINTS,
    check_choice,
    check_day,
    check_identifier,
    check_positive_amount,
    check_range,
    check_reason,
    check_reference,
)
from consortium.contracts.insurance import funds
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
    Whose,
)

KINDS = (HOSPITAL, PHARMACY)
CHECK_LICENCE = "institution.check_licence"
LICENCE_NOTICE_DAYS = 30
SIGNED, SUSPENDED, TERMINATED = "signed", "suspended", "terminated"


class Institution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `fixmedins_code`. `level` 1 to 3; `licence_to`: the last valid day; DRG coefficient in basis points."""

    kind: str
    level: int
    member: str
    licence_no: str
    licence_to: int
    status: str
    status_from: int
    drg_coefficient_bp: int = BASIS_POINTS
    reason: str = ""


class Spelling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the code in lower case: how it was signed. It stays when the institution is terminated."""

    fixmedins_code: str


INSTITUTIONS: Table[Institution] = Table("institution", Institution, told_as="institution")
SPELLINGS: Table[Spelling] = Table("institution_code", Spelling)
LIFE = Life(
    INSTITUTIONS,
    (
        Move("", "sign", SIGNED),
        Move(SIGNED, "suspend", SUSPENDED),
        Move(SIGNED, "agreement.judge_month", SUSPENDED),
        Move(SUSPENDED, "resume", SIGNED),
        Move(SIGNED, "terminate", TERMINATED),
        Move(SUSPENDED, "terminate", TERMINATED),
        Move(TERMINATED, "sign", SIGNED),
    ),
    stage="status",
    code="wrong-status",
)
REASONS = (  # of suspending, resuming, terminating
    "inquiry",
    "cleared",
    "inspection-failed",
    "fraud",
    "licence-withdrawn",
    "moved",
    "closed",
    "agreement-ended",
)


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sign a contract with an institution, or a new one after termination."""

    fixmedins_code: str
    kind: str  # hospital | pharmacy
    level: int  # 1 | 2 | 3
    member: str  # the consortium member that may act for it
    licence_no: str
    licence_to: int  # YYYYMMDD, the last valid day
    drg_coefficient_bp: int = BASIS_POINTS


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Suspend, resume or terminate: which institution and why."""

    fixmedins_code: str
    reason: str


class OfInstitution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the contract with an institution."""

    fixmedins_code: str


class Accounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the funds owe an institution (below zero: it owes them), and what it was paid and has not spent; in fen."""

    payable_fen: int
    paid_fen: int


class Disburse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pay out what the funds owe an institution, at most its payable balance."""

    fixmedins_code: str
    amount_fen: int
    cause: str


def get_institution(state: StateReader, fixmedins_code: str) -> Institution:
    """Refuses `bad-identifier`, `unknown-institution`."""
    check_identifier(fixmedins_code, "fixmedins_code")
    institution = state.get(INSTITUTIONS, fixmedins_code)
    if institution is None:
        raise Refused("unknown-institution", f"no institution {fixmedins_code} has signed")
    return institution


def licence_days(institution: Institution) -> tuple[int, int]:
    """When to tell that its licence ends, and that it has ended."""
    ends = institution.licence_to
    return compute_day_after(ends, -LICENCE_NOTICE_DAYS), compute_day_after(ends, 1)


def find_acting(state: StateReader, fixmedins_code: str) -> tuple[str, ...]:
    """The member that acts for an institution; none where nobody signed it."""
    institution = state.get(INSTITUTIONS, fixmedins_code)
    return NOBODY if institution is None else (institution.member,)


OF_INSTITUTION = Whose(
    lambda state, arguments: find_acting(state, arguments.fixmedins_code), owner="who acts for the institution"
)


def check_open(institution: Institution, fixmedins_code: str, day: int) -> None:
    """Refuses `institution-suspended`, `institution-terminated`, `licence-expired` (on a service day)."""
    if institution.status != SIGNED:
        raise Refused(
            f"institution-{institution.status}",
            f"{fixmedins_code} is {institution.status} since {institution.status_from}",
        )
    if day > institution.licence_to:
        raise Refused("licence-expired", f"the licence of {fixmedins_code} ended on {institution.licence_to}")


def _check_distinct(state: State, code: str) -> None:
    """A bill number is known whatever its case and belongs to the institution whose code and a hyphen it begins with:
    no number may begin so for two. Refuses `code-ambiguous`."""
    folded = code.lower()
    shorter = [folded[:at] for at, letter in enumerate(folded) if letter == "-"]
    others = [state.get(SPELLINGS, name) for name in (folded, *shorter)]
    longer = next(state.range(SPELLINGS, f"{folded}-", f"{folded}.", limit=1), None)  # "." follows "-"
    for other in (*others, None if longer is None else longer[1]):
        if other is not None and other.fixmedins_code != code:
            raise Refused(
                "code-ambiguous",
                f"bill numbers of {code} and of {other.fixmedins_code} could not be told apart; choose a code that "
                "differs in more than case, and of which neither is the other and a hyphen",
            )


def _sign(state: State, arguments: Sign, context: Context) -> list[Event]:
    code = arguments.fixmedins_code
    check_identifier(code, "fixmedins_code")
    check_identifier(arguments.member, "member")
    check_identifier(arguments.licence_no, "licence_no")
    check_choice(arguments.kind, KINDS, "kind")
    check_range(arguments.level, 1, 3, "level")
    check_range(arguments.drg_coefficient_bp, 1, 10 * BASIS_POINTS, "drg_coefficient_bp")
    check_day(arguments.licence_to, "licence_to")
    known = state.get(INSTITUTIONS, code)
    if known is not None and not LIFE.allows("sign", known.status):
        raise Refused("institution-exists", f"{code} is {known.status} since {known.status_from}")
    _check_distinct(state, code)
    institution = Institution(
        kind=arguments.kind,
        level=arguments.level,
        member=arguments.member,
        licence_no=arguments.licence_no,
        licence_to=arguments.licence_to,
        status=SIGNED,
        status_from=context.day,
        drg_coefficient_bp=arguments.drg_coefficient_bp,
    )
    state.put(INSTITUTIONS, code, institution)
    state.put(SPELLINGS, code.lower(), Spelling(code))
    for day in licence_days(institution):
        due.put(state, day, CHECK_LICENCE, code, context)
    funds.open_account(state, f"payable/{code}")
    funds.open_account(state, f"paid/{code}")
    return [Event("institution-signed", {"fixmedins_code": code, "member": arguments.member})]


def _set_status(state: State, arguments: Decide, context: Context, operation: str, kind: str) -> list[Event]:
    check_reason(arguments.reason, REASONS)
    _change(state, arguments.fixmedins_code, operation, arguments.reason, context)
    return [Event(kind, {"fixmedins_code": arguments.fixmedins_code, "reason": arguments.reason})]


def _change(state: State, code: str, operation: str, reason: str, context: Context) -> None:
    institution = get_institution(state, code)
    status = LIFE.move(operation, institution.status, code)
    changed = msgspec.structs.replace(institution, status=status, status_from=context.day, reason=reason)
    state.put(INSTITUTIONS, code, changed)


def suspend_by_rule(
    state: State, code: str, operation: str, reason: str, context: Context, events: list[Event]
) -> None:
    """What another contract's operation ("contract.operation") does by itself to a signed institution; a human
    resumes it."""
    _change(state, code, operation, reason, context)
    events.append(Event("institution-suspended", {"fixmedins_code": code, "reason": reason}))


def _suspend(state: State, arguments: Decide, context: Context) -> list[Event]:
    return _set_status(state, arguments, context, "suspend", "institution-suspended")


def _resume(state: State, arguments: Decide, context: Context) -> list[Event]:
    return _set_status(state, arguments, context, "resume", "institution-resumed")


def _terminate(state: State, arguments: Decide, context: Context) -> list[Event]:
    events = _set_status(state, arguments, context, "terminate", "institution-terminated")
    for day in licence_days(get_institution(state, arguments.fixmedins_code)):
        due.clear(state, day, CHECK_LICENCE, arguments.fixmedins_code)
    return events


def _check_licence(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung twice: some days before the licence ends, and on the first day without one."""
    if not due.take(state, arguments, CHECK_LICENCE, context):
        return []
    licence_to = get_institution(state, arguments.key).licence_to
    has_ended = context.day > licence_to
    if has_ended and arguments.day <= licence_to:
        return []  # nobody rang in time: the other entry tells what is true now
    why = "licence-ended" if has_ended else "licence-ending"
    return [notice(why, f"institution/{arguments.key}", due=arguments.day, licence_to=licence_to)]


def _disburse(state: State, arguments: Disburse, context: Context) -> list[Event]:
    code = arguments.fixmedins_code
    check_positive_amount(arguments.amount_fen, "amount_fen")
    check_reference(arguments.cause, "cause")
    institution = get_institution(state, code)
    if institution.status == SUSPENDED:
        raise Refused("institution-suspended", f"{code} is suspended: it is not paid until a human decides")
    payable_fen = funds.get_balance(state, f"payable/{code}")
    if arguments.amount_fen > payable_fen:
        raise Refused("payable-short", f"{code} is owed {payable_fen} fen, not {arguments.amount_fen}")
    events: list[Event] = []
    funds.move(state, f"payable/{code}", f"paid/{code}", arguments.amount_fen, arguments.cause, events)
    return events


def _accounts(state: StateReader, asked: OfInstitution, reader: Reader) -> Accounts:
    code = asked.fixmedins_code
    get_institution(state, code)
    return Accounts(funds.get_balance(state, f"payable/{code}"), funds.get_balance(state, f"paid/{code}"))


CONTRACT = Contract(
    "institution",
    1,
    (
        Operation("sign", Sign, BY_FOUNDERS, _sign),
        Operation("suspend", Decide, BY_BUREAU, _suspend),
        Operation("resume", Decide, BY_BUREAU, _resume),
        Operation("terminate", Decide, BY_BUREAU, _terminate),
        Operation("check_licence", Ring, SUPERVISORS, _check_licence),
        Operation("disburse", Disburse, BY_BUREAU, _disburse),
    ),
    (
        Query(
            "get",
            OfInstitution,
            BY_PROVIDERS | SUPERVISORS,
            lambda state, asked, _: get_institution(state, asked.fixmedins_code),
            OF_INSTITUTION.or_of(*SUPERVISORS),
            RowOf(INSTITUTIONS, lambda asked: asked.fixmedins_code, OfInstitution),
        ),
        Query("accounts", OfInstitution, BY_PROVIDERS | SUPERVISORS, _accounts, OF_INSTITUTION.or_of(*SUPERVISORS)),
    ),
    (LIFE,),
)
