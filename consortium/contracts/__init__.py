"""One system of the domain each; every module that is a contract offers one `CONTRACT`."""

from __future__ import annotations

from typing import Any

from consortium.core.contract import Contract, Table
from consortium.core.discovery import NameTaken, modules_of, offered_by_name, plugins


def load_told_tables() -> dict[str, Table[Any]]:
    """The tables of which a person may ask for a proof, by the word that each is asked for by, in order of word. Raises
    NameTaken where two tables share one."""
    found: dict[str, Table[Any]] = {}
    for module in (*modules_of(__name__), *plugins()):
        for value in vars(module).values():
            if isinstance(value, Table) and value.told_as and found.setdefault(value.told_as, value) is not value:
                other = found[value.told_as].name
                raise NameTaken(f"tables {other} and {value.name} are both told as {value.told_as!r}: change one")
    return dict(sorted(found.items()))


def load_contracts() -> dict[str, Contract]:
    """Every contract by its name, in order of name: a new contract is one new file in this folder or one within it."""
    return offered_by_name(__name__, "CONTRACT", Contract)
