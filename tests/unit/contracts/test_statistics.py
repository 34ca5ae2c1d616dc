"""What is told of the persons of a year draws on one budget, whoever tells it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from consortium.contracts.records.statistics import (
    BUDGETS,
    STATISTICS,
    Budget,
    Cell,
    OfNumber,
    OfYear,
    Publish,
    SetBudget,
)
from consortium.core.contract import Reader, Refused
from consortium.scenario.load import load_scenario
from tests.contracts_state import CONTRACTS, Consortium
from tests.simulated_runs import outcomes, sound

TABLE = Publish("bureau:s-1", "persons-by-scheme", 2025, 400, 1, (Cell("employee", 1_203), Cell("resident", -2)))


@pytest.fixture
def house() -> Consortium:
    house = Consortium()
    house.run("vote", "statistics", "set_budget", SetBudget(2025, 1_000))
    return house


def test_epsilons_add_over_publishers_until_the_budget_is_spent(house: Consortium) -> None:
    house.run("bureau", "statistics", "publish", TABLE)
    told = house.run("regulator", "statistics", "publish", msgspec.structs.replace(TABLE, statistic_no="regulator:s-1"))
    assert told[0].fields["left_milli"] == 200
    third = msgspec.structs.replace(TABLE, statistic_no="bureau:s-2")
    assert house.refusal("bureau", "statistics", "publish", third) == "budget-spent"
    assert house.refusal("vote", "statistics", "set_budget", SetBudget(2025, 799)) == "budget-spent"
    house.run("vote", "statistics", "set_budget", SetBudget(2025, 1_200))
    house.run("bureau", "statistics", "publish", third)
    assert house.state.get(BUDGETS, "2025") == Budget(1_200, 1_200)
    exact = msgspec.structs.replace(TABLE, statistic_no="bureau:s-3", epsilon_milli=1)
    assert house.refusal("bureau", "statistics", "publish", exact) == "budget-spent"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"statistic_no": "regulator:s-1"}, "number-foreign"),
        ({"year": 2024}, "budget-missing"),
        ({"epsilon_milli": 0}, "bad-number"),
        ({"sensitivity": 0}, "bad-number"),
        ({"cells": ()}, "bad-length"),
        ({"cells": (Cell("a", 1), Cell("a", 2))}, "bad-length"),
        ({"cells": (Cell("11010519491231002X", 1),)}, "personal-number"),
        ({"question": "how many?"}, "bad-identifier"),
    ],
)
def test_what_is_refused(house: Consortium, change: dict[str, object], code: str) -> None:
    table = msgspec.structs.replace(TABLE, **change)
    assert house.refusal("bureau", "statistics", "publish", table) == code
    assert house.state.get(BUDGETS, "2025") == Budget(1_000), "a refusal spends nothing"


def test_who_publishes_and_who_reads(house: Consortium) -> None:
    assert house.refusal("h1", "statistics", "publish", TABLE) == "not-permitted"
    assert house.refusal("bureau", "statistics", "set_budget", SetBudget(2026, 9)) == "not-permitted"
    house.run("bureau", "statistics", "publish", TABLE)
    assert house.refusal("bureau", "statistics", "publish", TABLE) == "statistic-exists"
    reader, contract = Reader("h1", "hospital", 20260601), CONTRACTS["statistics"]
    assert contract.ask(house.state, "get", OfNumber("bureau:s-1"), reader) == house.state.get(STATISTICS, "bureau:s-1")
    assert contract.ask(house.state, "budget", OfYear("2025"), reader) == Budget(1_000, 400)
    for query, asked, code in (("get", OfNumber("x"), "unknown-statistic"), ("budget", OfYear("1"), "budget-missing")):
        with pytest.raises(Refused, match=code):
            contract.ask(house.state, query, asked, reader)


def test_the_fourth_table_is_refused_in_a_run() -> None:
    run = sound(load_scenario(Path(__file__).parents[3] / "scenarios" / "systems" / "statistics.py"))
    codes = [one.receipt.code for one in outcomes(run)]
    assert codes == ["ok", "ok", "ok", "budget-spent"]
