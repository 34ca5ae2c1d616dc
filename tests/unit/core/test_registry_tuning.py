"""Parameters that were tuned by votes stay tuned: in later epochs, beside other changes, in whatever order."""

from __future__ import annotations

from consortium.core import registry
from consortium.core.genesis import Parameters, tuned
from consortium.core.registry import Change
from tests.unit.contracts.test_governance import House

FLIGHT, TIMER = {"batches_in_flight": 3}, {"timer_base_us": 300_000}
LEAVING = Change("eye", None)


def test_a_tuning_holds_in_every_later_epoch_until_it_is_changed_itself() -> None:
    house = House()
    registry.decide_tuning(house.state, FLIGHT)
    assert house.activate().tuning == FLIGHT
    registry.decide_change(house.state, LEAVING)
    epoch = house.activate()
    assert epoch.tuning == FLIGHT and "eye" not in epoch.by_name
    assert tuned(Parameters(), epoch).batches_in_flight == 3
    registry.decide_tuning(house.state, TIMER)
    assert house.activate().tuning == {**FLIGHT, **TIMER}
    registry.decide_tuning(house.state, {"batches_in_flight": 5})
    assert house.activate().tuning == {"batches_in_flight": 5, **TIMER}


def test_a_tuning_that_waits_is_not_lost_to_a_change_of_members_after_it() -> None:
    house = House()
    registry.decide_tuning(house.state, FLIGHT)
    registry.decide_change(house.state, LEAVING)
    epoch = house.activate()
    assert epoch.tuning == FLIGHT and "eye" not in epoch.by_name


def test_a_change_of_members_that_waits_is_not_lost_to_a_tuning_after_it() -> None:
    house = House()
    registry.decide_change(house.state, LEAVING)
    registry.decide_tuning(house.state, FLIGHT)
    epoch = house.activate()
    assert epoch.tuning == FLIGHT and "eye" not in epoch.by_name


def test_two_tunings_that_wait_for_one_epoch_hold_both() -> None:
    house = House()
    registry.decide_tuning(house.state, FLIGHT)
    registry.decide_tuning(house.state, TIMER)
    assert house.activate().tuning == {**FLIGHT, **TIMER}
