"""The workload "lot_faults": lots made of common and of other materials, of which some packs prove no good.

Needs a bureau, pharmacies, a supplier and a regulator, which host "quality". `faulty` lots and `suspected` ones are
made of one raw material, `sound` ones of another; all on the same press. The pharmacies find a fault in each faulty
lot, and sell of the suspected and the sound ones at their counters. `pages` of 500 packs more, of a lot of their own,
lie at the supplier from the beginning.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, PHARMACY, REGULATOR, SUPPLIER
from consortium.contracts.insurance import institution, policy
from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.packs import PAGE_CODES_MAX
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks
from consortium.roles.pharmacy import Order, PharmacyTasks
from consortium.roles.purchaser import TenderAward
from consortium.roles.quality import Batch, MadeOf, QualityTasks
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO, OPENING_FEN, fund_calls
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

DRUG, PRODUCER, BIG_LOT = "drug-heparin", "maker-1", "lot-big"
FROM_DAY, TO_DAY, MADE_ON, EXPIRES_ON = 20000101, 20991231, 20240101, 20271231
PACKS, PRICE_FEN = 12, 3_000
SUSPECT, OTHER = "raw-7", "raw-8"


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    faulty: int = 2
    suspected: int = 1
    sound: int = 1
    pages: int = 0
    interval_us: int = 300_000


def institution_of(pharmacy: str) -> str:
    return f"i-{pharmacy}"


def _cast(scenario: Scenario) -> dict[str, list[str]]:
    found = {
        role: [one.name for one in scenario.members if one.role == role]
        for role in (BUREAU, PHARMACY, SUPPLIER, REGULATOR)
    }
    for role, names in found.items():
        if not names:
            raise ScenarioError(f"the workload lot_faults needs a {role!r}")
    return found


def _batch(serial: int, order_no: str, kind: str) -> Batch:
    raw = OTHER if kind == "sound" else SUSPECT
    steps = (
        MadeOf("weighing", "plant-1", f"scale-{serial}", (raw, f"aid-{serial}")),
        MadeOf("pressing", "plant-1", "press-1"),
        MadeOf("packaging", "plant-2", f"line-{serial % 2}"),
    )
    return Batch(f"lot-{order_no}", MADE_ON, EXPIRES_ON, steps)


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options, cast = read_workload_options(scenario.workload.options, Options), _cast(scenario)
    counts = {kind: getattr(options, kind) for kind in ("faulty", "suspected", "sound")}
    if min(*counts.values(), options.pages) < 0 or not 1 <= sum(counts.values()) <= 200 or options.pages > 2_000:
        raise ScenarioError("workload.options: expected 1 to 200 lots, 0 to 2000 pages, and no number below 0")
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    numbers = [f"o-{kind}-{serial:03d}" for serial, kind in enumerate(kinds)]
    pharmacies, supplier = cast[PHARMACY], cast[SUPPLIER][0]
    work: dict[str, Work] = {}
    for place, pharmacy in enumerate(pharmacies):
        mine = [(kind, no) for kind, no in zip(kinds, numbers, strict=True)][place :: len(pharmacies)]
        orders = tuple(Order(0, no, f"t-{no}", institution_of(pharmacy), PACKS) for _, no in mine)
        faulty = tuple(no for kind, no in mine if kind == "faulty")
        sells = tuple(no for kind, no in mine if kind != "faulty")
        work[pharmacy] = Work(pharmacy, (PharmacyTasks(orders), QualityTasks(faulty=faulty, sells=sells)))
    awards = tuple(_award(serial * options.interval_us, no, supplier) for serial, no in enumerate(reversed(numbers)))
    batches = tuple(_batch(*made) for made in zip(range(len(kinds)), numbers, kinds, strict=True))
    work[cast[BUREAU][0]] = Work(cast[BUREAU][0], (BureauTasks(awards),))
    work[supplier] = Work(supplier, (QualityTasks(batches),))
    watching = QualityTasks(faulty_lots_min=min(2, max(1, options.faulty)))
    work[cast[REGULATOR][0]] = Work(cast[REGULATOR][0], (watching,))
    return Prepared((*_calls(pharmacies), *_big_lot(supplier, options.pages)), work)


def _award(at_us: int, order_no: str, supplier: str) -> TenderAward:
    return TenderAward(at_us, f"t-{order_no}", DRUG, PRODUCER, supplier, PRICE_FEN, PACKS, FROM_DAY, TO_DAY)


def _calls(pharmacies: list[str]) -> tuple[GenesisCall, ...]:
    item = policy.Item(DRUG, FROM_DAY, "A", "drug", 0)
    signs = [
        institution.Sign(institution_of(one), PHARMACY, 1, one, f"licence-{one}", LICENCE_TO) for one in pharmacies
    ]
    return (
        *fund_calls(OPENING_FEN),
        genesis_call("policy", "list_items", policy.ListItems((item,))),
        *(genesis_call("institution", "sign", sign) for sign in signs),
    )


def _big_lot(supplier: str, pages: int) -> list[GenesisCall]:
    calls = []
    for page in range(pages):
        codes = tuple(f"99{page * PAGE_CODES_MAX + place:018d}" for place in range(PAGE_CODES_MAX))
        if page:
            calls.append(genesis_call("trace_code", "extend", trace_code.Extend(BIG_LOT, codes)))
        else:
            first = trace_code.Produce(BIG_LOT, DRUG, "tablet", 24, codes, f"supplier/{supplier}")
            calls.append(genesis_call("trace_code", "produce", first))
    return calls


WORKLOAD = WorkloadSpec("lot_faults", _prepare)
