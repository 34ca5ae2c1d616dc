"""What becomes due while a run goes on is told once, whoever was there, and is then done."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.medicines.procurement_records import ORDERS, PAID
from consortium.core.genesis import Parameters
from consortium.ledger.state import Reader, State
from consortium.scenario.load import load_scenario
from tests.simulated_runs import outcomes, sound

OVERDUE = Path(__file__).parents[2] / "scenarios" / "systems" / "overdue.py"


@pytest.mark.parametrize(
    ("parameters", "deaths", "ringer"),
    [
        (None, True, "regulator"),
        (None, False, "bureau"),
        (Parameters(batch_delay_us=20_000, snapshot_gap=2, checkpoint_interval=2, window=4), True, "regulator"),
    ],
    ids=["the first ringer is dead", "nobody is", "the first ringer comes back by a snapshot"],
)
def test_a_payment_that_was_forgotten_is_told_once_and_then_made(
    parameters: Parameters | None, deaths: bool, ringer: str
) -> None:
    scenario = load_scenario(OVERDUE)
    if parameters is not None:
        scenario = msgspec.structs.replace(scenario, parameters=parameters)
    if not deaths:
        jumps = tuple(fault for fault in scenario.faults if fault.act == "clock_jump")
        scenario = msgspec.structs.replace(scenario, faults=jumps)
    run = sound(scenario)
    assert [note["node"] for note in run.trace if note["kind"] == "snapshot"] == (["bureau"] if parameters else [])
    told: Counter[object] = Counter()
    ringers = set()
    for outcome in outcomes(run):
        for event in outcome.receipt.events:
            if event.fields.get("why") == "payment-overdue":
                told[event.fields["record"]] += 1
                ringers.add(outcome.member)
    assert len(told) >= 2 and set(told.values()) == {1} and ringers == {ringer}
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    orders = [state.get(ORDERS, str(record).removeprefix("order/")) for record in told]
    assert all(order is not None and order.stage == PAID for order in orders)
