"""One transaction across nodes: its spans out of traces and ledger, and how collectors of OpenTelemetry get them."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.commands.folders import open_ledger
from consortium.core.crypto import SUITES
from consortium.core.errors import UserError
from consortium.core.transaction import Bundles
from consortium.lab.checks.ledgers import executed_in
from consortium.lab.measures.transaction_spans import find_transaction, spans_of
from consortium.runs.folder import load_run
from consortium.runs.run import Run, blocks
from tests.finished_run import finished_run
from tests.optional import needs

NAMES = {"bureau", "hospital-1", "hospital-2", "regulator"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("traced") / "run")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return load_run(folder, open_ledger)


@pytest.fixture(scope="module")
def identity(run: Run) -> str:
    """Of a transaction of hospital-2."""
    assert run.fullest is not None
    bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
    held = [
        each
        for block in blocks(run.fullest.rows)
        for each in (executed_in(block, bundles, is_trusted=True) if block.height else ())
    ]
    return next(each.id.hex() for each in held if each.bundle.member == "hospital-2")


def _said(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["trace", *words, "--run", str(folder)])
    if isinstance(result.exception, UserError):
        return str(result.exception)
    assert result.exit_code == 0, result.output
    return result.output


def test_each_node_has_each_phase_in_order_within_the_whole(run: Run, identity: str) -> None:
    (where,) = find_transaction(run, bytes.fromhex(identity))
    spans = spans_of(run, where)
    whole, inner = spans[0], spans[1:]
    assert (whole.node, whole.name, whole.parent) == ("hospital-2", "transaction", b"")
    assert {span.parent for span in inner} == {whole.id} and len({span.id for span in spans}) == len(spans)
    assert all(whole.begin_us <= span.begin_us <= span.end_us <= whole.end_us for span in inner)
    for node in NAMES:
        names = [span.name for span in inner if span.node == node and span.name in ("prepare", "commit", "execute")]
        assert names == ["prepare", "commit", "execute"], node
        ends = [span.end_us for span in inner if span.node == node and span.name in ("prepare", "commit", "execute")]
        assert ends == sorted(ends)
        executed = next(r for r in run.records.of_node(node).of_kind("executed") if r["height"] == where.height)
        assert ends[-1] == executed["t_us"], "as its own trace says"
    assert [span.node for span in inner if span.name == "wait"] == ["hospital-2"]
    assert len([span for span in inner if span.name == "propose"]) == 1


def test_a_person_sees_the_phases_and_is_told_what_cannot_be_found(folder: Path, identity: str) -> None:
    told = _said(folder, identity[:12])
    assert identity in told and "prepare" in told and "hospital-2" in told
    assert "block" in _said(folder), "without an id: the newest"
    for word, why in (("zz00", "hexadecimal"), ("ab", "at least 4"), ("0" * 64, "no block holds")):
        assert why in _said(folder, word)


def test_a_file_has_the_same_as_json_of_otlp(folder: Path, identity: str, run: Run, tmp_path: Path) -> None:
    _said(folder, identity, "--out", str(tmp_path / "spans.json"))
    told: dict[str, Any] = msgspec.json.decode((tmp_path / "spans.json").read_bytes())
    services = {_service(each["resource"]["attributes"]) for each in told["resourceSpans"]}
    assert services == NAMES
    spans = [span for each in told["resourceSpans"] for scope in each["scopeSpans"] for span in scope["spans"]]
    assert {span["traceId"] for span in spans} == {identity[:32]}
    roots = [span for span in spans if "parentSpanId" not in span]
    assert [span["name"] for span in roots] == ["transaction"]
    assert int(roots[0]["startTimeUnixNano"]) >= run.genesis.time_us * 1_000


def _service(attributes: list[dict[str, Any]]) -> str:
    return next(str(each["value"]["stringValue"]) for each in attributes if each["key"] == "service.name")


class Collector(BaseHTTPRequestHandler):
    """Takes what is posted, and keeps it."""

    taken: list[tuple[str, bytes]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.taken.append((self.path, body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def collector() -> Any:
    mine = type("Mine", (Collector,), {"taken": []})
    server = HTTPServer(("127.0.0.1", 0), mine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@needs("opentelemetry.sdk")
def test_a_collector_is_sent_one_trace_with_the_spans_of_all_nodes(
    folder: Path, identity: str, run: Run, collector: Any
) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    url = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    assert f"trace {identity[:32]}" in _said(folder, identity, "--otlp", url)
    ((path, body),) = collector.RequestHandlerClass.taken
    assert path == "/v1/traces"
    request = ExportTraceServiceRequest.FromString(body)
    spans = [span for each in request.resource_spans for scope in each.scope_spans for span in scope.spans]
    (where,) = find_transaction(run, bytes.fromhex(identity))
    assert {span.trace_id.hex() for span in spans} == {identity[:32]}
    assert {span.span_id for span in spans} == {span.id for span in spans_of(run, where)}
    services = {pair.value.string_value for each in request.resource_spans for pair in each.resource.attributes}
    assert services >= NAMES


@needs("opentelemetry.sdk")
def test_a_collector_that_takes_nothing_is_told(folder: Path, identity: str, collector: Any) -> None:
    collector.RequestHandlerClass.status = 400
    url = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    assert "took nothing" in _said(folder, identity, "--otlp", url)
