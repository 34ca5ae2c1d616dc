"""A load that rests: after so many bundles a pause, in which the consortium has nothing to do."""

from __future__ import annotations

import msgspec
import pytest

from consortium.core.machine import Expired, Now, SetTimer, Started, Submitted
from consortium.roles.loader import TIMER, Load, Loader
from consortium.scenario.load import ScenarioError
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.scenario.workloads.settlement_load import WORKLOAD

NOW = Now(0, 0)


def test_a_paced_load_rests_after_every_so_many_bundles() -> None:
    calls = tuple(((("tally", "add", msgspec.Raw(b"\xc0")),)) for _ in range(6))
    loader = Loader("a", Load(calls, 6, 100, tuple(b"%d" % index for index in range(6)), rest_every=2, rest_us=9_000))
    waits = []
    effects = loader.step(NOW, Started(()))
    while effects:
        submitted, timer = effects
        assert isinstance(submitted, Submitted) and isinstance(timer, SetTimer)
        waits.append(timer.delay_us)
        effects = loader.step(NOW, Expired(TIMER))
    assert waits == [100, 9_000, 100, 9_000, 100, 9_000]


def test_a_load_that_rests_is_paced() -> None:
    members = (MemberSpec("a", "hospital", settings={"hosts": ["loader"]}),)
    scenario = Scenario("rests", members, workload=Workload("settlement_load", {"rest_every": 5}))
    with pytest.raises(ScenarioError, match="interval_us above 0"):
        WORKLOAD.prepare(scenario, bytes(32))
