"""The workload "labelled_claims": a quarter of invented claims, among them those that break a rule, and what looks so.

Needs a bureau, two hospitals and a supplier, each of which hosts "script", and a regulator. Every claim is handed in,
executed and accepted or refused like any other; rules then look at the ledger. What is true of it follows from the seed
(`labels_of`) and is told to no member and no rule. The bureau's input holds what it alone would know: lines, links and
diagnoses, not all of them.

options: `cases` of each rule, as many of each kind that looks like one, `ordinary` visits of nothing special, `habits`:
city | village.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, REGULATOR, SUPPLIER
from consortium.contracts.insurance import enrolment, institution, offsite, policy, settlement
from consortium.contracts.medicines import procurement_records as procurement
from consortium.contracts.medicines import trace_code
from consortium.core.codec import encode
from consortium.core.draws import between, choose
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks, EnrolmentChange
from consortium.roles.dossier import DossierTasks
from consortium.roles.script import Billed, Bills, Lines, ScriptTasks
from consortium.roles.supplier import compute_trace_codes
from consortium.roles.work import Work
from consortium.rules.judge import Label
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO, fund_calls, pack_from
from consortium.scenario.workloads.labelled_cases import CASES, HOSPITALS, day_in
from consortium.scenario.workloads.labelled_habits import HABITS
from consortium.scenario.workloads.labelled_lookalikes import LOOKALIKES, ODD
from consortium.scenario.workloads.labelled_world import (
    CODED_DRUG,
    FAR,
    FROM_DAY,
    ITEMS,
    MAIN,
    NEAR,
    PHARMACY,
    REGIONS,
    SECOND,
    TENDERED,
    TO_DAY,
    UNITS,
    WEIGHTS,
    YEAR,
    LabelledWorld,
)
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

NAME = "labelled_claims"
FUND_FEN = 900_000_000_000
PRICE_FEN, VOLUME = 5_000, 1_000_000
ORDERED_US, RECEIVED_US, CLAIMED_US = 1_500_000, 4_000_000, 7_000_000
LATER_US, PACE_US = 3_000_000, 100_000  # until what follows upon something; between bundles
A_BUNDLE = 20
Call = tuple[str, str, Any]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cases: int = 40
    ordinary: int = 200
    habits: str = "city"


def labels_of(scenario: Scenario) -> tuple[Label, ...]:
    """What is true of the claims of this scenario: which rules are broken, by which records."""
    return tuple(_make(scenario).labels)


def _make(scenario: Scenario) -> LabelledWorld:
    options = read_workload_options(scenario.workload.options, Options)
    habits = HABITS.get(options.habits)
    if habits is None or not 0 <= options.cases <= 200 or not 0 <= options.ordinary <= 10_000:
        known = " or ".join(HABITS)
        raise ScenarioError(f"workload.options: expected up to 200 cases, 10000 ordinary visits, habits {known}")
    world = LabelledWorld(scenario.seed, habits.unknown_bp)
    for number in range(options.cases):
        for name, case in CASES.items():
            case(world, habits, Stream(scenario.seed, NAME, name, str(number)))
        for name, case in LOOKALIKES.items():
            case(world, habits, Stream(scenario.seed, NAME, name, str(number)))
        for name, case in ODD.items():
            draw = Stream(scenario.seed, NAME, name, str(number))
            if draw.below(10_000) < habits.odd_bp:
                case(world, habits, draw)
    draw = Stream(scenario.seed, NAME, "ordinary")
    for _ in range(options.ordinary):
        world.visit(world.person(), choose(draw, HOSPITALS), day_in(draw))
        if between(draw, 0, 4) == 0:
            world.stay(world.person(), choose(draw, HOSPITALS), day_in(draw, 20), between(draw, *habits.nights))
    return world


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    world = _make(scenario)
    bureau, supplier, regulator = (playing(scenario, role, NAME)[0] for role in (BUREAU, SUPPLIER, REGULATOR))
    hospitals = [one.name for one in scenario.members if one.role == HOSPITAL]
    if len(hospitals) < 2:
        raise ScenarioError(f"the workload {NAME} needs two hospitals")
    member_of = _members(world, hospitals)
    ends_us = CLAIMED_US + PACE_US * (2 + max(len(world.claims), len(world.late)) // A_BUNDLE)
    awards = Lines(0, _raw(("procurement", "award_tender", each) for each in _tenders(supplier)))
    scripts = {name: _of_hospital(name, world, member_of, ends_us) for name in hospitals}
    scripts[bureau] = ScriptTasks((awards,))
    dossier = DossierTasks(
        {who.psn_no: who.insured for who, _ in world.persons}, dict(world.diagnoses), dict(world.lines)
    )
    work: dict[str, list[msgspec.Struct]] = {one.name: [] for one in scenario.members}
    for name, script in scripts.items():
        work[name].append(script)
    late_us = ends_us + PACE_US * (len(world.late) // A_BUNDLE + 2)
    work[regulator].append(DossierTasks(lines=dict(world.lines)))
    work[bureau] += [BureauTasks(changes=tuple(_changes(world, late_us + LATER_US))), dossier]
    calls = tuple(_genesis_calls(world, member_of))
    return Prepared(calls, {name: Work(name, tuple(tasks)) for name, tasks in work.items()})


def _members(world: LabelledWorld, hospitals: list[str]) -> dict[str, str]:
    """The member that acts for each institution."""
    held = {MAIN: 0, SECOND: 0, PHARMACY: 0, FAR: 1, NEAR: 1}
    return {code: hospitals[place] for code, place in held.items()} | {
        code: hospitals[place % 2] for place, code in enumerate(world.clinics)
    }


def _of_hospital(name: str, world: LabelledWorld, member_of: dict[str, str], late_us: int) -> ScriptTasks:
    """What one hospital says: it agrees, orders, receives, claims; takes claims back, and claims the late ones."""
    orders = [(_order_no(at), one) for at, one in enumerate(world.orders) if member_of[one.fixmedins_code] == name]
    agreed = [procurement.SignSubcontract(f"T-{one.item}", one.fixmedins_code, 1_000) for _, one in orders]
    placed = [procurement.PlaceOrder(no, f"T-{one.item}", one.fixmedins_code, one.packs) for no, one in orders]
    came = [procurement.Receive(no, compute_trace_codes(no, one.packs), one.packs, True) for no, one in orders]
    back = [settlement.Reverse(psn_no, YEAR, 1, "returned") for psn_no in world.reversed if member_of[MAIN] == name]
    first = [("procurement", "sign_subcontract", each) for each in agreed]
    lines = (
        *_bundles(ORDERED_US, [*first, *(("procurement", "place_order", each) for each in placed)]),
        *_bundles(RECEIVED_US, (("procurement", "receive", each) for each in came)),
        *_bundles(late_us, (("settlement", "reverse", each) for each in back)),
    )
    bills = (
        *_bills(CLAIMED_US, name, world.claims, member_of),
        *_bills(late_us + LATER_US, name, world.late, member_of),
    )
    return ScriptTasks(lines, bills)


def _bills(at_us: int, name: str, billed: Iterable[Billed], member_of: dict[str, str]) -> Iterator[Bills]:
    own = [each for each in billed if member_of[each.claim.fixmedins_code] == name]
    for place in range(0, len(own), A_BUNDLE):
        yield Bills(at_us + PACE_US * (place // A_BUNDLE), tuple(own[place : place + A_BUNDLE]))


def _bundles(at_us: int, calls: Iterable[Call]) -> Iterator[Lines]:
    held = list(calls)
    for place in range(0, len(held), A_BUNDLE):
        yield Lines(at_us + PACE_US * (place // A_BUNDLE), _raw(held[place : place + A_BUNDLE]))


def _raw(calls: Iterable[Call]) -> tuple[tuple[str, str, msgspec.Raw], ...]:
    return tuple((contract, operation, msgspec.Raw(encode(arguments))) for contract, operation, arguments in calls)


def _order_no(place: int) -> str:
    return f"O-{place:04d}"


def _tenders(supplier: str) -> Iterator[procurement.AwardTender]:
    for item in TENDERED:
        days = (FROM_DAY, TO_DAY)
        yield procurement.AwardTender(f"T-{item}", item, "producer-1", supplier, PRICE_FEN, VOLUME, *days)


def _changes(world: LabelledWorld, at_us: int) -> Iterator[EnrolmentChange]:
    for place, (psn_no, (periods, died_on)) in enumerate(world.changes.items()):
        yield EnrolmentChange(at_us + PACE_US * (place // A_BUNDLE), f"C-{place}", psn_no, periods, died_on)


def _genesis_calls(world: LabelledWorld, member_of: dict[str, str]) -> Iterator[GenesisCall]:
    yield genesis_call("policy", "adopt_pack", policy.AdoptPack(pack_from(FROM_DAY)))
    items = tuple(policy.Item(name, *msgspec.structs.astuple(version)) for name, version in ITEMS.items())
    yield genesis_call("policy", "list_items", policy.ListItems(items))
    for group, weight_bp in WEIGHTS.items():
        yield genesis_call("policy", "set_drg_group", policy.SetDrgGroup(group, FROM_DAY, weight_bp))
    yield from fund_calls(FUND_FEN)
    for code, member in member_of.items():
        kind = "pharmacy" if code == PHARMACY else HOSPITAL
        yield genesis_call(
            "institution", "sign", institution.Sign(code, kind, 2, member, f"licence-{code}", LICENCE_TO)
        )
    for code, region in REGIONS.items():
        yield genesis_call("offsite", "place", offsite.Place(code, region))
    for who, periods in sorted(world.persons, key=lambda pair: pair[0].psn_no):
        yield genesis_call("enrolment", "register", enrolment.Register(who.psn_no, periods))
    for holder in sorted({held for _, held in world.codes}):
        codes = sorted(code for code, held in world.codes if held == holder)
        for first in range(0, len(codes), 500):
            lot = trace_code.Produce(
                f"lot-{holder}-{first}",
                CODED_DRUG,
                "tablet",
                UNITS,
                tuple(codes[first : first + 500]),
                f"institution/{holder}",
            )
            yield genesis_call("trace_code", "produce", lot)


WORKLOAD = WorkloadSpec(NAME, _prepare)
