"""One person changes no answer by more than is said of it; what is drawn for the public draws on the year's budget."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from consortium.commands import app
from consortium.commands.folders import save_ledger
from consortium.contracts.insurance import settlement
from consortium.contracts.insurance.lines import Line
from consortium.runs.folder import write_simulated
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from consortium.simulation.run import simulate
from consortium.views.questions import FUND_FEN_MAX, QUESTIONS, STAYS_MAX, Question
from tests.contracts_state import Consortium, founded
from tests.optional import needs

STAY = (Line("A", 1, 1_000_000),)


@pytest.fixture(scope="module")
def house() -> Consortium:
    """E has five stays, three of them dear; R one, that was reversed, and another; A one."""
    house = founded()
    for serial, fen in enumerate((1_000_000, 4_000_000, 4_000_000, 4_000_000, 100_000)):
        house.claim("E", (Line("A", 1, fen),), serial=f"e{serial}")
    house.claim("R", STAY, serial="r0")
    house.run("h1", "settlement", "reverse", settlement.Reverse("R", 2026, 1, "wrong-amount"))
    house.claim("R", STAY, serial="r1", fixmedins_code="K3", member="h2")
    house.claim("A", STAY, serial="a0")
    return house


def test_answers_are_those_that_one_counts_by_hand(house: Consortium) -> None:
    told = {name: dict(one.answer(house.state, 2026)) for name, one in QUESTIONS.items()}
    assert told["persons-by-scheme"] == {"employee": 2, "resident": 1}
    assert told["stays-by-institution"] == {"H1": 0, "H2": 0, "H3": STAYS_MAX + 1, "K3": 1, "P1": 0}
    assert sum(told["fund-pay-by-institution"].values()) < FUND_FEN_MAX + 2_000_000
    assert all(set(one.answer(house.state, 2025).values()) == {0} for one in QUESTIONS.values())


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_a_person_more_or_less_changes_no_answer_by_more_than_its_sensitivity(
    house: Consortium, question: Question
) -> None:
    full = question.answer(house.state, 2026)
    changes = []
    for person in ("E", "R", "A"):
        without = Consortium()
        without.state.tables = house.state.copy()
        rows = without.state.tables["settlement"]
        for key in [key for key in rows if key.startswith(f"{person}/")]:
            del rows[key]
        fewer = question.answer(without.state, 2026)
        assert set(fewer) == set(full), "which cells there are tells of nobody"
        changes.append(sum(abs(full[name] - fewer[name]) for name in full))
    assert max(changes) == question.sensitivity, "E reaches the most that one person counts for"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tables are published, and 100 thousandths of epsilon are left of 2025."""
    scenario = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "statistics.py")
    scenario = msgspec.structs.replace(scenario, suite="keyed-hash")
    done, folder = simulate(scenario), tmp_path_factory.mktemp("statistics") / "run"
    write_simulated(folder, Run(scenario, done.genesis, done.trace, done.ledgers), save_ledger)
    return folder


@needs("privacy")
@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("persons-by-scheme", "--year", "2025", "--epsilon", "0.1"), 0, "0 thousandths"),
        (("persons-by-scheme", "--year", "2025", "--epsilon", "0.101"), 2, "100 thousandths of epsilon are left"),
        (("persons-by-scheme", "--year", "2024"), 0, "nobody voted a budget"),
        (("persons-by-name", "--year", "2025"), 2, "nothing is counted"),
        (("persons-by-scheme", "--year", "2025", "--epsilon", "0.0005"), 2, "from 0.001"),
        (("persons-by-scheme", "--year", "2025", "--epsilon", "much"), 2, "from 0.001"),
    ],
)
def test_the_command_says_what_is_left_of_the_budget(
    published: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, told: str
) -> None:
    with pytest.raises(SystemExit) as left:
        app.main(["statistics", str(published), "bureau", *words])
    out, err = capsys.readouterr()
    assert left.value.code == status and told in out + err


@needs("privacy")
def test_it_prints_what_a_member_submits(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.main(["statistics", str(published), "bureau", "persons-by-scheme", "--year", "2024", "--json"])
    made = json.loads(capsys.readouterr().out)
    assert (made["statistic_no"], made["epsilon_milli"], made["sensitivity"]) == ("bureau:s-1", 500, 1)
    assert {cell["name"] for cell in made["cells"]} == {"employee", "resident"}
