"""A transaction: who said what, what came of it, and where its proof can be had."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.stories.block import height_of, seal_over
from consortium.stories.event_words import tell_event
from consortium.stories.finder import Step, find_transaction, steps_of
from consortium.stories.plain import flat, readable
from consortium.stories.story import Section, Seen, Story, Teller, UnknownThing, facts, step_content

DIGITS_MIN = 8  # of an id that is not told whole
DIGITS = 64


def tell_transaction(seen: Seen, identity: str) -> Story:
    """By HEIGHT/INDEX, or by its id or the first digits of it. Raises UnknownThing, Damaged."""
    words = seen.words
    step = _at(seen, identity) if "/" in identity else _by_id(seen, identity)
    outcome, receipt = step.outcome, step.outcome.receipt
    place = f"{step.height}/{step.number}"
    called = f"{outcome.contract}.{outcome.operation}"
    heading = words(
        "transaction {place}: {member} said {call}", place=place, member=outcome.member or "genesis", call=called
    )
    seal, by = seal_over(seen, step.height)
    rows = [
        (words("id"), receipt.transaction.hex()),
        (
            words("executed"),
            words(
                "in block {height}, {time} {zone}",
                height=step.height,
                time=seen.moment(step.time_us),
                zone=seen.zone,
            ),
        ),
        (words("number"), str(outcome.number)),
        (words("receipt"), "ok" if receipt.is_ok else f"{receipt.code}: {receipt.sentence}"),
        (words("sealed"), words("by block {height}", height=seal) if by else words("not yet")),
    ]
    arguments = msgspec.msgpack.decode(outcome.arguments) if outcome.arguments else None
    sections = [facts("", rows)]
    told = list(flat(arguments))
    if told:
        sections.append(facts(words("arguments (amounts in yuan)"), told))
    if receipt.events:
        events = [(event.kind, tell_event(event, words)) for event in receipt.events]
        sections.append(Section(words("events"), facts("", ()).columns, events))
    content: dict[str, Any] = {"kind": "transaction", "id": receipt.transaction.hex(), "arguments": readable(arguments)}
    return Story(
        heading, tuple(sections), content | step_content(step) | {"sealed_height": seal}, (_proof(seen, place, by),)
    )


def _proof(seen: Seen, place: str, sealed_by: list[str]) -> str:
    words = seen.words
    if not sealed_by:
        return words("it can be proven once a seal stands over it")
    return words(
        "its proofs: consortium prove RUN receipt {place}; consortium prove RUN transaction {place}", place=place
    )


def _at(seen: Seen, identity: str) -> Step:
    height_text, _, index_text = identity.partition("/")
    steps = steps_of(seen.ledger, height_of(seen, height_text))
    if not (index_text.isascii() and index_text.isdigit() and int(index_text[:9]) < len(steps)):
        said = seen.words("block {height} has no transaction {index}", height=height_text, index=index_text)
        raise UnknownThing(seen.words("{said}; it has {count}, counted from 0", said=said, count=len(steps)))
    return steps[int(index_text)]


def _by_id(seen: Seen, identity: str) -> Step:
    words, digits = seen.words, identity.lower()
    if not DIGITS_MIN <= len(digits) <= DIGITS or any(digit not in "0123456789abcdef" for digit in digits):
        raise UnknownThing(
            words(
                "{id} is no transaction: expected HEIGHT/INDEX, or {min} to 64 digits of its id",
                id=identity,
                min=DIGITS_MIN,
            )
        )
    whole = bytes.fromhex(digits[: len(digits) // 2 * 2])
    found = [
        (height, index)
        for height, index, receipt in find_transaction(seen.ledger, seen.rows, whole, seen.told)
        if receipt.transaction.hex().startswith(digits)
    ]
    if not found:
        raise UnknownThing(words("there is no transaction {id} on this ledger", id=identity))
    if len(found) > 1:
        raise UnknownThing(
            words("{count} transactions begin with {id}: give more digits", count=len(found), id=identity)
        )
    height, index = found[0]
    return steps_of(seen.ledger, height)[index]


TELLER = Teller("transaction", "HEIGHT/INDEX, or digits of its id", tell_transaction)
