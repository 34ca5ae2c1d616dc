from pathlib import Path

import pytest

from consortium.runs.trace import (
    TraceError,
    TraceReader,
    encode_record,
    fingerprint,
    merge_traces,
    read_trace,
    write_trace,
)


def record(t_us: int, node: str = "a", kind: str = "executed", **fields: object) -> dict[str, object]:
    return {"t_us": t_us, "node": node, "kind": kind, **fields}


def test_a_trace_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    trace = [record(1, height=3, header="ab"), record(2, "b", "fault", act="kill", target="a")]
    assert write_trace(tmp_path / "trace.jsonl", trace) == 2
    assert read_trace(tmp_path / "trace.jsonl") == trace


def test_a_line_that_a_killed_process_left_half_written_is_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    write_trace(path, [record(1), record(2)])
    path.write_bytes(path.read_bytes()[:-9])
    reader = TraceReader(path)
    assert list(reader) == [record(1)]
    assert reader.torn == 1


def test_a_damaged_line_in_the_middle_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(encode_record(record(1)) + b"{nonsense\n" + encode_record(record(2)))
    with pytest.raises(TraceError, match=r"trace\.jsonl, line 2"):
        read_trace(path)


@pytest.mark.parametrize("line", [b"[1]\n", b'{"t_us":1}\n', b'{"t_us":"1","node":"","kind":"x"}\n', b"\xff\n"])
def test_a_line_that_is_no_record_is_refused(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "t").write_bytes(line)
    with pytest.raises(TraceError, match="line 1"):
        read_trace(tmp_path / "t")


def test_fingerprints_depend_on_what_happened_and_not_on_the_order_of_keys() -> None:
    one = [{"t_us": 1, "node": "a", "kind": "x", "height": 2}]
    same = [{"height": 2, "kind": "x", "node": "a", "t_us": 1}]
    assert fingerprint(one) == fingerprint(same)
    assert fingerprint(one) != fingerprint([{**one[0], "height": 3}])
    assert fingerprint([*one, record(2)]) != fingerprint([record(2), *one])


def test_merging_keeps_time_and_at_equal_times_the_order_of_the_traces() -> None:
    a, b = [record(1, "a"), record(5, "a")], [record(1, "b"), record(3, "b")]
    assert [(r["t_us"], r["node"]) for r in merge_traces([a, b])] == [(1, "a"), (1, "b"), (3, "b"), (5, "a")]
