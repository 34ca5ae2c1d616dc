"""Statistics with a budget 差分隐私统计: what bureau and regulator tell the public of persons, and with how much noise.

Each publication says with which epsilon its noise was drawn (ε, in thousandths) and how much one person can change it.
The noise is made outside, by a kept library and out of randomness that nobody records (`consortium statistics`); the
ledger adds up. What is told of the persons of one year draws on one budget, whoever tells it: two publications of the
same persons can be put together, so their epsilons add. A vote gives each year its budget.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.checks import (
    AMOUNT_FEN_MAX,
    check_count,
    check_identifier,
    check_own_number,
    check_pseudonym,
    check_range,
)
from consortium.core.contract import (
    EVERY_MEMBER,
    GENESIS,
    VOTE,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
)

EPSILON_MILLI_MAX = 20_000
CELLS_MAX = 500


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the year whose persons are told of: how many thousandths of ε there are, and how many are spent."""

    total_milli: int
    spent_milli: int = 0


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number of a table, with its noise in it: it may be below zero."""

    name: str
    value: int


class Statistic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. `sensitivity`: by how much one person more or less changes all cells together, at most."""

    publisher: str
    question: str
    year: int
    epsilon_milli: int
    sensitivity: int
    cells: tuple[Cell, ...]
    published_on: int


BUDGETS: Table[Budget] = Table("budget", Budget, told_as="budget")
STATISTICS: Table[Statistic] = Table("statistic", Statistic, told_as="statistic")


class SetBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many thousandths of ε may be spent on the persons of a year; never fewer than are spent."""

    year: int
    total_milli: int


class Publish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tell a table. `statistic_no`: begins with the publisher's name and ":". `question`: what was counted."""

    statistic_no: str
    question: str
    year: int
    epsilon_milli: int
    sensitivity: int
    cells: tuple[Cell, ...]


class OfNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which publication."""

    statistic_no: str


class OfYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The budget of which year."""

    year: str


def _year(year: int) -> str:
    check_range(year, 1900, 2999, "year")
    return str(year)


def _set_budget(state: State, arguments: SetBudget, context: Context) -> list[Event]:
    year = _year(arguments.year)
    check_range(arguments.total_milli, 0, EPSILON_MILLI_MAX, "total_milli")
    spent = (state.get(BUDGETS, year) or Budget(0)).spent_milli
    if arguments.total_milli < spent:
        raise Refused("budget-spent", f"{spent} thousandths of the budget of {year} are spent already")
    state.put(BUDGETS, year, Budget(arguments.total_milli, spent))
    return [Event("budget-set", {"year": arguments.year, "total_milli": arguments.total_milli})]


def _publish(state: State, arguments: Publish, context: Context) -> list[Event]:
    """Refuses `budget-missing`, `budget-spent`."""
    number, year = arguments.statistic_no, _year(arguments.year)
    check_own_number(number, context.member, "statistic_no")
    check_identifier(arguments.question, "question")
    check_range(arguments.epsilon_milli, 1, EPSILON_MILLI_MAX, "epsilon_milli")
    check_range(arguments.sensitivity, 1, AMOUNT_FEN_MAX, "sensitivity")
    check_count(len(arguments.cells), CELLS_MAX, "cells")
    names = [cell.name for cell in arguments.cells]
    check_count(len(set(names)), len(names), "cells of different names", len(names))
    for cell in arguments.cells:
        check_pseudonym(cell.name, "the name of a cell")
        check_range(cell.value, -AMOUNT_FEN_MAX, AMOUNT_FEN_MAX, "value")
    if state.get(STATISTICS, number) is not None:
        raise Refused("statistic-exists", f"{number} is published already")
    left = _spend(state, year, arguments.epsilon_milli)
    statistic = Statistic(
        context.member,
        arguments.question,
        arguments.year,
        arguments.epsilon_milli,
        arguments.sensitivity,
        arguments.cells,
        context.day,
    )
    state.put(STATISTICS, number, statistic)
    fields = {"statistic_no": number, "publisher": context.member, "question": arguments.question}
    spent = {"year": arguments.year, "epsilon_milli": arguments.epsilon_milli, "left_milli": left}
    return [Event("statistic-published", {**fields, **spent})]


def _spend(state: State, year: str, epsilon_milli: int) -> int:
    """What is left of the year's budget afterwards."""
    budget = state.get(BUDGETS, year)
    if budget is None:
        raise Refused("budget-missing", f"nobody voted a budget for the persons of {year}")
    left = budget.total_milli - budget.spent_milli - epsilon_milli
    if left < 0:
        raise Refused("budget-spent", f"{budget.total_milli - budget.spent_milli} thousandths are left for {year}")
    state.put(BUDGETS, year, Budget(budget.total_milli, budget.spent_milli + epsilon_milli))
    return left


def _get(state: StateReader, arguments: OfNumber, _reader: Reader) -> Statistic:
    check_identifier(arguments.statistic_no, "statistic_no")
    statistic = state.get(STATISTICS, arguments.statistic_no)
    if statistic is None:
        raise Refused("unknown-statistic", "no such statistic is published")
    return statistic


def _budget(state: StateReader, arguments: OfYear, _reader: Reader) -> Budget:
    check_identifier(arguments.year, "year")
    budget = state.get(BUDGETS, arguments.year)
    if budget is None:
        raise Refused("budget-missing", "nobody voted a budget for that year")
    return budget


CONTRACT = Contract(
    "statistics",
    1,
    (
        Operation("set_budget", SetBudget, frozenset((VOTE, GENESIS)), _set_budget),
        Operation("publish", Publish, SUPERVISORS, _publish),
    ),
    (
        Query("get", OfNumber, EVERY_MEMBER, _get, row=RowOf(STATISTICS, lambda asked: asked.statistic_no, OfNumber)),
        Query("budget", OfYear, EVERY_MEMBER, _budget, row=RowOf(BUDGETS, lambda asked: asked.year, OfYear)),
    ),
    founding=0,
)
