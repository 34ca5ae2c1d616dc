"""What each organisation of a region has to do in the year of region_year.py, as tasks of its roles."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import msgspec

from consortium.contracts.access import BUREAU, INSURER, REGULATOR, SUPPLIER
from consortium.contracts.aid.aid_payments import AdvanceUrgent
from consortium.contracts.aid.gift import Pledge
from consortium.contracts.insurance.agreement import Offer
from consortium.contracts.insurance.channel import Reconcile
from consortium.contracts.insurance.channels import BANK_CARD
from consortium.contracts.insurance.enrolment import EMPLOYEE, RESIDENT
from consortium.contracts.insurance.second_payer import Register
from consortium.roles.agent import AgentTasks, CashBill, Unwanted
from consortium.roles.aid import AidTasks, Applicant
from consortium.roles.bank import BankTasks
from consortium.roles.bureau import BureauTasks, EnrolmentChange, Premium
from consortium.roles.charity import CharityTasks
from consortium.roles.factoring import FactoringTasks
from consortium.roles.finance import FinanceTasks
from consortium.roles.insurer import InsurerTasks
from consortium.roles.line_judge import JudgeTasks
from consortium.roles.month_books import BookTasks
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.pursuit import PursuitTasks
from consortium.roles.quality import QualityTasks
from consortium.roles.records import RecordsTasks, ToErase, ToRegister, ToRequest
from consortium.roles.second_covers import SecondCover
from consortium.roles.share_payments import ShareTasks, Statement, StatementTasks
from consortium.roles.year_closing import Heir, YearTasks
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.claim_day_genesis import ACCOUNT_PREMIUM_FEN, POOL_PREMIUM_FEN
from consortium.scenario.workloads.person_years import BILL, new_year
from consortium.scenario.workloads.region_calendar import Calendar
from consortium.scenario.workloads.region_care import Care, dear_stays, filings, hospital_tasks
from consortium.scenario.workloads.region_goods import Goods
from consortium.scenario.workloads.region_people import Person, Region

YEAR = 2027
ROLES = (BUREAU, REGULATOR, SUPPLIER, INSURER, "agent", "bank", "charity", "finance")
MONTHS_OF_PREMIUM = 6  # come at once, in January
AGREED = (
    ("inpatient", "outpatient"),
    0,
    10**6,
    10**11,
    3,
    50_000,
    "fund/employee-pool",
)  # as of Offer, behind the year
TERM_DAYS, DISBURSE_FEN, CARD_FEN, DEAR_FEN = 30, 2_000_000, 1_000, 1_000_000
POLICY_FEN = (10_000, 8_000, 5_000, 5_000_000)  # as of second_payer.Register, behind the days
NEEDS = ("low-income", "rare-disease")
CHANGE = "new-year"
STATED_WEEKS = (13, 26, 39)
Tasks = dict[str, list[msgspec.Struct]]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many there are of each. `visits`: of hospitals; `heirs`: employees whose accounts pass to the next year;
    `is_judged`: whether the bureau asks for the lines of every bill."""

    persons: int = 5_000
    visits: int = 6_000
    week_us: int = 8_000_000
    wrong: int = 60
    policies: int = 150
    applicants: int = 80
    cash: int = 40
    records: int = 60
    erased: int = 12
    heirs: int = 120
    padded: int = 6
    is_judged: bool = True


class Year(NamedTuple):
    """What is drawn and who is there."""

    options: Options
    calendar: Calendar
    region: Region
    care: tuple[Care, ...]
    goods: Goods
    cast: dict[str, str]
    pseudonyms: Pseudonyms

    def tasks(self, stream: Stream) -> Tasks:
        """Of each member, one struct of each type."""
        aided, insured = self._aided(), self._insured()
        speakers = _Speakers(aided, insured, self._paid_in_cash(aided, insured), self._records())
        found: Tasks = {self.cast[BUREAU]: self._bureau(stream, speakers)}
        self._institutions(speakers, found)
        self._offices(speakers, found)
        return found

    # --- who has to do with which system ----------------------------------------------------------------------------

    def _aided(self) -> list[Care]:
        return dear_stays(self.care, DEAR_FEN)[: self.options.applicants]

    def _insured(self) -> list[Person]:
        """Residents with a policy, each of whom has a stay: they have no account that would pay what is left."""
        residents = [one for one in self.care if one.person.scheme == RESIDENT and not one.person.is_assisted]
        stays = {one.person.number: one.person for one in residents if one.is_stay}
        barred = {one.person.number for one in self._aided()}
        return [one for number, one in stays.items() if number not in barred][: self.options.policies]

    def _paid_in_cash(self, aided: list[Care], insured: list[Person]) -> list[Care]:
        """One visit each of persons of whom nobody else speaks."""
        barred = {one.person.number for one in aided} | {one.number for one in insured}
        found = {one.person.number: one for one in self.care if not one.is_stay and one.person.number not in barred}
        return list(islice(found.values(), self.options.cash))

    def _records(self) -> list[tuple[str, str]]:
        """Number and patient of each record that is exchanged; the first are erased."""
        hospitals = [one.member for one in self.region.hospitals]
        return [
            (f"{hospitals[serial % len(hospitals)]}:r-{serial:05d}", self.pseudonyms.of(BILL, f"record {serial}"))
            for serial in range(self.options.records)
        ]

    # --- the bureau -------------------------------------------------------------------------------------------------

    def _bureau(self, stream: Stream, speakers: _Speakers) -> list[msgspec.Struct]:
        heirs = self._heirs()
        over_us, register = self.calendar.over_us, {one.patient: one.psn_no for one in self.region.persons}
        changes = tuple(
            EnrolmentChange(over_us + 1_000_000, CHANGE, one.heir, (one.period(YEAR + 1),), covered_before=True)
            for one in heirs
        )
        own = BureauTasks(
            self.goods.awards,
            changes,
            self._premiums(),
            DISBURSE_FEN,
            verifies=True,
            filings=tuple(filings(stream, self.region, self.care)),
        )
        offers = tuple(Offer(one.code, YEAR, *AGREED) for one in self.region.institutions)
        erased = speakers.records[self.options.erased // 2 : self.options.erased]
        return [
            own,
            DeskTasks(dict.fromkeys(speakers.voices(self.options.erased // 2), self.cast["agent"]), register),
            PursuitTasks(offers, TERM_DAYS),
            StatementTasks(self._statements()),
            AidTasks(reviews=True),
            RecordsTasks(erasures=tuple(ToErase(self._erased_us, f"record/{no}", "term-over") for no, _ in erased)),
            *((self._closing(heirs),) if heirs else ()),
            *((JudgeTasks(),) if self.options.is_judged else ()),
        ]

    def _closing(self, heirs: list[Person]) -> YearTasks:
        passing = tuple(Heir(one.psn_no, one.heir) for one in heirs)
        at_us = self.calendar.over_us + 2_000_000
        return YearTasks(at_us, YEAR, passing, POOL_PREMIUM_FEN, ACCOUNT_PREMIUM_FEN)

    def _heirs(self) -> list[Person]:
        """In the order of their new pseudonyms, which tells nothing."""
        employees = [one for one in self.region.persons if one.scheme == EMPLOYEE]
        return sorted(employees[: self.options.heirs], key=lambda one: one.heir)

    def _premiums(self) -> tuple[Premium, ...]:
        """Half a year's at once, over the first week, in an order that tells nothing."""
        insured = sorted(one.psn_no for one in self.region.persons if one.scheme == EMPLOYEE)
        paid = (MONTHS_OF_PREMIUM * POOL_PREMIUM_FEN, MONTHS_OF_PREMIUM * ACCOUNT_PREMIUM_FEN)
        first_us, spread_us = self.calendar.jump_us(0) + 500_000, self.calendar.week_us
        return tuple(
            Premium(first_us + place * spread_us // len(insured), psn_no, YEAR * 100 + 1, EMPLOYEE, *paid)
            for place, psn_no in enumerate(insured)
        )

    def _statements(self) -> tuple[Statement, ...]:
        """Some weeks' of the bank, on cards at the first hospital. What is wrong there is told in a notice."""
        code = self.region.hospitals[0].code
        counts = [(week, self._billed_in(code, week)) for week in STATED_WEEKS]
        return tuple(
            Statement(
                self.calendar.jump_us(week + 1) + 1_000_000,
                Reconcile(code, self.calendar.day(7 * week), BANK_CARD, count, count * CARD_FEN),
            )
            for week, count in counts
            if count
        )

    def _billed_in(self, code: str, week: int) -> int:
        first_us, end_us = self.calendar.jump_us(week), self.calendar.jump_us(week + 1)
        return sum(one.at.code == code and first_us <= one.visit.at_us < end_us for one in self.care)

    @property
    def _erased_us(self) -> int:
        return self.calendar.jump_us(40)

    # --- institutions -----------------------------------------------------------------------------------------------

    def _institutions(self, speakers: _Speakers, found: Tasks) -> None:
        options, cash = self.options, {one.visit.bill_no for one in speakers.cash}
        care = hospital_tasks(self.region, self.calendar, self.care, options.wrong, options.padded, cash)
        advances = self._advances(speakers.aided)
        registers, requests = self._exchange(speakers.records)
        for place, one in enumerate(self.region.hospitals):
            mine = tuple(advance for advance in advances if advance.fixmedins_code == one.code)
            found[one.member] = [
                care[one.member],
                AidTasks(advances=mine, attests=True),
                RecordsTasks(tuple(registers[one.member]), tuple(requests[one.member])),
                ShareTasks(CARD_FEN),
                BookTasks({one.code: 100} if place == 0 else {}),
            ]
        for place, one in enumerate(self.region.pharmacies):
            silent = (one.code,) if place == 0 else ()
            found[one.member] = [
                self.goods.pharmacies[one.member],
                self.goods.buyers[one.member],
                self.goods.lots[one.member],
                ShareTasks(CARD_FEN),
                BookTasks(silent=silent),
            ]

    def _advances(self, aided: list[Care]) -> tuple[AdvanceUrgent, ...]:
        """To the first who applies, before it is in hospital."""
        return tuple(
            AdvanceUrgent(f"{one.at.member}:U-1", one.at.code, one.person.psn_no, 300_000) for one in aided[:1]
        )

    def _exchange(
        self, records: list[tuple[str, str]]
    ) -> tuple[dict[str, list[ToRegister]], dict[str, list[ToRequest]]]:
        """Each hospital keeps some records, and asks for those of the one before it."""
        names = [one.member for one in self.region.hospitals]
        registers: dict[str, list[ToRegister]] = {name: [] for name in names}
        requests: dict[str, list[ToRequest]] = {name: [] for name in names}
        for serial, (number, patient) in enumerate(records):
            keeper, asker = names[serial % len(names)], names[(serial + 1) % len(names)]
            at_us = self.calendar.jump_us(serial * 36 // max(1, len(records)))
            made = ToRegister(at_us, number, "report", 1_000, (self.cast[BUREAU],), patient, (asker,))
            registers[keeper].append(made)
            requests[asker].append(ToRequest(number, f"{asker}:q-{serial:05d}", "treatment"))
        return registers, requests

    # --- offices ----------------------------------------------------------------------------------------------------

    def _offices(self, speakers: _Speakers, found: Tasks) -> None:
        cast, erased = self.cast, self.options.erased // 2
        days = (new_year(YEAR), new_year(YEAR + 1))
        policies = tuple(
            Register(f"{cast[INSURER]}:{one.number:05d}", one.psn_no, *days, *POLICY_FEN) for one in speakers.insured
        )
        covers = tuple(SecondCover(one.psn_no, one.policy_no) for one in policies)
        claims = tuple(CashBill(one.visit.bill_no, one.person.patient, one.person.psn_no) for one in speakers.cash)
        unwanted = tuple(
            Unwanted(self._erased_us, f"record/{no}", patient) for no, patient in speakers.records[:erased]
        )
        applicants = tuple(
            Applicant(one.person.psn_no, NEEDS[place % 2], appeals=True) for place, one in enumerate(speakers.aided)
        )
        found[cast["agent"]] = [
            AgentTasks(speakers.kept_by_agent(erased), claims, unwanted, covers),
            AidTasks(applicants),
        ]
        found[cast[INSURER]] = [InsurerTasks(policies, {one.policy_no: "waiting-period" for one in policies[::20]})]
        poor = tuple(one.person.psn_no for place, one in enumerate(speakers.aided) if place % 8 != 7)
        found[cast["finance"]] = [FinanceTasks(poor, 50_000_000)]
        found[cast["charity"]] = [CharityTasks(_pledges(cast["charity"]))]
        found[cast["bank"]] = [BankTasks()]
        found[cast[SUPPLIER]] = [FactoringTasks(sales=self.goods.sales), QualityTasks(self.goods.batches)]
        found[cast[REGULATOR]] = [QualityTasks(faulty_lots_min=2)]


class _Speakers(NamedTuple):
    """Those for whom somebody speaks, each of one kind."""

    aided: list[Care]
    insured: list[Person]
    cash: list[Care]
    records: list[tuple[str, str]]

    def kept_by_agent(self, erased: int) -> tuple[str, ...]:
        """Pseudonyms whose keys the agent keeps; those who apply for aid say so by another part of it."""
        return (
            *(one.psn_no for one in self.insured),
            *(one.person.patient for one in self.cash),
            *(patient for _, patient in self.records[:erased]),
        )

    def voices(self, erased: int) -> tuple[str, ...]:
        return (*self.kept_by_agent(erased), *(one.person.psn_no for one in self.aided))


def _pledges(charity: str) -> tuple[Pledge, ...]:
    """Money for anybody, money for one need, and wheelchairs."""
    return (
        Pledge(f"{charity}:G-1", "donor-1", "money", "fen", "", "", "any", 20_000_000),
        Pledge(f"{charity}:G-2", "donor-2", "money", "fen", "", "", "rare-disease", 5_000_000),
        Pledge(f"{charity}:G-3", "donor-3", "goods", "piece", "wheelchair", "", "any", 10),
    )
