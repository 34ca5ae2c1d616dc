"""The workload "recall": a lot of many packs goes from its producer to many institutions, some are sold, and it is
recalled.

Needs pharmacies and a supplier, which host "errands". The lot has `pages` of 500 packs, all at the supplier at first.
It hands them on, 200 at once, to `institutions` one after the other, and keeps what `kept` calls would have handed on.
Each institution sells `sold` packs at its counter. When all is handed on the supplier recalls the lot, not before
`recalled_at_us`.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, PHARMACY, SUPPLIER
from consortium.contracts.insurance import institution, policy
from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.packs import PAGE_CODES_MAX, SALE_CODES_MAX
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.errands import Errand, ErrandTasks, errand
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO, OPENING_FEN, fund_calls
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

LOT, DRUG, FROM_DAY, UNITS = "lot-r-1", "drug-valsartan", 20000101, 28


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pages: int = 2
    institutions: int = 4
    kept: int = 1
    sold: int = 2
    sold_at_us: int = 4_000_000
    recalled_at_us: int = 6_000_000


def institution_code(number: int) -> str:
    return f"P{650_000 + number}"


def trace_codes(count: int) -> list[str]:
    return [f"77{number:018d}" for number in range(count)]


def handed(options: Options) -> list[tuple[str, tuple[str, ...]]]:
    """To which institution which packs go, call by call."""
    codes = trace_codes(options.pages * PAGE_CODES_MAX)
    parts = [tuple(codes[first : first + SALE_CODES_MAX]) for first in range(0, len(codes), SALE_CODES_MAX)]
    going = parts[: max(0, len(parts) - options.kept)]
    return [(institution_code(place % options.institutions), part) for place, part in enumerate(going)]


def _calls(options: Options, pharmacies: list[str], supplier: str) -> list[GenesisCall]:
    calls = [
        *fund_calls(OPENING_FEN),
        genesis_call("policy", "list_items", policy.ListItems((policy.Item(DRUG, FROM_DAY, "A", "drug", 0),))),
    ]
    for number in range(options.institutions):
        code, member = institution_code(number), pharmacies[number % len(pharmacies)]
        sign = institution.Sign(code, PHARMACY, 1, member, f"licence-{code}", LICENCE_TO)
        calls.append(genesis_call("institution", "sign", sign))
    codes = trace_codes(options.pages * PAGE_CODES_MAX)
    for first in range(0, len(codes), PAGE_CODES_MAX):
        page = tuple(codes[first : first + PAGE_CODES_MAX])
        if first:
            calls.append(genesis_call("trace_code", "extend", trace_code.Extend(LOT, page)))
        else:
            made = trace_code.Produce(LOT, DRUG, "tablet", UNITS, page, f"supplier/{supplier}")
            calls.append(genesis_call("trace_code", "produce", made))
    return calls


def _sales(options: Options, mine: list[str]) -> tuple[Errand, ...]:
    """Of the first packs that each institution got."""
    first = dict(reversed(handed(options)))
    sales = [
        trace_code.Sell(code, pack, f"till-{pack}", 0) for code in mine for pack in first.get(code, ())[: options.sold]
    ]
    return tuple(errand(options.sold_at_us, "trace_code", "sell", sale) for sale in sales)


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    pharmacies, supplier = playing(scenario, PHARMACY, "recall"), playing(scenario, SUPPLIER, "recall")[0]
    playing(scenario, BUREAU, "recall")
    bounds = (
        (options.pages, 1, 2_000),
        (options.institutions, 1, 1_000),
        (options.kept, 0, 10**5),
        (options.sold, 0, 200),
    )
    if not all(low <= value <= high for value, low, high in bounds):
        raise ScenarioError("the workload recall has 1 to 2000 pages, 1 to 1000 institutions, 0 to 200 sold at each")
    own = f"supplier/{supplier}"
    hands = [trace_code.Transfer(own, f"institution/{code}", codes) for code, codes in handed(options)]
    errands = [errand(0, "trace_code", "transfer", one) for one in hands]
    errands.append(errand(options.recalled_at_us, "trace_code", "recall", trace_code.Recall(LOT, "contamination")))
    work = {one.name: Work(one.name) for one in scenario.members}
    work[supplier] = Work(supplier, (ErrandTasks(tuple(errands)),))
    for place, pharmacy in enumerate(pharmacies):
        mine = [institution_code(number) for number in range(place, options.institutions, len(pharmacies))]
        work[pharmacy] = Work(pharmacy, (ErrandTasks(_sales(options, mine)),))
    return Prepared(tuple(_calls(options, pharmacies, supplier)), work)


WORKLOAD = WorkloadSpec("recall", _prepare)
