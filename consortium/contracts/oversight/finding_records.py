"""The records of findings: what is said against an institution, what was taken back of a settlement, and where a
finding lies in its life."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import NOBODY
from consortium.contracts.checks import check_identifier
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.oversight import hold
from consortium.core.codec import encode, tagged_hash
from consortium.core.contract import Event, Life, Move, Refused, State, StateReader, Table

CHECK_TERM = "finding.check_term"
REPORTED, ANSWERED, UPHELD, APPEALED = "reported", "answered", "upheld", "appealed"
FINAL, DISMISSED, CLOSED = "final", "dismissed", "closed"
ADMITTED, DENIED = "admitted", "denied"  # what the accused says to it


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. `accused`: an institution, "" where a finding is about persons alone. `settlements`: keys
    of those that it is about and that can be recovered; `records`: references of whatever else it names.
    `amount_fen`: what the rule says; `decided_fen`: what is to come back. `term_on`: the last day to answer, then to
    appeal; `term_days`: how long each of both is. `evidence`: a commitment to what lies elsewhere, 32 bytes or none."""

    rule: str
    accused: str
    settlements: tuple[str, ...]
    records: tuple[str, ...]
    amount_fen: int
    stage: str
    member: str
    role: str
    reported_on: int
    term_on: int
    term_days: int
    evidence: bytes = b""
    stance: str = ""
    reason: str = ""
    decided_fen: int = 0
    recovered_fen: int = 0


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the digest of what a finding says: its number, so that nobody is accused of one thing twice."""

    finding_no: str


FINDINGS: Table[Finding] = Table("finding", Finding, told_as="finding")
KNOWN: Table[Known] = Table("finding_known", Known)
LIFE = Life(
    FINDINGS,
    (
        Move("", "report", REPORTED),
        Move(REPORTED, "answer", ANSWERED),
        *(
            Move(before, "decide", after)
            for before in (REPORTED, ANSWERED)
            for after in (UPHELD, FINAL, DISMISSED, CLOSED)
        ),
        Move(UPHELD, "appeal", APPEALED),
        Move(UPHELD, "check_term", FINAL),
        Move(UPHELD, "check_term", CLOSED),
        Move(APPEALED, "judge_appeal", FINAL),
        Move(APPEALED, "judge_appeal", CLOSED),
        Move(APPEALED, "judge_appeal", DISMISSED),
        Move(FINAL, "recover", CLOSED),
    ),
    code="already-decided",
)


class OfFinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a finding, recovers what it decided, or appeals against it."""

    finding_no: str


def get_finding(state: StateReader, finding_no: str) -> Finding:
    """Refuses `bad-identifier`, `unknown-finding`."""
    check_identifier(finding_no, "finding_no")
    finding = state.get(FINDINGS, finding_no)
    if finding is None:
        raise Refused("unknown-finding", f"there is no finding {finding_no}")
    return finding


def find_accused(state: StateReader, finding_no: str) -> tuple[str, ...]:
    """The member that acts for the accused institution."""
    finding = state.get(FINDINGS, finding_no)
    return NOBODY if finding is None or not finding.accused else find_acting(state, finding.accused)


def said_key(rule: str, accused: str, settlements: tuple[str, ...], records: tuple[str, ...]) -> str:
    """The same for the same accusation, whoever makes it, under whatever number and in whatever order."""
    said = (rule, accused, tuple(sorted(settlements)), tuple(sorted(records)))
    return tagged_hash(b"consortium finding", encode(said)).hex()


def held_account(finding: Finding) -> str:
    return f"payable/{finding.accused}"


def end_hold(state: State, finding_no: str, finding: Finding, events: list[Event]) -> None:
    """The finding is over: what it held is paid again, unless another hold lies on it."""
    account, record = held_account(finding), f"finding/{finding_no}"
    if hold.find_hold(state, account, hold.FINDING, record) is not None:
        hold.lift(state, account, hold.FINDING, record, events)


def finding_event(kind: str, finding_no: str, finding: Finding, **more: int | str) -> Event:
    return Event(
        kind,
        {
            "finding_no": finding_no,
            "rule": finding.rule,
            "fixmedins_code": finding.accused,
            "amount_fen": finding.amount_fen,
            **more,
        },
    )
