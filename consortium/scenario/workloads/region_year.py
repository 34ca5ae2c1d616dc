"""The workload "region_year": a made-up region lives through a year, and every system of the domain has work.

The calendar is stated in region_calendar.py: all clocks go on by a week every `week_us`. Premiums come in the first
weeks; visits and stays follow the seasons, some of them far from home; wrong settlements are reversed two weeks later,
and what was paid for them is owed back; each quarter medicines are tendered, delivered, dispensed and paid for, some
too late, and some of what is owed is sold to a bank; two lots are no good. Those who are poor and very ill apply for
aid, out of appropriations and gifts; some have a commercial policy; some paid in cash and claim themselves. Months are
judged by agreements and reconciled. Records are exchanged, and some erased. In January the books are closed, and what
is left on accounts passes to the next year.

Needs one member of each role in `ROLES` and at least two hospitals and two pharmacies.
"""

from __future__ import annotations

from msgspec.structs import replace

from consortium.contracts.access import HOSPITAL, PHARMACY
from consortium.contracts.insurance.account_carry import ALIKE_MIN
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.region_calendar import Calendar
from consortium.scenario.workloads.region_care import draw_care
from consortium.scenario.workloads.region_goods import plan_goods
from consortium.scenario.workloads.region_offices import ROLES, YEAR, Options, Year
from consortium.scenario.workloads.region_people import draw_region, genesis_calls
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    """Raises ScenarioError."""
    options = _options(scenario)
    cast = {role: playing(scenario, role, "region_year")[0] for role in ROLES}
    hospitals = [one.name for one in scenario.members if one.role == HOSPITAL]
    pharmacies = [one.name for one in scenario.members if one.role == PHARMACY]
    if min(len(hospitals), len(pharmacies)) < 2:
        raise ScenarioError("the workload region_year needs two hospitals and two pharmacies")
    pseudonyms, calendar = Pseudonyms(pseudonym_key), Calendar(YEAR, options.week_us)
    people, care, goods = (Stream(scenario.seed, "region", of) for of in ("people", "care", "goods"))
    region = draw_region(people, YEAR, options.persons, pseudonyms, hospitals, pharmacies)
    drawn = draw_care(care, region, calendar, options.visits)
    bought = plan_goods(goods, region, calendar, cast["supplier"], cast["bank"])
    year = Year(options, calendar, region, drawn, bought, cast, pseudonyms)
    work = {name: Work(name, tuple(tasks)) for name, tasks in year.tasks(care).items()}
    others = {one.name: Work(one.name) for one in scenario.members if one.name not in work}
    return Prepared(tuple(genesis_calls(region)), work | others)


def _options(scenario: Scenario) -> Options:
    """Raises ScenarioError. A small region has no more of anything than it has persons for."""
    options = read_workload_options(scenario.workload.options, Options)
    if not 60 <= options.persons <= 20_000 or not 60 <= options.visits <= 100_000 or options.week_us < 3_000_000:
        raise ScenarioError(
            "workload.options: expected 60 to 20000 persons, 60 to 100000 visits, a week_us from 3 s on"
        )
    if min(getattr(options, name) for name in options.__struct_fields__ if name != "is_judged") < 0:
        raise ScenarioError("workload.options: expected no number below 0")
    if options.erased > options.records:
        raise ScenarioError("workload.options: more records are erased than there are")
    heirs = min(options.heirs, options.persons // 2)
    return replace(options, heirs=heirs if heirs >= ALIKE_MIN else 0)


WORKLOAD = WorkloadSpec("region_year", _prepare)
