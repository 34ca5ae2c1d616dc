"""What a room offers, found by name: each module of the room's package, or of a folder in it, may hold one value.

A list by hand beside this would be a second place for one fact; there is none.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


@cache
def modules_of(package: str) -> tuple[ModuleType, ...]:
    """Every module and folder of the package, in order of its dotted name; a folder comes before what lies in it.
    Looked for once: every host asks."""
    found: list[ModuleType] = []
    for entry in sorted(iter_modules(import_module(package).__path__), key=lambda entry: entry.name):
        name = f"{package}.{entry.name}"
        found.append(import_module(name))
        if entry.ispkg:
            found.extend(modules_of(name))
    return tuple(found)


def offered(package: str, word: str, kind: type[T]) -> list[tuple[str, T]]:
    """The values called `word` of this kind, each with the last part of its module's name. A value that a module only
    imports from another counts once, where it was found first."""
    values: list[tuple[str, T]] = []
    for module in modules_of(package):
        value = getattr(module, word, None)
        if value is not None and isinstance(value, kind) and all(value is not other for _, other in values):
            values.append((module.__name__.rpartition(".")[2], value))
    return values


def offered_by_name(package: str, word: str, kind: type[T]) -> dict[str, T]:
    """The same by each value's own `name`, in order of name. Asserts that no two share one."""
    found: dict[str, T] = {}
    for _, value in offered(package, word, kind):
        name: str = value.name  # type: ignore[attr-defined]
        assert name not in found, f"two values {word} in {package} are named {name!r}"
        found[name] = value
    return dict(sorted(found.items()))
