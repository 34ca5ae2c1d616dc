"""What the ledger must hold after each operation, by docs/domain.md: claims, reversals, the word on the lines. Written
from that page, not from the contracts; nothing of `consortium` is imported here.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from fractions import Fraction

from tests.reference.accounts import No, need
from tests.reference.arithmetic import Circumstances, Kind, Policy, Scheme, Used, case_payment, split_claim
from tests.reference.registry import (
    AID,
    CLAIMABLE,
    ILLNESS,
    LARGE,
    POOLS,
    Bill,
    Pack,
    Registry,
    Settled,
    Year,
    day_after,
    days_between,
)


class Book(Registry):
    """All that is held, and what each operation makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, tuple[str, str, int]] = {}  # by bill: a patient's claim: pseudonym, off site, day

    # --- settlement ---------------------------------------------------------------------------------------------------

    def year_of(self, person: str, year: int) -> Year:
        return self.years.setdefault((person, year), Year())

    def claim(self, number: str, away: str, uses_account: bool, group: str) -> Settled:
        """Of an issued bill that another than its issuer verified."""
        bill = self.bills.get(number)
        need(bill is not None and not bill.is_paid and bill.stage in CLAIMABLE, "bill")
        need(number not in self.asked, "its patient asks for the same")
        assert bill is not None
        return self.settle(number, bill, away, uses_account, group)

    def issue_and_claim(self, number: str, bill: Bill, away: str, uses_account: bool, group: str) -> Settled:
        known = dict(self.bills)
        self.issue(number, bill)
        try:
            return self.settle(number, bill, away, uses_account, group)
        except No:
            self.bills = known
            raise

    def settle(
        self, number: str, bill: Bill, away: str, uses_account: bool, group: str, payee: str = "", came: int = 0
    ) -> Settled:
        """`payee`: the account of whoever paid in cash, whatever became of the institution. `came`: the day on which
        the claim came, 0 = today."""
        institution, day = self.institutions[bill.institution], bill.end
        if not payee:
            institution.need_open(day)
        self.need_in_time(day, came or self.today)
        need(day // 10_000 > self.closed_through, "closed")
        need(bill.person in self.persons, "person")
        cover = self.persons[bill.person].on(day)
        self.persons[bill.person].need_since(bill.begin, day)
        need(bill.kind == "outpatient" or institution.kind == "hospital", "no hospital")
        away = self.away_for(bill, away)
        need(not group or bill.kind == "inpatient", "a case is a stay")
        sales = self.sales_of(number, bill)
        policy = self.policy_on(day)
        who = Circumstances(cover.scheme, bill.kind, institution.level, cover.is_retired, cover.is_assisted, away)
        year = self.year_of(bill.person, day // 10_000)
        account = f"person/{bill.person}"
        held = self.accounts.get(account, 0) if uses_account and account not in self.held else 0
        split = split_claim(policy, who, bill.sums, self.used(year, who.scheme), year.stays, year.aid, held)
        pool = split.pool
        if group:
            value = case_payment(policy, self.weight_on(group, day), institution.coefficient, bill.sums.whole)
            pool = max(0, split.pool + value - bill.sums.whole)
        shares = (
            (POOLS[cover.scheme], pool),
            (LARGE, split.large),
            (ILLNESS, split.illness),
            (AID, split.aid),
            (account, split.account),
        )
        paid = tuple((source, fen) for source, fen in shares if fen)
        waits = day_after(self.today, policy.lines_days) if policy.lines_days and not payee else 0
        settled = Settled(year.entries + 1, number, cover.scheme, split, paid, waits, payee=payee)
        target = f"unconfirmed/{bill.institution}/{waits}" if waits else payee or f"payable/{bill.institution}"
        self.move([(source, target, fen) for source, fen in paid])
        year.entries += 1
        self.count(year, settled, bill.kind, 1)
        year.stack.append(settled)
        for pack, units in sales:
            pack.taken[number] = pack.taken.get(number, 0) + units
        self.bills[number] = replace(bill, is_paid=True)
        return settled

    def away_for(self, bill: Bill, away: str) -> str:
        """Whether care is off site: the claimant's word, where it costs the claimant."""
        need(away in ("", "unfiled"), "nothing on the ledger says so")
        return away

    def policy_on(self, day: int) -> Policy:
        return self.policies[bisect_right([each.since for each in self.policies], day) - 1]

    def need_in_time(self, day: int, came: int) -> None:
        """A claim is not of a day to come, and comes within the days of that day's policy."""
        need(day <= came, "future")
        need(days_between(day, came) <= self.policy_on(day).claim_days, "late")

    def weight_on(self, group: str, day: int) -> Fraction:
        found = [weight for since, weight in self.groups.get(group, ()) if since <= day]
        need(found, "group")
        return found[-1]

    def used(self, year: Year, scheme: Scheme) -> Used:
        return year.used["employee"].plus(year.used["resident"]) if self.is_joint else year.used[scheme]

    def count(self, year: Year, settled: Settled, kind: Kind, sign: int) -> None:
        added = settled.split.used
        signed = Used(*(sign * getattr(added, name) for name in added.__dataclass_fields__))
        year.used[settled.scheme] = year.used[settled.scheme].plus(signed)
        year.stays += sign * (kind == "inpatient")
        year.aid += sign * settled.split.aid

    def sales_of(self, number: str, bill: Bill) -> list[tuple[Pack, int]]:
        """The packs that a bill takes units of. No code, no settlement."""
        taken = dict[str, int]()
        found = []
        for line in bill.lines:
            item = self.item_on(line.item, bill.end)
            need(line.codes or item is None or not item.needs_code, "a code is missing")
            for code in line.codes:
                pack = self.packs.get(code)
                need(pack is not None and pack.item == line.item and pack.holder == bill.institution, "pack")
                assert pack is not None
                units = line.count if line.pack_units else pack.units
                taken[code] = taken.get(code, 0) + units
                need(taken[code] <= pack.left, "sold")
                found.append((pack, units))
        return found

    def reverse(self, person: str, year_number: int, entry: int) -> None:
        """The newest of a person-year, as long as the year is open: everything is as it was before."""
        need(year_number > self.closed_through, "closed")
        year = self.years.get((person, year_number))
        need(year is not None and year.stack and year.stack[-1].number == entry, "not the newest")
        assert year is not None
        settled = year.stack[-1]
        bill = self.bills[settled.bill]
        place = self.place_of(settled)
        self.move([(place, source, fen) for source, fen in settled.paid], gives_back=True)
        self.held.pop(place, None) if place.startswith("disputed/") else None
        year.stack.pop()
        year.entries += 1
        self.count(year, settled, bill.kind, -1)
        for pack in (self.packs[code] for line in bill.lines for code in line.codes):
            pack.taken.pop(settled.bill, None)
        self.bills[settled.bill] = replace(bill, is_paid=False)

    # --- claims of patients -----------------------------------------------------------------------------------------

    def claim_in_person(self, number: str, patient: str, person: str, away: str) -> None:
        """A patient asks for the share of the funds of a bill of its own, paid in cash; the bureau's word is next."""
        bill = self.bills.get(number)
        need(bill is not None and bill.patient == patient, "no such bill of the speaker")
        assert bill is not None
        need(not bill.is_paid and bill.stage in CLAIMABLE, "bill")
        need(number not in self.asked, "waits already")
        self.asked[number] = (person, away, self.today)

    def cancel_bill(self, number: str, red_number: str) -> None:
        need(number not in self.asked, "its patient asks for it")
        super().cancel_bill(number, red_number)

    def pay_person(self, number: str) -> None:
        need(number in self.asked, "nobody asked")
        person, away, came = self.asked[number]
        bill = self.bills[number]
        need(not bill.is_paid and bill.stage in CLAIMABLE, "bill")
        payee = f"payout/{person}"
        is_new = payee not in self.accounts
        self.accounts.setdefault(payee, 0)
        try:
            self.settle(number, replace(bill, person=person), away, False, "", payee, came)
        except No:
            if is_new:
                del self.accounts[payee]
            raise
        del self.asked[number]

    def decline(self, number: str) -> None:
        need(number in self.asked, "nobody asked")
        del self.asked[number]

    # --- the word on the lines ------------------------------------------------------------------------------------

    def place_of(self, settled: Settled) -> str:
        """The account on which the money of a settlement is, or from which it was paid out since."""
        code = self.bills[settled.bill].institution
        waiting = f"unconfirmed/{code}/{settled.waits}"
        if settled.word == "disputed":
            return f"disputed/{settled.bill}"
        return waiting if not settled.word and waiting in self.accounts else settled.payee or f"payable/{code}"

    def standing(self, person: str, year: int, entry: int) -> Settled:
        stack = self.years[person, year].stack if (person, year) in self.years else []
        found = [settled for settled in stack if settled.number == entry]
        need(found, "reversed, or unknown")
        return found[0]

    def confirm(self, person: str, year: int, entry: int, role: str) -> None:
        """The lines bear it out: it is payable."""
        settled = self.standing(person, year, entry)
        need(settled.word != "confirmed", "confirmed already")
        need(settled.word != "disputed" or settled.said_by != role, "another role must confirm")
        place = self.place_of(settled)
        home = settled.payee or f"payable/{self.bills[settled.bill].institution}"
        if place != home:
            self.move([(place, home, settled.fen)], gives_back=settled.word == "disputed")
        self.held.pop(place, None) if settled.word == "disputed" else None
        settled.word, settled.said_by = "confirmed", role

    def dispute(self, person: str, year: int, entry: int, role: str) -> None:
        """They do not: it is held, and comes back from what was payable."""
        settled = self.standing(person, year, entry)
        need(settled.word != "disputed", "disputed already")
        place, target = self.place_of(settled), f"disputed/{settled.bill}"
        self.move([(place, target, settled.fen)], gives_back=place.startswith("payable/"))
        self.held[target] = {f"settlement/{person}/{year}/{entry:06d}": role}
        settled.word, settled.said_by = "disputed", role

    def release(self, code: str, day: int) -> None:
        """What nobody judged in time is payable."""
        need(day <= self.today, "not yet")
        waiting = f"unconfirmed/{code}/{day}"
        self.move([(waiting, f"payable/{code}", self.accounts.get(waiting, 0))])
