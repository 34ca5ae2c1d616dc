"""The workload of benchmarks: settlement transactions of about 500 bytes, signed before the run, of every member alike.

options: `transactions` in all, `bundle` transactions under one signature, `outstanding` per member, `interval_us`
between two bundles of a member (0 = closed loop), `persons` per member. A load falls idle that rests for `rest_us`
after every `rest_every` bundles of a member.
"""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.contracts.insurance import enrolment, institution, policy, settlement
from consortium.contracts.insurance.lines import Line, commit_lines, compute_sold, compute_sums
from consortium.contracts.insurance.policy_pack import DAYS_MAX, ILLUSTRATIVE_PACK
from consortium.core.codec import encode
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.loader import Load
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.claim_day_genesis import fund_calls
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

DAY = 20260302  # of every service; runs happen on any later day
_PACK = msgspec.structs.replace(ILLUSTRATIVE_PACK, claim_days=DAYS_MAX)
YEAR_END = 20991231
ITEMS = 50
LINES = 4


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    transactions: int = 10_000
    bundle: int = 1
    outstanding: int = 1_500
    interval_us: int = 0
    persons: int = 500
    rest_every: int = 0
    rest_us: int = 0


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
    indices = [(serial * 7 + position) % ITEMS for position in range(LINES)]
    lines = tuple(Line(_item(index), 1 + serial % 3, 1_500 + 10 * at) for at, index in enumerate(indices))
    items = [_version(index) for index in indices]
    code = _institution(place)
    number, salt = f"{code}-{serial:08d}", (place << 64 | serial).to_bytes(16, "big")
    arguments = settlement.IssueAndClaim(
        bill_no=number,
        patient="",
        psn_no=person,
        fixmedins_code=code,
        med_type="outpatient",
        begndate=DAY,
        enddate=DAY,
        sums=compute_sums(lines, items),
        sold=compute_sold(lines, items),
        lines=commit_lines(salt, number.lower(), lines),
        commitment=serial.to_bytes(8, "big") * 4,
    )
    return ("settlement", "issue_and_claim", arguments)


def _load(options: Options, bundles: tuple[Any, ...]) -> Load:
    pace = (options.outstanding, options.interval_us)
    return Load(bundles, *pace, rest_every=options.rest_every, rest_us=options.rest_us)


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    for name in options.__struct_fields__:
        least = 1 if name in ("bundle", "outstanding", "persons") else 0
        if not least <= getattr(options, name) < 1 << 40:
            raise ScenarioError(f"workload.options.{name}={getattr(options, name)}: expected {least} or more")
    if options.rest_every and not options.interval_us:
        raise ScenarioError("workload.options: a load that rests is paced; give an interval_us above 0")
    if options.bundle > options.outstanding:
        raise ScenarioError(
            f"workload.options: bundle={options.bundle} is more than outstanding={options.outstanding}: no bundle "
            "would ever be submitted"
        )
    members = [member.name for member in scenario.members if "loader" in member.settings.get("hosts", ())]
    persons = {
        member: [person_of(place, index) for index in range(options.persons)] for place, member in enumerate(members)
    }
    work: dict[str, Work] = {}
    each = options.transactions // max(1, len(members))
    for place, member in enumerate(members):
        claims = [claim_of(place, serial, persons[member][serial % options.persons]) for serial in range(1, each + 1)]
        calls = [(contract, operation, msgspec.Raw(encode(arguments))) for contract, operation, arguments in claims]
        bundles = tuple(tuple(calls[first : first + options.bundle]) for first in range(0, each, options.bundle))
        work[member] = Work(member, (_load(options, bundles),))
    return Prepared(tuple(_genesis_calls(members, persons)), work)


WORKLOAD = WorkloadSpec("settlement_load", _prepare)
