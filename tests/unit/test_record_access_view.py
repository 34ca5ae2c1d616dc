"""The view of accesses says what the ledger's own rows say, over all that happens in the scenario."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from consortium.contracts.records.accesses import SHARED, has_access
from consortium.contracts.records.consents import CONSENTS, GLASSES
from consortium.core.machine import Receipted
from consortium.ledger.state import Reader, State
from consortium.scenario.load import load_scenario
from consortium.views.record_access import VIEW
from consortium.views.view import Book, feed_block
from tests.simulated_runs import outcomes, sound

SCENARIO = Path(__file__).parents[2] / "scenarios" / "systems" / "exchange.py"


def test_the_view_says_what_the_state_says() -> None:
    run, book = sound(load_scenario(SCENARIO)), Book(VIEW.tables)
    feed_block(VIEW, book, Receipted(1, 0, tuple(outcomes(run)), True))
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    rows = {
        table: {key: row for (name, key), row in book.changes.items() if name == table and row} for table in VIEW.shown
    }
    stages = {"/".join(map(str, key)): (row[0], row[1]) for key, row in rows["consent"].items()}
    assert stages == {key: (one.stage, one.to_day) for key, one in state.range(CONSENTS, "", "~")}
    verdicts = {str(key[0]): row[4] for key, row in rows["glass"].items()}
    assert verdicts == {key: one.stage for key, one in state.range(GLASSES, "", "~")}
    for (patient, handle, member), row in rows["access"].items():
        number = str(handle).partition("/")[2]
        assert (row[3] == "open") is has_access(state, str(member), str(patient), number), number
    assert Counter(row[3] for row in rows["access"].values()) == {
        "open": 4,
        "revoked": 1,
        "unjustified": 1,
        "another-person": 1,
    }
    assert len(rows["access"]) == sum(len(one.readers) for _, one in state.range(SHARED, "", "~"))
