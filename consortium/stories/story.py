"""What is told of one thing: a heading, tables for a person, the same as content for a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from consortium.contracts.insurance.lines import Line
from consortium.core.contract import OK, Contract, Event, Reader
from consortium.core.errors import UserError
from consortium.core.machine import Rows
from consortium.core.words import Words
from consortium.ledger.chain import Ledger
from consortium.stories.event_words import tell_event
from consortium.stories.finder import Step, Told, nothing_told
from consortium.stories.plain import moment, zone

EVENTS_TOLD = 8  # of one transaction
STEPS_TOLD = 200  # of one record


class UnknownThing(UserError):
    """There is no such thing on this ledger; the sentence names what comes near."""


class Column(NamedTuple):
    title: str
    is_number: bool = False


class Section(NamedTuple):
    """A table. Columns without titles: names and values."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[str]]


class Story(NamedTuple):
    """`content`: for programs, in English; amounts in fen, times in microseconds."""

    heading: str
    sections: tuple[Section, ...]
    content: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Read(NamedTuple):
    """An entry of a member's audit of reads: `member` keeps the record, `reader` read it."""

    member: str
    day: int
    reader: str
    handle: str
    purpose: str


class Private(NamedTuple):
    """What stands beside the ledger for who looks. `lines`: of a bill, None where they are not to be had; `reads`: of
    the audits that are there, those whose handle the predicate takes."""

    lines: Callable[[str], tuple[Line, ...] | None] = lambda bill_no: None
    reads: Callable[[Callable[[str], bool]], Sequence[Read]] = lambda is_wanted: ()


class Seen(NamedTuple):
    """Who looks at which ledger, in which language; `told` hears how far a search is."""

    ledger: Ledger
    rows: Rows
    contracts: Mapping[str, Contract]
    reader: Reader
    words: Words
    told: Told = nothing_told
    private: Private = Private()

    @property
    def offset(self) -> int:
        """Minutes ahead of UTC of the chain's calendar."""
        return self.ledger.genesis.parameters.utc_offset_minutes

    @property
    def zone(self) -> str:
        return zone(self.offset)

    def moment(self, time_us: int) -> str:
        return moment(time_us, self.offset)


class Teller(NamedTuple):
    """One kind of things. `name`: the word by which it is asked for; `what`: what its ID is."""

    name: str
    what: str
    tell: Callable[[Seen, str], Story]


def facts(title: str, rows: Sequence[tuple[str, str]]) -> Section:
    return Section(title, (Column(""), Column("")), rows)


# --- steps ----------------------------------------------------------------------------------------------------------


def step_words(step: Step, words: Words) -> str:
    """What a transaction did, or why it was refused."""
    outcome, receipt = step.outcome, step.outcome.receipt
    called = f"{outcome.contract}.{outcome.operation}"
    return _what_words(called, receipt.code, receipt.sentence, receipt.events, words)


def content_words(content: Mapping[str, Any], words: Words) -> str:
    """The same of a step's content."""
    events = [Event(each["kind"], each["fields"]) for each in content["events"]]
    return _what_words(content["operation"], content["code"], content["sentence"], events, words)


def _what_words(called: str, code: str, why: str, told_events: Sequence[Event], words: Words) -> str:
    if code != OK:
        return words("refused {call}, {code}: {why}", call=called, code=code, why=why)
    events = sorted(told_events, key=lambda event: event.kind == "movement")  # what happened, then the money
    told = [tell_event(event, words) for event in events[:EVENTS_TOLD]]
    if len(events) > EVENTS_TOLD:
        told.append(words("and {count} more", count=f"{len(events) - EVENTS_TOLD:,}"))
    return "; ".join(told) or called


def tell_steps(seen: Seen, title: str, steps: Sequence[Step]) -> Section:
    """The newest where they are many."""
    words = seen.words
    when = words("time ({zone})", zone=seen.zone)
    columns = (Column(words("block"), is_number=True), Column(when), Column(words("who")), Column(words("what")))
    rows = [
        (
            f"{step.height}/{step.number}",
            seen.moment(step.time_us),
            step.outcome.member or "genesis",
            step_words(step, words),
        )
        for step in steps[-STEPS_TOLD:]
    ]
    return Section(title, columns, rows)


def step_content(step: Step) -> dict[str, Any]:
    outcome, receipt = step.outcome, step.outcome.receipt
    return {
        "height": step.height,
        "index": step.number,
        "time_us": step.time_us,
        "transaction": receipt.transaction.hex(),
        "member": outcome.member,
        "operation": f"{outcome.contract}.{outcome.operation}",
        "code": receipt.code,
        "sentence": receipt.sentence,
        "events": [{"kind": event.kind, "fields": event.fields} for event in receipt.events],
    }
