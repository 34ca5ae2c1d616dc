"""Who pays after the public plans, beside a reference: an insurer, advances and aid in any order, to the fen."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from consortium.contracts.aid import aid_payments
from consortium.contracts.aid.aid import APPEAL, APPLY, Appeal, Apply, Attest, DecideAppeal
from consortium.contracts.aid.aid_payments import AdvanceUrgent, ConfirmUrgent, Disburse, OfAid
from consortium.contracts.insurance import funds, journal, second_payer, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.second_claims import SECOND_CLAIMS
from consortium.contracts.insurance.second_payer import CLAIM, ClaimSecond, Decline, OfClaim
from consortium.contracts.oversight import due
from consortium.core.calendar import compute_day_after
from tests.contracts_state import CHAIN, founded
from tests.reference.accounts import No
from tests.reference.later import AID_FUND, STEPS, Later, Policy, Stay
from tests.second_payer_kit import SUITE, insure, secret_of

HOUSES = {"H1": "h1", "H3": "h1", "K3": "h2"}
PERSONS = ("E", "R", "N")
STEPS_OF_A_WALK = 900
RUNG = (("aid", "lapse"), ("aid", "check_urgent"), ("second_payer", "check_overdue"))


class Wrong(AssertionError):
    """Contract and reference differ."""


class Walk:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.house = founded()
        self.house.enrol("N", "resident")
        for person in ("E", "R"):  # a share that an account paid is left to an insurer, and not to aid
            paid_in = funds.Contribute(f"person/{person}", 3_000_000, "opening/2026")
            self.house.run("bureau", "funds", "contribute", paid_in)
        self.book = Later(self.balance(AID_FUND))
        self.outside = self.balance(funds.EXTERNAL)
        self.said = dict.fromkeys(PERSONS, 0)
        self.serial = 0
        self.met: Counter[str] = Counter()
        for number, person in enumerate(PERSONS):
            for name, terms in (("a", (100_000, 8_000, 5_000, 2_000_000)), ("b", (0, 3_333, 6_667, 700_000))):
                self._insure(f"i{number % 2 + 1}:{person}{name}", person, *terms)
        self._set_day(20260601)

    def balance(self, name: str) -> int:
        return funds.get_balance(self.house.state, name)

    def _insure(self, number: str, person: str, deductible: int, scope_bp: int, rest_bp: int, cap: int) -> None:
        terms = {"deductible_fen": deductible, "scope_bp": scope_bp, "beyond_bp": rest_bp, "cap_fen": cap}
        insure(self.house, number, person, number[:2], from_day=20260201, **terms)
        shares = Fraction(scope_bp, 10_000), Fraction(rest_bp, 10_000)
        self.book.policies[number] = Policy(person, 20260201, 20270101, deductible, *shares, cap)

    def _set_day(self, day: int) -> None:
        self.house.today(day)
        self.book.today = day

    def run(self) -> None:
        steps = [
            *[self.stay] * 4,
            *[self.claim] * 5,
            *[self.pay] * 4,
            *[self.apply, self.attest, self.attest, self.attest, self.review, self.disburse, self.disburse] * 2,
            *[self.decline, self.reverse, self.reverse, self.appeal, self.decide, self.take_back, self.take_back],
            *[self.advance, self.confirm, self.confirm, self.later],
        ]
        for _ in range(STEPS_OF_A_WALK):
            self.random.choice(steps)()
            self.compare()

    def compare(self) -> None:
        for name, fen in self.book.accounts.items():
            held = self.balance(name) - (self.outside if name == funds.EXTERNAL else 0)
            if held != fen:
                raise Wrong(f"{name}: the ledger {held}, the reference {fen}")

    def step(self, member: str, contract: str, operation: str, arguments: Any, expect: Callable[[], None]) -> bool:
        """Whether it was done, by both."""
        try:
            expect()
            expected = "ok"
        except No as no:
            expected = str(no)
        found = self.house.refusal(member, contract, operation, arguments)
        self.met[f"{operation} {found}"] += 1
        if (found == "ok") != (expected == "ok"):
            raise Wrong(f"{operation} {arguments}: the ledger {found}, the reference {expected}")
        return found == "ok"

    def say(self, person: str, speech: Any, body: Any, expect: Callable[[], None]) -> None:
        said = speech.say(SUITE, secret_of(person), CHAIN, person, self.said[person] + 1, body)
        self.said[person] += self.step("agent", speech.contract, speech.name, said, expect)

    def a_key(self) -> str:
        """Of a settlement that stands, mostly."""
        known = list(self.book.stays) if self.random.random() < 0.9 else [*self.book.seconds, *self.book.aids]
        return self.random.choice(known or ["E/2026/000009"])

    def an_aid(self) -> str:
        """The key of an application, mostly."""
        return (
            self.random.choice(list(self.book.aids)) if self.book.aids and self.random.random() < 0.85 else self.a_key()
        )

    def parts(self, key: str) -> tuple[str, int, int]:
        person, year, sequence = key.split("/")
        return person, int(year), int(sequence)

    # --- steps ------------------------------------------------------------------------------------------------------

    def stay(self) -> None:
        if len(self.book.stays) > 12:
            return
        person, code = self.random.choice(PERSONS), self.random.choice(list(HOUSES))
        day = compute_day_after(self.book.today, -self.random.randrange(150))
        lines = tuple(Line(item, 1, int(10 ** self.random.uniform(4, 6.8))) for item in ("A", self.random.choice("BC")))
        self.serial += 1
        days = {"begndate": day, "enddate": day, "fixmedins_code": code, "member": HOUSES[code]}
        one = self.house.claim(person, lines, serial=str(self.serial), **days)
        found = self.house.state.range(journal.SETTLEMENTS, f"{person}/", f"{person}0")
        key = [key for key, row in found if row == one][-1]
        amounts = one.amounts
        public = amounts.inscp_amt, amounts.fund_pay_sumamt, amounts.acct_pay, amounts.cash_payamt
        self.book.stays[key] = Stay(person, code, day, *public)

    def claim(self) -> None:
        key, policy = self.a_key(), self.random.choice(list(self.book.policies))
        person, year, sequence = self.parts(key)
        own = [number for number, one in self.book.policies.items() if one.person == person]
        policy = self.random.choice(own) if self.random.random() < 0.9 else policy
        body = ClaimSecond(policy, year, sequence)
        self.say(person, CLAIM, body, lambda: self.book.claim(policy, person, key))

    def _insurer(self, key: str) -> str:
        return self.book.seconds[key].policy[:2] if key in self.book.seconds else "i1"

    def pay(self) -> None:
        key = self.a_key()
        of = OfClaim(*self.parts(key))
        self.step(self._insurer(key), "second_payer", "pay", of, lambda: self.book.pay(key))

    def decline(self) -> None:
        key = self.a_key()
        said = Decline(*self.parts(key), "excluded")
        self.step(self._insurer(key), "second_payer", "decline", said, lambda: self.book.decline(key))

    def reverse(self) -> None:
        newest = {key.rpartition("/")[0]: key for key in self.book.stays}
        if newest:
            key = self.random.choice(list(newest.values()))
            arguments = settlement.Reverse(*self.parts(key), "wrong-amount")
            self.step("bureau", "settlement", "reverse", arguments, lambda: self.book.reverse(key))

    def apply(self) -> None:
        key = self.a_key()
        person, year, sequence = self.parts(key)
        self.say(person, APPLY, Apply(year, sequence, "low-income"), lambda: self.book.apply(person, key))

    def attest(self) -> None:
        key, what = self.an_aid(), self.random.choice([*STEPS, "means", "diagnosis", "means"])
        role = "finance" if (what == "means") != (self.random.random() < 0.05) else "hospital"
        code = self.book.stays[key].code if key in self.book.stays else ""
        member = "f1" if role == "finance" else HOUSES.get(code, "")
        if member:
            said = Attest(*self.parts(key), what, b"e" * 32)
            self.step(member, "aid", "attest", said, lambda: self.book.attest(key, what, role))

    def review(self) -> None:
        key = self.an_aid()
        self.step("bureau", "aid", "review", OfAid(*self.parts(key)), lambda: self.book.review(key))

    def appeal(self) -> None:
        key = self.an_aid()
        person, year, sequence = self.parts(key)
        self.say(person, APPEAL, Appeal(year, sequence, "hardship"), lambda: self.book.appeal(key))

    def decide(self) -> None:
        key, fen = self.an_aid(), self.random.choice([0, 1, 50_000, 400_000])
        self.step("f1", "aid", "decide_appeal", DecideAppeal(*self.parts(key), fen), lambda: self.book.decide(key, fen))

    def disburse(self) -> None:
        key, what = self.an_aid(), self.random.choice(STEPS)
        ready = [(key, step) for key, aid in self.book.aids.items() for step in aid.parts if step not in aid.paid]
        if ready and self.random.random() < 0.7:
            key, what = self.random.choice(ready)
        self.step("bureau", "aid", "disburse", Disburse(*self.parts(key), what), lambda: self.book.disburse(key, what))

    def take_back(self) -> None:
        paid = [key for key, aid in self.book.aids.items() if aid.paid]
        key = self.random.choice(paid or list(self.book.aids) or ["E/2026/000009"])
        self.step("bureau", "aid", "take_back", OfAid(*self.parts(key)), lambda: self.book.take_back(key))

    def advance(self) -> None:
        code, person = self.random.choice(list(HOUSES)), self.random.choice(PERSONS)
        fen = self.random.choice([1, 77_777, 500_000, 1_000_001])
        self.serial += 1
        number = f"{HOUSES[code]}:{self.serial}"
        arguments = AdvanceUrgent(number, code, person, fen)
        self.step(HOUSES[code], "aid", "advance", arguments, lambda: self.book.advance(number, code, person, fen))

    def confirm(self) -> None:
        open_ones = [number for number, one in self.book.urgents.items() if one.stage == "advanced"]
        number = self.random.choice(open_ones or list(self.book.urgents) or ["h1:0"])
        person = self.book.urgents[number].person if number in self.book.urgents else "E"
        mine = [key for key, one in self.book.stays.items() if one.person == person]
        if mine:
            key = self.random.choice(mine)
            arguments = ConfirmUrgent(number, *self.parts(key)[1:])
            self.step("bureau", "aid", "confirm_urgent", arguments, lambda: self.book.confirm(number, key))

    def later(self) -> None:
        self._set_day(compute_day_after(self.book.today, self.random.randrange(9)))
        self.book.ring()
        for one in list(due.due_until(self.house.state, self.book.today, 500)):
            if (one.contract, one.operation) in RUNG:
                self.house.run("bureau", one.contract, one.operation, due.Ring(one.day, one.key))
                self.met[one.operation] += 1


def test_whoever_pays_later_pays_to_the_fen_what_the_reference_says() -> None:
    met = Counter[str]()
    for seed in range(1, 6):
        walk = Walk(seed)
        walk.run()
        assert walk.house.sum_of_balances() == 0
        met += walk.met
    for name in ("claim ok", "pay ok", "decline ok", "reverse ok", "apply ok", "review ok", "disburse ok"):
        assert met[name] >= 5, (name, met)
    for name in ("take_back ok", "advance ok", "confirm_urgent ok", "check_urgent", "claim nothing-left"):
        assert met[name] >= 1, (name, met)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(3, 40))
def test_many_more_orders_of_payers(seed: int) -> None:
    Walk(seed).run()


def test_a_benefit_beside_aid_that_came_first_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: an insurer that does not ask what aid pays."""
    monkeypatch.setattr(second_payer, "get_aided_fen", lambda *_: 0)
    with pytest.raises(Wrong):
        for seed in range(1, 6):
            Walk(seed).run()


def test_an_advance_that_aid_does_not_count_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(state: Any, key: str, one: journal.Settlement) -> int:
        second = state.get(SECOND_CLAIMS, key)
        return max(0, one.amounts.cash_payamt - (0 if second is None else second.benefit_fen))

    monkeypatch.setattr(aid_payments, "compute_left_fen", without)
    with pytest.raises(Wrong):
        for seed in range(1, 6):
            Walk(seed).run()
