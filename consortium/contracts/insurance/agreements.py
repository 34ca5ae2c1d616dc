"""The yearly agreement with an institution: a table that settlement reads. What it says is kept in agreement.py."""

from __future__ import annotations

import msgspec

from consortium.core.contract import Refused, StateReader, Table

OFFERED, ACCEPTED = "offered", "accepted"


class Agreement(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed "fixmedins_code/YYYY". `med_types`: what the institution renders; of a month: `stays_min`, `stays_max`
    settlements, `budget_fen` owed at most, `disputes_max` bills whose lines differ; `bonus_fen` of `fund` for a month
    that kept all of it, 0 = none."""

    stage: str
    med_types: tuple[str, ...]
    stays_min: int
    stays_max: int
    budget_fen: int
    disputes_max: int
    bonus_fen: int
    fund: str


AGREEMENTS: Table[Agreement] = Table("agreement", Agreement, told_as="agreement")


def agreement_key(fixmedins_code: str, year: int) -> str:
    return f"{fixmedins_code}/{year}"


def check_served(state: StateReader, fixmedins_code: str, day: int, med_type: str) -> None:
    """Refuses `not-in-agreement` of a service that the accepted agreement of the day's year does not name. Where none
    was accepted, the institution's contract alone counts."""
    held = state.get(AGREEMENTS, agreement_key(fixmedins_code, day // 10_000))
    if held is not None and held.stage == ACCEPTED and med_type not in held.med_types:
        raise Refused("not-in-agreement", f"the agreement with {fixmedins_code} names no {med_type} care")
