"""The part of the walk in which patients speak for themselves: claims on bills that were paid in cash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from consortium.contracts.insurance.patient_claim import CLAIM, ClaimByPatient, Decline, Settle
from tests.reference.nodes import SUITE, Call, secret
from tests.reference.steps import Step, newest, refused

if TYPE_CHECKING:
    from tests.reference.walk import Walk


class Speaking:
    """`kinds`: its steps with their weights. `said`: how many statements of each patient were heard."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.said: dict[str, int] = {}
        self.chain = b""
        self.kinds = ((5, self.claim), (4, self.settle), (1, self.decline))

    def begin(self, chain: bytes, patients: Iterable[str]) -> None:
        """What is said is said on this chain; these are known by their keys."""
        self.chain, self.said = chain, dict.fromkeys(patients, 0)

    def claim(self) -> Iterator[Step]:
        walk = self.walk
        bills = [(number, bill) for number, bill in newest(walk.book.bills, 200) if bill.patient and not bill.is_paid]
        found = [(number, bill) for number, bill in bills if bill.stage in ("verified", "collected")]
        if not bills:
            return
        number, bill = walk.pick(found if found and walk.chance(80) else bills)
        patient = bill.patient if walk.chance(95) else "bill-of-person0y2026"
        away = "unfiled" if walk.chance(10) else ""
        body = ClaimByPatient(number, bill.person, away)
        turn = self.said.get(patient, 0) + 1
        spoken = CLAIM.say(SUITE, secret(patient, "voice"), self.chain, patient, turn, body)
        call = Call(walk.pick(["h1", "p1", "s1"]), "patient_claim", "claim", spoken)
        if patient not in self.said:
            yield Step(call, refused)  # nobody vouched for a key of this one
            return

        def expect(book: object) -> None:
            walk.book.claim_in_person(number, patient, bill.person, away)
            self.said[patient] = turn

        yield Step(call, expect)

    def settle(self) -> Iterator[Step]:
        number = self._waiting()
        yield Step(Call("bureau", "patient_claim", "settle", Settle(number)), lambda book: book.pay_person(number))

    def decline(self) -> Iterator[Step]:
        number = self._waiting()
        call = Call("bureau", "patient_claim", "decline", Decline(number, "not-paid-in-cash"))
        yield Step(call, lambda book: book.decline(number))

    def _waiting(self) -> str:
        names = list(self.walk.book.asked)
        return str(self.walk.pick(names)) if names else "h1-none"
