"""Packed records say what the trace says, whatever the trace is like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consortium.core.errors import UserError
from consortium.runs.trace import encode_record, read_trace
from nodes.page import pack
from nodes.page.pack import SAID
from nodes.page.serve import open_source
from tests.finished_run import finished_run
from tests.page_kit import client_of, unpack


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("page") / "run")


def unpacked(place: Path) -> tuple[dict[str, Any], list[list[Any]]]:
    with client_of(place) as client:
        return client.get("/page/about.json").json(), unpack(client.get("/page/records").content)


def test_each_record_of_a_run_is_there_with_what_it_says(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "BLOCK_BYTES", 1_000)  # many blocks, many chunks
    monkeypatch.setattr(pack, "CHUNK_RECORDS", 100)
    about, rows = unpacked(run)
    trace = read_trace(run / "trace.jsonl")
    assert about["records"] == len(rows) == len(trace) > 100
    assert about["end_us"] == trace[-1]["t_us"]
    names = ["", *(each["name"] for each in about["members"])]
    for record, (t_us, node, kind, height, view, more) in zip(trace, rows, strict=True):
        assert (record["t_us"], record["node"], record["kind"]) == (t_us, names[node], about["kinds"][kind])
        assert (record.get("height", -1), record.get("view", -1)) == (height, view)
        said = SAID.get(record["kind"], record.keys() - {"t_us", "node", "kind", "height", "view"})
        assert (more or {}) == {name: record.get(name, 0) for name in said}


def test_a_trace_alone_is_shown_with_those_who_wrote_it(run: Path) -> None:
    about, rows = unpacked(run / "trace.jsonl")
    assert about["source"] == "trace" and about["records"] == len(rows)
    assert {each["name"] for each in about["members"]} == {"bureau", "hospital-1", "hospital-2", "regulator"}
    assert (about["n"], about["f"], about["quorum"]) == (4, 1, 3)


def write(path: Path, *records: dict[str, Any], more: bytes = b"") -> Path:
    path.write_bytes(b"".join(map(encode_record, records)) + more)
    return path


def test_fields_that_bear_our_names_and_mean_something_else_are_told_whole(tmp_path: Path) -> None:
    odd = {"t_us": 5, "node": "a", "kind": "oracle", "height": "tall", "view": 2, "ok": [1], "note": "</script>"}
    huge = {"t_us": 6, "node": "a", "kind": "executed", "height": 1 << 40, "view": 1}
    about, rows = unpacked(write(tmp_path / "odd.jsonl", odd, huge))
    assert rows[0] == [
        5.0,
        1,
        about["kinds"].index("oracle"),
        -1,
        2,
        {"height": "tall", "ok": [1], "note": "</script>"},
    ]
    assert rows[1][3] == (1 << 31) - 1


def test_a_trace_out_of_order_is_put_in_order_and_a_torn_line_left_out(tmp_path: Path) -> None:
    late, early = ({"t_us": t_us, "node": "a", "kind": "prepared", "height": t_us} for t_us in (9, 3))
    _, rows = unpacked(write(tmp_path / "bent.jsonl", late, early, more=b'{"t_us":10,"no'))
    assert [row[0] for row in rows] == [3, 9] and [row[3] for row in rows] == [3, 9]


def test_who_is_no_member_is_named_in_what_else_is_said(run: Path, tmp_path: Path) -> None:
    for name in ("scenario.json", "genesis.json", "format.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    write(tmp_path / "trace.jsonl", {"t_us": 1, "node": "broker-1", "kind": "executed", "height": 4})
    _, rows = unpacked(tmp_path)
    assert rows[0][1] == 0 and rows[0][5]["node"] == "broker-1"


def test_a_run_that_was_cut_off_is_shown_by_the_traces_of_its_nodes(run: Path, tmp_path: Path) -> None:
    for name in ("scenario.json", "genesis.json", "format.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    for name, t_us in (("bureau", 7), ("hospital-1", 2)):
        (tmp_path / "nodes" / name).mkdir(parents=True)
        write(tmp_path / "nodes" / name / "trace.jsonl", {"t_us": t_us, "node": name, "kind": "booted", "records": 0})
    _, rows = unpacked(tmp_path)
    assert [row[0] for row in rows] == [2, 7]


@pytest.mark.parametrize(
    "line", [b"not json\n", b'{"t_us":1}\n', b'{"t_us":"1","node":"a","kind":"b"}\n', b"\n", b"[" * 4000 + b"\n"]
)
def test_what_is_no_trace_is_one_sentence(tmp_path: Path, line: bytes) -> None:
    good = encode_record({"t_us": 0, "node": "a", "kind": "booted"})
    (tmp_path / "bad.jsonl").write_bytes(good + line)
    with client_of(tmp_path / "bad.jsonl") as client:
        for path in ("/page/about.json", "/page/records"):
            response = client.get(path)
            assert response.status_code == 404
            assert "bad.jsonl" in response.json()["error"]


@pytest.mark.parametrize("name", ["nothing", "notes.txt", "empty"])
def test_a_wrong_run_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text(json.dumps("words"))
    with pytest.raises(UserError, match=name):
        open_source(tmp_path / name)
