"""Pure judgements over HotStuff's certificates. Everything here raises `Malformed` and nothing else."""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.membership import Epoch, Epochs, NodeId
from consortium.core.messages import Certificate
from consortium.core.verifier import Verifier
from consortium.protocols.hotstuff.messages import Ballot, Timeout, shape_fault

TERM_VIEWS = 8  # consecutive views of one leader


class Quorum(NamedTuple):
    """A QC: a quorum's ballots for the block of `digest`, and what they decide."""

    view: int
    digest: bytes
    height: int
    commits: tuple[bytes, ...]
    certificate: Certificate

    @property
    def signers(self) -> tuple[NodeId, ...]:
        return tuple(name for name, _ in self.certificate.signatures)


def leader_of(epoch: Epoch, view: int) -> NodeId:
    """Leaders take turns by name; each leads a term of consecutive views."""
    return epoch.leader(view // TERM_VIEWS)


def next_term(view: int) -> int:
    """Where those go on who left this view: the first view of the leader after the one that it waited for. In the last
    view of a term that is the leader of the next, to whom the ballots go."""
    return ((view + 1) // TERM_VIEWS + 1) * TERM_VIEWS


def open_quorum(certificate: Certificate, epoch: Epoch, verifier: Verifier) -> Quorum:
    """The ballots of a quorum of this epoch's validators, all the same. Raises Malformed."""
    message = verifier.check_certificate(certificate, epoch, epoch.quorum)
    if not isinstance(message, Ballot):
        raise Malformed("not a certificate of ballots")
    if (fault := shape_fault(message)) is not None:
        raise Malformed(fault)
    return Quorum(message.view, message.digest, message.height, message.commits, certificate)


def open_timeouts(certificate: Certificate, epoch: Epoch, verifier: Verifier) -> int:
    """The view that a quorum of this epoch's validators left. Raises Malformed."""
    message = verifier.check_certificate(certificate, epoch, epoch.quorum)
    if not isinstance(message, Timeout):
        raise Malformed("not a certificate of TIMEOUTs")
    if (fault := shape_fault(message)) is not None:
        raise Malformed(fault)
    return message.view


def check_decision(certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier) -> None:
    """Raises Malformed unless a quorum of the validators of `height`'s epoch signed ballots that say that they decide
    the batch of `digest` at `height`: each honest one of them saw the three-chain on it."""
    quorum = open_quorum(certificate, epochs.at(height), verifier)
    place = height - quorum.height
    if not 0 <= place < len(quorum.commits):
        raise Malformed(f"the ballots do not decide height {height}")
    if quorum.commits[place] != digest:
        raise Malformed(f"the certificate of height {height} is for another batch")
