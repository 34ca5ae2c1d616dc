"""The records of medical aid on application: its rules, applications with their tranches, urgent advances.

An application is about one settlement and keyed like it, so that there is one. What it grants is paid by tranches, each
on a step that the hospital attests; gifts may bear a part of a tranche, and the fund pays the rest.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_pseudonym, check_range
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.insurance.journal import SEQUENCE_MAX, SETTLEMENTS, Settlement, settlement_key, spelt_key
from consortium.contracts.insurance.second_claims import CLAIMED, PAID, SECOND_CLAIMS
from consortium.core.contract import Life, Move, Refused, StateReader, Table

APPLIED, GRANTED, REFUSED, APPEALED = "applied", "granted", "refused", "appealed"
LAPSED, CLOSED, ADVANCED, CONFIRMED, TAKEN_BACK = "lapsed", "closed", "advanced", "confirmed", "taken-back"
NEEDS = ("low-income", "poor-by-illness", "rare-disease", "orphan", "disaster")
DIAGNOSIS, MEANS, TREATED, FOLLOWED_UP = "diagnosis", "means", "treated", "followed-up"
STEPS = (DIAGNOSIS, TREATED, FOLLOWED_UP)  # what a tranche may wait for
EFFECTS = ("recovered", "improved", "unchanged", "worse", "died")
ONLY = "now"


class AidRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Illustrative. Of what is left above the deductible `ratio_bp` is granted, up to a cap a person-year; `first_bp`
    of it is paid on the diagnosis, `last_bp` on the follow-up, the rest when treated. `urgent_cap_fen`: of one advance,
    to be confirmed within `urgent_days`; an application that nobody decides lapses after `lapse_days`."""

    deductible_fen: int = 200_000
    ratio_bp: int = 6_000
    cap_fen: int = 5_000_000
    first_bp: int = 5_000
    last_bp: int = 1_000
    lapse_days: int = 60
    urgent_cap_fen: int = 1_000_000
    urgent_days: int = 10


class GiftPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one gift bears of a tranche: `serial` of the gift's use."""

    gift_no: str
    serial: int
    amount_fen: int


class Tranche(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a grant: paid once its step is attested, out of gifts first."""

    step: str
    amount_fen: int
    gifts: tuple[GiftPart, ...] = ()
    paid_on: int = 0

    @property
    def open_fen(self) -> int:
        """What no gift bears yet."""
        return self.amount_fen - sum(part.amount_fen for part in self.gifts)


class Aid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like its settlement. `attested`: what was, by `evidence`, commitments to papers that lie elsewhere, in the
    same order. `lapse_on`: when it lapses undecided, 0 = not any more."""

    need: str
    stage: str
    applied_on: int
    lapse_on: int
    attested: tuple[str, ...] = ()
    evidence: tuple[bytes, ...] = ()
    left_fen: int = 0
    granted_fen: int = 0
    tranches: tuple[Tranche, ...] = ()
    reason: str = ""
    effect: str = ""
    returned_fen: int = 0

    @property
    def paid_fen(self) -> int:
        return sum(tranche.amount_fen for tranche in self.tranches if tranche.paid_on)


class AidYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `psn_no`, a pseudonym of one year: what it was granted."""

    granted_fen: int


class Urgent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number: an advance to an institution for a person; `settlement` once it is confirmed."""

    fixmedins_code: str
    psn_no: str
    amount_fen: int
    stage: str
    confirm_by: int
    settlement: str = ""


class Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like a settlement: what urgent advances paid of it."""

    amount_fen: int


RULES: Table[AidRules] = Table("aid_rules", AidRules)
AIDS: Table[Aid] = Table("aid", Aid, told_as="aid", key_of=spelt_key)
AID_YEARS: Table[AidYear] = Table("aid_year", AidYear)
URGENTS: Table[Urgent] = Table("aid_urgent", Urgent, told_as="urgent-aid")
ADVANCES: Table[Advance] = Table("aid_advance", Advance)

LIFE = Life(
    AIDS,
    (
        Move("", "apply", APPLIED),
        Move(LAPSED, "apply", APPLIED),
        Move(APPLIED, "review", GRANTED),
        Move(APPLIED, "review", REFUSED),
        Move(APPLIED, "lapse", LAPSED),
        Move(REFUSED, "appeal", APPEALED),
        Move(APPEALED, "decide_appeal", GRANTED),
        Move(APPEALED, "decide_appeal", CLOSED),
        Move(GRANTED, "report_effect", CLOSED),
    ),
    code="application-closed",
)
URGENT_LIFE = Life(
    URGENTS,
    (
        Move("", "advance", ADVANCED),
        Move(ADVANCED, "confirm_urgent", CONFIRMED),
        Move(ADVANCED, "check_urgent", TAKEN_BACK),
    ),
    code="urgent-closed",
)


def get_rules(state: StateReader) -> AidRules:
    """Those that were voted for; until then the illustrative ones."""
    return state.get(RULES, ONLY) or AidRules()


def get_standing(state: StateReader, psn_no: str, year: int, sequence: int) -> tuple[str, Settlement]:
    """Key and settlement. Refuses `bad-identifier`, `personal-number`, `bad-number`, and `not-settled`, also where it
    was reversed."""
    key = check_key(psn_no, year, sequence)
    settlement = state.get(SETTLEMENTS, key)
    if settlement is None or settlement.reverses or bills.get_bill(state, settlement.bill_no).settlement != key:
        raise Refused("not-settled", "no such settlement stands: the public plans pay first")
    return key, settlement


def get_aid(state: StateReader, psn_no: str, year: int, sequence: int) -> tuple[str, Aid]:
    """Key and application. Refuses `bad-identifier`, `personal-number`, `bad-number`, `unknown-aid`."""
    key = check_key(psn_no, year, sequence)
    aid = state.get(AIDS, key)
    if aid is None:
        raise Refused("unknown-aid", f"nobody applied for aid on settlement {key}")
    return key, aid


def check_key(psn_no: str, year: int, sequence: int) -> str:
    """The key of checked parts. Refuses `bad-identifier`, `personal-number`, `bad-number`."""
    check_pseudonym(psn_no, "psn_no")
    check_range(year, 1900, 2999, "year")
    check_range(sequence, 1, SEQUENCE_MAX, "sequence")
    return settlement_key(psn_no, year, sequence)


def get_aided_fen(state: StateReader, key: str) -> int:
    """What aid pays of a settlement: what was granted, and advances."""
    aid, advance = state.get(AIDS, key), state.get(ADVANCES, key)
    return (0 if aid is None else aid.granted_fen) + (0 if advance is None else advance.amount_fen)


def compute_left_fen(state: StateReader, key: str, settlement: Settlement) -> int:
    """What the person has to pay in cash when public plans, a second payer and advances have paid. A second payer's
    claim counts as soon as it is made: aid comes last."""
    second = state.get(SECOND_CLAIMS, key)
    benefit_fen = second.benefit_fen if second is not None and second.stage in (CLAIMED, PAID) else 0
    advance = state.get(ADVANCES, key)
    advanced_fen = 0 if advance is None else advance.amount_fen
    return max(0, settlement.amounts.cash_payamt - benefit_fen - advanced_fen)


def find_treating(state: StateReader, psn_no: str, year: int, sequence: int) -> tuple[str, ...]:
    """The member that acts for the institution of a settlement; none where there is none."""
    settlement = state.get(SETTLEMENTS, settlement_key(psn_no, year, sequence))
    return () if settlement is None else find_acting(state, settlement.fixmedins_code)
