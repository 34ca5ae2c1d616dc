"""Many seeds of loss, repeats, reordering, partitions and crashes: HotStuff keeps its promises, and goes on."""

from __future__ import annotations

import pytest

from consortium.protocols.hotstuff import certificates
from tests.hotstuff_network import HEALED_US, HotStuffNetwork, chaos
from tests.pbft_network import epoch_of


@pytest.mark.parametrize("n", [4, 5, 7])
@pytest.mark.parametrize("seed", range(14))
def test_whatever_happens_all_agree_nobody_votes_twice_and_work_goes_on(n: int, seed: int) -> None:
    _holds(n, seed)


@pytest.mark.parametrize(("n", "seed"), [(5, 28), (7, 179), (7, 181)])
def test_a_branch_that_does_not_show_what_is_sealed_is_built_on(n: int, seed: int) -> None:
    """Once, leaders waited for ever for blocks under the seal that everybody had forgotten."""
    _holds(n, seed)


def _holds(n: int, seed: int) -> None:
    network, done = chaos(n, seed)
    network.check()
    assert done, "no progress after the last fault"
    assert network.time_us < HEALED_US + 20_000_000
    peers = network.peers.values()
    assert [peer.name for peer in peers if peer.noted("observing")] == []
    assert [fields for peer in peers for fields in peer.noted("rejected")] == []


def test_the_chaos_reaches_timeouts_and_reboots() -> None:
    left = boots = 0
    for seed in range(12):
        network, _ = chaos(4, seed)
        for peer in network.peers.values():
            left += len(peer.noted("view_change"))
            boots += len(peer.noted("booted")) - 1
    assert left > 20 and boots > 10


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = chaos(5, 3)[0], chaos(5, 3)[0]
    assert first.transmitted == second.transmitted and first.decided == second.decided
    assert [peer.notes for peer in first.peers.values()] == [peer.notes for peer in second.peers.values()]


def _split(n: int, quorum: int | None) -> HotStuffNetwork:
    """Two halves that never hear each other, each with work of its own."""
    epoch = epoch_of(n)
    if quorum is not None:
        epoch.__dict__["quorum"] = quorum
    network = HotStuffNetwork(n, epoch=epoch)
    network.start()
    network.run(400_000)
    names = list(network.peers)
    side = {name: names.index(name) < n // 2 for name in names}
    network.blocked = lambda sender, receiver: side[sender] != side[receiver]
    for peer in network.peers.values():
        network._offer(peer, b"left" if side[peer.name] else b"right")
    network.run(20_000_000)
    return network


def test_two_halves_that_do_not_hear_each_other_never_decide_differently() -> None:
    assert _split(4, None).faults == []
    assert _split(7, None).faults == []


def test_with_too_small_a_quorum_the_agreement_check_fails() -> None:
    """The positive control of every test above."""
    assert any("decided otherwise" in fault for fault in _split(4, 2).faults)


def _with_one_down(views: int, monkeypatch: pytest.MonkeyPatch) -> HotStuffNetwork:
    """Four members, one of them down, and leaders that change every so many views."""
    for module in ("certificates", "pacemaker"):
        monkeypatch.setattr(f"consortium.protocols.hotstuff.{module}.TERM_VIEWS", views)
    network = HotStuffNetwork(4)
    network.start()
    network.run(400_000)
    network.peers["n1"].crash()
    for index in range(20):
        network.later(index * 50_000, lambda index=index: network.submit(b"bundle %d" % index))
    network.run(60_000_000, lambda: False)
    return network


def test_with_a_leader_a_view_one_silent_member_of_four_stops_every_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why leaders have terms (decision 042): four honest leaders in a row are needed, and there are three."""
    stopped = _with_one_down(1, monkeypatch)
    assert max(stopped.decided, default=0) <= 3
    served = _with_one_down(8, monkeypatch)
    assert all(len(set(peer.bundles)) == 20 for name, peer in served.peers.items() if name != "n1")
    assert certificates.TERM_VIEWS == 8


def test_a_node_that_forgets_its_log_is_caught_by_the_others_memory() -> None:
    """The disk is rolled back to nothing between two lives: the node must not vote again."""
    network = HotStuffNetwork(4, seed=2)
    network.start()
    for index in range(10):
        network.later(100_000 + index * 10_000, lambda index=index: network.submit(b"b%d" % index))
    network.run(1_000_000)
    victim = network.peers["n2"]
    victim.crash()
    victim.records.clear()
    victim.boot()
    network.later(100_000, lambda: network.submit(b"later"))
    network.run(network.time_us + 9_000_000)
    assert len(victim.noted("observing")) == 1
    network.check()
    assert all(b"later" in peer.pool.executed for peer in network.peers.values())
