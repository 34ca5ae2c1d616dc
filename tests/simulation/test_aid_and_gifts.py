"""Whoever is poor and ill is helped by rules, gifts go where they were given for, and nobody is paid twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.aid.aid_records import AIDS, URGENTS
from consortium.contracts.aid.gift_records import GIFT_USES, GIFTS
from consortium.contracts.insurance.funds import get_balance
from consortium.ledger.state import Reader, State
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault, MemberSpec
from consortium.scenario.workloads.aid_and_gifts import WORKLOAD
from tests.simulated_runs import sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "aid_and_gifts.py")
AWAY = (Fault("kill", "charity", at_us=500_000), Fault("restart", "charity", after_us=3_000_000))


@pytest.mark.parametrize("faults", [(), AWAY], ids=["all there", "the charity is away meanwhile"])
def test_everybody_is_helped_as_the_rules_say_and_every_gift_has_its_trail(faults: tuple[Fault, ...]) -> None:
    run = sound(SCENARIO, faults=faults)
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    aids = [aid for _, aid in state.range(AIDS, "", "~")]
    assert Counter(aid.stage for aid in aids) == {"closed": 4, "applied": 1}  # one has no papers of its means
    assert sorted(aid.granted_fen for aid in aids) == [0, 37_250, 1_666_729, 1_966_729, 1_966_729]
    for aid in aids:
        assert aid.paid_fen == aid.granted_fen and aid.granted_fen <= aid.left_fen
    assert [urgent.stage for _, urgent in state.range(URGENTS, "", "~")] == ["confirmed"]
    for gift_no, gift in state.range(GIFTS, "", "~"):
        uses = [use for _, use in state.range(GIFT_USES, f"{gift_no}/", f"{gift_no}0")]
        assert sum(use.quantity for use in uses) == gift.allocated <= gift.received
        assert {use.stage for use in uses} <= {"acknowledged"}
        if gift.kind == "money":
            assert get_balance(state, f"gift/{gift_no}") == gift.received - gift.allocated
    if not faults:
        assert all(gift.allocated for _, gift in state.range(GIFTS, "", "~"))


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        ((MemberSpec("b", "bureau"),), {}, "needs a 'hospital'"),
        (SCENARIO.members, {"persons": 0}, "1 to 500 persons"),
        (SCENARIO.members, {"persons": 2, "small": 2, "rich": 1}, "more small stays"),
    ],
)
def test_a_scenario_that_lacks_something_is_told_so(
    members: tuple[MemberSpec, ...], options: dict[str, int], words: str
) -> None:
    workload = msgspec.structs.replace(SCENARIO.workload, options=options)
    with pytest.raises(ScenarioError, match=words):
        WORKLOAD.prepare(msgspec.structs.replace(SCENARIO, members=members, workload=workload), b"k" * 32)
