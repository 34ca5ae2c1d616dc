"""Who lies is computed once for a run: behaviours by member, twins, and when each begins and ends."""

from __future__ import annotations

from consortium.scenario.adversary import HONEST, Adversaries, Turn
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario

MEMBERS = tuple(MemberSpec(name, "hospital") for name in "dabcfeg")


def adversaries(*behaviours: BehaviourSpec) -> Adversaries:
    return Adversaries.of(Scenario("seven", MEMBERS, behaviours=behaviours))


def test_nobody_lies_where_no_behaviour_is_named() -> None:
    assert adversaries() is HONEST
    assert HONEST.names == frozenset() and HONEST.turns == ()


def test_each_member_has_its_behaviours_in_their_order() -> None:
    first, second = BehaviourSpec("silent", "f"), BehaviourSpec("slow_leader", "b, g", from_us=5)
    found = adversaries(first, second)
    assert found.behaviours == {"a": (first,), "b": (first, second), "g": (second,)}, "f = 2 of seven: the first two"
    assert found.names == {"a", "b", "g"} and not found.twins


def test_turns_stand_by_time_and_one_that_never_ends_has_no_end() -> None:
    found = adversaries(BehaviourSpec("silent", "c", from_us=9), BehaviourSpec("silent", "a", from_us=2, to_us=4))
    assert found.turns == (
        Turn(2, "silent", "a", "begin"),
        Turn(4, "silent", "a", "end"),
        Turn(9, "silent", "c", "begin"),
    )


def test_a_twin_never_ends_for_its_second_host_runs_on() -> None:
    """Was: others that answered it were called loud in a time without a liar (exploration, seed 283)."""
    found = adversaries(BehaviourSpec("twin", "a", from_us=1, to_us=4))
    assert found.turns == (Turn(1, "twin", "a", "begin"),)


def test_a_twin_is_one_more_liar_under_its_own_name() -> None:
    found = adversaries(BehaviourSpec("twin", "a"))
    assert found.twins == {"a~twin": "a"} and found.names == {"a", "a~twin"}
    own, second = found.twin_groups["a"]
    assert own == ("b", "c", "d", "e") and second == ("d", "e", "f", "g"), "as few as let a host vote"
    named = adversaries(BehaviourSpec("twin", "a", options={"groups": [["b"], ["c", "d"]]}))
    assert named.twin_groups["a"] == (("b",), ("c", "d"))
