"""An organisation's day: where it may act, what was settled and paid, what is due, what it did. Parts are found by
name in `stories/days/`, a file each, and shown to the roles that they name.
"""

from __future__ import annotations

from typing import Any

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.checks import check_day
from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.core.calendar import compute_day
from consortium.core.contract import NOT_YOURS, Refused
from consortium.core.header import decode_header
from consortium.core.words import ENGLISH
from consortium.ledger.rows import height_key
from consortium.stories.days.part import Looked, Part, load_parts
from consortium.stories.finder import Step, first_height, steps_of
from consortium.stories.lookup import LAST
from consortium.stories.plain import day
from consortium.stories.story import Seen, Story, Teller, UnknownThing


def tell_day(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged; Refused (not-yours) where somebody else than the member or a supervisor looks."""
    words = seen.words
    name, _, text = identity.partition("/")
    epoch = seen.ledger.epochs.at(seen.ledger.head_height + 1)
    member = epoch.by_name.get(name)
    if member is None:
        names = ", ".join(each.name for each in epoch.members)
        raise UnknownThing(words("there is no member {id}; members are {names}", id=name, names=names))
    if seen.reader.member != name and seen.reader.role not in SUPERVISORS:
        raise Refused(NOT_YOURS, f"{seen.reader.member} has no such record")
    on = _day(seen, text)
    mine = tuple(code for code, each in seen.ledger.reader.range(INSTITUTIONS, "", LAST) if each.member == name)
    looked = Looked(seen, name, member.role, on, tuple(_steps_on(seen, on)), mine)
    parts = [part for part in load_parts() if part.is_for(member.role)]
    shown = tuple(section for part in parts if (section := part.make(looked)).rows)
    heading = words(
        "{name} ({role}) on {day}: {count} transactions of its own, as of block {height}",
        name=name,
        role=member.role,
        day=day(on),
        count=len(looked.own),
        height=seen.ledger.head_height,
    )
    content: dict[str, Any] = {
        "kind": "day",
        "id": f"{name}/{on}",
        "role": member.role,
        "parts": _content(looked, parts),
    }
    return Story(heading, shown, content)


def _content(looked: Looked, parts: list[Part]) -> dict[str, list[list[str]]]:
    """The rows of each part by its name, in English."""
    english = looked._replace(seen=looked.seen._replace(words=ENGLISH))
    made = {part.name: part.make(english).rows for part in parts}
    return {name: [list(row) for row in rows] for name, rows in made.items() if rows}


def _day(seen: Seen, text: str) -> int:
    """Today in the chain's calendar, where none is named."""
    if not text:
        return seen.reader.day
    digits = text.replace("-", "")
    try:
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) == 8 else 0
        check_day(value, "day")
    except Refused:
        raise UnknownThing(seen.words("{text} is no day: expected MEMBER/2026-05-01", text=text)) from None
    return value


def _steps_on(seen: Seen, on: int) -> list[Step]:
    """From the newest block of that day back to its first."""
    found: list[list[Step]] = []
    for height in range(seen.ledger.head_height, max(first_height(seen.ledger), 1) - 1, -1):
        data = seen.rows.get("block", height_key(height))
        if data is None:
            break
        its = compute_day(decode_header(data).time_us, seen.offset)
        if its < on:
            break
        if its == on:
            seen.told(seen.ledger.head_height - height, seen.ledger.head_height)
            found.append(steps_of(seen.ledger, height))
    return [step for steps in reversed(found) for step in steps]


TELLER = Teller("day", "a member, or MEMBER/DAY", tell_day)
