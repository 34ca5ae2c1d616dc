"""Who keeps records delivers them to those that it was told of, and to nobody else who asks."""

import pytest

from consortium.contracts.records.record import Ask
from consortium.core.codec import encode
from consortium.core.contract import Event, Receipt
from consortium.core.machine import Outcome
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda
from consortium.roles.records import RecordsConduct, RecordsTasks, ToRegister
from consortium.roles.work import Work
from tests.contracts_state import Consortium


@pytest.mark.parametrize(("asker", "is_delivered"), [("h2", True), ("p1", False), ("h1", False)])
def test_a_record_is_delivered_to_whom_its_keeper_was_told_of(asker: str, is_delivered: bool) -> None:
    tasks = RecordsTasks((ToRegister(0, "h1:r-1", "report", 64, askers=("h2",)),))
    conduct, agenda = RecordsConduct(Consortium().state), Agenda("records", "h1", 8)
    conduct.plan(Work("h1", (tasks, Salts(b"k" * 32))), agenda)
    ask = Ask("h1:r-1", "h2:q-1", "treatment")
    fields: dict[str, int | str] = {
        "record_no": "h1:r-1",
        "request_no": "h2:q-1",
        "member": asker,
        "purpose": "treatment",
    }
    told = Event("record-requested", fields)
    receipt = Receipt(bytes(32), "ok", "", (told,))
    conduct.on_outcome(Outcome(asker, 1, "record", "request", encode(ask), receipt), agenda)
    assert ("deliver:h1:r-1/h2:q-1" in agenda._wishes) is is_delivered
