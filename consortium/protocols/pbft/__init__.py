"""PBFT with signatures, after Castro & Liskov, OSDI 1999, section 4."""

from __future__ import annotations

from consortium.core.membership import Epochs
from consortium.core.message_forge import MessageForge
from consortium.core.messages import Certificate, Message
from consortium.core.protocol import Consensus, ConsensusProtocol, ReplicaContext
from consortium.core.verifier import Verifier
from consortium.protocols.pbft.certificates import check_decision
from consortium.protocols.pbft.message_forge import SPEECH
from consortium.protocols.pbft.messages import MESSAGES
from consortium.protocols.pbft.replica import Replica


class Pbft:
    """The value `PROTOCOL` of this room: builds replicas, judges decisions."""

    name = "pbft"
    messages: tuple[type[Message], ...] = MESSAGES
    speech: MessageForge = SPEECH

    def build(self, context: ReplicaContext) -> Consensus:
        return Replica(context)

    def check_decision(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None:
        """Raises Malformed unless a quorum of `height`'s epoch signed COMMITs of one view for `digest` there."""
        check_decision(certificate, epochs, height, digest, verifier)


PROTOCOL: ConsensusProtocol = Pbft()
