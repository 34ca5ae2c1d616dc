"""`consortium statistics`: a table about persons with noise, as the public may see it, and what it costs."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.tables import Column, show_table
from consortium.contracts.records.statistics import BUDGETS, EPSILON_MILLI_MAX
from consortium.core.contract import StateReader
from consortium.core.errors import UserError
from consortium.views.questions import QUESTIONS
from nodes.past import reader_of
from nodes.privacy.noise import MILLI, add_noise, error_of


def statistics(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    member: Annotated[str, typer.Argument(help="Over whose ledger, and who publishes.", metavar="MEMBER")],
    question: Annotated[str, typer.Argument(help=f"{', '.join(QUESTIONS)}.", metavar="QUESTION")],
    year: Annotated[int, typer.Option(help="Of the persons of which year.")],
    epsilon: Annotated[str, typer.Option(help="How much may be learned of one person: less is more noise.")] = "0.5",
    number: Annotated[str, typer.Option(help="The publication's number behind MEMBER:.")] = "s-1",
    json: Json = False,
) -> None:
    asked = QUESTIONS.get(question)
    if asked is None:
        raise UserError(f"nothing is counted as {question!r}; {', '.join(QUESTIONS)} are")
    epsilon_milli = _milli(epsilon)
    with opened(run, member) as past:
        state = past.ledger.reader
        reader_of(past.ledger, member)
        left = _left(state, year, epsilon_milli)
        noisy = add_noise(asked.answer(state, year), asked.sensitivity, epsilon_milli)
    if json:
        cells = [{"name": name, "value": value} for name, value in noisy.items()]
        made = {"statistic_no": f"{member}:{number}", "question": question, "year": year}
        print_json({**made, "epsilon_milli": epsilon_milli, "sensitivity": asked.sensitivity, "cells": cells})
        return
    words = spoken()
    error = error_of(asked.sensitivity, epsilon_milli)
    columns = (Column(""), Column(asked.unit, is_number=True), Column(words("95 of 100 within"), is_number=True))
    show_table(make_console(), columns, [(name, f"{value:,}", f"± {error:,}") for name, value in noisy.items()])
    typer.echo(
        words(
            "{sentence}, in {year}; noise for epsilon = {epsilon}", sentence=asked.sentence, year=year, epsilon=epsilon
        )
    )
    if left is None:
        typer.echo(words("nobody voted a budget for {year}: the ledger takes no statistic of it", year=year))
    else:
        typer.echo(words("left of the budget of {year} once it is published: {left} thousandths", year=year, left=left))


def _milli(epsilon: str) -> int:
    """Thousandths. Raises UserError."""
    try:
        milli = Decimal(epsilon) * MILLI
    except InvalidOperation:
        milli = Decimal(0)
    if milli != milli.to_integral_value() or not 1 <= milli <= EPSILON_MILLI_MAX:
        raise UserError(
            f"--epsilon {epsilon}: expected a number from 0.001 to {EPSILON_MILLI_MAX // MILLI}, in thousandths"
        )
    return int(milli)


def _left(state: StateReader, year: int, epsilon_milli: int) -> int | None:
    """Of the year's budget after this; None where there is none. Raises UserError where it is spent."""
    budget = state.get(BUDGETS, str(year))
    if budget is None:
        return None
    left = budget.total_milli - budget.spent_milli - epsilon_milli
    if left < 0:
        raise UserError(
            f"{budget.total_milli - budget.spent_milli} thousandths of epsilon are left for {year}: ask for less, or "
            "have the members vote more"
        )
    return left


COMMAND = Command(
    "statistics",
    "Count over the persons of a year for the public, with noise that hides each of them (differential privacy).\n\n"
    "Discrete Laplace noise by OpenDP, another each time: whoever draws until it likes the answer spends epsilon each "
    "time, also where it publishes once. With --json it prints the arguments of statistics.publish. Needs "
    "consortium[privacy].\n\n"
    "\b\nExamples:\n  consortium statistics runs/DAY bureau persons-by-scheme --year 2025 --epsilon 0.3\n"
    "  consortium statistics runs/DAY bureau fund-pay-by-institution --year 2025 --number s-7 --json\n\n"
    "Exit status: 0 counted, 2 wrong usage or input, or the budget is spent.",
    statistics,
    LOOK,
)
