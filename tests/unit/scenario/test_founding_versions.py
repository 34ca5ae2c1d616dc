"""A chain begins with what its scenario names, and with what each contract says for those that name nothing."""

from __future__ import annotations

import msgspec
import pytest

from consortium.contracts import load_contracts
from consortium.core.contract import Contract
from consortium.scenario.standing_members import DEFAULT, parse_members, standing_scenario
from consortium.simulation.run import Simulation

_FIRST = Contract("lately", 1, ())


@pytest.mark.parametrize(
    ("contract", "named", "begins"),
    [
        (Contract("lately", 1, ()), {}, 1),
        (Contract("lately", 1, (), founding=0), {}, None),
        (Contract("lately", 1, (), founding=0), {"lately": 1}, 1),
        (Contract("lately", 2, (), older=(_FIRST,)), {}, 2),
        (Contract("lately", 2, (), older=(_FIRST,), founding=1), {}, 1),
        (Contract("lately", 2, (), older=(_FIRST,), founding=1), {"lately": 2}, 2),
        (Contract("lately", 1, ()), {"lately": 0}, None),
    ],
)
def test_who_is_not_named_begins_as_it_says_itself(
    monkeypatch: pytest.MonkeyPatch, contract: Contract, named: dict[str, int], begins: int | None
) -> None:
    own = load_contracts()
    monkeypatch.setattr("consortium.scenario.assemble.load_contracts", lambda: {**own, "lately": contract})
    standing = standing_scenario(parse_members(DEFAULT), 20261130)
    scenario = msgspec.structs.replace(standing, versions={**standing.versions, **named})
    assert Simulation(scenario).genesis.versions.get("lately") == begins


def test_a_founding_version_is_one_that_there_is() -> None:
    with pytest.raises(AssertionError, match="no version 3 to begin with"):
        Contract("lately", 2, (), older=(_FIRST,), founding=3)
