"""What a supplier is owed is sold once, and paid once, to whoever owns it then; also where a bank was away."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.insurance.funds import get_balance
from consortium.core.contract import Event
from consortium.ledger.state import Reader, State
from consortium.runs.run import Run
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault
from consortium.scenario.workloads.supply_finance import PACKS, PRICE_FEN, WORKLOAD
from tests.simulated_runs import outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "supply_finance.py")
AWAY = (Fault("kill", "bank-1", at_us=300_000), Fault("restart", "bank-1", after_us=3_000_000))
FACE_FEN = PACKS * PRICE_FEN


@pytest.mark.parametrize("faults", [(), AWAY], ids=["all there", "the first bank is away"])
def test_each_claim_is_paid_once_to_its_owner(faults: tuple[Fault, ...]) -> None:
    run = sound(SCENARIO, faults=(*faults, *SCENARIO.faults))
    done = Counter((one.operation, one.receipt.code) for one in outcomes(run) if one.contract == "receivable")
    assert done["confirm", "ok"] == 6 and done["accept", "ok"] == 3 and done["decline", "ok"] == 1
    assert (done["offer", "already-factored"], done["offer", "payee-barred"]) == (1, 1)
    paid = Counter(str(event.fields["payee"]) for event in events(run, "order-paid"))
    assert paid == {"bank/bank-1": 3, "supplier/supplier": 3}
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    assert get_balance(state, "bank/bank-1") == 3 * FACE_FEN
    assert get_balance(state, "supplier/supplier") == 3 * FACE_FEN + 3 * FACE_FEN * 99 // 100
    assert get_balance(state, "bank/bank-2") == 0


def events(run: Run, kind: str) -> list[Event]:
    return [event for one in outcomes(run) for event in one.receipt.events if event.kind == kind]


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        (SCENARIO.members[1:], {}, "needs 2 of the role 'bank'"),
        (SCENARIO.members, {"sold": -1}, "no number below 0"),
        (SCENARIO.members, {"kept": 1_001}, "1 to 1000 orders"),
    ],
)
def test_a_scenario_that_lacks_something_is_told_so(
    members: tuple[object, ...], options: dict[str, int], words: str
) -> None:
    workload = msgspec.structs.replace(SCENARIO.workload, options=options)
    lacking = msgspec.structs.replace(SCENARIO, members=members, workload=workload)
    with pytest.raises(ScenarioError, match=words):
        WORKLOAD.prepare(lacking, b"k" * 32)
