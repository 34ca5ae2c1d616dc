"""The index of a trace answers as a walk through the whole trace would."""

from __future__ import annotations

import pytest

from consortium.runs.records import Records
from consortium.runs.trace import Record
from tests.unit.lab.made_up_run import made_up_run


@pytest.fixture(scope="module")
def trace() -> list[Record]:
    return list(made_up_run().trace)


def test_kinds_come_in_the_order_of_the_trace(trace: list[Record]) -> None:
    kinds = ("executed", "committed", "fault")
    wanted = [record for record in trace if record["kind"] in kinds]
    assert list(Records(trace).of_kind(*kinds)) == wanted != []
    assert list(Records(trace).of_kind("executed", "executed")) == [r for r in trace if r["kind"] == "executed"]
    assert list(Records(trace).of_kind("no such kind")) == []


def test_a_span_of_time_holds_both_its_ends(trace: list[Record]) -> None:
    records = Records(trace)
    low, high = trace[100]["t_us"], trace[900]["t_us"]
    assert list(records.between(low, high)) == [r for r in trace if low <= r["t_us"] <= high]
    executed = records.of_kind("executed")
    first = executed[0]["t_us"]
    assert executed.between(first, first)[0] == executed[0]
    assert not executed.between(0, first - 1)


def test_a_trace_that_is_not_in_order_of_time_is_searched_all_the_same() -> None:
    trace: list[Record] = [{"t_us": t_us, "node": "a", "kind": "x"} for t_us in (5, 1, 9, 3)]
    records = Records(trace)
    assert [record["t_us"] for record in records.between(3, 6)] == [5, 3]
    assert records.end_us == 9


def test_each_node_has_its_own_records(trace: list[Record]) -> None:
    records = Records(trace)
    assert list(records.of_node("depot")) == [record for record in trace if record["node"] == "depot"]
    assert list(records.of_node("nobody")) == []
    assert records.nodes == {record["node"] for record in trace}


def test_an_index_is_built_once_and_an_answer_is_kept(trace: list[Record]) -> None:
    records = Records(trace)
    assert Records.of(records) is records
    assert records.of_kind("executed") is records.of_kind("executed")
    asked: list[int] = []

    def count(held: Records) -> int:
        asked.append(1)
        return len(held)

    assert records.computed(count) == records.computed(count) == len(trace)
    assert asked == [1]


def test_records_do_not_change_with_the_list_that_they_came_from(trace: list[Record]) -> None:
    growing = trace[:5]
    records = Records(growing)
    growing.append(trace[5])
    assert records == trace[:5] and len(records[1:3]) == 2
