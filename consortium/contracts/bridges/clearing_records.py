"""Records of off-site clearing: what one region asks of another for a month, and what the other owes."""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_day, check_identifier
from consortium.contracts.insurance.month_totals import first_day_after
from consortium.core.calendar import compute_day_after
from consortium.core.codec import Digest
from consortium.core.contract import Life, Move, Table

GATHERED, PROPOSED, RECEIVED = "gathered", "proposed", "received"
CONFIRMED, PAID = "confirmed", "paid"


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "counterpart/YYYYMM", on the ledger of the place of treatment. `counterpart`: the hash of the other
    chain's genesis. `units`: of the smallest units of `currency`; `root`: commits to the settlements in their order."""

    counterpart: Digest
    currency: str
    units: int
    count: int
    root: Digest
    stage: str


class Due(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "counterpart/YYYYMM", on the ledger of the home region: the claim as it was proven there. `paid_fen`: by
    the rate of the month's last day."""

    counterpart: Digest
    currency: str
    units: int
    count: int
    root: Digest
    stage: str
    paid_fen: int = 0


class Cleared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like a settlement: charged to this counterpart in this month, and so never again."""

    counterpart: str
    month: int


CLAIMS: Table[Claim] = Table("clearing_claim", Claim, told_as="clearing-claim")
DUES: Table[Due] = Table("clearing_due", Due, told_as="clearing-due")
CLEARED: Table[Cleared] = Table("clearing_settlement", Cleared)

CLAIM_LIFE = Life(
    CLAIMS,
    (
        Move("", "gather", GATHERED),
        Move(GATHERED, "gather", GATHERED),
        Move(GATHERED, "propose", PROPOSED),
        Move(PROPOSED, "receive", RECEIVED),
    ),
)
DUE_LIFE = Life(
    DUES,
    (
        Move("", "confirm", CONFIRMED),
        Move(CONFIRMED, "pay", PAID),
    ),
)


def month_key(counterpart: str, month: int) -> str:
    return f"{counterpart}/{month}"


def check_month(counterpart: str, month: int) -> str:
    """The key of a counterpart's month YYYYMM. Refuses `bad-identifier`, `bad-date`."""
    check_identifier(counterpart, "counterpart")
    check_day(month * 100 + 1, "the month's first day")
    return month_key(counterpart, month)


def last_day_of(month: int) -> int:
    """Of a month YYYYMM."""
    return compute_day_after(first_day_after(month), -1)
