"""What a gateway counts of itself and tells of its node, for Prometheus: numbers, and nobody's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
ROUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 400)


class Metrics:
    """A registry of its own: several gateways may live in one process of a test."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "consortium_gateway_requests", "Requests by route and status.", ("route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "consortium_gateway_request_seconds",
            "From the first byte of a request to its answer.",
            ("route",),
            registry=registry,
            buckets=SECONDS,
        )
        self._round = Histogram(
            "consortium_gateway_round_transactions",
            "Transactions that were handed in together.",
            registry=registry,
            buckets=ROUNDS,
        )
        self._refused = Counter(
            "consortium_gateway_refused_reads", "Queries that were refused, by code.", ("code",), registry=registry
        )
        self._gauges: dict[str, Gauge] = {}

    def count(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_refused_read(self, code: str) -> None:
        """`code`: of the refusal, so one of few."""
        self._refused.labels(code).inc()

    def count_round(self, transactions: int) -> None:
        self._round.observe(transactions)

    def watch(self, name: str, what: str, read: Callable[[], float]) -> None:
        """A number that is read when it is asked for."""
        Gauge(f"consortium_{name}", what, registry=self._registry).set_function(read)

    def tell_node(self, status: Mapping[str, Any]) -> None:
        """What the node says of itself, as far as it is numbers; of nested ones each by its path."""
        for name, value in _numbers(status, "node"):
            gauge = self._gauges.get(name)
            if gauge is None:
                gauge = self._gauges[name] = Gauge(
                    f"consortium_{name}", f"The node's own {name.removeprefix('node_')}.", registry=self._registry
                )
            gauge.set(value)

    def exposed(self) -> bytes:
        return generate_latest(self._registry)


def _numbers(value: Any, name: str) -> list[tuple[str, float]]:
    if isinstance(value, bool | int | float):
        return [(name, float(value))]
    if isinstance(value, Mapping):
        parts = [(key, each) for key, each in value.items() if str(key).isidentifier() and str(key).isascii()]
        return [found for key, each in parts for found in _numbers(each, f"{name}_{key}")]
    return []
