"""Persons who change from one insurance scheme to the other within a year, with a dear stay under each.

What the second stay is paid depends on whether the caps of the two schemes are joint, so on the version of settlement
that executes it. A third of the persons have both stays early in the run, a third both late, and a third one of each.

options: `persons` of each member that hosts a loader; `interval_us` between two stays of a member.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from consortium.contracts.insurance import enrolment, institution, policy, settlement
from consortium.contracts.insurance.lines import Line, commit_lines, compute_sold, compute_sums
from consortium.contracts.insurance.policy_pack import DAYS_MAX, ILLUSTRATIVE_PACK
from consortium.core.codec import encode
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.loader import Load
from consortium.roles.work import Work
from consortium.scenario.arrivals.options import CONSTANT
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.claim_day_genesis import fund_calls
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

YEAR_BEGINS, SCHEME_CHANGES, YEAR_ENDS = 20250101, 20250701, 20991231
FIRST_DAY, SECOND_DAY = 20250310, 20251110  # of discharge
FIRST_FEN, SECOND_FEN = 15_000_000, 10_040_000  # all of it in scope
WARD = "S-WARD"  # the service that a stay is billed as
_PACK = msgspec.structs.replace(ILLUSTRATIVE_PACK, claim_days=DAYS_MAX)
_ITEM = policy.ItemVersion(20000101, "A", "service", 0)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 30
    interval_us: int = 50_000


def institution_of(place: int) -> str:
    return f"H650103{place:05d}"


def person_of(place: int, index: int) -> str:
    """Number `index` of the persons of the member at `place`."""
    return f"65010300{place:04d}{index:018d}"


def _genesis_calls(members: Sequence[str], persons: int) -> list[GenesisCall]:
    calls = [
        genesis_call("policy", "adopt_pack", policy.AdoptPack(_PACK)),
        genesis_call("policy", "list_items", policy.ListItems((policy.Item(WARD, *msgspec.structs.astuple(_ITEM)),))),
    ]
    calls += fund_calls(900_000_000_000)
    for place, member in enumerate(members):
        sign = institution.Sign(institution_of(place), "hospital", 3, member, f"PDY{place:09d}", YEAR_ENDS)
        calls.append(genesis_call("institution", "sign", sign))
    periods = (
        enrolment.Period(YEAR_BEGINS, SCHEME_CHANGES, enrolment.EMPLOYEE),
        enrolment.Period(SCHEME_CHANGES, YEAR_ENDS, enrolment.RESIDENT),
    )
    for place in range(len(members)):
        for index in range(persons):
            calls.append(genesis_call("enrolment", "register", enrolment.Register(person_of(place, index), periods)))
    return calls


def _stay(place: int, index: int, which: int) -> tuple[str, str, msgspec.Raw]:
    """The claim of a person's first or second stay of the year."""
    day, fen = ((FIRST_DAY, FIRST_FEN), (SECOND_DAY, SECOND_FEN))[which]
    lines = (Line(WARD, 1, fen),)
    code = institution_of(place)
    number, salt = f"{code}-{index:06d}-{which}", (place << 64 | index << 1 | which).to_bytes(16, "big")
    arguments = settlement.IssueAndClaim(
        bill_no=number,
        patient="",
        psn_no=person_of(place, index),
        fixmedins_code=code,
        med_type="inpatient",
        begndate=day,
        enddate=day,
        sums=compute_sums(lines, [_ITEM]),
        sold=compute_sold(lines, [_ITEM]),
        lines=commit_lines(salt, number.lower(), lines),
    )
    return ("settlement", "issue_and_claim", msgspec.Raw(encode(arguments)))


def _stays(place: int, persons: int) -> list[tuple[str, str, msgspec.Raw]]:
    """Both stays of the first third and the first stays of the second, then the others."""
    early, across = persons // 3, 2 * persons // 3
    first = [_stay(place, index, 0) for index in range(across)] + [_stay(place, index, 1) for index in range(early)]
    late = [_stay(place, index, 0) for index in range(across, persons)]
    return first + late + [_stay(place, index, 1) for index in range(early, persons)]


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if options.persons < 3 or options.interval_us < 1:
        raise ScenarioError("workload.options: expected persons of 3 or more, and interval_us of 1 or more")
    members = [member.name for member in scenario.members if "loader" in member.settings.get("hosts", ())]
    work: dict[str, Work] = {}
    for place, member in enumerate(members):
        bundles: tuple[Any, ...] = tuple((stay,) for stay in _stays(place, options.persons))
        begins_us = place * options.interval_us // len(members)  # one after another, as every constant load
        due_us = tuple(begins_us + index * options.interval_us for index in range(len(bundles)))
        work[member] = Work(member, (Load(bundles, len(bundles), due_us, arrivals=CONSTANT),))
    return Prepared(tuple(_genesis_calls(members, options.persons)), work)


WORKLOAD = WorkloadSpec("two_schemes", _prepare)
