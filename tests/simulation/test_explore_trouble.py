"""The kinds of trouble that an exploration is to meet by itself: each is drawn, met, and survived."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from consortium.exploration import trouble
from consortium.exploration.draw import draw
from consortium.exploration.faults import promises_service, wounded
from consortium.exploration.judge import Examined, examine
from consortium.scenario.adversary import Adversaries
from consortium.scenario.scenario import Scenario

SEEDS = {
    trouble.CALM: 8,
    trouble.IDLE: 14,
    trouble.OUTAGE: 13,
    trouble.SEVERAL: 10,
    trouble.EVERYBODY: 7,
    trouble.LOST: 70,
    trouble.OLDER: 12,
    trouble.REPLAYED: 11,
}


@cache
def examined(seed: int) -> Examined:
    return examine(draw(seed))


def test_every_kind_has_a_seed() -> None:
    assert set(SEEDS) == set(trouble.KINDS)


@pytest.mark.parametrize("kind", SEEDS)
def test_a_seed_meets_this_kind_of_trouble_and_all_checks_hold(kind: str) -> None:
    found = examined(SEEDS[kind])
    assert found.failures == ()
    assert found.counts["trouble"][kind] == 1


def _drawn(scenario: Scenario) -> list[str]:
    """What a seed is sure to meet, as far as what it drew says so."""
    liars = Adversaries.of(scenario).names
    disks = {fault.options.get("disk") for fault in scenario.faults}
    kills = sum(fault.act == "kill" and fault.after_us == 1 for fault in scenario.faults)
    signs = {
        "calm": not scenario.faults,
        "rests": bool(scenario.workload.options.get("rest_every")),
        "long outage": any(
            fault.act == "broker_restart" and fault.after_us >= 10 * scenario.parameters.timer_base_us
            for fault in scenario.faults
        ),
        "several die": kills > 0,
        "wiped beside a liar": bool(liars) and "empty" in disks,
        "rolled back beside a liar": bool(liars) and "copy" in disks,
        "more than f": not promises_service(scenario),
        "old bundles": any(spec.options.get("kind") == "Submission" for spec in scenario.behaviours),
    }
    return [sign for sign, is_drawn in signs.items() if is_drawn]


def test_seeds_draw_every_kind_of_trouble_often_enough() -> None:
    """Of 200 seeds at least five."""
    found = Counter(sign for seed in range(200) for sign in _drawn(draw(seed)))
    assert len(found) == 8 and min(found.values()) >= 5, found


def test_more_than_f_are_bad_only_where_a_wiped_disk_is_one_of_them() -> None:
    for seed in range(300):
        scenario = draw(seed)
        if not promises_service(scenario):
            liars = Adversaries.of(scenario).names
            wiped = {fault.target for fault in scenario.faults if fault.options.get("disk") == "empty"}
            assert liars and wiped & wounded(scenario)
