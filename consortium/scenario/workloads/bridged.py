"""The workload "bridged": what one of two consortia does with the other.

Needs a bureau and a hospital; for swaps also a supplier and a bank, and on the side of the claims a pharmacy. All host
what they need: "clearing" (bureau, finance), "swaps" (supplier, bank), "factoring" (pharmacy).

options: `counterpart`: how the other chain is called here, `known_as`: how this one is called there. `persons`: of the
counterpart's region, each with one stay here on 1 April 2026; `currency`: what this ledger counts in. `owes`: whether
the counterpart will charge this one for April; `their_currency`, and `fen_per_million`, the rate of 30 April where that
is another. `swaps`: fates of receivables ("kept", "silent": nobody says the secret, "unbound": the bank binds no
money), `side`: "claims" or "money"; `ends_us`: when the locks of money end, in chain time.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, PHARMACY, SUPPLIER
from consortium.contracts.bridges import rate
from consortium.contracts.bridges.hash_lock import Bind, hash_of
from consortium.contracts.bridges.hash_lock_records import Decider
from consortium.contracts.insurance import institution, offsite, policy
from consortium.contracts.insurance.funds import EMPLOYEE_POOL
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines.receivable import BANK
from consortium.core.codec import tagged_hash
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks
from consortium.roles.clearing import Charge, ClearingTasks, Owed
from consortium.roles.factoring import FactoringTasks
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.pharmacy import Order, PharmacyTasks
from consortium.roles.purchaser import TenderAward
from consortium.roles.swap_moves import Seen, Step, SwapTasks, expected
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO
from consortium.scenario.workloads.one_hospital import CODE, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT
from consortium.scenario.workloads.supply_finance import DRUG, FROM_DAY, PACKS, PRICE_FEN, PRODUCER, TO_DAY
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

DAY, MONTH, LAST_DAY = 20260401, 202604, 20260430
STORE = "P650100"
PAID_FEN = PACKS * PRICE_FEN * 99 // 100
KEPT, SILENT, UNBOUND = "kept", "silent", "unbound"
CLAIMS, MONEY = "claims", "money"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    counterpart: str
    known_as: str
    persons: int = 0
    currency: str = rate.HOME
    owes: bool = False
    their_currency: str = rate.HOME
    fen_per_million: int = 0
    swaps: tuple[str, ...] = ()
    side: str = CLAIMS
    ends_us: int = 0
    interval_us: int = 100_000


class _Cast:
    """The members, the first of each role; "" where there is none."""

    def __init__(self, scenario: Scenario) -> None:
        def first(role: str) -> str:
            return next((one.name for one in scenario.members if one.role == role), "")

        self.bureau, self.hospital, self.pharmacy = first(BUREAU), first(HOSPITAL), first(PHARMACY)
        self.supplier, self.bank, self.finance = first(SUPPLIER), first(BANK), first("finance")


def _check(options: Options, cast: _Cast) -> None:
    """Raises ScenarioError."""
    needed = [cast.bureau, cast.hospital]
    needed += [cast.supplier, cast.bank] if options.swaps else []
    needed += [cast.pharmacy] if options.swaps and options.side == CLAIMS else []
    needed += [cast.finance] if options.fen_per_million else []
    if "" in needed:
        raise ScenarioError("the workload bridged lacks a member of a role that its options need: see its docstring")
    if not set(options.swaps) <= {KEPT, SILENT, UNBOUND} or options.side not in (CLAIMS, MONEY):
        raise ScenarioError("workload.options: swaps are kept, silent or unbound; side is claims or money")
    if options.swaps and options.ends_us <= 0:
        raise ScenarioError("workload.options.ends_us: when the locks of money end, in chain time")


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options, cast = read_workload_options(scenario.workload.options, Options), _Cast(scenario)
    _check(options, cast)
    pseudonyms = Pseudonyms(pseudonym_key)
    persons = [pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}") for number in range(options.persons)]
    patients = [pseudonyms.of(BILL, f"{YEAR}/{number}") for number in range(options.persons)]
    work = {one.name: Work(one.name) for one in scenario.members}
    visits = tuple(
        Visit(
            number * options.interval_us, CODE, f"{CODE}-{number:04d}", patient, person, "inpatient", DAY, DAY, (_BED,)
        )
        for number, (person, patient) in enumerate(zip(persons, patients, strict=True))
    )
    orders = _numbers(options) if options.side == CLAIMS else ()
    awards = tuple(_award(no, cast.supplier) for no in orders)
    given: dict[str, list[msgspec.Struct]] = {
        cast.hospital: [HospitalTasks(visits)],
        cast.bureau: [BureauTasks(awards, verifies=True), _clearing(options)],
    }
    if options.fen_per_million:
        endorse = rate.Endorse(options.their_currency, LAST_DAY, options.fen_per_million)
        given[cast.finance] = [ClearingTasks(endorses=(endorse,))]
    if orders:
        placed = tuple(Order(0, no, f"t-{no}", STORE, PACKS) for no in orders)
        given[cast.pharmacy] = [PharmacyTasks(placed), FactoringTasks(orders)]
    for member, swaps in _swap_tasks(options, cast).items():
        given.setdefault(member, []).append(swaps)
    for member, several in given.items():
        for tasks in several:
            work[member] = work[member].having(tasks)
    return Prepared(tuple(_calls(options, cast, persons)), work)


_BED = Line(SERVICE, 10, 100_000)


def _clearing(options: Options) -> ClearingTasks:
    name, known_as = options.counterpart, options.known_as
    charges = (Charge(name, MONTH, options.currency, known_as, EMPLOYEE_POOL),) if options.persons else ()
    stated = None
    if options.fen_per_million:
        stated = rate.Set(options.their_currency, LAST_DAY, options.fen_per_million, "central-parity")
    owed = (Owed(name, MONTH, known_as, EMPLOYEE_POOL, stated),) if options.owes else ()
    return ClearingTasks(charges, owed)


def _numbers(options: Options) -> tuple[str, ...]:
    return tuple(f"o-{place:03d}" for place in range(len(options.swaps)))


def _award(order_no: str, supplier: str) -> TenderAward:
    days = (FROM_DAY, TO_DAY)
    return TenderAward(0, f"t-{order_no}", DRUG, PRODUCER, supplier, PRICE_FEN, PACKS, *days, is_forgotten=True)


def _calls(options: Options, cast: _Cast, persons: list[str]) -> list[GenesisCall]:
    calls = list(hospital_calls(cast.hospital, persons))
    calls += [genesis_call("offsite", "settle", offsite.Settle(person, options.counterpart)) for person in persons]
    if options.swaps and options.side == CLAIMS:
        sign = institution.Sign(STORE, PHARMACY, 1, cast.pharmacy, f"licence-{STORE}", LICENCE_TO)
        item = policy.Item(DRUG, FROM_DAY, "A", "drug", 0)
        calls += [
            genesis_call("policy", "list_items", policy.ListItems((item,))),
            genesis_call("institution", "sign", sign),
        ]
    return calls


# --- swaps ----------------------------------------------------------------------------------------------------------


class _Swap:
    """Number `place`, as both sides have agreed on it."""

    def __init__(self, options: Options, cast: _Cast, place: int) -> None:
        is_here = options.side == CLAIMS
        self.claims = options.known_as if is_here else options.counterpart  # the chain of the claims, as others call it
        money = options.counterpart if is_here else options.known_as
        self.secret = tagged_hash(b"simulated secret of a swap", str(place).encode())
        target, hashed = f"supplier/{cast.supplier}", hash_of(self.secret)
        decider = Decider(money, f"{cast.bank}:M{place}", PAID_FEN, target, options.ends_us)
        order_no = _numbers(options)[place]
        self.claim = Bind(
            f"{cast.supplier}:C{place}", f"receivable/{order_no}", f"bank/{cast.bank}", 0, hashed, 0, decider
        )
        self.money = Bind(decider.lock_no, "own", target, PAID_FEN, hashed, options.ends_us)
        self.fate = options.swaps[place]
        self._cast = cast

    def claimed(self) -> Seen:
        return Seen(self.claims, self.claim.lock_no, expected(self.claim, self._cast.supplier))

    def paid(self) -> Seen:
        return Seen("", self.money.lock_no, expected(self.money, self._cast.bank))


def _swap_tasks(options: Options, cast: _Cast) -> dict[str, SwapTasks]:
    swaps = [_Swap(options, cast, place) for place in range(len(options.swaps))]
    if not swaps:
        return {}
    if options.side == CLAIMS:
        numbers = tuple(swap.claim.lock_no for swap in swaps)
        tells = tuple((options.counterpart, swap.money.lock_no) for swap in swaps)
        return {
            cast.supplier: SwapTasks(tuple(Step(swap.claim) for swap in swaps), watches=numbers),
            cast.bank: SwapTasks(watches=numbers, tells=tells),
        }
    bound = [swap for swap in swaps if swap.fate != UNBOUND]
    secrets = tuple((swap.secret, swap.paid()) for swap in bound if swap.fate == KEPT)
    steps = tuple(Step(swap.money, swap.claimed()) for swap in bound)
    return {
        cast.bank: SwapTasks(steps, watches=tuple(swap.money.lock_no for swap in bound)),
        cast.supplier: SwapTasks(secrets=secrets),
    }


WORKLOAD = WorkloadSpec("bridged", _prepare)
