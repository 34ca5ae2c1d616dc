"""What a region's pharmacies buy and dispense in a year: a round of tenders each quarter, some lots that are no good,
and what the supplier sells to a bank."""

from __future__ import annotations

from typing import NamedTuple

from consortium.roles.factoring import FactoringTasks, Sale
from consortium.roles.pharmacy import Dispensing, Order, PharmacyTasks
from consortium.roles.purchaser import TenderAward
from consortium.roles.quality import Batch, MadeOf, QualityTasks
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.region_calendar import Calendar
from consortium.scenario.workloads.region_people import CHRONIC_SHARE, DRUGS, Institution, Person, Region

QUARTERS, QUARTER_DAYS = 4, 91
FIRST_DAY = 20  # of a quarter, on which something can be dispensed
PRICES_FEN = (2_400, 7_800, 3_100)
PRODUCER, FROM_DAY, TO_DAY = "maker-1", 20000101, 20991231
SPARE_PACKS, LOT_PACKS, FAIR_BP = 2, 6, 9_900


class Goods(NamedTuple):
    """Tasks by member, and the bureau's awards."""

    awards: tuple[TenderAward, ...]
    pharmacies: dict[str, PharmacyTasks]
    buyers: dict[str, FactoringTasks]
    sales: tuple[Sale, ...]
    lots: dict[str, QualityTasks]
    batches: tuple[Batch, ...]


def plan_goods(stream: Stream, region: Region, calendar: Calendar, supplier: str, bank: str) -> Goods:
    """A person with a long illness takes a pack a month at the pharmacy nearest to it. Every third order is paid
    for too late, and every sixth sold to the bank before. Each pharmacy buys one lot apart, of which the first two are
    no good."""
    chronic = region.persons[::CHRONIC_SHARE]
    awards: list[TenderAward] = []
    pharmacies, buyers, lots = {}, {}, {}
    sales: list[Sale] = []
    batches: list[Batch] = []
    for at, pharmacy in enumerate(region.pharmacies):
        mine = [one for number, one in enumerate(chronic) if number % len(region.pharmacies) == at]
        orders, dispensings = _year_of(stream, calendar, pharmacy, mine)
        confirmed = tuple(order.order_no for order in orders[2::6])
        lot, batch = _lot_of(calendar, at, pharmacy)
        for number, order in enumerate((*orders, lot)):
            is_late = number % 3 == 2  # the bureau pays those when it is told that they are overdue
            awards.append(_award(calendar, order, supplier, is_late=is_late and order is not lot))
        batches.append(batch)
        pharmacies[pharmacy.member] = PharmacyTasks((*orders, lot), tuple(dispensings))
        buyers[pharmacy.member] = FactoringTasks(confirmed)
        sales += [Sale(order_no, bank, FAIR_BP, TO_DAY) for order_no in confirmed]
        is_faulty = at < 2
        lots[pharmacy.member] = QualityTasks(
            faulty=(lot.order_no,) if is_faulty else (), sells=() if is_faulty else (lot.order_no,)
        )
    return Goods(tuple(awards), pharmacies, buyers, tuple(sales), lots, tuple(batches))


def _year_of(
    stream: Stream, calendar: Calendar, pharmacy: Institution, persons: list[Person]
) -> tuple[list[Order], list[Dispensing]]:
    orders, dispensings = [], []
    for quarter in range(QUARTERS):
        for number, drug in enumerate(DRUGS):
            takers = [one for one in persons if one.number // CHRONIC_SHARE % len(DRUGS) == number]
            if not takers:
                continue
            order_no = f"o-{pharmacy.code}-{quarter + 1}-{drug}"
            at_us = calendar.jump_us(quarter * QUARTER_DAYS // 7)
            packs = min(200, 3 * len(takers) + SPARE_PACKS)
            orders.append(Order(at_us, order_no, f"t-{order_no}", pharmacy.code, packs))
            wanted = [(month, one) for month in range(3) for one in takers][: packs - SPARE_PACKS]
            for first, (month, one) in enumerate(wanted):
                place = quarter * QUARTER_DAYS + FIRST_DAY + 24 * month + stream.below(20)
                bill_no = f"{pharmacy.code}-{quarter + 1}-{number}-{first:04d}"
                taken = (one.patient, one.psn_no, calendar.day(place), order_no, drug, first, 1, PRICES_FEN[number])
                at_us = calendar.billed_us(place, stream.below(1_000_000))
                dispensings.append(Dispensing(at_us, pharmacy.code, bill_no, *taken))
    return orders, dispensings


def _lot_of(calendar: Calendar, at: int, pharmacy: Institution) -> tuple[Order, Batch]:
    """Bought in the second quarter. The first three lots are of one raw material."""
    order_no = f"o-{pharmacy.code}-lot"
    order = Order(calendar.jump_us(16), order_no, f"t-{order_no}", pharmacy.code, LOT_PACKS)
    steps = (
        MadeOf("weighing", "plant-1", f"scale-{at}", ("raw-7" if at < 3 else "raw-8",)),
        MadeOf("pressing", "plant-1", "press-1"),
        MadeOf("packaging", "plant-2", f"line-{at % 2}"),
    )
    return order, Batch(f"lot-{order_no}", calendar.day(0), TO_DAY, steps)


def _award(calendar: Calendar, order: Order, supplier: str, *, is_late: bool) -> TenderAward:
    """A little more is tendered than is ordered."""
    drug = order.order_no.partition("-drug-")[2]
    place = next((at for at, name in enumerate(DRUGS) if name == f"drug-{drug}"), 0)
    volume = order.cnt * 5 // 4
    return TenderAward(
        order.at_us,
        order.contract_no,
        DRUGS[place],
        PRODUCER,
        supplier,
        PRICES_FEN[place] * 8 // 10,
        volume,
        FROM_DAY,
        TO_DAY,
        is_forgotten=is_late,
    )
