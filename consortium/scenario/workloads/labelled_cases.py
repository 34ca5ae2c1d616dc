"""Cases of a labelled set: for each rule somebody who breaks it, and the label that says so.

Each takes the world, the habits of its people and a stream of its own. Nobody here asks a rule anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consortium.contracts.insurance.lines import Line
from consortium.core.calendar import day_of_ordinal
from consortium.core.draws import between, chance, choose
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.labelled_habits import Habits
from consortium.scenario.workloads.labelled_world import (
    CODED_DRUG,
    FAR,
    FIRST,
    FROM_DAY,
    LAST,
    MAIN,
    PHARMACY,
    SECOND,
    TO_DAY,
    TONIC,
    LabelledWorld,
    Someone,
    period,
)

Case = Callable[[LabelledWorld, Habits, Stream], None]
HOSPITALS = (MAIN, SECOND)
DRUG_FEN = 4_000


def day_in(draw: Stream, room: int = 0) -> int:
    """A day of service, with so many days of the quarter behind it."""
    return between(draw, FIRST, LAST - room)


def illness(habits: Habits, draw: Stream) -> str:
    return f"{choose(draw, habits.illnesses)}.{between(draw, 0, 8)}"


def bill_of(number: str) -> str:
    return f"bill/{number}"


def same_bill(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, place, day = world.person(), choose(draw, HOSPITALS), day_in(draw)
    line = Line("svc-infusion", 1, 50_000 + draw.below(20_000))
    first = world.visit(who, place, day, line)
    again = world.visit(who, place, day, line, bill_no=_typed(first, choose(draw, habits.typed)))
    world.label("same_bill", bill_of(first), bill_of(again))


def _typed(number: str, way: str) -> str:
    place, _, serial = number.partition("-")
    like = ("0", "o") if "0" in serial else ("1", "l")
    return {
        "letter": f"{place}-{serial.replace(*like, 1)}",
        "point": f"{place}-{serial[:3]}.{serial[3:]}",
        "zero": f"{place}-0{serial}",
        "underscore": f"{place}-{serial[:2]}_{serial[2:]}",
    }[way]


def after_death(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, day = world.person(years=70), day_in(draw)
    number = world.visit(who, choose(draw, HOSPITALS), max(day, FIRST + 41))
    late = between(draw, *habits.late_days)
    world.changes_to(who, (period(FROM_DAY, TO_DAY),), died_on=day_of_ordinal(max(day, FIRST + 41) - late))
    world.label("after_death", bill_of(number))


def after_lapse(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, day = world.person(), max(day_in(draw), FIRST + 41)
    number = world.visit(who, choose(draw, HOSPITALS), day)
    lapsed_on = day_of_ordinal(day - between(draw, *habits.late_days))
    world.changes_to(who, (period(FROM_DAY, lapsed_on),))
    world.label("after_lapse", bill_of(number))


def overlapping_stays(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, first = world.person(), day_in(draw, 30)
    nights = max(2, between(draw, *habits.nights))
    one = world.stay(who, MAIN, first, nights, illness(habits, draw))
    later = between(draw, 0, nights - 1)
    other = world.stay(who, SECOND, first + later, between(draw, 1, 6), illness(habits, draw))
    world.label("overlapping_stays", bill_of(one), bill_of(other))


def readmission(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, first, nights = world.person(), day_in(draw, 50), between(draw, *habits.nights)
    category = choose(draw, habits.illnesses)
    place = choose(draw, HOSPITALS)
    one = world.stay(who, place, first, nights, f"{category}.1")
    again = first + nights + between(draw, *habits.gap_days)
    other = world.stay(who, choose(draw, HOSPITALS), again, between(draw, *habits.nights), f"{category}.9")
    world.label("readmission", bill_of(one), bill_of(other))
    if world.is_unknown():
        world.forget(other)


def split_stays(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, first, nights = world.person(), day_in(draw, 40), between(draw, *habits.nights)
    category, place = choose(draw, habits.illnesses), choose(draw, HOSPITALS)
    one = world.stay(who, place, first, nights, f"{category}.0")
    again = first + nights + between(draw, 0, 1)
    other = world.stay(who, place, again, between(draw, *habits.nights), f"{category}.0")
    world.label("split_stays", bill_of(one), bill_of(other))
    if world.is_unknown():
        world.forget(one)


def far_apart(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who = world.person()
    if chance(draw, 50):
        day = day_in(draw)
        other = world.visit(who, choose(draw, HOSPITALS), day)
    else:
        first, nights = day_in(draw, 30), max(3, between(draw, *habits.nights))
        other = world.stay(who, choose(draw, HOSPITALS), first, nights, illness(habits, draw))
        day = first + between(draw, 1, nights - 1)
    number = world.visit(who, FAR, day)
    world.label("far_apart", bill_of(number), bill_of(other))


def drug_frequency(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, times = world.person(), between(draw, *habits.times)
    days = _days_of_february(draw, times)
    if chance(draw, 50):
        numbers = [world.visit(who, PHARMACY, day, Line("drug-metformin", 2, DRUG_FEN)) for day in days]
    else:
        codes = [world.pack(PHARMACY) for _ in days]
        lines = [Line(CODED_DRUG, 1, DRUG_FEN, (code,)) for code in codes]
        numbers = [world.visit(who, PHARMACY, day, line) for day, line in zip(days, lines, strict=True)]
    world.label("drug_frequency", *map(bill_of, numbers))


def _days_of_february(draw: Stream, count: int) -> list[int]:
    """Different days, in order."""
    days = list(range(FIRST + 27, FIRST + 55))
    return sorted(days.pop(draw.below(len(days))) for _ in range(count))


def quantity_over_days(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, nights = world.person(), between(draw, *habits.nights)
    item = choose(draw, ("svc-bed-day", "svc-nursing"))
    charged = nights + 1 + between(draw, *habits.extra)
    lines = (Line(item, charged, 12_000), Line("svc-surgery", 1, 500_000))
    number = world.stay(who, choose(draw, HOSPITALS), day_in(draw, 20), nights, illness(habits, draw), lines)
    world.label("quantity_over_days", bill_of(number))
    if world.is_unknown():
        world.forget(number)


def sex_age(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    sex, years, item = choose(
        draw,
        (
            ("M", 40, "svc-cervical-smear"),
            ("M", 30, "svc-delivery"),
            ("F", 66, "svc-prostate-exam"),
            ("F", 35, "svc-geriatric-review"),
            ("F", 70, "svc-delivery"),
            ("M", 50, "svc-newborn-care"),
        ),
    )
    who = world.person(sex=sex, years=years)
    number = world.visit(who, choose(draw, HOSPITALS), day_in(draw), Line(item, 1, 60_000 + draw.below(9_000)))
    world.label("sex_age", bill_of(number))
    if world.is_unknown():
        world.forget_person(who)


def shared_phone(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    phone = f"shared-{len(world.persons)}"
    persons = [world.person(phone=phone) for _ in range(between(draw, *habits.sharing))]
    for who in persons:
        world.visit(who, choose(draw, HOSPITALS), day_in(draw))
    world.label("shared_phone", *(f"person/{who.psn_no}" for who in persons))


def trace_code_reuse(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """The second claim is refused; what is found is the pack, and the claim that was accepted."""
    code, day = world.pack(MAIN), day_in(draw, 2)
    line = Line(CODED_DRUG, 1, DRUG_FEN, (code,))
    first = world.visit(world.person(), MAIN, day, line)
    world.visit(world.person(), MAIN, day + 1, line, is_late=True)
    world.label("trace_code_reuse", bill_of(first), f"code/{code}")


def above_stock(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    place, packs = world.clinic(), between(draw, *habits.stock)
    world.receives(place, "drug-herbal", packs)
    numbers = sell(world, draw, place, "drug-herbal", packs + between(draw, *habits.extra))
    world.label("above_stock", f"stock/{place}/drug-herbal", bill_of(numbers[-1]))
    if world.is_unknown():
        world.forget(*numbers)


def swapped_items(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Which is above the stock of what stands on the bills, too."""
    place, packs = world.clinic(), between(draw, *habits.stock)
    swapped = between(draw, *habits.extra)
    world.receives(place, "drug-herbal", packs)
    world.receives(place, TONIC, swapped + 3)
    numbers = sell(world, draw, place, "drug-herbal", packs + swapped)
    sell(world, draw, place, TONIC, 3)
    world.label("swapped_items", f"stock/{place}/drug-herbal", f"stock/{place}/{TONIC}")
    world.label("above_stock", f"stock/{place}/drug-herbal", bill_of(numbers[-1]))


def sell(world: LabelledWorld, draw: Stream, place: str, item: str, packs: int) -> list[str]:
    """On bills of several persons, in order of days."""
    numbers, day = [], FIRST + draw.below(20)
    while packs:
        count = min(packs, between(draw, 1, 5))
        packs -= count
        numbers.append(world.visit(world.person(), place, day, Line(item, count, 6_000)))
        day += 1 + draw.below(2)
    return numbers


def two_regions(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    one = world.person(region="")
    other = world.person(region="north", person=one.insured.person, periods=(period(20260115, TO_DAY),))
    day = day_in(draw, 40)
    world.visit(one, choose(draw, HOSPITALS), day)
    world.visit(other, FAR, max(day, FIRST + 20) + between(draw, 3, 20))
    world.label("two_regions", *sorted(_persons(one, other)))
    if world.is_unknown():
        world.persons = [pair for pair in world.persons if pair[0] is not other]


def _persons(*persons: Someone) -> list[str]:
    return [f"person/{who.psn_no}" for who in persons]


def repeat_charging(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    who, place, day = world.person(), choose(draw, HOSPITALS), day_in(draw)
    if chance(draw, 60):
        item = choose(draw, ("svc-ct-head", "svc-blood-count", "svc-ecg"))
        numbers = [world.visit(who, place, day, Line(item, 1, 45_000), *more) for more in ((), (_consultation(draw),))]
    else:
        whole = Line("svc-appendectomy", 1, 350_000)
        part = Line(choose(draw, ("svc-suture", "svc-incision")), 1, 30_000)
        numbers = [
            world.stay(who, place, min(day, LAST - 15), 4, "K35.8", (Line("svc-bed-day", 5, 9_000), whole, part))
        ]
    world.label("repeat_charging", *map(bill_of, numbers))
    if world.is_unknown():
        world.forget(numbers[-1])


def _consultation(draw: Stream) -> Line:
    return Line("svc-consultation", 1, 20_000 + draw.below(5_000))


def upcoding(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    group, diagnosis = choose(
        draw, (("DRG-PNEUMONIA-MAJOR", "J20.9"), ("DRG-PNEUMONIA-MAJOR", "J40"), ("DRG-INFARCT", "I20.0"))
    )
    who, nights = world.person(), between(draw, *habits.nights)
    number = world.stay(who, choose(draw, HOSPITALS), day_in(draw, 20), nights, diagnosis, drg_group=group)
    world.label("upcoding", bill_of(number))
    if world.is_unknown():
        world.forget(number)


CASES: Mapping[str, Case] = {
    case.__name__: case
    for case in (
        above_stock,
        after_death,
        after_lapse,
        drug_frequency,
        far_apart,
        overlapping_stays,
        quantity_over_days,
        readmission,
        repeat_charging,
        same_bill,
        sex_age,
        shared_phone,
        split_stays,
        swapped_items,
        trace_code_reuse,
        two_regions,
        upcoding,
    )
}
