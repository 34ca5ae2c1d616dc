"""What the funds owe an institution for a settlement, and out of which account it comes."""

from __future__ import annotations

from consortium.contracts.insurance import enrolment, funds
from consortium.contracts.insurance.journal import Settlement


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
