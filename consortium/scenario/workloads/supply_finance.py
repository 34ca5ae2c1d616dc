"""The workload "supply_finance": orders of a pharmacy, and what the supplier does with what it is owed for them.

Needs a bureau, a pharmacy, a supplier and a regulator, which host "factoring", and two banks. Of the orders `sold` go
to the first bank, `sold_twice` also to the second one afterwards, `dear` at a price that leaves the bank nothing,
`barred` to the second bank, which the regulator barred at the beginning; `kept` are not offered. The bureau pays when
it is told that it is late.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, PHARMACY, REGULATOR, SUPPLIER
from consortium.contracts.insurance import institution, policy
from consortium.contracts.medicines import receivable
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bank import BankTasks
from consortium.roles.bureau import BureauTasks
from consortium.roles.factoring import FactoringTasks, Sale
from consortium.roles.pharmacy import Order, PharmacyTasks
from consortium.roles.purchaser import TenderAward
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO, OPENING_FEN, fund_calls
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

DRUG, CODE, PRODUCER = "drug-insulin", "P650100", "maker-1"
FROM_DAY, TO_DAY = 20000101, 20991231
PACKS, PRICE_FEN = 20, 4_500
FAIR_BP, DEAR_BP = 9_900, 10_000  # of the face: what a bank gives, and what it does not
NEEDED = {BUREAU: 1, PHARMACY: 1, SUPPLIER: 1, REGULATOR: 1, receivable.BANK: 2}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sold: int = 2
    sold_twice: int = 1
    dear: int = 1
    barred: int = 1
    kept: int = 1
    interval_us: int = 200_000


def _cast(scenario: Scenario) -> dict[str, list[str]]:
    found = {role: [one.name for one in scenario.members if one.role == role] for role in NEEDED}
    for role, count in NEEDED.items():
        if len(found[role]) < count:
            raise ScenarioError(f"the workload supply_finance needs {count} of the role {role!r}")
    return found


def _sale(kind: str, order_no: str, banks: list[str]) -> Sale:
    first, second = banks[0], banks[1]
    return {
        "sold": Sale(order_no, first, FAIR_BP, TO_DAY),
        "sold_twice": Sale(order_no, first, FAIR_BP, TO_DAY, second),
        "dear": Sale(order_no, first, DEAR_BP, TO_DAY),
        "barred": Sale(order_no, second, FAIR_BP, TO_DAY),
    }[kind]


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options, cast = read_workload_options(scenario.workload.options, Options), _cast(scenario)
    counts = {kind: getattr(options, kind) for kind in ("sold", "sold_twice", "dear", "barred", "kept")}
    if not 1 <= sum(counts.values()) <= 1_000 or min(counts.values()) < 0:
        raise ScenarioError("workload.options: expected 1 to 1000 orders, and no number below 0")
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    numbers = [f"o-{kind.replace('_', '-')}-{serial:03d}" for serial, kind in enumerate(kinds)]
    supplier, banks = cast[SUPPLIER][0], cast[receivable.BANK]
    awards = tuple(_award(serial * options.interval_us, order_no, supplier) for serial, order_no in enumerate(numbers))
    orders = tuple(Order(0, order_no, f"t-{order_no}", CODE, PACKS) for order_no in numbers)
    sales = tuple(_sale(kind, no, banks) for kind, no in zip(kinds, numbers, strict=True) if kind != "kept")
    bars = (receivable.Bar(receivable.account_of(banks[1]), "inquiry/I-1"),) if options.barred else ()
    work = {
        cast[BUREAU][0]: Work(cast[BUREAU][0], (BureauTasks(awards),)),
        cast[PHARMACY][0]: Work(cast[PHARMACY][0], (PharmacyTasks(orders), FactoringTasks(tuple(numbers)))),
        supplier: Work(supplier, (FactoringTasks(sales=sales),)),
        cast[REGULATOR][0]: Work(cast[REGULATOR][0], (FactoringTasks(bars=bars),)),
        **{name: Work(name, (BankTasks(),)) for name in banks},
    }
    return Prepared(_calls(cast[PHARMACY][0]), work)


def _award(at_us: int, order_no: str, supplier: str) -> TenderAward:
    days = (FROM_DAY, TO_DAY)
    return TenderAward(at_us, f"t-{order_no}", DRUG, PRODUCER, supplier, PRICE_FEN, PACKS, *days, is_forgotten=True)


def _calls(pharmacy: str) -> tuple[GenesisCall, ...]:
    sign = institution.Sign(CODE, PHARMACY, 1, pharmacy, f"licence-{CODE}", LICENCE_TO)
    item = policy.Item(DRUG, FROM_DAY, "A", "drug", 0)
    return (
        *fund_calls(OPENING_FEN),
        genesis_call("policy", "list_items", policy.ListItems((item,))),
        genesis_call("institution", "sign", sign),
    )


WORKLOAD = WorkloadSpec("supply_finance", _prepare)
