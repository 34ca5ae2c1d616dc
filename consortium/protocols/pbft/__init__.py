"""PBFT with signatures, after Castro & Liskov, OSDI 1999, section 4."""

from __future__ import annotations

from consortium.core.protocol import ConsensusProtocol
from consortium.protocols.pbft.certificates import check_decision
from consortium.protocols.pbft.message_forge import FORGE
from consortium.protocols.pbft.messages import MESSAGES
from consortium.protocols.pbft.replica import Replica

PROTOCOL = ConsensusProtocol("pbft", MESSAGES, FORGE, Replica, check_decision)
