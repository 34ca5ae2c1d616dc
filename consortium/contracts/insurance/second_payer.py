"""Commercial insurance as second payer 商保: it pays part of what the public plans left of a settlement, by consent.

An insurer registers a policy over a settlement pseudonym. Nothing follows from that: it is told of a settlement when
the person says so in its own voice, under that very pseudonym, settlement by settlement. Then every node computes what
the policy pays; the insurer pays it out or declines with a reason within the policy's days. A settlement is claimed on
once, under one policy, and never for more than was left. A reversal of the settlement takes the payment back.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import INSURER, NOBODY, SUPERVISORS, among
from consortium.contracts.aid.aid_records import get_aided_fen
from consortium.contracts.checks import (
    BASIS_POINTS,
    check_amount,
    check_identifier,
    check_own_number,
    check_period,
    check_positive_amount,
    check_pseudonym,
    check_range,
    check_reason,
)
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.journal import SEQUENCE_MAX, SETTLEMENTS, Settlement, settlement_key
from consortium.contracts.insurance.payout import payout_account
from consortium.contracts.insurance.second_claims import (
    CHECK_OVERDUE,
    LIFE,
    SECOND_CLAIMS,
    SECOND_POLICIES,
    SecondClaim,
    SecondPolicy,
    claim_event,
    free,
)
from consortium.contracts.insurance.second_rules import Cover, compute_benefit
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after
from consortium.core.contract import (
    NOT_YOURS,
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
from consortium.core.spoken import Speech

PAY_DAYS_MAX = 365
REASONS = ("excluded", "waiting-period", "premium-unpaid", "claimed-elsewhere")
BY_INSURERS = among(INSURER)


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy. Its number begins with the insurer's name and a colon. `scope_bp`, `beyond_bp`: the shares that it
    pays of what is left in scope and of what is beyond; `pay_days`: within which it pays or declines."""

    policy_no: str
    psn_no: str
    from_day: int
    to_day: int
    deductible_fen: int
    scope_bp: int
    beyond_bp: int
    cap_fen: int
    pay_days: int = 30


class ClaimSecond(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person says, under the pseudonym of the settlement: my insurer may know of this one, and pay."""

    policy_no: str
    year: int
    sequence: int


class OfClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pay or ask for the claim on a settlement."""

    psn_no: str
    year: int
    sequence: int


class Decline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The insurer's refusal, with a code of REASONS."""

    psn_no: str
    year: int
    sequence: int
    reason: str


class OfPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a policy."""

    policy_no: str


CLAIM: Speech[ClaimSecond] = Speech("second_payer", "claim", ClaimSecond)


def _register(state: State, arguments: Register, context: Context) -> list[Event]:
    number = arguments.policy_no
    check_own_number(number, context.member, "policy_no")
    check_pseudonym(arguments.psn_no, "psn_no")
    check_period(arguments.from_day, arguments.to_day, "the policy")
    check_amount(arguments.deductible_fen, "deductible_fen")
    check_positive_amount(arguments.cap_fen, "cap_fen")
    check_range(arguments.scope_bp, 0, BASIS_POINTS, "scope_bp")
    check_range(arguments.beyond_bp, 0, BASIS_POINTS, "beyond_bp")
    check_range(arguments.pay_days, 1, PAY_DAYS_MAX, "pay_days")
    if state.get(SECOND_POLICIES, number) is not None:
        raise Refused("policy-exists", f"policy {number} is registered; a policy never changes")
    policy = SecondPolicy(
        insurer=context.member,
        psn_no=arguments.psn_no,
        from_day=arguments.from_day,
        to_day=arguments.to_day,
        deductible_fen=arguments.deductible_fen,
        scope_bp=arguments.scope_bp,
        beyond_bp=arguments.beyond_bp,
        cap_fen=arguments.cap_fen,
        pay_days=arguments.pay_days,
    )
    state.put(SECOND_POLICIES, number, policy)
    return [
        Event("second-policy-registered", {"policy_no": number, "insurer": context.member, "psn_no": policy.psn_no})
    ]


def _claim(state: State, said: ClaimSecond, pseudonym: str, context: Context) -> list[Event]:
    policy = state.get(SECOND_POLICIES, said.policy_no)
    if policy is None or policy.psn_no != pseudonym:
        raise Refused(NOT_YOURS, "the speaker has no such policy")
    check_range(said.year, 1900, 2999, "year")
    check_range(said.sequence, 1, SEQUENCE_MAX, "sequence")
    key = settlement_key(pseudonym, said.year, said.sequence)
    settlement = _standing(state, key)
    stage = LIFE.move("claim", LIFE.stage_of(state.get(SECOND_CLAIMS, key)), f"the second claim on {key}")
    if not policy.from_day <= settlement.enddate < policy.to_day:
        raise Refused("not-covered", f"{said.policy_no} does not cover {settlement.enddate}")
    claim = _judge(state, key, said.policy_no, policy, settlement, stage, context)
    used = msgspec.structs.replace(
        policy,
        used_deductible_fen=policy.used_deductible_fen + claim.deductible_fen,
        used_fen=policy.used_fen + claim.benefit_fen,
    )
    state.put(SECOND_POLICIES, said.policy_no, used)
    state.put(SECOND_CLAIMS, key, claim)
    due.put(state, claim.pay_on, CHECK_OVERDUE, key, context)
    return [claim_event("second-claimed", key, claim)]


def _standing(state: StateReader, key: str) -> Settlement:
    """Refuses `not-settled`, also of a settlement that was reversed."""
    settlement = state.get(SETTLEMENTS, key)
    if settlement is None or settlement.reverses or bills.get_bill(state, settlement.bill_no).settlement != key:
        raise Refused("not-settled", f"no settlement {key} stands: the public plans pay first")
    return settlement


def _judge(
    state: StateReader,
    key: str,
    policy_no: str,
    policy: SecondPolicy,
    settlement: Settlement,
    stage: str,
    context: Context,
) -> SecondClaim:
    """What the policy pays of it. Refuses `nothing-left`."""
    room = Cover(
        policy.deductible_fen - policy.used_deductible_fen,
        policy.cap_fen - policy.used_fen,
        policy.scope_bp,
        policy.beyond_bp,
    )
    left, beyond, deductible, benefit = compute_benefit(settlement.amounts, room)
    benefit = min(benefit, settlement.amounts.psn_pay - get_aided_fen(state, key))  # aid that came first stays
    if benefit <= 0:
        raise Refused("nothing-left", f"{policy_no} pays nothing of it: deductible, cap, or nothing was left")
    pay_on = compute_day_after(context.day, policy.pay_days)
    days = (settlement.begndate, settlement.enddate)
    return SecondClaim(policy_no, stage, *days, left, beyond, deductible, benefit, pay_on)


def _get(state: StateReader, asked: OfClaim | Decline) -> tuple[str, SecondClaim]:
    """Refuses `unknown-claim`."""
    check_pseudonym(asked.psn_no, "psn_no")
    key = settlement_key(asked.psn_no, asked.year, asked.sequence)
    claim = state.get(SECOND_CLAIMS, key)
    if claim is None:
        raise Refused("unknown-claim", f"nobody claimed on settlement {key} under a policy")
    return key, claim


def _pay(state: State, arguments: OfClaim, context: Context) -> list[Event]:
    """Out of the insurer's own pocket, to what the person was paid out."""
    key, claim = _get(state, arguments)
    stage = LIFE.move("pay", claim.stage, f"the second claim on {key}")
    payee = payout_account(arguments.psn_no)
    funds.open_account(state, payee)
    events: list[Event] = []
    funds.move(state, funds.EXTERNAL, payee, claim.benefit_fen, f"second-claim/{key}", events)
    due.clear(state, claim.pay_on, CHECK_OVERDUE, key)
    state.put(SECOND_CLAIMS, key, msgspec.structs.replace(claim, stage=stage))
    return [*events, claim_event("second-claim-paid", key, claim)]


def _decline(state: State, arguments: Decline, context: Context) -> list[Event]:
    check_reason(arguments.reason, REASONS)
    key, claim = _get(state, arguments)
    stage = LIFE.move("decline", claim.stage, f"the second claim on {key}")
    free(state, claim, key)
    state.put(SECOND_CLAIMS, key, msgspec.structs.replace(claim, stage=stage, reason=arguments.reason))
    return [claim_event("second-claim-declined", key, claim, reason=arguments.reason)]


def _check_overdue(state: State, arguments: Ring, context: Context) -> list[Event]:
    """An insurer that neither paid nor declined in time."""
    if not due.take(state, arguments, CHECK_OVERDUE, context):
        return []
    claim = state.get(SECOND_CLAIMS, arguments.key)
    assert claim is not None, "what is due is about a claim that is there"
    return [
        notice(
            "second-claim-overdue",
            f"second-claim/{arguments.key}",
            due=arguments.day,
            insurer=claim.policy_no.partition(":")[0],
            benefit_fen=claim.benefit_fen,
        )
    ]


def _get_policy(state: StateReader, asked: OfPolicy, reader: Reader) -> SecondPolicy:
    check_identifier(asked.policy_no, "policy_no")
    policy = state.get(SECOND_POLICIES, asked.policy_no)
    if policy is None:
        raise Refused("unknown-policy", f"no policy {asked.policy_no} is registered")
    return policy


def _find_insurer(state: StateReader, asked: OfPolicy) -> tuple[str, ...]:
    policy = state.get(SECOND_POLICIES, asked.policy_no)
    return NOBODY if policy is None else (policy.insurer,)


def _find_asked(state: StateReader, asked: OfClaim) -> tuple[str, ...]:
    claim = state.get(SECOND_CLAIMS, settlement_key(asked.psn_no, asked.year, asked.sequence))
    return NOBODY if claim is None else _find_insurer(state, OfPolicy(claim.policy_no))


def _of_key(key: str) -> OfClaim:
    psn_no, year, sequence = key.split("/")
    return OfClaim(psn_no, int(year), int(sequence))


_INSURER = Whose(_find_insurer, owner="whose policy it is")
_ASKED = Whose(_find_asked, owner="whose policy is claimed under")

CONTRACT = Contract(
    "second_payer",
    1,
    (
        Operation("register", Register, BY_INSURERS, _register),
        CLAIM.operation(_claim),
        Operation("pay", OfClaim, BY_INSURERS, _pay, _ASKED),
        Operation("decline", Decline, BY_INSURERS, _decline, _ASKED),
        Operation("check_overdue", Ring, SUPERVISORS, _check_overdue),
    ),
    (
        Query(
            "policy",
            OfPolicy,
            BY_INSURERS | SUPERVISORS,
            _get_policy,
            _INSURER.or_of(*SUPERVISORS),
            RowOf(SECOND_POLICIES, lambda asked: asked.policy_no, OfPolicy),
        ),
        Query(
            "get",
            OfClaim,
            BY_INSURERS | SUPERVISORS,
            lambda state, asked, _: _get(state, asked)[1],
            _ASKED.or_of(*SUPERVISORS),
            RowOf(SECOND_CLAIMS, lambda asked: settlement_key(asked.psn_no, asked.year, asked.sequence), _of_key),
        ),
    ),
    (LIFE,),
    founding=0,
)
