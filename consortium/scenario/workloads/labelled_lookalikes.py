"""What looks like a case and is none: persons who did nothing wrong, by the law or by their circumstances.

Those of `ODD` are right although a rule's letter is against them: no rule can know, and they cost it precision.
"""

from __future__ import annotations

from collections.abc import Mapping

from consortium.contracts.insurance.lines import Line
from consortium.core.calendar import day_of_ordinal, ordinal_of_day
from consortium.core.draws import between, choose
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.labelled_cases import DRUG_FEN, HOSPITALS, Case, day_in, illness, sell
from consortium.scenario.workloads.labelled_habits import Habits
from consortium.scenario.workloads.labelled_world import (
    CODED_DRUG,
    FAR,
    FIRST,
    FROM_DAY,
    MAIN,
    NEAR,
    PHARMACY,
    SECOND,
    TO_DAY,
    TONIC,
    UNITS,
    LabelledWorld,
    period,
)


def two_departments(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Two bills of one day and amount, of two departments."""
    who, place, day = world.person(), choose(draw, HOSPITALS), day_in(draw)
    for item in ("svc-consultation", "svc-ultrasound"):
        world.visit(who, place, day, Line("svc-registration", 1, 1_000), Line(item, 1, 35_000))


def death_certificate(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A stay that ends with death, and the certificate some days later."""
    who, nights = world.person(years=75), between(draw, *habits.nights)
    first, place = day_in(draw, 30), choose(draw, HOSPITALS)
    world.stay(who, place, first, nights, illness(habits, draw))
    world.visit(who, place, first + nights + between(draw, 1, 5), Line("svc-death-certificate", 1, 5_000))
    world.changes_to(who, (period(FROM_DAY, TO_DAY),), died_on=day_of_ordinal(first + nights))


def changed_scheme(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Cover as an employee ends, and as a resident begins on that day; a stay goes on across the end of another's."""
    who, day = world.person(), day_in(draw, 30)
    world.visit(who, choose(draw, HOSPITALS), day)
    changed = day_of_ordinal(day - between(draw, 0, 3))
    world.changes_to(who, (period(FROM_DAY, changed), period(changed, TO_DAY, "resident")))
    other = world.person()
    world.stay(other, choose(draw, HOSPITALS), day, 5, illness(habits, draw))
    world.changes_to(other, (period(FROM_DAY, day_of_ordinal(day + 3)),))


def handed_over(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Discharged to another hospital on one day; and examined elsewhere for a day."""
    who, first, nights = world.person(), day_in(draw, 40), between(draw, *habits.nights)
    category = choose(draw, habits.illnesses)
    world.stay(who, MAIN, first, nights, f"{category}.1")
    world.stay(who, SECOND, first + nights, between(draw, 1, 6), f"{category}.1")
    other = world.person()
    world.stay(other, MAIN, first, 6, illness(habits, draw))
    world.stay(other, SECOND, first + 3, 0, illness(habits, draw), (Line("svc-ct-chest", 1, 60_000),))


def chemotherapy(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Cycles, some with a day between, some with two weeks."""
    who, first, place = world.person(), day_in(draw, 50), choose(draw, HOSPITALS)
    for _ in range(3):
        world.stay(who, place, first, 2, "Z51.1")
        first += 2 + choose(draw, (1, 7, 14))


def another_illness(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Soon again for something else; and for the same when the days are over."""
    who, first, nights = world.person(), day_in(draw, 50), between(draw, *habits.nights)
    one, place = habits.illnesses[0], choose(draw, HOSPITALS)
    world.stay(who, place, first, nights, f"{one}.2")
    gap = between(draw, 0, 15)
    world.stay(who, place, first + nights + gap, 3, f"{habits.illnesses[3]}.2")
    other = world.person()
    world.stay(other, place, first, nights, f"{one}.2")
    world.stay(other, place, first + nights + between(draw, *habits.far_gap_days), 3, f"{one}.2")


def travels(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Relatives fetch medicines, the suburb is near, and one can leave a hospital and be in another region at night."""
    day = day_in(draw, 30)
    sick = world.person()
    world.visit(sick, FAR, day)
    world.visit(sick, PHARMACY, day, Line("drug-statin", 1, DRUG_FEN))
    neighbour = world.person()
    world.visit(neighbour, choose(draw, HOSPITALS), day)
    world.visit(neighbour, NEAR, day)
    traveller = world.person()
    world.stay(traveller, choose(draw, HOSPITALS), day, 4, illness(habits, draw))
    world.visit(traveller, FAR, day + 4)


def one_by_one(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A drug billed unit by unit on one day; four times in a month and again in the next."""
    who, day = world.person(), day_in(draw)
    for _ in range(6):
        world.visit(who, PHARMACY, day, Line("drug-tea", 1, 900))
    other, start = world.person(), ordinal_of_day(20260203)
    for weeks in range(4):
        world.visit(other, PHARMACY, start + 6 * weeks, Line("drug-metformin", 2, DRUG_FEN))
    world.visit(other, PHARMACY, start + 27, Line("drug-metformin", 2, DRUG_FEN))


def whole_days(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A bed for the first and the last day, and nursing on each."""
    nights = between(draw, *habits.nights)
    lines = (Line("svc-bed-day", nights + 1, 9_000), Line("svc-nursing", nights + 1, 4_000))
    world.stay(world.person(), choose(draw, HOSPITALS), day_in(draw, 20), nights, illness(habits, draw), lines)


def birth(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A newborn on its mother's bill; who turns 60 this year is reviewed as of that day."""
    mother = world.person(sex="F", years=between(draw, 17, 44))
    lines = (Line("svc-delivery", 1, 300_000), Line("svc-newborn-care", 2, 20_000))
    world.stay(mother, choose(draw, HOSPITALS), day_in(draw, 10), 3, "O80.0", lines)
    old = world.person(sex="M", years=60)
    world.visit(old, choose(draw, HOSPITALS), day_in(draw), Line("svc-geriatric-review", 1, 20_000))
    world.visit(old, choose(draw, HOSPITALS), day_in(draw), Line("svc-prostate-exam", 1, 20_000))


def couple(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Two share a telephone."""
    phone = f"couple-{len(world.persons)}"
    for _ in range(2):
        world.visit(world.person(phone=phone), choose(draw, HOSPITALS), day_in(draw))


def split_packs(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A pack in units to several; and one that came back with its claim, and was sold to another."""
    code, day, left = world.pack(MAIN), day_in(draw, 10), UNITS
    while left:
        units = min(left, between(draw, 2, 4))
        left -= units
        line = Line(CODED_DRUG, units, DRUG_FEN // UNITS, (code,), True)
        world.visit(world.person(), MAIN, day, line)
    back = Line(CODED_DRUG, 1, DRUG_FEN, (world.pack(MAIN),))
    first = world.person()
    world.visit(first, MAIN, day, back)
    world.reversed.append(first.psn_no)
    world.visit(world.person(), MAIN, day + 2, back, is_late=True)


def sold_out(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A clinic sells all that it received and no more; and tea, which nobody tenders."""
    place, packs = world.clinic(), between(draw, *habits.stock)
    world.receives(place, "drug-herbal", packs)
    world.receives(place, TONIC, 5)
    sell(world, draw, place, "drug-herbal", packs)
    sell(world, draw, place, TONIC, 2)
    sell(world, draw, place, "drug-tea", 8)


def moved(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Covered in one region until a day, and in another from then on."""
    day = day_in(draw, 20)
    on = day_of_ordinal(day + 5)
    one = world.person(region="", periods=(period(FROM_DAY, on),))
    other = world.person(region="north", person=one.insured.person, periods=(period(on, TO_DAY),))
    world.visit(one, choose(draw, HOSPITALS), day)
    world.visit(other, FAR, day + 8)


def next_day_again(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A scan on two days, and on one day in two hospitals: each looked for itself."""
    who, place, day = world.person(), choose(draw, HOSPITALS), day_in(draw, 5)
    world.visit(who, place, day, Line("svc-ct-head", 1, 45_000))
    world.visit(who, place, day + 1, Line("svc-ct-head", 1, 45_000))
    other = world.person()
    for hospital in HOSPITALS:
        world.visit(other, hospital, day, Line("svc-ecg", 1, 8_000))


def severe(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """The dear group for what it is for, and a cheap group for a severe illness."""
    for group, diagnosis in (("DRG-PNEUMONIA-MAJOR", "J15.2"), ("DRG-BRONCHITIS", "J18.0"), ("DRG-INFARCT", "I21.4")):
        place, nights = choose(draw, HOSPITALS), between(draw, *habits.nights)
        world.stay(world.person(), place, day_in(draw, 20), nights, diagnosis, drg_group=group)


LOOKALIKES: Mapping[str, Case] = {
    case.__name__: case
    for case in (
        another_illness,
        birth,
        changed_scheme,
        chemotherapy,
        couple,
        death_certificate,
        handed_over,
        moved,
        next_day_again,
        one_by_one,
        severe,
        sold_out,
        split_packs,
        travels,
        two_departments,
        whole_days,
    )
}


# --- right, and against the letter ---------------------------------------------------------------------------------


def second_accident(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """The other leg, a week later: one category, nothing to do with each other."""
    who, first = world.person(), day_in(draw, 30)
    world.stay(who, MAIN, first, 4, "S82.1")
    world.stay(who, MAIN, first + 4 + between(draw, 3, 9), 4, "S82.1")


def dying(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Pain is treated as often as it comes."""
    who = world.person(years=70)
    for visit in range(6):
        world.visit(who, PHARMACY, FIRST + 28 + 4 * visit, Line("drug-morphine", 1, DRUG_FEN))


def stroke(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Scanned again in the evening, when it had become worse."""
    who, day = world.person(), day_in(draw)
    for _ in range(2):
        world.visit(who, MAIN, day, Line("svc-ct-head", 1, 45_000))


def companion(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """A child's mother has a bed, too."""
    lines = (Line("svc-bed-day", 8, 9_000), Line("svc-surgery", 1, 200_000))
    world.stay(world.person(years=5), MAIN, day_in(draw, 10), 3, illness(habits, draw), lines)


def care_home(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Everybody there gives the telephone of the home."""
    phone = f"home-{len(world.persons)}"
    for _ in range(5):
        world.visit(world.person(years=80, phone=phone), MAIN, day_in(draw))


def donated(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """More packs than were ordered: some were given."""
    place = world.clinic()
    world.receives(place, "drug-herbal", 5)
    sell(world, draw, place, "drug-herbal", 8)


def flown(world: LabelledWorld, habits: Habits, draw: Stream) -> None:
    """Seen at home in the morning and by a specialist far away in the afternoon."""
    who, day = world.person(), day_in(draw)
    world.visit(who, MAIN, day)
    world.visit(who, FAR, day)


ODD: Mapping[str, Case] = {
    case.__name__: case for case in (care_home, companion, donated, dying, flown, second_accident, stroke)
}
