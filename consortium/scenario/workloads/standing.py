"""The workload "standing": a consortium that waits for applications. All that happens comes from people, but for one
order of each pharmacy, so that it has packs to sell.

The ledger begins as that of a working day: funds with money, a policy, a catalogue, institutions, insured persons. Each
hospital and pharmacy is an institution, and every person is enrolled for the year of `day` and those after it. The
bureau verifies bills and pays what is owed, the regulator looks; both ring what is due. For people to try, each member
is given samples: its institution, persons under their pseudonyms, items with prices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, PHARMACY, REGULATOR, SUPPLIER
from consortium.contracts.checks import check_day
from consortium.contracts.insurance import institution, policy
from consortium.contracts.medicines.procurement_records import ORDER_CODES_MAX
from consortium.core.contract import Refused
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.pharmacy import Order, PharmacyTasks
from consortium.roles.purchaser import TenderAward
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Coverage, Imported, Pseudonyms
from consortium.scenario.importing.formats import import_data
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import MemberSpec, Scenario
from consortium.scenario.workloads.claim_day import find_data
from consortium.scenario.workloads.claim_day_genesis import (
    LICENCE_TO,
    OPENING_FEN,
    catalogue_calls,
    fund_calls,
    pack_from,
)
from consortium.scenario.workloads.claim_day_pharmacy import (
    PRODUCER,
    TENDER_FROM,
    TENDER_SHARE,
    TENDER_TO,
    institution_of,
)
from consortium.scenario.workloads.person_years import PersonYears, new_year
from consortium.scenario.workloads.sample_claims import load_of_claims
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

PLAYED = (BUREAU, HOSPITAL, PHARMACY, REGULATOR, SUPPLIER)
NEEDED = (BUREAU, HOSPITAL, REGULATOR)
LEVELS = {HOSPITAL: 3, PHARMACY: 1}
ITEMS_SHOWN = 20
SAMPLES_FORMAT = 1


class StandingOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`day`: on which it begins, YYYYMMDD. `data`: as of claim_day. `years`: for so many persons are enrolled.
    `lines_days`: until which bureau and regulator judge the lines of a bill; 0: nobody does. `disburse_fen`: what is
    owed to an institution is paid out once it comes to so much; 0: never. `packs`: of a drug, in each pharmacy's first
    order. `claims`: that each hospital which hosts a loader submits by itself, `outstanding` of them at a time; so what
    comes through gateways can be held against it."""

    day: int = 20260101
    data: str = "scenarios/data/synthea_40"
    years: int = 3
    lines_days: int = 0
    disburse_fen: int = 1
    packs: int = 40
    claims: int = 0
    outstanding: int = 125


class SamplePerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One insured person in one year. `patient`: on bills; `psn_no`: on what settles them."""

    year: int
    patient: str
    psn_no: str


class SampleItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service that a bill may charge."""

    code: str
    price_fen: int


class Samples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """nodes/NAME/input/samples.json: what a person at this member may try. `institution`: its code, empty where the
    member is none."""

    format: int
    member: str
    role: str
    institution: str
    persons: tuple[SamplePerson, ...]
    items: tuple[SampleItem, ...]


def prepare_standing(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    """Raises ScenarioError and ImportFault."""
    options = read_workload_options(scenario.workload.options, StandingOptions)
    _check(scenario, options)
    sources: dict[str, bytes] = {}
    imported = import_data(find_data(options.data), pseudonym_key, ends="unreadable", kept=sources)
    years = _years(imported, pseudonym_key, sources)
    first_year = options.day // 10_000
    last_year = first_year + options.years - 1
    calls = _genesis_calls(scenario.members, options, imported, years)
    awards, orders = _first_orders(scenario.members, options, imported)
    tasks = BureauTasks(awards, disburse_fen=options.disburse_fen, verifies=True)
    desk = DeskTasks({}, years.links(first_year, last_year))
    work = {member.name: Work(member.name, (tasks, desk)) for member in scenario.members if member.role == BUREAU}
    work |= {member.name: Work(member.name) for member in scenario.members if member.role in (REGULATOR, SUPPLIER)}
    work |= {name: Work(name, (PharmacyTasks((order,)),)) for name, order in orders.items()}
    shown = _shown(imported, years, range(first_year, last_year + 1))
    work |= _loads(scenario.members, options, tuple(each.psn_no for each in shown if each.year == first_year))
    return Prepared(tuple(calls), work, _samples(scenario.members, imported, shown))


def _check(scenario: Scenario, options: StandingOptions) -> None:
    try:
        check_day(options.day, "workload.options.day")
    except Refused as refused:
        raise ScenarioError(refused.sentence) from None
    if not 1 <= options.years <= 10:
        raise ScenarioError(f"workload.options.years is {options.years}: expected 1 to 10")
    if not 0 <= options.packs <= ORDER_CODES_MAX:
        raise ScenarioError(f"workload.options.packs is {options.packs}: expected 0 to {ORDER_CODES_MAX}")
    for name, least in (("lines_days", 0), ("disburse_fen", 0), ("claims", 0), ("outstanding", 1)):
        if getattr(options, name) < least:
            raise ScenarioError(f"workload.options.{name} is {getattr(options, name)}: expected {least} or more")
    missing = [role for role in NEEDED if all(member.role != role for member in scenario.members)]
    if missing:
        raise ScenarioError(f"the workload standing needs a member of role {missing[0]!r}")


def _first_orders(
    members: Sequence[MemberSpec], options: StandingOptions, imported: Imported
) -> tuple[tuple[TenderAward, ...], dict[str, Order]]:
    """Of each pharmacy one order of one drug, by turns, under a tender of its own."""
    pharmacies = [member.name for member in members if member.role == PHARMACY]
    supplier = next((member.name for member in members if member.role == SUPPLIER), "")
    drugs = [item for item in imported.items if item.kind == "drug" and item.price_fen > 0]
    if not (pharmacies and supplier and drugs and options.packs):
        return (), {}
    awards, orders = [], {}
    for place, name in enumerate(pharmacies):
        drug, contract_no = drugs[place % len(drugs)], f"t-first-{name}"
        price_fen = drug.price_fen * TENDER_SHARE[0] // TENDER_SHARE[1]
        days = (TENDER_FROM, TENDER_TO)
        awards.append(TenderAward(0, contract_no, drug.code, PRODUCER, supplier, price_fen, options.packs, *days))
        orders[name] = Order(0, f"o-first-{name}", contract_no, institution_of(name), options.packs)
    return tuple(awards), orders


def _years(imported: Imported, pseudonym_key: bytes, sources: dict[str, bytes]) -> PersonYears:
    covers: dict[str, tuple[Coverage, ...]] = {person.person: () for person in imported.persons}
    for cover in imported.coverages:
        covers[cover.person] += (cover,)
    persons = {person.person: person for person in imported.persons}
    assisted = frozenset(person.person for person in imported.persons[::10])
    return PersonYears(Pseudonyms(pseudonym_key), persons, covers, assisted, sources)


def _genesis_calls(
    members: Sequence[MemberSpec], options: StandingOptions, imported: Imported, years: PersonYears
) -> Iterator[GenesisCall]:
    first_year = options.day // 10_000
    first_day = new_year(first_year)
    yield from fund_calls(OPENING_FEN)
    yield genesis_call("policy", "adopt_pack", policy.AdoptPack(pack_from(first_day, options.lines_days)))
    yield from catalogue_calls(imported, first_day)
    for member in members:
        if member.role in LEVELS:
            code = institution_of(member.name)
            sign = institution.Sign(code, member.role, LEVELS[member.role], member.name, f"licence-{code}", LICENCE_TO)
            yield genesis_call("institution", "sign", sign)
    for register in years.registers(first_year, first_year + options.years - 1, {}):
        yield genesis_call("enrolment", "register", register)


def _loads(members: Sequence[MemberSpec], options: StandingOptions, persons: tuple[str, ...]) -> dict[str, Work]:
    found: dict[str, Work] = {}
    for member in members if options.claims else ():
        if member.role == HOSPITAL and "loader" in member.settings.get("hosts", ()):
            code = institution_of(member.name)
            load = load_of_claims(code, persons, options.day, options.claims, options.outstanding)
            found[member.name] = Work(member.name, (load,))
    return found


def _shown(imported: Imported, years: PersonYears, shown: range) -> tuple[SamplePerson, ...]:
    return tuple(
        SamplePerson(year, years.bill(person.person, new_year(year)), years.settlement(person.person, new_year(year)))
        for year in shown
        for person in imported.persons
        if not person.died_on and years.periods(person.person, year, new_year(year + 1))
    )


def _samples(members: Sequence[MemberSpec], imported: Imported, persons: tuple[SamplePerson, ...]) -> dict[str, bytes]:
    items = _services(imported)
    found: dict[str, bytes] = {}
    for member in members:
        code = institution_of(member.name) if member.role in LEVELS else ""
        known = persons if code or member.role == BUREAU else ()
        own = Samples(SAMPLES_FORMAT, member.name, member.role, code, known, items if code else ())
        found[member.name] = msgspec.json.format(msgspec.json.encode(own), indent=2) + b"\n"
    return found


def _services(imported: Imported) -> tuple[SampleItem, ...]:
    """The services of the data, each at the price of its newest claim."""
    services = {item.code for item in imported.items if item.kind == "service"}
    lines = [line for claim in imported.claims for line in claim.lines if line.code in services]
    prices = {line.code: line.amount_fen // line.quantity for line in lines if line.amount_fen >= line.quantity}
    return tuple(SampleItem(code, fen) for code, fen in sorted(prices.items())[:ITEMS_SHOWN])


WORKLOAD = WorkloadSpec("standing", prepare_standing)
