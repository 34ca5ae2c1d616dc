"""A region lives through a year, every system of the domain at once: does everything come out even, and how long does
it take?

20 institutions in town and country, 5,000 persons, 6,000 visits and stays by season. What there is to do, and when,
stand in consortium/scenario/workloads/region_year.py. All clocks go on by a week every eight seconds, and at last into
January, when the books are closed.

    consortium run region_year --on simulator
    consortium run region_year --on simulator --set workload.options.persons=300 --set workload.options.visits=500
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, Link, MemberSpec, Network, Scenario, Stop, Workload
from consortium.scenario.workloads.region_calendar import BEGINS_US, WEEKS

WEEK_US = 8_000_000
TO_NEW_YEAR, INTO_JANUARY = 275, 5  # days from where clocks begin, 1 April 2026, and from 31 December 2027
VERSIONS = {
    "settlement": 3, "offsite": 1, "premium": 1, "agreement": 1, "reconciliation": 1, "debt": 1, "channel": 1,
    "second_payer": 1, "aid": 1, "gift": 1, "lot_quality": 1, "receivable": 1,
}  # fmt: skip


def members(hospitals: int, pharmacies: int) -> tuple[MemberSpec, ...]:
    """Offices and the first four hospitals vote; the others follow."""
    care, trade = {"hosts": ["aid", "records"]}, {"hosts": ["quality", "factoring"]}
    return (
        MemberSpec("agent", "agent", kind="client", settings={"hosts": ["aid"]}),
        MemberSpec("bank", "bank", kind="client"),
        MemberSpec("bureau", "bureau", settings={"hosts": ["aid", "records"]}),
        MemberSpec("charity", "charity", kind="client"),
        MemberSpec("finance", "finance"),
        *(
            MemberSpec(f"hospital-{at:02d}", "hospital", kind="validator" if at <= 4 else "client", settings=care)
            for at in range(1, hospitals + 1)
        ),
        MemberSpec("insurer", "insurer", kind="client"),
        *(
            MemberSpec(f"pharmacy-{at:02d}", "pharmacy", kind="client", settings=trade)
            for at in range(1, pharmacies + 1)
        ),
        MemberSpec("regulator", "regulator", settings=trade),
        MemberSpec("supplier", "supplier", kind="client", settings=trade),
    )


def clocks(everybody: tuple[MemberSpec, ...], week_us: int) -> tuple[Fault, ...]:
    """All jump together: to New Year's day, week by week through the year, and into January."""
    days = (TO_NEW_YEAR, *(7 for _ in range(WEEKS)), INTO_JANUARY)
    return tuple(
        Fault("clock_jump", one.name, at_us=BEGINS_US + week * week_us, options={"wall_us": count * DAY_US})
        for week, count in enumerate(days)
        for one in everybody
    )


def year(hospitals: int = 12, pharmacies: int = 8, week_us: int = WEEK_US, **options: int) -> Scenario:
    """`options`: of the workload."""
    everybody = members(hospitals, pharmacies)
    return Scenario(
        name="region_year",
        members=everybody,
        faults_tolerated=2,
        parameters=Parameters(batches_in_flight=1, batch_transactions_max=1_000, timer_base_us=4_000_000),
        network=Network(default=Link(mean_us=80_000)),
        versions=VERSIONS,
        workload=Workload("region_year", {"week_us": week_us, **options}),
        faults=clocks(everybody, week_us),
        stop=Stop(when_done=True, limit_us=(WEEKS + 30) * week_us, stall_us=120_000_000),
    )


SCENARIO = year()
