"""A part of a member's day: which roles it is for, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from consortium.core.contract import EVERY_MEMBER
from consortium.core.discovery import modules_of
from consortium.stories.finder import Step
from consortium.stories.story import Section, Seen


class Looked(NamedTuple):
    """`member`: whose day it is, of which `role`; `day` YYYYMMDD; `steps`: all transactions of that day, in order;
    `institutions`: those that it acts for, in order of their codes."""

    seen: Seen
    member: str
    role: str
    day: int
    steps: tuple[Step, ...]
    institutions: tuple[str, ...]

    @property
    def own(self) -> list[Step]:
        return [step for step in self.steps if step.outcome.member == self.member]


class Part(NamedTuple):
    """`place`: where it stands among the others. `make` gives a table; it is left out where it has no rows."""

    name: str
    place: int
    roles: frozenset[str]
    make: Callable[[Looked], Section]

    def is_for(self, role: str) -> bool:
        return role in self.roles or self.roles >= EVERY_MEMBER


def load_parts() -> list[Part]:
    """In the order in which they are told."""
    offered = (getattr(module, "PART", None) for module in modules_of("consortium.stories.days"))
    return sorted((each for each in offered if isinstance(each, Part)), key=lambda part: part.place)
