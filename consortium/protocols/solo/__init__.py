"""A trusted sequencer, the baseline: the first validator orders, signs every height, and is believed.

It tolerates no fault of the sequencer: while it is down nothing is ordered, and if it lies the members fork. Crashes it
survives, for an order is durable before it is said; and it executes an order itself once another member holds it. Who
has lost one fetches it from anybody: it proves itself.
"""

from __future__ import annotations

from consortium.core.membership import Epochs
from consortium.core.message_forge import MessageForge
from consortium.core.messages import Certificate, Message
from consortium.core.protocol import Consensus, ConsensusProtocol, ReplicaContext
from consortium.core.verifier import Verifier
from consortium.protocols.solo.member import Solo
from consortium.protocols.solo.message_forge import SPEECH
from consortium.protocols.solo.messages import MESSAGES, check_decision


class SoloProtocol:
    """The value `PROTOCOL` of this room."""

    name = "solo"
    messages: tuple[type[Message], ...] = MESSAGES
    speech: MessageForge = SPEECH

    def build(self, context: ReplicaContext) -> Consensus:
        return Solo(context)

    def check_decision(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None:
        """Raises Malformed unless the sequencer of `height`'s epoch signed `digest` there."""
        check_decision(certificate, epochs, height, digest, verifier)


PROTOCOL: ConsensusProtocol = SoloProtocol()
