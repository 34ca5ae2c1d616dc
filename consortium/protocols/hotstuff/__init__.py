"""Chained HotStuff with a pacemaker, after Yin et al., PODC 2019."""

from __future__ import annotations

from consortium.core.protocol import ConsensusProtocol
from consortium.protocols.hotstuff.certificates import check_decision
from consortium.protocols.hotstuff.message_forge import FORGE
from consortium.protocols.hotstuff.messages import MESSAGES
from consortium.protocols.hotstuff.replica import Replica

PROTOCOL = ConsensusProtocol("hotstuff", MESSAGES, FORGE, Replica, check_decision, hops=9)
