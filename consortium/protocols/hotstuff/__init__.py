"""Chained HotStuff with a pacemaker, after Yin et al., PODC 2019."""

from __future__ import annotations

from consortium.core.membership import Epochs
from consortium.core.message_forge import MessageForge
from consortium.core.messages import Certificate, Message
from consortium.core.protocol import Consensus, ConsensusProtocol, ReplicaContext
from consortium.core.verifier import Verifier
from consortium.protocols.hotstuff.certificates import check_decision
from consortium.protocols.hotstuff.message_forge import SPEECH
from consortium.protocols.hotstuff.messages import MESSAGES
from consortium.protocols.hotstuff.replica import Replica


class HotStuff:
    """The value `PROTOCOL` of this room: builds replicas, judges decisions."""

    name = "hotstuff"
    messages: tuple[type[Message], ...] = MESSAGES
    speech: MessageForge = SPEECH

    def build(self, context: ReplicaContext) -> Consensus:
        return Replica(context)

    def check_decision(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None:
        """Raises Malformed unless a quorum of `height`'s epoch signed ballots that decide `digest` there."""
        check_decision(certificate, epochs, height, digest, verifier)


PROTOCOL: ConsensusProtocol = HotStuff()
