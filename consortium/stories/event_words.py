"""What an event says to a person: the sentence that stands beside its contract as EVENT_WORDS, found by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from string import Formatter
from types import ModuleType
from typing import Any

from consortium.contracts.oversight.notice import NOTICE
from consortium.core.contract import Event
from consortium.core.discovery import modules_of, plugins
from consortium.core.words import Words
from consortium.stories.plain import is_amount, label, plain


def load_event_words() -> Mapping[str, str]:
    """By kind of event; a plug-in's own last."""
    return _found(plugins())


@cache
def _found(used: tuple[ModuleType, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for module in (*modules_of("consortium.contracts"), *used):
        found.update(getattr(module, "EVENT_WORDS", {}))
    return found


def tell_event(event: Event, words: Words) -> str:
    """One sentence. Of a kind that nobody wrote a sentence for, its fields."""
    sentence = load_event_words().get(event.kind)
    if sentence is None or not fields_of(sentence) <= event.fields.keys():
        return f"{event.kind}: {_listed(event.fields)}" if event.fields else event.kind
    told = words(sentence, **{name: _told(name, value, words) for name, value in event.fields.items()})
    more = {name: value for name, value in event.fields.items() if name not in fields_of(sentence)}
    return f"{told} ({_listed(more)})" if event.kind == NOTICE and more else told


def fields_of(sentence: str) -> set[str]:
    """Those that a sentence names."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def _told(name: str, value: Any, words: Words) -> str:
    told = plain(name, value)
    return words("{amount} yuan", amount=told) if is_amount(name) else told


def _listed(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{label(name)} {plain(name, value)}" for name, value in fields.items())
