"""The pharmacies' part of a working day: what to tender and order, and which prescription takes which packs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from consortium.contracts.medicines.procurement_records import ORDER_CODES_MAX
from consortium.roles.pharmacy import Dispensing, Order
from consortium.roles.purchaser import TenderAward
from consortium.scenario.fhir.records import Imported
from consortium.scenario.workloads.person_years import PersonYears

PRODUCER = "maker-1"
TENDER_FROM, TENDER_TO = 20000101, 20991231
TENDER_SHARE = (8, 10)  # of the catalogue price
SPOILT_PACKS, SPOILT_PREPAY_BP = 10, 5_000


class Round(NamedTuple):
    """One procurement round and what it is for. Orders and dispensings by pharmacy member."""

    awards: tuple[TenderAward, ...]
    orders: dict[str, tuple[Order, ...]]
    dispensings: dict[str, tuple[Dispensing, ...]]


def institution_of(pharmacy: str) -> str:
    """The designated institution that a pharmacy member runs."""
    return f"i-{pharmacy}"


def plan_round(
    imported: Imported, pharmacies: Sequence[str], supplier: str, duration_us: int, years: PersonYears
) -> Round:
    """Every person goes to one pharmacy; a pharmacy orders each drug at once, ORDER_CODES_MAX packs at most."""
    prices = {item.code: item.price_fen for item in imported.items}
    dispensings, volumes = _assign(imported, pharmacies, prices, duration_us, years)
    orders: dict[str, list[Order]] = {pharmacy: [] for pharmacy in pharmacies}
    tendered: dict[tuple[str, int], int] = {}
    for (pharmacy, drug, chunk), packs in sorted(volumes.items()):
        order_no, contract_no = _order_no(pharmacy, drug, chunk), _contract_no(drug, chunk)
        orders[pharmacy].append(Order(0, order_no, contract_no, institution_of(pharmacy), packs))
        tendered[drug, chunk] = tendered.get((drug, chunk), 0) + packs
    awards = []
    for serial, ((drug, chunk), packs) in enumerate(sorted(tendered.items())):
        price_fen = prices[drug] * TENDER_SHARE[0] // TENDER_SHARE[1]
        at_us = serial * (duration_us // 8) // len(tendered)
        contract_no = _contract_no(drug, chunk)
        awards.append(
            TenderAward(at_us, contract_no, drug, PRODUCER, supplier, price_fen, packs, TENDER_FROM, TENDER_TO)
        )
    return Round(
        tuple(awards),
        {pharmacy: tuple(found) for pharmacy, found in orders.items()},
        {pharmacy: tuple(found) for pharmacy, found in dispensings.items()},
    )


def _assign(
    imported: Imported, pharmacies: Sequence[str], prices: dict[str, int], duration_us: int, years: PersonYears
) -> tuple[dict[str, list[Dispensing]], dict[tuple[str, str, int], int]]:
    """Which packs of which order each prescription takes; and the packs to order by pharmacy, drug and chunk."""
    customers: dict[str, int] = {}  # persons in order of their first prescription
    volumes: dict[tuple[str, str, int], int] = {}
    chunks: dict[tuple[str, str], int] = {}
    dispensings: dict[str, list[Dispensing]] = {pharmacy: [] for pharmacy in pharmacies}
    count = max(1, len(imported.prescriptions))
    for serial, prescription in enumerate(imported.prescriptions):
        number = customers.setdefault(prescription.person, len(customers))
        pharmacy, drug = pharmacies[number % len(pharmacies)], prescription.code
        chunk = chunks.get((pharmacy, drug), 1)
        taken = volumes.get((pharmacy, drug, chunk), 0)
        if taken + prescription.packs > ORDER_CODES_MAX:
            chunk, taken = chunk + 1, 0
        chunks[pharmacy, drug] = chunk
        volumes[pharmacy, drug, chunk] = taken + prescription.packs
        code = institution_of(pharmacy)
        dispensings[pharmacy].append(
            Dispensing(
                at_us=duration_us // 4 + serial * (duration_us * 3 // 4) // count,
                fixmedins_code=code,
                bill_no=f"{code}-{prescription.prescription}",
                patient=years.bill(prescription.person, prescription.written_on),
                psn_no=years.settlement(prescription.person, prescription.written_on),
                day=prescription.written_on,
                order_no=_order_no(pharmacy, drug, chunk),
                med_list_codg=drug,
                first=taken,
                cnt=prescription.packs,
                pric=prices[drug],
                record=years.source(prescription.prescription),
            )
        )
    return dispensings, volumes


def reuse_packs(dispensings: dict[str, tuple[Dispensing, ...]], count: int) -> dict[str, tuple[Dispensing, ...]]:
    """`count` more bills on packs that were sold: by turns in the pharmacy that sold them and in another one."""
    pharmacies = sorted(dispensings)
    sold = [(pharmacy, each) for pharmacy in pharmacies for each in dispensings[pharmacy]]
    more: dict[str, list[Dispensing]] = {pharmacy: list(dispensings[pharmacy]) for pharmacy in pharmacies}
    for serial in range(min(count, len(sold))):
        seller, first = sold[(2 * serial + 1) * len(sold) // (2 * min(count, len(sold)))]
        shift = serial % 2 if len(pharmacies) > 1 else 0
        again = pharmacies[(pharmacies.index(seller) + shift) % len(pharmacies)]
        code = institution_of(again)
        more[again].append(
            Dispensing(
                at_us=first.at_us,
                fixmedins_code=code,
                bill_no=f"{code}-reuse-{serial:03d}",
                patient=first.patient,
                psn_no=first.psn_no,
                day=first.day,
                order_no=first.order_no,
                med_list_codg=first.med_list_codg,
                first=first.first,
                cnt=first.cnt,
                pric=first.pric,
                record=first.record,
                after_bill=first.bill_no,
            )
        )
    return {pharmacy: tuple(found) for pharmacy, found in more.items()}


def add_spoilt(round_: Round, count: int) -> Round:
    """`count` orders more, prepaid and no good: they are rejected, sent back and refunded. By turns of the pharmacies,
    each under a tender of its own, of drugs that are tendered anyway."""
    awards, orders = list(round_.awards), {name: list(found) for name, found in round_.orders.items()}
    pharmacies, known = sorted(orders), round_.awards
    for serial in range(count if known else 0):
        pharmacy, model = pharmacies[serial % len(pharmacies)], known[serial % len(known)]
        contract_no, order_no = f"t-spoilt-{serial:03d}", f"o-{pharmacy}-spoilt-{serial:03d}"
        changes = {"contract_no": contract_no, "volume": SPOILT_PACKS, "prepay_bp": SPOILT_PREPAY_BP}
        awards.append(replace(model, **changes))
        order = Order(0, order_no, contract_no, institution_of(pharmacy), SPOILT_PACKS, fails_inspection=True)
        orders[pharmacy].append(order)
    return round_._replace(awards=tuple(awards), orders={name: tuple(found) for name, found in orders.items()})


def forget_payments(round_: Round, count: int) -> Round:
    """The bureau pays for the orders of the first `count` tenders when it is told that they are overdue."""
    awards = (replace(award, is_forgotten=serial < count) for serial, award in enumerate(round_.awards))
    return round_._replace(awards=tuple(awards))


def _order_no(pharmacy: str, drug: str, chunk: int) -> str:
    return f"o-{pharmacy}-{drug}-{chunk}"


def _contract_no(drug: str, chunk: int) -> str:
    return f"t-{drug}-{chunk}"
