"""Which functions an operation reaches, and which of them do something else by another version of their contract.

Read from the code objects: names of functions, of functions of modules, and what closures and tables of functions hold.
A function that is reached by a string alone is not seen.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from consortium.core.contract import Contract
from consortium.core.versions import get_versions

TESTS = str(Path(__file__).parent)  # the test runner gives their modules names of its own


def reached(functions: Iterable[Any]) -> set[FunctionType]:
    """These functions and all of ours that they can call, by name."""
    found: set[FunctionType] = set()
    waiting = [each for function in functions for each in _functions_in(function)]
    while waiting:
        function = waiting.pop()
        if function not in found:
            found.add(function)
            waiting.extend(_called(function))
    return found


def of_operations(contract: Contract) -> set[FunctionType]:
    """What the operations of one version reach."""
    return reached(operation.run for operation in contract.operations.values())


def rules_by_version(contract: Contract) -> set[FunctionType]:
    """What one version reaches and another does not, and what takes a keyword by which such functions choose a rule."""
    reaches = [of_operations(version) for version in contract.versions.values()]
    reaches = [reach - {get_versions} for reach in reaches]  # to look a version up is no rule
    common = set.intersection(*reaches)
    apart = set.union(*reaches) - common
    chosen = {keyword for function in apart for keyword in _constant_keywords(function)}
    return apart | {function for function in common if chosen & _keywords_only(function)}


def asks_for_version(function: FunctionType, contract: str) -> bool:
    """Whether it looks up which version of a contract executes a height."""
    return "get_versions" in function.__code__.co_names and contract in function.__code__.co_consts


def _keywords_only(function: FunctionType) -> set[str]:
    code = function.__code__
    return set(code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount])


def _constant_keywords(function: FunctionType) -> Iterator[str]:
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Call):
            yield from (each.arg for each in node.keywords if each.arg and isinstance(each.value, ast.Constant))


def _called(function: FunctionType) -> Iterator[FunctionType]:
    names = set(_names(function.__code__))
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            for inner in names:
                yield from _functions_in(getattr(value, inner, None))
        else:
            yield from _functions_in(value)
    for cell in function.__closure__ or ():
        yield from _functions_in(cell.cell_contents)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _functions_in(value: Any) -> Iterator[FunctionType]:
    value = inspect.unwrap(value) if callable(value) else value
    value = getattr(value, "__func__", getattr(value, "func", value))  # a bound method, a partial
    if isinstance(value, FunctionType):
        if value.__module__.startswith("consortium.") or value.__code__.co_filename.startswith(TESTS):
            yield value
    elif isinstance(value, dict):
        yield from (each for inner in value.values() for each in _functions_in(inner))
    elif isinstance(value, tuple | list):
        yield from (each for inner in value for each in _functions_in(inner))
