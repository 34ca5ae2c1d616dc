"""Claims of patients that wait for the bureau: while one waits, the bill is nobody else's to claim or to cancel."""

from __future__ import annotations

import msgspec

from consortium.core.contract import Refused, StateReader, Table


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A claim that waits for the bureau, keyed by the bill's normalised number. `day`: YYYYMMDD, when it was made."""

    psn_no: str
    offsite: str
    day: int


WAITING: Table[Waiting] = Table("patient_claim", Waiting)


def check_none_waits(state: StateReader, number: str) -> None:
    """Refuses `claim-waits`: the bureau settles the patient's claim or declines it first."""
    if state.get(WAITING, number) is not None:
        raise Refused("claim-waits", f"a claim of the patient on bill {number} waits for the bureau")
