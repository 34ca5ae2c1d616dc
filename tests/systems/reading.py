"""What a function of a contract may refuse, tell and write, read from the source of all that it calls.

Every function that is named in a body counts as called. So a code may be listed that an operation cannot meet, and none
is missing, unless it is computed: then it stands with "…" for what is not known.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from consortium.core.contract import Life, Table

ROOMS = ("consortium.contracts", "consortium.core")
MAKERS = {"notice": "notice"}  # functions that make an event: its kind


@dataclass
class Found:
    """Of a function and all that it calls. `events`: by kind, the names of fields that are known."""

    refusals: set[str] = field(default_factory=set)
    events: dict[str, set[str]] = field(default_factory=dict)
    writes: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)  # all that it names, written or read
    whys: set[str] = field(default_factory=set)  # of notices

    def add(self, other: Found) -> None:
        self.refusals |= other.refusals
        self.writes |= other.writes
        self.tables |= other.tables
        self.whys |= other.whys
        for kind, names in other.events.items():
            self.events.setdefault(kind, set()).update(names)

    def tells_refusal(self, code: str) -> bool:
        return _is_among(code, self.refusals)

    def tells_event(self, kind: str) -> bool:
        return _is_among(kind, self.events)


def _is_among(word: str, told: Collection[str]) -> bool:
    """Whether it is told as it is, or by a pattern with "…"."""
    return word in told or any(re.fullmatch(re.escape(each).replace("…", ".+"), word) for each in told if "…" in each)


@cache
def read(run: Any) -> Found:
    """Of an operation's or a query's `run`: a function, a lambda or a partial of one."""
    found, seen = Found(), set[Callable[..., Any]]()
    todo: list[Any] = [run]
    while todo:
        function = _plain(todo.pop())
        if function is None or function in seen:
            continue
        seen.add(function)
        own, called = _read_one(function)
        found.add(own)
        todo.extend(called)
    return found


def _plain(value: Any) -> FunctionType | None:
    while isinstance(value, functools.partial):
        value = value.func
    if (
        isinstance(value, FunctionType)
        and value.__module__.startswith(ROOMS)
        and value.__module__ != "consortium.core.contract"
    ):
        return value
    return None


@cache
def _tree(module: str) -> dict[tuple[str, int], ast.AST]:
    """The functions and lambdas of a module, by name and first line."""
    tree = ast.parse(Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8"))
    found: dict[tuple[str, int], ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[node.name, first] = node
        elif isinstance(node, ast.Lambda):
            found["<lambda>", node.lineno] = node
    return found


@cache
def _read_one(function: FunctionType) -> tuple[Found, tuple[Any, ...]]:
    """What stands in its own body, and the functions that it names."""
    found = Found()
    node = _tree(function.__module__).get((function.__code__.co_name, function.__code__.co_firstlineno))
    names = function.__globals__
    if node is None:
        return found, tuple(names[name] for name in function.__code__.co_names if name in names)
    values = [value for name in ast.walk(node) if (value := _value(name, names)) is not None]
    for value in values:
        if isinstance(value, Table):
            found.tables.add(value.name)
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            _read_call(call, node, names, found)
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    return found, tuple(each for value in (*values, *held) for each in (value, *_methods(value)))


def _methods(value: Any) -> tuple[Any, ...]:
    """Of an object of a class of ours, whichever of them are called."""
    kind = type(value)
    return tuple(vars(kind).values()) if kind.__module__.startswith(ROOMS) else ()


def _read_call(call: ast.Call, around: ast.AST, names: dict[str, Any], found: Found) -> None:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = call.args[0] if call.args else None
    if called in ("Refused", "Fault") and first is not None:
        found.refusals.update(_words(first, around, names))
    elif called == "Event" and first is not None:
        fields = _keys(call.args[1], around) if len(call.args) > 1 else set()
        for kind in _words(first, around, names):
            found.events.setdefault(kind, set()).update(fields)
    elif called.lstrip("_") in MAKERS and first is not None:
        found.events.setdefault(MAKERS[called.lstrip("_")], set()).update(("why", "record"))
        found.whys.update(_words(first, around, names))
    elif called in ("put", "delete") and first is not None and isinstance(value := _value(first, names), Table):
        found.writes.add(value.name)
    elif called in ("move", "check") and isinstance(life := _value(_before_dot(call.func), names), Life):
        found.refusals.add(life.code)
    elif isinstance(function := _value(call.func, names), FunctionType):
        _read_told(call, function, names, found)


def _before_dot(function: ast.expr) -> ast.expr:
    return function.value if isinstance(function, ast.Attribute) else function


def _read_told(call: ast.Call, function: FunctionType, names: dict[str, Any], found: Found) -> None:
    """A function that is given the kind of an event, which it tells."""
    parameters = list(inspect.signature(function).parameters)
    if "kind" not in parameters or (fields := _fields_told(function)) is None:
        return
    place = parameters.index("kind")
    given = [word.value for word in call.keywords if word.arg == "kind"]
    given += [call.args[place]] if len(call.args) > place else []
    for each in given:
        for kind in _words(each, ast.Module([], []), names):
            found.events.setdefault(kind, set()).update(fields)


def _fields_told(function: FunctionType) -> set[str] | None:
    """The fields of `Event(kind, {…})` in its body; None where it makes no such event."""
    node = _tree(function.__module__).get((function.__code__.co_name, function.__code__.co_firstlineno))
    for call in ast.walk(node) if node is not None else ():
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Event":
            match call.args:
                case [ast.Name(id="kind"), fields]:
                    return _keys(fields, node)
    return None


def _value(node: ast.AST, names: dict[str, Any]) -> Any:
    """What a name or `module.name` stands for; None where that is local."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        inner = _value(node.value, names)
        if isinstance(inner, ModuleType):
            return getattr(inner, node.attr, None)
    return None


def _words(node: ast.expr, around: ast.AST, names: dict[str, Any]) -> Iterator[str]:
    """The strings that an expression may be: constants, either of two, what a local name is set to; "…" for a part that
    is computed. Nothing where all of it is given from elsewhere."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _words(one, around, names)
            yield from _words(other, around, names)
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        case ast.Name(id=name) if isinstance(names.get(name), str):
            yield names[name]
        case ast.Name(id=name):
            for each in ast.walk(around):
                if isinstance(each, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in each.targets):
                    yield from _words(each.value, ast.Module([], []), names)
        case ast.Attribute():
            value = _value(node, names)
            if isinstance(value, str):
                yield value


def _keys(node: ast.expr, around: ast.AST | None) -> set[str]:
    """Of a dict, written out or by the local name that it was given."""
    if isinstance(node, ast.Dict):
        names = {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
        spread = [value for key, value in zip(node.keys, node.values, strict=True) if key is None]
        return names.union(*(_keys(value, around) for value in spread))
    if not isinstance(node, ast.Name) or around is None:
        return set()
    found: set[str] = set()
    for each in ast.walk(around):
        if isinstance(each, ast.Assign | ast.AnnAssign) and isinstance(each.value, ast.Dict):
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            if node.id in [target.id for target in targets if isinstance(target, ast.Name)]:
                found |= _keys(each.value, None)
    return found
