"""The sums behind `consortium calibrate`: prices out of steps, and when measurements are not believed."""

from pathlib import Path

import numpy
import pytest
from rich.console import Console

from consortium.commands import calibrate as calibrating
from consortium.simulation.costs.profile import BrokerCost, BusCost, HostCost, StoreCost, SuiteCost, load_profile
from nodes.calibration.bus import BusMeasure, _Sample, _solve, spread_of
from nodes.calibration.host import HostMeasure, fit
from nodes.errors import UserError


def test_prices_are_found_again_and_none_is_below_zero() -> None:
    table = numpy.array([[1, k % 7, (k * k) % 11, k % 2] for k in range(200)], dtype=float)
    values = table @ numpy.array([30_000.0, 5_000.0, 0.0, 12_000.0])
    assert fit(table, values) == pytest.approx([30_000, 5_000, 0, 12_000], abs=1)
    below = table @ numpy.array([30_000.0, 5_000.0, -400.0, 12_000.0])
    prices = fit(table, below)
    assert prices[2] == 0 and min(prices) >= 0


def test_ping_pong_and_floods_are_taken_apart() -> None:
    """Made of known costs: publish 20, receive 30, waking up 15; broker 50 in, 6 out, 10 awake; 8 of waiting each."""
    ping = [_Sample(65_000, 65_000, 66_000, 65_000 + 66_000 + 16_000)] * 5
    one = [_Sample(20_000, 30_000, 56_000, 0)] * 5
    all_ = [_Sample(20_000, 30_000, 68_000, 0)] * 5
    kib = (65_536 - 300) / 1_024
    large = [_Sample(20_000 + 100 * kib, 30_000 + 200 * kib, 56_000 + (300 + 40) * kib, 0)] * 5
    wide = [_Sample(0, 0, 68_000 + (300 + 3 * 40) * kib, 0)] * 5
    solved = _solve(ping, one, all_, large, wide)
    assert solved.bus == BusCost(20_000, 100, 30_000, 200, 15_000, 8_000)
    assert solved.broker == BrokerCost(50_000, 300, 6_000, 40, 10_000, 8_000)
    assert solved.spread == 0


def test_a_spread_is_between_the_quartiles() -> None:
    assert spread_of([100, 100, 101, 99, 100, 100, 900]) < 0.02
    assert spread_of([100, 150, 60, 100, 200, 40, 100]) > 0.5


def measures(spread: float, monkeypatch: pytest.MonkeyPatch, load: float = 0.0) -> None:
    bus = BusMeasure(BusCost(1), BrokerCost(2), spread)
    host = HostMeasure(HostCost(3), StoreCost(4), {"ed25519": SuiteCost(5, 6)}, 0.01, 0.02)
    monkeypatch.setattr(calibrating, "measure_bus", lambda *_: bus)
    monkeypatch.setattr(calibrating, "measure_host", lambda *_: host)
    monkeypatch.setattr(calibrating, "rehearse", lambda profile, *_: profile)
    monkeypatch.setattr(calibrating.os, "getloadavg", lambda: (load, load, load))  # type: ignore[attr-defined]


def test_a_quiet_machine_gets_its_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measures(0.05, monkeypatch)
    calibrating.write_profile(tmp_path / "profile.json", Console(quiet=True), allow_noise=False)
    profile = load_profile(tmp_path / "profile.json")
    assert profile.bus.publish_ns == 1 and profile.broker == "embedded" and profile.noise == 0.05 and profile.date
    assert [path.name for path in tmp_path.iterdir()] == ["profile.json"]


@pytest.mark.parametrize(("spread", "load", "words"), [(0.4, 0.0, "disagree by 40%"), (0.0, 1e6, "is busy")])
def test_a_noisy_machine_is_refused_in_a_sentence_unless_noise_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spread: float, load: float, words: str
) -> None:
    measures(spread, monkeypatch, load)
    with pytest.raises(UserError, match=f"{words}.*--allow-noise"):
        calibrating.write_profile(tmp_path / "profile.json", Console(quiet=True), allow_noise=False)
    assert not list(tmp_path.iterdir())
    calibrating.write_profile(tmp_path / "profile.json", Console(quiet=True), allow_noise=True)
    assert load_profile(tmp_path / "profile.json").noise == max(spread, 0.01)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="make it first"):
        calibrating.write_profile(tmp_path / "none" / "profile.json", Console(quiet=True), allow_noise=True)
