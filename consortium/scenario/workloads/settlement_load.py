"""The workload of benchmarks: settlement transactions of about 500 bytes, signed before the run, of every member alike.

options: those of every load (scenario/arrivals/options.py, docs/load.md), and `persons` per member. Kinds: `claim`, a
bill issued and claimed at once; `bill`, one that is issued alone; `refused`, a claim for somebody who is not insured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from consortium.contracts.insurance import bill, enrolment, institution, policy, settlement
from consortium.contracts.insurance.lines import Line, commit_lines, compute_sold, compute_sums
from consortium.contracts.insurance.policy_pack import DAYS_MAX, ILLUSTRATIVE_PACK
from consortium.core.codec import encode
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.loader import Load
from consortium.roles.work import Work
from consortium.scenario.arrivals.options import CLOSED, ArrivalsError, LoadOptions
from consortium.scenario.arrivals.plan import Share, plan_load
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.claim_day_genesis import fund_calls
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

DAY = 20260302  # of every service; runs happen on any later day
_PACK = msgspec.structs.replace(ILLUSTRATIVE_PACK, claim_days=DAYS_MAX)
YEAR_END = 20991231
NOBODYS_PLACE = 9_999  # of persons whom nobody has enrolled
ITEMS = 50
LINES = 4


Call = tuple[str, str, msgspec.Struct]


class Options(LoadOptions, frozen=True, forbid_unknown_fields=True):
    persons: int = 500


def _item(index: int) -> str:
    return f"XA02BCA007E0010101{index:05d}"  # as long as the codes of the national catalogue


def _institution(place: int) -> str:
    return f"H650102{place:05d}"


_CLASSES = "ABAC"


def _version(index: int) -> policy.ItemVersion:
    chrgitm_lv = _CLASSES[index % len(_CLASSES)]
    return policy.ItemVersion(20000101, chrgitm_lv, "service", 1_000 if chrgitm_lv == "B" else 0)


def _genesis_calls(members: list[str], persons: dict[str, list[str]]) -> list[GenesisCall]:
    items = tuple(policy.Item(_item(index), *msgspec.structs.astuple(_version(index))) for index in range(ITEMS))
    calls = [
        genesis_call("policy", "adopt_pack", policy.AdoptPack(_PACK)),
        genesis_call("policy", "list_items", policy.ListItems(items)),
    ]
    calls += fund_calls(900_000_000_000)
    for index, member in enumerate(members):
        sign = institution.Sign(_institution(index), "hospital", 1 + index % 3, member, f"PDY{index:09d}", YEAR_END)
        calls.append(genesis_call("institution", "sign", sign))
    period = enrolment.Period(20000101, YEAR_END, "employee")
    for member in members:
        for person in persons[member]:
            calls.append(genesis_call("enrolment", "register", enrolment.Register(person, (period,))))
    return calls


def person_of(place: int, index: int) -> str:
    """Number `index` of the persons of the member at `place`."""
    return f"65010200{place:04d}{index:018d}"


def claim_of(place: int, serial: int, person: str) -> tuple[str, str, settlement.IssueAndClaim]:
    """The call of one transaction: the member's claim number `serial`, for this person."""
    arguments = settlement.IssueAndClaim(
        **msgspec.structs.asdict(_bill(place, serial)), psn_no=person, commitment=serial.to_bytes(8, "big") * 4
    )
    return ("settlement", "issue_and_claim", arguments)


def _refused(place: int, serial: int, person: str) -> Call:
    return claim_of(place, serial, person_of(NOBODYS_PLACE, serial))


def _issued(place: int, serial: int, person: str) -> Call:
    return ("bill", "issue", msgspec.structs.replace(_bill(place, serial), patient=person))


def _bill(place: int, serial: int) -> bill.Issue:
    indices = [(serial * 7 + position) % ITEMS for position in range(LINES)]
    lines = tuple(Line(_item(index), 1 + serial % 3, 1_500 + 10 * at) for at, index in enumerate(indices))
    items = [_version(index) for index in indices]
    code = _institution(place)
    number, salt = f"{code}-{serial:08d}", (place << 64 | serial).to_bytes(16, "big")
    return bill.Issue(
        fixmedins_code=code,
        bill_no=number,
        patient="",
        med_type="outpatient",
        begndate=DAY,
        enddate=DAY,
        sums=compute_sums(lines, items),
        sold=compute_sold(lines, items),
        lines=commit_lines(salt, number.lower(), lines),
    )


KINDS: Mapping[str, Callable[[int, int, str], Call]] = MappingProxyType(
    {"claim": claim_of, "bill": _issued, "refused": _refused}
)


def make_load(share: Share, calls: Sequence[Sequence[Call]], options: LoadOptions, scenario: Scenario) -> Load:
    """A member's part of a load, of these calls by bundle. An open one waits where a pool has no more room for it."""
    encoded = tuple(tuple((*call[:2], msgspec.Raw(encode(call[2]))) for call in bundle) for bundle in calls)
    pool_share = scenario.parameters.pool_transactions_max // len(scenario.members)
    outstanding = options.outstanding if options.process == CLOSED else max(1, pool_share)
    return Load(encoded, outstanding, share.due_us, arrivals="" if options.process == CLOSED else options.process)


def loading_members(scenario: Scenario) -> list[str]:
    """Those that host a loader."""
    return [member.name for member in scenario.members if "loader" in member.settings.get("hosts", ())]


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not 1 <= options.persons < 1 << 40:
        raise ScenarioError(f"workload.options.persons={options.persons}: expected 1 or more")
    members = loading_members(scenario)
    try:
        shares = plan_load(options, scenario.seed, members, tuple(KINDS))
    except ArrivalsError as error:
        raise ScenarioError(f"workload.options: {error}") from None
    persons = {
        member: [person_of(place, index) for index in range(options.persons)] for place, member in enumerate(members)
    }
    work: dict[str, Work] = {}
    for place, member in enumerate(members):
        share, calls, serial = shares[member], [], 0
        for bundle in share.bundles:
            made = [KINDS[kind](place, serial + at, persons[member][(serial + at) % options.persons])
                    for at, kind in enumerate(bundle, 1)]  # fmt: skip
            serial += len(bundle)
            calls.append(made)
        work[member] = Work(member, (make_load(share, calls, options, scenario),))
    return Prepared(tuple(_genesis_calls(members, persons)), work)


WORKLOAD = WorkloadSpec("settlement_load", _prepare)
