"""One of three brokers dies under 200 transactions a second, for a minute: nothing is lost, and nobody waits longer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from consortium.lab.measures import series
from consortium.lab.measures.bundles import Bundle, bundles_of
from consortium.runs.trace import Record, read_trace
from nodes.conduct.conductor import run_local
from scenarios.bench_broker_of_three import SCENARIO
from tests.optional import needs

WARM_US = 5_000_000
BROKERS = "mosquitto,mosquitto,mosquitto"
pytestmark = [pytest.mark.live, pytest.mark.drill]


def spans(trace: Sequence[Record]) -> dict[str, list[Bundle]]:
    """Bundles by when they were executed: before the broker died, while it was dead, and after it was back."""
    killed, back = (record["t_us"] for record in trace if record["kind"] == "fault")
    found: dict[str, list[Bundle]] = {"before": [], "dead": [], "back": []}
    for bundle in bundles_of(trace):
        if bundle.executed_us > WARM_US:
            name = "before" if bundle.executed_us < killed else "dead" if bundle.executed_us < back else "back"
            found[name].append(bundle)
    return found


def quantile_ms(bundles: Sequence[Bundle], share: float) -> float:
    return series.quantile(sorted(bundle.latency_us for bundle in bundles), share) / 1e3


def words(trace: Sequence[Record]) -> str:
    return "\n".join(
        f"{name}: {len(bundles)} bundles, "
        f"p50 {quantile_ms(bundles, 0.5):.1f} ms, p99 {quantile_ms(bundles, 0.99):.1f} ms"
        for name, bundles in spans(trace).items()
    )


@needs("mosquitto")
def test_nothing_is_lost_and_users_wait_no_longer(tmp_path: Path) -> None:
    outcome = run_local(SCENARIO, tmp_path / "run", BROKERS)
    assert outcome.verdict == "done", outcome.sentence
    trace = read_trace(outcome.folder / "trace.jsonl")
    executed = sum(
        r["transactions"] for r in trace if r["kind"] == "executed" and r["node"] == "node-1" and r["height"]
    )
    assert executed == SCENARIO.workload.options["transactions"]
    found = spans(trace)
    print(words(trace))
    assert quantile_ms(found["dead"], 0.99) < 2 * quantile_ms(found["before"], 0.99), words(trace)


if __name__ == "__main__":
    print(words(read_trace(Path(sys.argv[1]) / "trace.jsonl")))
