"""The workload "regions": invented persons are treated at home and in another region, and months come to their end.

Needs a bureau and two hospitals: the first lies in the home region, the second elsewhere. Persons come round in these
kinds, each with one stay on 1 April 2026: treated at home; away and filed; away and referred by the first hospital;
away and nothing; away, where they are at home; away, with a filing that has ended.

options: `persons`, `interval_us`, `begins_at_us`. `corrected`, `corrected_away`: how many settlements of each
hospital are reversed from `corrected_at_us` on. Of months: `wrong_fen`: by how much the first hospital's books of April
are wrong at first; `is_silent`: whether the second states none; `is_closed`: whether the run waits for both to be
closed. Of debts: `days`: the term within which what is owed after a reversal is demanded, 0 = it is not; the bureau
then pays out all that becomes payable, and the second hospital repays late. Of agreements: `is_agreed`: whether both
hospitals have one; `padded`: how many bills of the second its lines do not bear out. Of premiums: `unpaid`: for how
many of the last persons none came before the run; the first of them pays in time. Of means: `card_fen`: how much of
each patient's share is paid by card, 0 = nobody says by which means; at `stated_at_us`, a day later, the bureau brings
the bank's statements, of which the second hospital's is wrong by a yuan.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.contracts.insurance import institution, offsite
from consortium.contracts.insurance.agreement import Offer
from consortium.contracts.insurance.channel import Reconcile
from consortium.contracts.insurance.channels import BANK_CARD
from consortium.contracts.insurance.enrolment import EMPLOYEE, RecordContribution
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.premium import SetRule
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks, Premium
from consortium.roles.hospital import Correction, HospitalTasks, Visit
from consortium.roles.line_judge import JudgeTasks
from consortium.roles.month_books import BookTasks
from consortium.roles.obligations import ObligationTasks
from consortium.roles.pursuit import PursuitTasks
from consortium.roles.share_payments import ShareTasks, Statement, StatementTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO
from consortium.scenario.workloads.one_hospital import CODE, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT, new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

AWAY, REGION = "H650200", "north"
DAY, MONTH, AFTER = 20260401, 202604, 20260501
PREMIUM_FEN = (60_000, 20_000)  # into pool and account
AGREED = (("inpatient",), 1, 100, 10**10, 0, 50_000, "fund/employee-pool")  # as of Offer, behind code and year
KINDS = ("home", "filed", "referral", "unfiled", "resident", "ended")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 6
    interval_us: int = 100_000
    begins_at_us: int = 1_000_000
    wrong_fen: int = 0
    is_silent: bool = False
    is_closed: bool = False
    corrected: int = 0
    corrected_away: int = 0
    corrected_at_us: int = 6_000_000
    days: int = 0
    is_agreed: bool = False
    padded: int = 0
    unpaid: int = 0
    card_fen: int = 0
    stated_at_us: int = 12_000_000


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


class _Region(NamedTuple):
    """Who is there, and what the options ask for."""

    options: Options
    bureau: str
    home: str
    away: str
    persons: list[str]
    patients: list[str]

    def visits(self, code: str) -> tuple[Visit, ...]:
        """Of one hospital; the first `padded` bills of the second are dearer than their lines."""
        found = [self._visit(number) for number in range(len(self.persons)) if _code_of(number) == code]
        padded = self.options.padded if code == AWAY else 0
        return tuple(replace(one, padding_fen=50_000) if place < padded else one for place, one in enumerate(found))

    def _visit(self, number: int) -> Visit:
        return Visit(
            at_us=self.options.begins_at_us + number * self.options.interval_us,
            fixmedins_code=_code_of(number),
            bill_no=f"{_code_of(number)}-{number:04d}",
            patient=self.patients[number],
            psn_no=self.persons[number],
            med_type="inpatient",
            begndate=DAY,
            enddate=DAY,
            lines=(Line(SERVICE, 10, 100_000),),
        )

    def filings(self) -> tuple[offsite.File, ...]:
        days = {"filed": (new_year(YEAR), new_year(YEAR + 1)), "ended": (new_year(YEAR), DAY)}
        return tuple(
            offsite.File(person, REGION, *days[kind_of(number)], "long-term-resident")
            for number, person in enumerate(self.persons)
            if kind_of(number) in days
        )

    def hospital_tasks(self, code: str, corrected: int) -> HospitalTasks:
        visits = self.visits(code)
        wrong = tuple(Correction(self.options.corrected_at_us, one.bill_no) for one in visits[:corrected])
        referrals = tuple(
            offsite.Refer(CODE, person, REGION, AFTER, "equipment")
            for number, person in enumerate(self.persons)
            if kind_of(number) == "referral" and code == CODE
        )
        return HospitalTasks(visits, corrections=wrong, referrals=referrals)

    def bureau_work(self) -> Work:
        options = self.options
        late = self.persons[len(self.persons) - options.unpaid :][:1]
        premiums = tuple(Premium(0, person, MONTH, EMPLOYEE, *PREMIUM_FEN) for person in late)
        disburse_fen = 1 if options.days else 0
        tasks = BureauTasks(verifies=True, filings=self.filings(), premiums=premiums, disburse_fen=disburse_fen)
        awaited = (CODE, AWAY) if options.is_closed else ()
        offers = tuple(Offer(code, YEAR, *AGREED) for code in (CODE, AWAY)) if options.is_agreed else ()
        debts = (bool(options.corrected) + bool(options.corrected_away)) if options.days else 0
        pursuit = PursuitTasks(offers, options.days, debts, len(offers))
        judging = (JudgeTasks(),) if options.padded else ()
        return Work(self.bureau, (tasks, BookTasks(awaited=awaited), pursuit, self.statements(), *judging))

    def statements(self) -> StatementTasks:
        """Of the bank, on the cards of both hospitals."""
        card_fen = self.options.card_fen
        counts = [(code, len(self.visits(code)), wrong_fen) for code, wrong_fen in ((CODE, 0), (AWAY, 100))]
        return StatementTasks(
            tuple(
                Statement(
                    self.options.stated_at_us, Reconcile(code, DAY, BANK_CARD, count, count * card_fen + wrong_fen)
                )
                for code, count, wrong_fen in counts
                if card_fen
            )
        )

    def work(self) -> dict[str, Work]:
        options = self.options
        errors = {CODE: options.wrong_fen} if options.wrong_fen else {}
        silent = (AWAY,) if options.is_silent else ()
        home = (self.hospital_tasks(CODE, options.corrected), BookTasks(errors))
        away = (self.hospital_tasks(AWAY, options.corrected_away), BookTasks(silent=silent), ObligationTasks(True))
        shares = (ShareTasks(options.card_fen),) if options.card_fen else ()
        return {
            self.bureau: self.bureau_work(),
            self.home: Work(self.home, (*home, *shares)),
            self.away: Work(self.away, (*away, *shares)),
        }

    def genesis_calls(self) -> list[GenesisCall]:
        calls = list(hospital_calls(self.home, self.persons))
        sign = institution.Sign(AWAY, HOSPITAL, 3, self.away, f"licence-{AWAY}", LICENCE_TO)
        calls += [
            genesis_call("institution", "sign", sign),
            genesis_call("offsite", "place", offsite.Place(AWAY, REGION)),
        ]
        residents = [person for number, person in enumerate(self.persons) if kind_of(number) == "resident"]
        calls += [genesis_call("offsite", "settle", offsite.Settle(person, REGION)) for person in residents]
        if self.options.unpaid:
            calls.append(genesis_call("premium", "set_rule", SetRule(EMPLOYEE, new_year(YEAR), 0)))
            for person in self.persons[: -self.options.unpaid]:
                paid = RecordContribution(person, MONTH, EMPLOYEE, *PREMIUM_FEN)
                calls.append(genesis_call("enrolment", "record_contribution", paid))
        return calls


def _code_of(number: int) -> str:
    return CODE if kind_of(number) == "home" else AWAY


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    bureau, hospitals = playing(scenario, BUREAU, "regions")[0], playing(scenario, HOSPITAL, "regions")
    if len(hospitals) < 2 or not 1 <= options.persons <= 1_000 or not 0 <= options.unpaid < options.persons:
        raise ScenarioError("the workload regions needs two hospitals, from 1 to 1000 persons, and fewer unpaid")
    pseudonyms, numbers = Pseudonyms(pseudonym_key), range(options.persons)
    persons = [pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}") for number in numbers]
    patients = [pseudonyms.of(BILL, f"{YEAR}/{number}") for number in numbers]
    region = _Region(options, bureau, hospitals[0], hospitals[1], persons, patients)
    work = region.work()
    others = {one.name: Work(one.name) for one in scenario.members if one.name not in work}
    return Prepared(tuple(region.genesis_calls()), work | others)


WORKLOAD = WorkloadSpec("regions", _prepare)
