"""One real measurement through a private broker: the figures are there, and of a size that can be."""

from pathlib import Path

import pytest

from nodes.calibration.bus import measure_bus

pytestmark = pytest.mark.live


def test_a_message_costs_something_at_every_station(tmp_path: Path) -> None:
    told: list[str] = []
    measured = measure_bus("embedded", tmp_path, 1, told.append)
    assert told == ["embedded: ping-pong", "embedded: floods"]
    for cost_ns in (measured.bus.publish_ns, measured.bus.receive_ns, measured.broker.publish_ns):
        assert 1_000 < cost_ns < 5_000_000
