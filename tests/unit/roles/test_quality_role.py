"""The regulator stops a lot whose cold chain broke; who has no such task does nothing."""

from __future__ import annotations

import pytest

from consortium.contracts.medicines.trace_code import Produce
from consortium.core.contract import OK, Event, Receipt
from consortium.core.machine import Now, Outcome, Submit
from consortium.roles.agenda import Agenda
from consortium.roles.quality import QualityConduct, QualityTasks
from consortium.roles.work import Work
from tests.contracts_state import code_of, founded


@pytest.mark.parametrize(("faulty_lots_min", "wished"), [(2, ["quarantine"]), (0, [])])
def test_a_lot_whose_cold_chain_broke_is_stopped(faulty_lots_min: int, wished: list[str]) -> None:
    house = founded()
    produce = Produce(
        "lot", "D", "dose", 10, (code_of(1),), is_cold_chain=True, temperature_min=200, temperature_max=800
    )
    house.run("s1", "trace_code", "produce", produce)
    conduct, agenda = QualityConduct(house.state), Agenda("quality", "regulator", 8)
    conduct.plan(Work("regulator", (QualityTasks(faulty_lots_min=faulty_lots_min),)), agenda)
    told = Event("cold-chain-excursion", {"lot_no": "lot", "drug_trac_codg": code_of(1), "temperature": 900})
    conduct.on_outcome(Outcome("s1", 1, "trace_code", "record_temperature", b"", Receipt(b"", OK, "", (told,))), agenda)
    agenda.start(Now(0, 0))
    submitted = [effect for effect in agenda.pump(Now(0, 0)) if isinstance(effect, Submit)]
    assert [call[1] for effect in submitted for call in effect.calls] == wished
