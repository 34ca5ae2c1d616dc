"""Spans of a transaction for whoever collects OpenTelemetry: over HTTP with its SDK, or as OTLP's JSON in a file."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import msgspec

from consortium import __version__
from consortium.lab.measures.transaction_spans import TRACE_ID_BYTES, TransactionSpan, Where
from nodes.errors import UserError

SCOPE = "consortium"
INTERNAL = 1  # the kind of span that OTLP calls so


class Told(NamedTuple):
    """`origin_us`: of UTC, when the run began."""

    where: Where
    spans: Sequence[TransactionSpan]
    origin_us: int

    def nanoseconds(self, t_us: int) -> int:
        return (self.origin_us + t_us) * 1_000

    @property
    def attributes(self) -> dict[str, str | int]:
        named = {f"consortium.{name}": value for name, value in self.where.about.items()}
        return {"consortium.transaction": self.where.id.hex(), "consortium.height": self.where.height, **named}


def as_json(told: Told) -> bytes:
    """OTLP's JSON encoding of an export, which collectors take at /v1/traces, too."""
    nodes = dict.fromkeys(span.node for span in told.spans)
    resources = [
        {
            "resource": {"attributes": _pairs({"service.name": node, "service.namespace": SCOPE})},
            "scopeSpans": [
                {
                    "scope": {"name": SCOPE, "version": __version__},
                    "spans": [_json_span(told, span) for span in told.spans if span.node == node],
                }
            ],
        }
        for node in nodes
    ]
    return msgspec.json.format(msgspec.json.encode({"resourceSpans": resources}), indent=2) + b"\n"


def _json_span(told: Told, span: TransactionSpan) -> dict[str, Any]:
    return {
        "traceId": told.where.id[:TRACE_ID_BYTES].hex(),
        "spanId": span.id.hex(),
        **({"parentSpanId": span.parent.hex()} if span.parent else {}),
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": str(told.nanoseconds(span.begin_us)),
        "endTimeUnixNano": str(told.nanoseconds(span.end_us)),
        "attributes": _pairs(told.attributes),
    }


def _pairs(attributes: dict[str, str | int]) -> list[dict[str, Any]]:
    return [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for name, value in attributes.items()
    ]


def export(told: Told, url: str) -> None:
    """To a collector, whose address of traces is `url`. Raises UserError where it takes nothing."""
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise UserError("--otlp needs the libraries of OpenTelemetry: pip install 'consortium[telemetry]'")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    exporter = OTLPSpanExporter(endpoint=url, timeout=10)
    try:
        result = exporter.export(sdk_spans(told))
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
    if result is not SpanExportResult.SUCCESS:
        raise UserError(f"the collector at {url} took nothing: is it there, and is this its address of traces?")


def sdk_spans(told: Told) -> list[Any]:
    """As the SDK holds spans that have ended."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, TraceFlags

    def context(span_id: bytes) -> SpanContext:
        trace_id = int.from_bytes(told.where.id[:TRACE_ID_BYTES], "big")
        return SpanContext(trace_id, int.from_bytes(span_id, "big"), False, TraceFlags(TraceFlags.SAMPLED))

    return [
        ReadableSpan(
            span.name,
            context(span.id),
            context(span.parent) if span.parent else None,
            Resource({"service.name": span.node, "service.namespace": SCOPE}),
            told.attributes,
            start_time=told.nanoseconds(span.begin_us),
            end_time=told.nanoseconds(span.end_us),
            instrumentation_scope=InstrumentationScope(SCOPE, __version__),
        )
        for span in told.spans
    ]
