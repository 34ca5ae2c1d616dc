"""To whom a settlement was paid: to its institution, or to the person who had paid the bill in cash.

`payout/<psn_no>` is the account of what a person was paid out; like `paid/<code>` it stands for money that is gone."""

from __future__ import annotations

import msgspec

from consortium.core.contract import StateReader, Table


class Payout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the settlement's key; there is none for what an institution is paid."""

    psn_no: str


PAYOUTS: Table[Payout] = Table("payout", Payout)


def payout_account(psn_no: str) -> str:
    return f"payout/{psn_no}"


def get_payout_account(state: StateReader, key: str) -> str:
    """The account of the person to whom this settlement was paid; "" where it was paid to the institution."""
    payout = state.get(PAYOUTS, key)
    return "" if payout is None else payout_account(payout.psn_no)
