"""Commercial policies and what was claimed under them, and how a claim follows its settlement when that is reversed."""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import funds
from consortium.contracts.insurance.journal import spelt_key
from consortium.contracts.insurance.payout import payout_account
from consortium.contracts.oversight import due
from consortium.core.contract import Event, Life, Move, State, Table

CHECK_OVERDUE = "second_payer.check_overdue"
CLAIMED, PAID, DECLINED, REVERSED = "claimed", "paid", "declined", "reversed"


class SecondPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. Covers what is settled under `psn_no`, a pseudonym of one year, of a day of discharge in
    [from_day, to_day). `used_…`: by the claims that stand, paid or not."""

    insurer: str
    psn_no: str
    from_day: int
    to_day: int
    deductible_fen: int  # of all claims together
    scope_bp: int  # share of what is left in scope
    beyond_bp: int  # share of what is beyond it
    cap_fen: int  # of all claims together
    pay_days: int
    used_deductible_fen: int = 0
    used_fen: int = 0


class SecondClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like the settlement that it is about. All that an insurer is told of it: the days, what was left, and what
    the policy pays."""

    policy_no: str
    stage: str
    begndate: int
    enddate: int
    left_fen: int
    beyond_fen: int
    deductible_fen: int
    benefit_fen: int
    pay_on: int
    reason: str = ""


SECOND_POLICIES: Table[SecondPolicy] = Table("second_policy", SecondPolicy, told_as="second-policy")
SECOND_CLAIMS: Table[SecondClaim] = Table("second_claim", SecondClaim, told_as="second-claim", key_of=spelt_key)
LIFE = Life(
    SECOND_CLAIMS,
    (
        Move("", "claim", CLAIMED),
        Move(DECLINED, "claim", CLAIMED),
        Move(CLAIMED, "pay", PAID),
        Move(CLAIMED, "decline", DECLINED),
        Move(CLAIMED, "settlement.reverse", REVERSED),
        Move(PAID, "settlement.reverse", REVERSED),
    ),
    code="paid-already",
)


def free(state: State, claim: SecondClaim, key: str) -> None:
    """A claim stands no longer: what it used of its policy is open again, and nothing is due."""
    policy = state.get(SECOND_POLICIES, claim.policy_no)
    assert policy is not None, "a claim is under a policy that is there"
    freed = msgspec.structs.replace(
        policy,
        used_deductible_fen=policy.used_deductible_fen - claim.deductible_fen,
        used_fen=policy.used_fen - claim.benefit_fen,
    )
    state.put(SECOND_POLICIES, claim.policy_no, freed)
    due.clear(state, claim.pay_on, CHECK_OVERDUE, key)


def follow_reversal(state: State, key: str, cause: str, events: list[Event]) -> None:
    """The settlement under this key is reversed: what a second payer paid on it goes back, what it owes is owed no
    more. Other claims stay as they were judged."""
    claim = state.get(SECOND_CLAIMS, key)
    if claim is None or not LIFE.allows("settlement.reverse", claim.stage):
        return
    if claim.stage == PAID:
        payee = payout_account(key.partition("/")[0])
        funds.move(state, payee, funds.EXTERNAL, claim.benefit_fen, cause, events, is_return=True)
    stage = LIFE.move("settlement.reverse", claim.stage, f"the second claim on {key}")
    free(state, claim, key)
    state.put(SECOND_CLAIMS, key, msgspec.structs.replace(claim, stage=stage))
    events.append(claim_event("second-claim-reversed", key, claim))


def claim_event(kind: str, key: str, claim: SecondClaim, **more: str) -> Event:
    psn_no, year, sequence = key.split("/")
    return Event(
        kind,
        {
            "policy_no": claim.policy_no,
            "insurer": claim.policy_no.partition(":")[0],
            "psn_no": psn_no,
            "year": int(year),
            "sequence": int(sequence),
            "benefit_fen": claim.benefit_fen,
            **more,
        },
    )
