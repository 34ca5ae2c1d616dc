"""A lost disk and a liar: whoever answers, and whatever is still in flight, nobody decides a second batch at a height.

The liar is the two-faced traitor of `lost_disk_network`. One honest member knows what was decided with the vote that is
lost, the other never heard of it.
"""

from itertools import chain, combinations, permutations

import pytest

from consortium.core.messages import Message
from consortium.protocols.pbft.messages import Commit, Prepare, Recall, Recalled
from tests.lost_disk_network import OTHER, TwoFaced, network_of

NAMES = ("n0", "n1", "n2", "n3")
T_US = 1_000_000


def _subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def _story(roles: tuple[str, ...], answering: tuple[str, ...], flight: str, *, knows_loss: bool = True) -> TwoFaced:
    """`roles`: the liar, who loses its disk, who knows the vote, who heard nothing. `flight`: which of the lost votes
    to the one who knows are still under way when the disk is lost, and arrive at the very end."""
    liar, lost, knowing, blind = roles
    network = network_of("pbft", 4, liar)
    with_liar = {"lost": lost, "knowing": knowing, "blind": blind, "liar": liar + OTHER}
    network.divide((liar, lost, knowing), (liar + OTHER, blind))
    kinds = {"nothing": (), "commit": (Commit,), "all": (Prepare, Commit)}[flight]
    network.is_kept = lambda sender, to, message: (sender, to) == (lost, knowing) and isinstance(message, kinds)
    network.offer(b"first", liar, lost, knowing)
    network.run(network.time_us + T_US // 2)
    network.is_kept = lambda sender, to, message: False
    network.peers[lost].lose_disk()
    network.peers[lost].is_log_lost = knows_loss
    allowed = {with_liar[name] for name in answering}
    half = {liar + OTHER, blind, lost}

    def carries(sender: str, receiver: str, message: Message) -> bool:
        if isinstance(message, Recall | Recalled):
            return lost in (sender, receiver) and bool({sender, receiver} & allowed)
        return {sender, receiver} <= half

    network.carries = carries
    network.peers[lost].boot()
    network.run(network.time_us + T_US // 2)
    network.offer(b"second", liar + OTHER, blind, lost)
    network.run(network.time_us + 12 * T_US)
    network.release()
    network.run(network.time_us + T_US)
    return network


@pytest.mark.parametrize("flight", ["nothing", "commit", "all"])
@pytest.mark.parametrize("answering", _subsets(("liar", "knowing", "blind")))
def test_four_members_never_fork_over_a_lost_disk_whoever_answers(answering: tuple[str, ...], flight: str) -> None:
    for roles in permutations(NAMES):
        assert _story(roles, answering, flight).faults == [], roles


def test_a_lost_log_that_is_taken_for_a_new_one_forks_them() -> None:
    """The positive control: the answers of the liar and of the one who heard nothing are enough for a sound log."""
    forked = [
        (roles, flight)
        for roles in permutations(NAMES)
        for flight in ("nothing", "commit")
        if _story(roles, ("liar", "blind"), flight, knows_loss=False).forks
    ]
    assert len(forked) >= 12
