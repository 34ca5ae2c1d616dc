"""Findings 疑点处置: an institution is told what was found of its claims and answers; a human decides, then money comes
back.

Bureau or regulator report what a rule found, with the settlements that it names; where they ask for it, the institution
is paid nothing while the finding is open. The accused answers within a term. The regulator decides. What was admitted
is final; against the rest the accused may appeal within another term, and another role than the reporter's judges that,
or a vote. What is final is recovered by the bureau, from what is owed to the institution into the funds that paid:
where nothing is owed, it becomes a debt to be demanded (`debt`). Of one thing nobody is accused twice.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, NOBODY, REGULATOR, SUPERVISORS, among
from consortium.contracts.checks import (
    check_amount,
    check_choice,
    check_count,
    check_digest,
    check_identifier,
    check_own_number,
    check_range,
    check_reason,
    check_reference,
)
from consortium.contracts.insurance.institution import get_institution
from consortium.contracts.oversight import due, hold
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.finding_records import (
    ADMITTED,
    CHECK_TERM,
    CLOSED,
    DENIED,
    DISMISSED,
    FINAL,
    FINDINGS,
    KNOWN,
    LIFE,
    REPORTED,
    UPHELD,
    Finding,
    Known,
    OfFinding,
    end_hold,
    find_accused,
    finding_event,
    get_finding,
    held_account,
    said_key,
)
from consortium.contracts.oversight.notice import notice
from consortium.contracts.oversight.recovery import check_settlement, find_recoverable, take_back
from consortium.core.calendar import compute_day_after
from consortium.core.contract import (
    VOTE,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Whose,
)

TERM_DAYS_MAX = 90
NAMED_MAX = 32
REASONS = ("agreed", "clerical-error", "medically-needed", "patients-wish", "system-fault", "not-ours")
GROUNDS = ("proven", "not-proven", "explained", "partly-explained")


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule found. The number begins with the reporter's name and a colon; `accused`: an institution, or "".
    `settlements`: keys ("psn_no/year/000001") of its settlements; `records`: references, as "bill/<number>".
    `term_days`: to answer and to appeal; `holds`: whether the accused is paid nothing meanwhile."""

    finding_no: str
    rule: str
    accused: str
    settlements: tuple[str, ...]
    records: tuple[str, ...]
    amount_fen: int
    term_days: int
    holds: bool = False
    evidence: bytes = b""


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the accused says: admitted | denied, with a code of REASONS or a text that lies elsewhere."""

    finding_no: str
    stance: str
    reason: str


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Uphold it, and so much is to come back (0: a warning), or dismiss it; `ground`: of GROUNDS."""

    finding_no: str
    is_upheld: bool
    amount_fen: int
    ground: str


def _report(state: State, arguments: Report, context: Context) -> list[Event]:
    number = arguments.finding_no
    check_own_number(number, context.member, "finding_no")
    _check_said(state, arguments)
    key = said_key(arguments.rule, arguments.accused, arguments.settlements, arguments.records)
    known = state.get(KNOWN, key)
    if known is not None or state.get(FINDINGS, number) is not None:
        which = number if known is None else known.finding_no
        raise Refused("finding-exists", f"this was reported as finding {which}: nobody is accused twice of one thing")
    term_on = compute_day_after(context.day, arguments.term_days)
    finding = Finding(
        rule=arguments.rule,
        accused=arguments.accused,
        settlements=arguments.settlements,
        records=arguments.records,
        amount_fen=arguments.amount_fen,
        stage=LIFE.move("report", "", f"finding {number}"),
        member=context.member,
        role=context.role,
        reported_on=context.day,
        term_on=term_on,
        term_days=arguments.term_days,
        evidence=arguments.evidence,
    )
    state.put(KNOWN, key, Known(number))
    _put_with_term(state, number, finding, context)
    events = [finding_event("finding-reported", number, finding, term_on=term_on, member=context.member)]
    if arguments.holds:
        hold.place_by_rule(state, held_account(finding), hold.FINDING, f"finding/{number}", context, events)
    return events


def _check_said(state: StateReader, arguments: Report) -> None:
    """Refuses `not-accused` of a settlement of another institution, and what the shared checks refuse."""
    check_identifier(arguments.rule, "rule")
    check_amount(arguments.amount_fen, "amount_fen")
    check_range(arguments.term_days, 1, TERM_DAYS_MAX, "term_days")
    check_digest(arguments.evidence, "evidence", may_be_empty=True)
    check_count(len(arguments.settlements), NAMED_MAX, "settlements", 0)
    check_count(len(arguments.records), NAMED_MAX, "records", 0)
    if len(set(arguments.settlements)) < len(arguments.settlements):
        raise Refused("bad-reference", "a settlement is named twice")
    for record in arguments.records:
        check_reference(record, "records")
    if arguments.accused:
        get_institution(state, arguments.accused)
    elif arguments.settlements or arguments.holds:
        raise Refused("not-accused", "settlements and a hold are of an institution: say which is accused")
    elif not arguments.records:
        raise Refused("bad-length", "a finding names settlements or other records")
    for key in arguments.settlements:
        check_settlement(state, key, arguments.accused)


def _answer(state: State, arguments: Answer, context: Context) -> list[Event]:
    number = arguments.finding_no
    check_choice(arguments.stance, (ADMITTED, DENIED), "stance")
    check_reason(arguments.reason, REASONS)
    finding = get_finding(state, number)
    stage = LIFE.move("answer", finding.stage, f"finding {number}")
    _check_in_term(finding, number, context)
    due.clear(state, _rings_on(finding), CHECK_TERM, number)
    told = msgspec.structs.replace(finding, stage=stage, stance=arguments.stance, reason=arguments.reason)
    state.put(FINDINGS, number, told)
    return [finding_event("finding-answered", number, told, stance=told.stance, reason=told.reason)]


def _decide(state: State, arguments: Decide, context: Context) -> list[Event]:
    """Refuses `term-open` while the accused may still answer, and `too-much`."""
    number = arguments.finding_no
    check_choice(arguments.ground, GROUNDS, "ground")
    check_amount(arguments.amount_fen, "amount_fen")
    finding = get_finding(state, number)
    LIFE.check("decide", finding.stage, f"finding {number}")
    if finding.stage == REPORTED and finding.accused and context.day <= finding.term_on:
        raise Refused("term-open", f"the accused may answer finding {number} until {finding.term_on}")
    fen = arguments.amount_fen if arguments.is_upheld else 0
    limit_fen = min(finding.amount_fen, find_recoverable(state, finding.settlements))
    if fen > limit_fen:
        raise Refused("too-much", f"at most {limit_fen} fen of finding {number} can come back, not {fen}")
    due.clear(state, _rings_on(finding), CHECK_TERM, number)
    if not arguments.is_upheld:
        after = DISMISSED
    elif finding.stance == ADMITTED or not finding.accused:
        after = FINAL if fen else CLOSED
    else:
        after = UPHELD
    stage = LIFE.move("decide", finding.stage, f"finding {number}", after)
    term_on = compute_day_after(context.day, finding.term_days)
    decided = msgspec.structs.replace(finding, stage=stage, decided_fen=fen, term_on=term_on)
    events = [finding_event("finding-decided", number, decided, outcome=stage, due_fen=fen, ground=arguments.ground)]
    return _settle(state, number, decided, context, events)


def _appeal(state: State, arguments: OfFinding, context: Context) -> list[Event]:
    number, finding = arguments.finding_no, get_finding(state, arguments.finding_no)
    stage = LIFE.move("appeal", finding.stage, f"finding {number}")
    _check_in_term(finding, number, context)
    due.clear(state, _rings_on(finding), CHECK_TERM, number)
    appealed = msgspec.structs.replace(finding, stage=stage)
    state.put(FINDINGS, number, appealed)
    return [finding_event("finding-appealed", number, appealed, member=context.member)]


def _judge_appeal(state: State, arguments: Decide, context: Context) -> list[Event]:
    """The appeal never makes it worse. Refuses `same-organisation` of the role that reported it, `too-much`."""
    number = arguments.finding_no
    check_choice(arguments.ground, GROUNDS, "ground")
    check_amount(arguments.amount_fen, "amount_fen")
    finding = get_finding(state, number)
    LIFE.check("judge_appeal", finding.stage, f"finding {number}")
    if context.role == finding.role:
        raise Refused("same-organisation", f"{finding.member} ({finding.role}) reported it: another role, or a vote")
    fen = arguments.amount_fen if arguments.is_upheld else 0
    if fen > finding.decided_fen:
        raise Refused("too-much", f"{finding.decided_fen} fen were decided: an appeal does not raise that to {fen}")
    after = DISMISSED if not arguments.is_upheld else FINAL if fen else CLOSED
    stage = LIFE.move("judge_appeal", finding.stage, f"finding {number}", after)
    judged = msgspec.structs.replace(finding, stage=stage, decided_fen=fen)
    events = [finding_event("appeal-judged", number, judged, outcome=stage, due_fen=fen, ground=arguments.ground)]
    return _settle(state, number, judged, context, events)


def _recover(state: State, arguments: OfFinding, context: Context) -> list[Event]:
    """Refuses `nothing-to-recover` before a decision is final and after all came back."""
    number, finding = arguments.finding_no, get_finding(state, arguments.finding_no)
    if finding.stage != FINAL:
        raise Refused("nothing-to-recover", f"finding {number} is {finding.stage}: only what is final is recovered")
    events: list[Event] = []
    fen = take_back(state, finding.settlements, finding.decided_fen, f"finding/{number}", events)
    stage = LIFE.move("recover", finding.stage, f"finding {number}")
    recovered = msgspec.structs.replace(finding, stage=stage, recovered_fen=fen)
    events.append(finding_event("finding-recovered", number, recovered, recovered_fen=fen))
    return _settle(state, number, recovered, context, events)


def _check_term(state: State, arguments: Ring, context: Context) -> list[Event]:
    """A term is over: nobody answered, which is told; or nobody appealed, and the decision is final."""
    if not due.take(state, arguments, CHECK_TERM, context):
        return []
    number = arguments.key
    finding = get_finding(state, number)
    if finding.stage == REPORTED:
        return [notice("finding-unanswered", f"finding/{number}", due=arguments.day, fixmedins_code=finding.accused)]
    after = FINAL if finding.decided_fen else CLOSED
    final = msgspec.structs.replace(finding, stage=LIFE.move("check_term", finding.stage, f"finding {number}", after))
    events = [finding_event("finding-final", number, final, due_fen=final.decided_fen)]
    return _settle(state, number, final, context, events)


def _settle(state: State, number: str, finding: Finding, context: Context, events: list[Event]) -> list[Event]:
    """Store it, with its term where it may be appealed against; what is over holds nothing."""
    if finding.stage == UPHELD:
        _put_with_term(state, number, finding, context)
        return events
    state.put(FINDINGS, number, finding)
    if finding.stage in (DISMISSED, CLOSED):
        end_hold(state, number, finding, events)
    return events


def _put_with_term(state: State, number: str, finding: Finding, context: Context) -> None:
    state.put(FINDINGS, number, finding)
    due.put(state, _rings_on(finding), CHECK_TERM, number, context)


def _rings_on(finding: Finding) -> int:
    """The day after the last of its term."""
    return compute_day_after(finding.term_on, 1)


def _check_in_term(finding: Finding, number: str, context: Context) -> None:
    if context.day > finding.term_on:
        raise Refused("term-over", f"the term of finding {number} ended on {finding.term_on}; today is {context.day}")


def _ask(state: StateReader, asked: OfFinding, reader: Reader) -> Finding:
    return get_finding(state, asked.finding_no)


_ACCUSED = Whose(lambda state, arguments: find_accused(state, arguments.finding_no) or NOBODY, owner="who is accused")

CONTRACT = Contract(
    "finding",
    1,
    (
        Operation("report", Report, SUPERVISORS, _report),
        Operation("answer", Answer, BY_PROVIDERS, _answer, _ACCUSED),
        Operation("decide", Decide, among(REGULATOR), _decide),
        Operation("appeal", OfFinding, BY_PROVIDERS, _appeal, _ACCUSED),
        Operation("judge_appeal", Decide, SUPERVISORS | {VOTE}, _judge_appeal),
        Operation("recover", OfFinding, BY_BUREAU, _recover),
        Operation("check_term", Ring, SUPERVISORS, _check_term),
    ),
    (
        Query(
            "get",
            OfFinding,
            BY_PROVIDERS | SUPERVISORS,
            _ask,
            _ACCUSED.or_of(*SUPERVISORS),
            RowOf(FINDINGS, lambda asked: asked.finding_no, OfFinding),
        ),
    ),
    (LIFE,),
    founding=0,
)
