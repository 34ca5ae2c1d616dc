"""A random walk of all roles over years: each step is a call of a contract and what the reference makes of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from typing import Any

from consortium.contracts.governance import governance
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, fund_transfer, funds, institution, policy, settlement
from consortium.contracts.oversight import hold_operations
from consortium.core.calendar import compute_day_after
from consortium.core.codec import encode
from consortium.core.contract import CanonicalCall, StateReader
from tests.reference import translate
from tests.reference.accounts import No
from tests.reference.arithmetic import Item, LineOf, Scheme
from tests.reference.book import Book
from tests.reference.buying import Buying
from tests.reference.carrying import Carrying
from tests.reference.judging import Judging
from tests.reference.nodes import Call
from tests.reference.registry import Bill, Cover, Person
from tests.reference.speaking import Speaking
from tests.reference.steps import Expect, Step, newest, refused
from tests.reference.world import MEMBERS, VOTERS


class Walk:
    """`draw` gives the next steps, which depend on the book as the steps before have left it."""

    def __init__(self, seed: int, book: Book, reader: StateReader) -> None:
        self.random = random.Random(seed)
        self.book = book
        self.reader = reader
        self.serial = 0
        self.buying = Buying(self)
        self.judging = Judging(self)
        self.speaking = Speaking(self)
        self.carrying = Carrying(self)
        self._kinds: list[Callable[[], Iterator[Step] | Sequence[Step]]] = []
        for weight, kind in (
            (30, self.claim_at_once),
            (10, self.issue),
            (8, self.deliver),
            (8, self.verify),
            (9, self.claim),
            (2, self.collect),
            (9, self.reverse),
            (2, self.cancel),
            (6, self.premium),
            (4, self.contribute),
            (2, self.transfer),
            (7, self.disburse),
            (2, self.status),
            (1, self.hold),
            (3, self.lift),
            (3, self.enrol),
            (4, self.wrong_role),
            *self.buying.kinds,
            *self.judging.kinds,
            *self.speaking.kinds,
            *self.carrying.kinds,
        ):
            self._kinds += [kind] * weight

    def draw(self) -> Sequence[Step]:
        return list(self.random.choice(self._kinds)())

    # --- small choices ------------------------------------------------------------------------------------------------

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def pick(self, values: Sequence[Any]) -> Any:
        return values[self.random.randrange(len(values))]

    def fresh(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial}"

    def a_person(self, day: int) -> str:
        """The pseudonym of somebody in the year of a day; now and then of nobody, or of another year."""
        turn = self.random.randrange(100)
        if turn == 0:
            return "nobody"
        names = list(self.book.persons)
        of_year = [name for name in names if name.endswith(f"y{day // 10_000}")]
        return str(self.pick(of_year if of_year and turn > 2 else names))

    def a_day(self) -> int:
        """Of the end of a service: mostly of these days, now and then long ago or yet to come."""
        turn = self.random.randrange(100)
        back = self.random.randrange(15) if turn < 85 else self.random.randrange(420) if turn < 95 else -1 - turn
        return compute_day_after(self.book.today, -back)

    def some_lines(self, code: str, day: int) -> tuple[LineOf, ...]:
        lines = [self._line() for _ in range(1 + self.random.randrange(4))]
        held = [name for name, pack in self.book.packs.items() if pack.holder == code and pack.left]
        if held and self.chance(30):
            name = self.pick(held[:40])
            units = self.book.packs[name].units
            count = 1 + self.random.randrange(units)
            price = 1 + self.random.randrange(6_000)
            is_split = self.chance(50)
            lines.append(LineOf("D", count if is_split else 1, price, (name,), units if is_split else 0))
        return tuple(lines)

    def _line(self) -> LineOf:
        price = int(10 ** self.random.uniform(2, 7))
        return LineOf(str(self.pick(["A", "A", "A", "B", "S", "C", "unlisted"])), 1 + self.random.randrange(3), price)

    def a_bill(self) -> tuple[str, Bill, str]:
        """Number, bill, and the member that issues it."""
        code = str(self.pick(list(self.book.institutions)))
        house = self.book.institutions[code]
        end = self.a_day()
        is_stay = self.chance(60) if house.kind == "hospital" else self.chance(2)
        begin = compute_day_after(end, -self.random.randrange(30)) if is_stay else end
        lines = self.some_lines(code, end)
        sums = self.book.sums_of(lines, end)
        kind: Any = "inpatient" if is_stay else "outpatient"
        person = self.a_person(end)
        made = Bill(code, person, kind, begin, end, lines, sums, patient=f"bill-of-{person}")
        return self.fresh(f"{code.lower()}-"), made, house.member

    # --- bills and claims -------------------------------------------------------------------------------------------

    def claim_at_once(self) -> Iterator[Step]:
        number, made, member = self.a_bill()
        made = replace(made, patient="")
        away, uses, group = self._terms(made)
        if self.chance(3) and self.book.bills:
            number = str(self.pick(newest(self.book.bills, 50))[0])  # perhaps of another, perhaps paid
            if not number.startswith(f"{made.institution.lower()}-"):
                yield Step(self._issue_and_claim(member, number, made, away, uses, group), refused)
                return
        call = self._issue_and_claim(member, number, made, away, uses, group)
        yield Step(call, lambda book: _drop(book.issue_and_claim(number, made, away, uses, group)))

    def _issue_and_claim(self, member: str, number: str, made: Bill, away: str, uses: bool, group: str) -> Call:
        arguments = settlement.IssueAndClaim(
            **self._issued(number, made, ""), psn_no=made.person, offsite=away, acct_used_flag=uses, drg_group=group
        )
        return Call(member, "settlement", "issue_and_claim", arguments)

    def _issued(self, number: str, made: Bill, patient: str) -> dict[str, Any]:
        sums, sold = translate.sums_of(self.reader, made.lines, made.end, made.sums)
        return {
            "fixmedins_code": made.institution,
            "bill_no": translate.spelt(number, self.random.randrange(20)),
            "patient": patient,
            "med_type": made.kind,
            "begndate": made.begin,
            "enddate": made.end,
            "sums": sums,
            "sold": sold,
            "lines": b"\x11" * 32,
        }

    def _terms(self, made: Bill) -> tuple[str, bool, str]:
        away = "unfiled" if self.chance(20) else "referral" if self.chance(1) else ""
        group = str(self.pick(["G1", "G2", "unknown"])) if made.kind == "inpatient" and self.chance(15) else ""
        return away, self.chance(80), group

    def issue(self) -> Iterator[Step]:
        number, made, member = self.a_bill()
        arguments = bills.Issue(**self._issued(number, made, made.patient))
        yield Step(Call(member, "bill", "issue", arguments), lambda book: book.issue(number, made))

    def _a_number(self, *stages: str) -> str:
        """Of a bill of these stages that is not paid, mostly."""
        if self.chance(5) or not self.book.bills:
            return str(self.pick([number for number, _ in newest(self.book.bills, 5_000)] or ["h1-none"]))
        recent = newest(self.book.bills, 200)
        found = [number for number, bill in recent if bill.stage in stages and not bill.is_paid]
        return str(self.pick(found or [number for number, _ in recent]))

    def deliver(self) -> Iterator[Step]:
        number = self._a_number("issued")
        made = self.book.bills.get(number)
        member = self.book.institutions[made.institution].member if made else "h1"
        call = Call(member, "bill", "deliver", bills.Step(translate.spelt(number, self.random.randrange(20))))
        yield Step(call, lambda book: book.step_bill(number, "issued", "delivered"))

    def verify(self) -> Iterator[Step]:
        number = self._a_number("delivered")
        call = Call(self.pick(["bureau", "regulator"]), "bill", "verify", bills.Step(number))
        yield Step(call, lambda book: book.step_bill(number, "delivered", "verified"))

    def collect(self) -> Iterator[Step]:
        number = self._a_number("verified")
        call = Call("bureau", "bill", "collect", bills.Step(number))
        yield Step(call, lambda book: book.step_bill(number, "verified", "collected"))

    def claim(self) -> Iterator[Step]:
        number = self._a_number("verified", "collected")
        made = self.book.bills.get(number)
        if made is None:
            return
        away, uses, group = self._terms(made)
        member = self.book.institutions[made.institution].member
        arguments = self._claim(number, made, away, uses, group)
        call = Call(member, "settlement", "claim", arguments)
        yield Step(call, lambda book: _drop(book.claim(number, away, uses, group)))

    def _claim(self, number: str, made: Bill, away: str, uses: bool, group: str) -> settlement.Claim:
        return settlement.Claim(
            bill_no=translate.spelt(number, self.random.randrange(20)),
            psn_no=made.person,
            offsite=away,
            acct_used_flag=uses,
            drg_group=group,
        )

    def cancel(self) -> Iterator[Step]:
        asked = list(self.book.asked) if self.chance(10) else []
        number = str(self.pick(asked)) if asked else self._a_number("issued", "delivered", "verified")
        made = self.book.bills.get(number)
        if made is None:
            return
        red = self.fresh(f"{made.institution.lower()}-red-")
        member = self.book.institutions[made.institution].member
        call = Call(member, "bill", "reverse", bills.Reverse(number, red, "wrong-amount"))
        yield Step(call, lambda book: book.cancel_bill(number, red))

    def reverse(self) -> Iterator[Step]:
        stacks = [(key, year) for key, year in newest(self.book.years, 300) if year.stack]
        if not stacks:
            return
        (person, number), year = self.pick(stacks)
        settled = year.stack[-1] if self.chance(85) else self.pick(year.stack)
        made = self.book.bills[settled.bill]
        member = "bureau" if self.chance(20) else self.book.institutions[made.institution].member
        arguments = settlement.Reverse(person, number, settled.number, "wrong-amount")
        call = Call(member, "settlement", "reverse", arguments)
        if settled.payee and member != "bureau":
            yield Step(call, refused)
            return
        yield Step(call, lambda book: book.reverse(person, number, settled.number))

    # --- money and persons ------------------------------------------------------------------------------------------

    def premium(self) -> Iterator[Step]:
        person = self.a_person(self.book.today)
        month = self.book.today // 100
        scheme: Scheme = "employee" if f"person/{person}" in self.book.accounts else "resident"
        pool, account = self.random.randrange(50_000), self.random.randrange(20_000) * (scheme == "employee")
        arguments = enrolment.RecordContribution(person, month, scheme, pool, account)
        call = Call("bureau", "enrolment", "record_contribution", arguments)
        yield Step(call, lambda book: book.premium(person, month, scheme, pool, account))

    def contribute(self) -> Iterator[Step]:
        target = str(self.pick(list(self.book.accounts)))
        fen = int(10 ** self.random.uniform(3, 9))
        call = Call("bureau", "funds", "contribute", funds.Contribute(target, fen, "premium/2026"))
        yield Step(call, lambda book: book.contribute(target, fen))

    def transfer(self) -> Iterator[Step]:
        """From fund to fund, by the word of two roles; now and then the proposer's own, and twice."""
        names = [name for name in self.book.accounts if name.startswith("fund/")]
        source, target = str(self.pick(names)), str(self.pick(names))
        fen, name = int(10 ** self.random.uniform(3, 9.5)), self.fresh("T-")
        one, other = self.random.sample(["bureau", "regulator"], 2)
        propose = fund_transfer.Propose(name, source, target, fen, "budget/2026")
        yield Step(
            Call(one, "fund_transfer", "propose", propose),
            lambda book: book.propose_transfer(name, source, target, fen, one),
        )
        for endorser in [*[one] * self.chance(10), other, *[other] * self.chance(10)]:
            endorse = Call(endorser, "fund_transfer", "endorse", fund_transfer.OfTransfer(name))
            yield Step(endorse, lambda book, role=endorser: book.endorse_transfer(name, role))  # type: ignore[misc]

    def disburse(self) -> Iterator[Step]:
        code = str(self.pick(list(self.book.institutions)))
        owed = self.book.accounts[f"payable/{code}"]
        fen = max(1, owed if self.chance(30) else self.random.randrange(1, max(2, owed * 11 // 10)))
        call = Call("bureau", "institution", "disburse", institution.Disburse(code, fen, "month/2026"))
        yield Step(call, lambda book: book.disburse(code, fen))

    def status(self) -> Iterator[Step]:
        code = str(self.pick(list(self.book.institutions)))
        operation, before, after = self.pick(
            [("suspend", ("signed",), "suspended"), *[("resume", ("suspended",), "signed")] * 9]
        )
        call = Call("bureau", "institution", operation, institution.Decide(code, "inquiry"))
        yield Step(call, lambda book: book.set_status(code, before, after))

    def hold(self) -> Iterator[Step]:
        """No more is paid out of an account, or to a payee."""
        kinds = ("fund", "payable", "paid", "supplier", "person")
        names = [name for name in self.book.accounts if name.partition("/")[0] in kinds]
        account, record = str(self.pick(names)), f"finding/F-{self.random.randrange(20)}"
        member = str(self.pick(["bureau", "regulator"]))
        arguments = hold_operations.Place(account, "inquiry", record)
        yield Step(Call(member, "hold", "place", arguments), lambda book: book.hold(account, record, member))

    def lift(self) -> Iterator[Step]:
        """Whoever placed a hold asks for its end, and the other role agrees."""
        names = [name for name in self.book.held if not name.startswith("disputed/")]
        if not names:
            return
        account = str(self.pick(names))
        record, member = self.pick(list(self.book.held[account].items()))
        other = "regulator" if member == "bureau" else "bureau"
        lift = hold_operations.Lift(account, "inquiry", record)
        if self.chance(20):
            yield Step(Call(member, "hold", "endorse_lift", lift), refused)
        yield Step(Call(member, "hold", "ask_lift", lift), lambda book: None)
        yield Step(Call(other, "hold", "endorse_lift", lift), lambda book: book.lift(account, record))

    def enrol(self) -> Iterator[Step]:
        """Another cover, a death, a newcomer: by the word of two organisations."""
        today = self.book.today
        name = f"{self.fresh('new')}y{today // 10_000}" if self.chance(20) else self.a_person(today)
        if name == "nobody":
            return
        person = self._changed(self.book.persons.get(name))
        change = self.fresh("change")
        proposer, endorser = self.random.sample(["bureau", "h1", "regulator"], 2)
        arguments = enrolment.ProposeChange(
            change, name, translate.periods_of(person), person.died, covered_before=person.was_covered
        )
        yield Step(Call(proposer, "enrolment", "propose_change", arguments), lambda book: None)
        decide = enrolment.DecideChange(change, name)
        if self.chance(10):
            yield Step(Call(proposer, "enrolment", "endorse_change", decide), refused)
        yield Step(Call(endorser, "enrolment", "endorse_change", decide), lambda book: book.enrol(name, person))

    def _changed(self, known: Person | None) -> Person:
        today = self.book.today
        end = (today // 10_000 + 1) * 10_000 + 101
        flags = {"is_retired": self.chance(20), "is_assisted": self.chance(20)}
        scheme: Any = self.pick(["employee", "resident"])
        if known is None:
            return Person((Cover(today, end, scheme, **flags),), was_covered=self.chance(50))
        if self.chance(3):
            return replace(known, died=today)
        last = known.covers[-1]
        if last.begin >= today or last.end <= today or len(known.covers) > 20:
            return known
        later = Cover(today, last.end, scheme, **flags)
        return replace(known, covers=(*known.covers[:-1], replace(last, end=today), later))

    # --- rules --------------------------------------------------------------------------------------------------------

    def wrong_role(self) -> Iterator[Step]:
        """A call as drawn, signed by a supplier that may do none of them."""
        kind = self.pick([self.claim_at_once, self.issue, self.premium, self.contribute, self.disburse, self.reverse])
        for step in kind():
            yield Step(step.call._replace(member="s2"), refused)

    def by_vote(self, contract: str, operation: str, arguments: Any, expect: Expect) -> list[Step]:
        """A call that a quorum of the members wants: done with the last voice; what is refused is not even proposed."""
        identity = self.fresh("proposal")
        call = CanonicalCall(contract, operation, encode(arguments))
        propose = governance.Propose(identity, "call", VOTERS[0], call=call)
        proposing = Call(VOTERS[0], "governance", "propose", propose)
        try:
            expect(deepcopy(self.book))
        except No:
            return [Step(proposing, refused)]
        steps = [Step(proposing, lambda book: None)]
        votes = [Call(name, "governance", "vote", governance.Vote(identity, True)) for name in VOTERS[1:]]
        return [*steps, *[Step(vote, lambda book: None) for vote in votes[:-1]], Step(votes[-1], expect)]

    def adopt(self, value: Any, label: str) -> list[Step]:
        arguments = policy.AdoptPack(translate.pack_of(value, label))
        return self.by_vote("policy", "adopt_pack", arguments, lambda book: book.adopt(value))

    def list_item(self, name: str, item: Item) -> list[Step]:
        arguments = policy.ListItems((translate.item_of(name, item),))
        return self.by_vote("policy", "list_items", arguments, lambda book: book.list_item(name, item))

    def set_group(self, group: str, since: int, weight: Fraction) -> list[Step]:
        arguments = translate.group_of(group, since, weight)
        return self.by_vote("policy", "set_drg_group", arguments, lambda book: book.set_group(group, since, weight))

    def close_year(self, year: int) -> list[Step]:
        arguments = settlement.CloseYear(year)
        return self.by_vote("settlement", "close_year", arguments, lambda book: book.close_year(year))

    def upgrade(self, contract: str, version: int) -> list[Step]:
        """Other rules, from an activation on; which, the receipt of the last voice says."""
        identity = self.fresh("proposal")
        propose = governance.Propose(identity, "upgrade", VOTERS[0], contract=contract, version=version)
        votes = [Call(name, "governance", "vote", governance.Vote(identity, True)) for name in VOTERS[1:]]
        calls = [Call(VOTERS[0], "governance", "propose", propose), *votes]
        return [Step(call, lambda book: None) for call in calls]


def _drop(_: object) -> None:
    """A reference operation's answer is seen in the accounts."""


assert set(VOTERS) <= set(MEMBERS)
