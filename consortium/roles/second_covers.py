"""What an agent says for persons who have a commercial policy: that its insurer may know of a settlement, and pay."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.second_claims import SECOND_CLAIMS, SECOND_POLICIES
from consortium.contracts.insurance.second_payer import CLAIM, ClaimSecond
from consortium.core.contract import Event, StateReader
from consortium.roles.organisation import text
from consortium.roles.voices import Saying


class SecondCover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, by settlement pseudonym, and the policy under which each settlement of it is claimed."""

    psn_no: str
    policy_no: str


class SecondCovers:
    """Part of an agent's conduct: a settlement is claimed on once it is there and its policy, too."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._covers: dict[str, str] = {}
        self._registered: set[str] = set()
        self._settled: dict[str, list[tuple[int, int]]] = {}  # years and sequences to claim, by person

    @property
    def is_done(self) -> bool:
        return not self._settled

    def plan(self, covers: Iterable[SecondCover]) -> None:
        self._covers = {cover.psn_no: cover.policy_no for cover in covers}

    def on_event(self, event: Event) -> Iterable[Saying]:
        psn_no = text(event, "psn_no")
        if psn_no not in self._covers:
            return ()
        if event.kind == "second-policy-registered" and text(event, "policy_no") == self._covers[psn_no]:
            self._registered.add(psn_no)
        elif event.kind == "settled":
            entry = (int(event.fields["year"]), int(event.fields["sequence"]))
            self._settled.setdefault(psn_no, []).append(entry)
        return self._say(psn_no)

    def resume(self) -> list[Saying]:
        """Said again is refused; what stands unclaimed is said."""
        said: list[Saying] = []
        for psn_no, policy_no in self._covers.items():
            if self._state.get(SECOND_POLICIES, policy_no) is not None:
                self._registered.add(psn_no)
            found = list(self._state.range(SETTLEMENTS, f"{psn_no}/", f"{psn_no}0"))
            gone = {one.reverses for _, one in found if one.reverses}
            for key, one in found:
                year, sequence = (int(word) for word in key.split("/")[1:])
                if not one.reverses and sequence not in gone and self._state.get(SECOND_CLAIMS, key) is None:
                    self._settled.setdefault(psn_no, []).append((year, sequence))
            said += self._say(psn_no)
        return said

    def _say(self, psn_no: str) -> list[Saying]:
        if psn_no not in self._registered:
            return []
        entries = dict.fromkeys(self._settled.pop(psn_no, ()))
        return [Saying(psn_no, CLAIM, ClaimSecond(self._covers[psn_no], *entry)) for entry in entries]
