"""A meddler: carries to the ledger what patients said to others, once more or bent in one place. All of it is refused.

It lives in a member's node by that member's settings `{"hosts": ["meddler"]}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import patient_claim, second_payer
from consortium.contracts.records import record as records
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.spoken import NUMBER_WINDOW, Said, Speech, Spoken
from consortium.roles.agenda import Agenda
from consortium.roles.organisation import Conduct, Organisation, typed
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

_SPEECHES: tuple[Speech[Any], ...] = (
    bills.VERIFY_BY_PATIENT,
    patient_claim.CLAIM,
    second_payer.CLAIM,
    records.ERASE_BY_PATIENT,
)
HEARD = {speech.kind: speech for speech in _SPEECHES}
BENDS: dict[str, Callable[[Spoken], Spoken]] = {  # each with the code of the refusal
    "spoken-before": lambda spoken: spoken,
    "spoken-forged": lambda spoken: replace(spoken, number=spoken.number + 1),
    "spoken-ahead": lambda spoken: replace(spoken, number=spoken.number + 2 * NUMBER_WINDOW),
    "spoken-cut": lambda spoken: replace(spoken, signature=spoken.signature[:-1]),
    "spoken-for-another-chain": lambda spoken: replace(spoken, chain=bytes(32)),
    "spoken-for-another-operation": lambda spoken: replace(spoken, kind="identity.rotate"),
    "unknown-voice": lambda spoken: replace(spoken, pseudonym=spoken.pseudonym[:-1]),
}


class MeddlerTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`statements`: how many that it hears it carries, each in every way."""

    statements: int = 0


class MeddlerConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._left = 0
        self._serial = 0

    @property
    def is_done(self) -> bool:
        return self._left == 0

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._left = work.of(MeddlerTasks).statements

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        speech = HEARD.get(f"{outcome.contract}.{outcome.operation}")
        said = None if speech is None or not outcome.receipt.is_ok else typed(outcome, Said)
        if speech is not None and said is not None and self._left:
            self._left -= 1
            self._serial += 1
            for code, bend in BENDS.items():
                call = (speech.contract, speech.name, Said(bend(said.spoken)))
                agenda.wish(f"meddle:{self._serial}:{code}", (call,))
        return ()


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("meddler", settings, work, MeddlerConduct(state))


ROLE = RoleSpec("meddler", Settings, _build)
