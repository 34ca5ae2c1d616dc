"""What a room offers, found by name: each module of the room's package, or of a folder in it, may hold one value.

A list by hand beside this would be a second place for one fact; there is none. Modules from outside the package
(plug-ins) are handed in with `use`; their values are then found as if they lay in the rooms. This file reads no
folder itself: a room above does, and hands over what it has loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, TypeVar

from consortium.core.errors import UserError

T = TypeVar("T")

_used: tuple[ModuleType, ...] = ()


class NameTaken(UserError, ValueError):
    """Two values of one kind share a name. The sentence names the name and both files."""


def use(modules: Iterable[ModuleType]) -> None:
    """From now on these modules' values are found beside those of every room, in this order, after the rooms' own.
    What was handed in before is forgotten."""
    global _used
    _used = tuple(modules)


def plugins() -> tuple[ModuleType, ...]:
    """The modules that `use` was last given. Whoever caches what it found keys the cache by this value."""
    return _used


@cache
def modules_of(package: str) -> tuple[ModuleType, ...]:
    """Every module and folder of the package, in order of its dotted name; a folder comes before what lies in it.
    Plug-ins are not among them. Looked for once: every host asks."""
    found: list[ModuleType] = []
    for entry in sorted(iter_modules(import_module(package).__path__), key=lambda entry: entry.name):
        name = f"{package}.{entry.name}"
        found.append(import_module(name))
        if entry.ispkg:
            found.extend(modules_of(name))
    return tuple(found)


def offered(package: str, word: str, kind: type[T]) -> list[tuple[str, T]]:
    """The values called `word` of this kind, of the package's modules and of all plug-ins, each with the last part of
    its module's name. A value that a module only imports from another counts once, where it was found first."""
    return [(_last(module), value) for module, value in _found(package, word, kind)]


def offered_by_file(package: str, word: str, kind: type[T]) -> dict[str, T]:
    """The same by the last part of the module's name, in the order found. Raises NameTaken where two share one."""
    return _by_name(word, [(_last(module), module, value) for module, value in _found(package, word, kind)])


def offered_by_name(package: str, word: str, kind: type[T]) -> dict[str, T]:
    """The same by each value's own `name`, in order of name. Raises NameTaken where two share one."""
    named = [(str(value.name), module, value) for module, value in _found(package, word, kind)]  # type: ignore[attr-defined]
    return dict(sorted(_by_name(word, named).items()))


def offered_together(package: str, word: str, kind: type[T]) -> dict[str, T]:
    """The values of this kind in the tuples called `word`, for modules that hold several, by their own `name`, in order
    of name. Raises NameTaken where two share one."""
    tuples = _found(package, word, tuple)
    held = [(module, value) for module, values in tuples for value in values if isinstance(value, kind)]
    named = [(str(value.name), module, value) for module, value in held]  # type: ignore[attr-defined]
    return dict(sorted(_by_name(word, named).items()))


def _by_name(word: str, named: Iterable[tuple[str, ModuleType, T]]) -> dict[str, T]:
    found: dict[str, tuple[ModuleType, T]] = {}
    for name, module, value in named:
        if name in found:
            raise NameTaken(_sentence(word, name, found[name][0], module))
        found[name] = module, value
    return {name: value for name, (_, value) in found.items()}


def _found(package: str, word: str, kind: type[T]) -> list[tuple[ModuleType, T]]:
    found: list[tuple[ModuleType, T]] = []
    for module, value in _valued(package, word, _used):
        if isinstance(value, kind) and all(value is not other for _, other in found):
            found.append((module, value))
    return found


@cache
def _valued(package: str, word: str, used: tuple[ModuleType, ...]) -> tuple[tuple[ModuleType, Any], ...]:
    """The modules that say this word, and what they call so. `used`: the plug-ins, so that the cache is theirs."""
    modules = (*modules_of(package), *used)
    return tuple((module, getattr(module, word)) for module in modules if hasattr(module, word))


def _sentence(word: str, name: str, first: ModuleType, second: ModuleType) -> str:
    """`second` is the later one, so that it is the plug-in where only one of them is."""
    named = f"its {word} is named {name!r}, and so is that of {_file(first)}"
    return f"{_file(second)}: {named}; give one of them another name"


def _last(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _file(module: ModuleType) -> str:
    return module.__file__ or module.__name__
