"""A trusted sequencer, the baseline: the first validator orders, signs every height, and is believed.

It tolerates no fault of the sequencer: while it is down nothing is ordered, and if it lies the members fork. Crashes it
survives, for an order is durable before it is said; and it executes an order itself once another member holds it. Who
has lost one fetches it from anybody: it proves itself.
"""

from __future__ import annotations

from consortium.core.protocol import ConsensusProtocol
from consortium.protocols.solo.member import Solo
from consortium.protocols.solo.message_forge import FORGE
from consortium.protocols.solo.messages import MESSAGES, check_decision

PROTOCOL = ConsensusProtocol("solo", MESSAGES, FORGE, Solo, check_decision, hops=3)
