"""A person's series of a vaccine, "pseudonym/vaccine": each dose with its lot, what came after it, when the next is
due."""

from __future__ import annotations

from consortium.contracts.medicines.vaccination_records import DOSES, GIVEN, REACTIONS, Dose, Series
from consortium.core.contract import StateReader
from consortium.stories.finder import find
from consortium.stories.lookup import about, get_record, rows_of
from consortium.stories.plain import builtins, day, readable
from consortium.stories.record import content_of, merged, with_life
from consortium.stories.story import Column, Section, Seen, Story, Teller, facts


def tell_vaccination(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record, words, state = get_record(seen, "vaccination", identity), seen.words, seen.ledger.reader
    series: Series = record.value
    vaccine = record.key.partition("/")[2]
    doses = find_doses(state, series)
    rows = [
        (words("doses"), str(series.doses)),
        (words("last dose on"), day(series.last_day)),
        (words("next dose due on"), day(series.due_on) if series.due_on else "-"),
    ]
    sections = [facts(words("on the ledger"), rows), _tell_doses(seen, doses)]
    steps = list(find(seen.ledger, seen.rows, [number for number, _ in doses], about(record), seen.told))
    for number, _ in doses:
        dose = get_record(seen, "dose", number)
        steps = merged(steps, list(find(seen.ledger, seen.rows, (number,), about(dose), seen.told)))
    content = content_of(record, [], steps)
    content |= {"doses": [{"dose_no": number} | readable(builtins(one)) for number, one in doses]}
    heading = words(
        "{doses} doses of {vaccine}, as of block {height}",
        doses=series.doses,
        vaccine=vaccine,
        height=seen.ledger.head_height,
    )
    return Story(heading, with_life(seen, sections, [], steps), content)


def find_doses(state: StateReader, series: Series) -> list[tuple[str, Dose]]:
    """Those that were given, the first of them first."""
    found, number = list[tuple[str, Dose]](), series.last_dose
    while number:
        dose = state.get(DOSES, number)
        if dose is None or dose.stage != GIVEN:
            break
        found.append((number, dose))
        number = dose.before
    return found[::-1]


def _tell_doses(seen: Seen, doses: list[tuple[str, Dose]]) -> Section:
    words = seen.words
    columns = (
        Column(words("dose")),
        Column(words("day")),
        Column(words("lot")),
        Column(words("by")),
        Column(words("what came after it")),
    )
    told = []
    for number, one in doses:
        after = rows_of(seen.ledger.reader, REACTIONS, f"{number}/")
        kinds = ", ".join(key.rpartition("/")[2] + (" !" if row.is_serious else "") for key, row in after)
        told.append((number, day(one.day), one.lot_no, one.fixmedins_code, kinds or "-"))
    return Section(words("doses"), columns, told)


TELLER = Teller("vaccination", "a pseudonym of vaccinations, / and the vaccine", tell_vaccination)
