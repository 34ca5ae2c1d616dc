"""Durable before said: whatever a replica signs for good stands in its log before it leaves (docs/consensus.md)."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.machine import Available, Broadcast, Effect, Persist
from consortium.protocols.pbft.messages import Commit, NewView, Prepare, PrePrepare, Suspect, ViewChange
from consortium.protocols.pbft.records import (
    AcceptedRecord,
    NewViewRecord,
    PreparedRecord,
    SuspectRecord,
    ViewChangeRecord,
    ViewRecord,
    decode_record,
)
from tests.pbft_bench import Bench

SAID = PrePrepare | Prepare | Commit | Suspect | ViewChange | NewView


def spoken(effects: Sequence[Effect]) -> list[str]:
    """Records and votes, in the order in which a host carries them out."""
    names = []
    for effect in effects:
        if isinstance(effect, Persist):
            names.append(type(decode_record(effect.record)).__name__)
        elif isinstance(effect, Broadcast) and isinstance(effect.message, SAID):
            names.append(type(effect.message).__name__)
    return names


def is_before(names: list[str], record: type, said: type) -> bool:
    return record.__name__ in names[: names.index(said.__name__)]


def test_an_order_and_its_batch_are_durable_before_the_leader_says_it() -> None:
    bench = Bench(me="n0")
    bench.pool.add(bench.now, b"first")
    effects = bench.do(Available())
    assert is_before(spoken(effects), AcceptedRecord, PrePrepare)
    (record,) = (decode_record(effect.record) for effect in effects if isinstance(effect, Persist))
    assert isinstance(record, AcceptedRecord) and record.body is not None and b"first" in record.body


def test_a_vote_is_durable_before_prepare_and_its_certificate_before_commit() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    assert is_before(spoken(bench.hear("n0", PrePrepare(0, 1, digest), raw)), AcceptedRecord, Prepare)
    assert is_before(spoken(bench.hear("n2", Prepare(0, 1, digest))), PreparedRecord, Commit)


def test_a_view_is_left_in_the_log_before_others_hear_of_it() -> None:
    bench = Bench(me="n3")
    bench.pool.add(bench.now, b"waits")
    bench.hear("n0", Prepare(1, 1, b"a" * 32))
    bench.suspected(0, "n1", "n2")
    names = spoken(bench.out)
    assert is_before(names, SuspectRecord, Suspect) and is_before(names, SuspectRecord, ViewRecord)
    assert is_before(names, ViewRecord, ViewChange) and is_before(names, ViewChangeRecord, ViewChange)


def test_a_new_view_is_in_the_leaders_log_before_it_is_said_and_each_order_before_its_pre_prepare() -> None:
    bench = Bench(me="n1")
    bench.hear("n0", bench.view_change(1, bench.prepared(0, 1, b"a" * 32)))
    names = spoken(bench.hear("n2", bench.view_change(1)))
    assert is_before(names, NewViewRecord, NewView)
    assert is_before(names, AcceptedRecord, PrePrepare)
