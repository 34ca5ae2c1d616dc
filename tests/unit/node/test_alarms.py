"""What somebody who watches over a consortium wants counted is counted from the boot on, also before the run begins."""

from __future__ import annotations

from pathlib import Path

from consortium.core.discovery import modules_of
from nodes.process.costs import Costs
from nodes.process.notes import ALARMS, NodeNotes
from nodes.process.trace_file import TraceWriter


def test_alarms_are_counted_by_kind(tmp_path: Path) -> None:
    notes = NodeNotes(TraceWriter(tmp_path / "trace.jsonl", "a"), Costs(), {}, dict)
    notes.note("rejected", {"why": "garbage", "sender": "b"})
    notes.note("rejected", {"why": "garbage", "sender": "b"})
    notes.note("withheld", {"to": "b", "why": "not entitled"})
    notes.note("executed", {"transactions": 3})
    assert {kind: count for kind, count in notes.alarms.items() if count} == {"rejected": 2, "withheld": 1}
    assert set(notes.alarms) == set(ALARMS)
    notes.close()


def test_each_alarm_is_a_note_that_some_machine_makes() -> None:
    rooms = ("node", "vault", "ledger", "protocols", "roles")
    texts = [
        Path(str(module.__file__)).read_text(encoding="utf-8")
        for room in rooms
        for module in modules_of(f"consortium.{room}")
    ]
    for kind in ALARMS:
        assert any(f'Note("{kind}"' in text for text in texts), kind
