"""The life of a record of any table that a contract tells by a word: what it is, how it came, what may come next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consortium.stories.finder import Step, find
from consortium.stories.lookup import Record, about, get_record
from consortium.stories.next_moves import Next, due_of, moves_of, next_content, tell_next
from consortium.stories.plain import builtins, flat, readable
from consortium.stories.story import Section, Seen, Story, facts, step_content, tell_steps


def tell_record(seen: Seen, word: str, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record = get_record(seen, word, identity)
    steps = steps_about(seen, record)
    moves = [*moves_of(seen, record.table, record.value), *due_of(seen, record.key)]
    heading = seen.words(
        "{word} {key}, as of block {height}", word=word, key=record.key, height=seen.ledger.head_height
    )
    return Story(heading, with_life(seen, [tell_fields(seen, record)], moves, steps), content_of(record, moves, steps))


def steps_about(seen: Seen, record: Record, *more: str) -> list[Step]:
    """The transactions that name the record; `more`: further spellings under which its bytes may stand."""
    return list(find(seen.ledger, seen.rows, (record.key, *more), about(record), seen.told))


def merged(steps: Sequence[Step], more: Sequence[Step]) -> list[Step]:
    """Both in the order of the ledger, each once."""
    return [step for _, step in sorted({(each.height, each.number): each for each in (*steps, *more)}.items())]


def tell_fields(seen: Seen, record: Record) -> Section:
    return facts(seen.words("on the ledger (amounts in yuan)"), list(flat(builtins(record.value))))


def with_life(seen: Seen, sections: list[Section], moves: list[Next], steps: Sequence[Step]) -> tuple[Section, ...]:
    """What there is to tell of a record, then its steps, then what may come next."""
    if steps:
        sections.append(tell_steps(seen, seen.words("what happened"), steps))
    if moves:
        sections.append(tell_next(seen.words, moves))
    return tuple(sections)


def content_of(record: Record, moves: list[Next], steps: Sequence[Step]) -> dict[str, Any]:
    return {
        "kind": record.word,
        "id": record.key,
        "record": readable(builtins(record.value)),
        "next": next_content(moves),
        "steps": [step_content(step) for step in steps],
    }
