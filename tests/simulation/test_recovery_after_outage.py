"""After an outage that made T long, the first block brings T back: the next fault costs no more than 2 T.

In the outage every proof of a new view is lost (PBFT: NEW-VIEW, HotStuff: PROPOSAL), also in answers. So leader after
leader fails, and T doubles each time. Then the bus is well again, a block is decided, and its leader dies.
"""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.messages import Message, decode_frame
from consortium.protocols.hotstuff.messages import Proposal
from consortium.protocols.hotstuff.messages import Told as HotStuffTold
from consortium.protocols.pbft.messages import NewView, Told
from tests.hotstuff_network import HotStuffNetwork
from tests.pbft_network import PARAMETERS, Network

T_US = PARAMETERS.timer_base_us
OUTAGE_US = 40 * T_US
HEALED_US = OUTAGE_US + 130 * T_US


def losing(network: Network, kinds: tuple[type[Message], ...]) -> None:
    """Frames of these kinds arrive as nothing."""

    def bend(sender: str, receiver: str, payload: bytes) -> bytes:
        signed = decode_frame(payload).signed
        return b"" if isinstance(network.verifier.open(signed, network.epochs).message, kinds) else payload

    network.bend = bend


def has_decided(network: Network, bundle: bytes, without: str = "") -> bool:
    return all(bundle in peer.pool.executed for name, peer in network.peers.items() if name != without)


@pytest.mark.parametrize(("kind", "lost"), [(Network, (NewView, Told)), (HotStuffNetwork, (Proposal, HotStuffTold))])
def test_after_an_outage_and_one_block_the_next_fault_costs_no_more_than_twice_the_timer(
    kind: type[Network], lost: tuple[type[Message], ...]
) -> None:
    network = kind(4, seed=5).start()
    network.run(500_000)
    losing(network, lost)
    if kind is Network:
        network.peers["n0"].crash()
    network.submit(b"in the outage")
    network.run(OUTAGE_US)
    if kind is Network:
        network.peers["n0"].boot()
    peer: Any = network.peers["n3"].replica
    timer = (peer._progress if kind is Network else peer._pacemaker)._timer
    assert timer.timeout_us >= 8 * T_US, "the control: the outage made T long"
    network.bend = lambda sender, receiver, payload: payload
    assert network.run(HEALED_US, lambda: has_decided(network, b"in the outage"))
    network.run(network.time_us + 50_000)
    dead = str(network.peers["n3"].replica.leader)
    network.peers[dead].crash()
    network.submit(b"afterwards")
    before_us = network.time_us
    network.run(before_us + 200 * T_US, lambda: has_decided(network, b"afterwards", dead))
    assert network.time_us - before_us <= 2 * T_US
    network.check()
