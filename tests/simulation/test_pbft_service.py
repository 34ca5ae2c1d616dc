"""Service: fast when all is well, back soon when the leader dies, quiet when there is nothing to do."""

import pytest

from consortium.core.genesis import Parameters
from tests.pbft_network import PARAMETERS, Network


def _busy(n: int, bundles: int = 40, parameters: Parameters = PARAMETERS, seed: int = 3) -> Network:
    network = Network(n, seed, parameters=parameters).start()
    for index in range(bundles):
        network.later(100_000 + index * 1_000, lambda index=index: network.submit(b"bundle %d" % index))
    return network


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 10])
def test_any_number_of_members_orders_everything_without_a_view_change(n: int) -> None:
    network = _busy(n)
    assert network.run(2_000_000, lambda: len(network.submitted) == 40 and network.is_complete())
    network.check()
    assert all(peer.replica.view == 0 for peer in network.peers.values())


def test_an_idle_consortium_is_silent() -> None:
    network = _busy(4)
    network.run(3_000_000)
    assert network.is_complete()
    before = network.transmitted
    network.run(60_000_000)
    assert network.transmitted == before


def test_a_dead_leader_is_replaced_after_one_timeout() -> None:
    network = _busy(4, bundles=200)
    network.run(200_000)
    network.peers["n0"].crash()
    network.submit(b"afterwards")
    alive = [peer for name, peer in network.peers.items() if name != "n0"]
    network.run(2_500_000, lambda: all(b"afterwards" in peer.pool.executed for peer in alive))
    assert network.time_us < 200_000 + PARAMETERS.timer_base_us + 500_000
    assert [peer.noted("new_view")[0]["leader"] for peer in alive] == ["n1"] * 3
    network.check()


def test_a_leader_that_returns_takes_its_place_as_a_backup() -> None:
    network = _busy(4, bundles=200)
    network.run(200_000)
    network.peers["n0"].crash()
    network.run(2_000_000)
    network.peers["n0"].boot()
    network.submit(b"afterwards")
    assert network.run(8_000_000, network.is_complete)
    assert network.peers["n0"].replica.view == 1
    network.check()


def test_two_dead_leaders_in_a_row_are_replaced_too() -> None:
    network = _busy(7, bundles=100)
    network.run(150_000)
    for name in ("n0", "n1"):
        network.peers[name].crash()
    alive = [peer for peer in network.peers.values() if peer.is_up]
    network.submit(b"afterwards")
    network.run(5_000_000, lambda: all(b"afterwards" in peer.pool.executed for peer in alive))
    assert network.time_us < 4_000_000
    assert {peer.replica.view for peer in alive} == {2}


def test_one_lost_member_of_four_catches_up_although_nothing_is_resent_to_it() -> None:
    network = _busy(4, bundles=100)
    network.run(120_000)
    network.blocked = lambda sender, receiver: "n3" in (sender, receiver)
    network.run(1_000_000)
    network.blocked = lambda sender, receiver: False
    network.submit(b"afterwards")
    assert network.run(6_000_000, network.is_complete)
    network.check()


def test_a_whole_consortium_that_stops_starts_again() -> None:
    network = _busy(4, bundles=100)
    network.run(150_000)
    for peer in network.peers.values():
        peer.crash()
    network.run(1_000_000)
    for peer in network.peers.values():
        network.later(network.random.randint(0, 400_000), peer.boot)
    assert network.run(8_000_000, network.is_complete)
    network.check()


def test_members_that_come_up_one_after_another_vote_as_soon_as_enough_are_up() -> None:
    network = Network(4, seed=1)
    for index, peer in enumerate(network.peers.values()):
        network.later(index * 900_000, peer.boot)
    network.run(900_000 * 2 + 20_000)
    assert [peer.replica.state.is_recalled for peer in network.peers.values() if peer.is_up] == [True] * 3
