"""Honest votes: the voting rules, watched from outside.

What is judged are every honest member's statements, in the order in which they left it. This claim catches a broken
rule when it is broken, long before it happens to fork a chain.
"""

from __future__ import annotations

from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import MessageCodec
from consortium.lab.checks.claims import Kind
from consortium.lab.checks.evidence import find_evidence
from consortium.lab.checks.statements import Said, SaidClaim, Statement
from consortium.protocols.hotstuff.certificates import leader_of
from consortium.protocols.hotstuff.messages import Ballot, Proposal, Timeout
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, ViewChange

Vote = PrePrepare | Prepare | Commit


def check_votes(said: Said) -> list[str]:
    """Sentences of what honest members did against the rules."""
    codec = said.codec
    ours = [statement for statement in said.statements if statement.signed.sender in said.honest]
    failures = [
        f"{piece.culprit} is honest and yet convicted of {piece.rule}: {_describe(piece.first.body, codec)} and "
        f"{_describe(piece.second.body, codec)}"
        for piece in find_evidence(ours, codec)
    ]
    order = _Order(said.epochs)
    for statement in ours:
        failures.extend(order.hear(statement))
    return failures


def _describe(body: bytes, codec: MessageCodec) -> str:
    for epoch in range(64):
        if body.startswith(codec.prefix(epoch)):
            return str(codec.decode(body, epoch))[:160]
    return body.hex()[:40]


class _Order:
    """Per member: what it said before what."""

    def __init__(self, epochs: Epochs) -> None:
        self._epochs = epochs
        self._left: dict[tuple[NodeId, int], int] = {}  # highest view named in a VIEW-CHANGE
        self._prepared: dict[tuple[NodeId, int, int, int], bytes] = {}
        self._gone: dict[tuple[NodeId, int], int] = {}  # highest view of a TIMEOUT
        self._balloted: dict[tuple[NodeId, int], int] = {}  # and of a ballot

    def hear(self, statement: Statement) -> list[str]:
        message, name, epoch = statement.message, statement.signed.sender, statement.epoch
        if isinstance(message, Proposal | Ballot | Timeout):
            return self._hear_hotstuff(message, name, epoch)
        if isinstance(message, ViewChange):
            before = self._left.get((name, epoch), 0)
            self._left[name, epoch] = max(message.view, before)
            return []
        if not isinstance(message, Vote):
            return []
        failures = []
        if message.view < self._left.get((name, epoch), 0):
            failures.append(
                f"{name} signed {type(message).__name__} of view {message.view}, height {message.height}, after a "
                f"VIEW-CHANGE for view {self._left[name, epoch]}"
            )
        place = (name, epoch, message.view, message.height)
        members = self._epochs.number(epoch)
        leads = members is not None and members.leader(message.view) == name
        if isinstance(message, Commit):
            if self._prepared.get(place) != message.digest:
                failures.append(f"{name} signed COMMIT without its own PREPARE: view {message.view}, {message.height}")
        else:
            self._prepared.setdefault(place, message.digest)
            if leads != isinstance(message, PrePrepare):
                failures.append(f"{name} signed {type(message).__name__} in view {message.view}, not its part there")
        return failures

    def _hear_hotstuff(self, message: Proposal | Ballot | Timeout, name: NodeId, epoch: int) -> list[str]:
        """No vote in a view that was left, none in an older view than the last, and proposals of leaders alone."""
        place = (name, epoch)
        if isinstance(message, Timeout):
            self._gone[place] = max(message.view, self._gone.get(place, -1))
            return []
        failures = []
        kind = type(message).__name__
        if message.view <= self._gone.get(place, -1):
            failures.append(f"{name} signed {kind} of view {message.view} after a TIMEOUT of view {self._gone[place]}")
        members = self._epochs.number(epoch)
        if isinstance(message, Ballot):
            if message.view < self._balloted.get(place, -1):
                failures.append(f"{name} signed a ballot of view {message.view} after one of {self._balloted[place]}")
            self._balloted[place] = message.view
        elif members is not None and leader_of(members, message.view) != name:
            failures.append(f"{name} signed a proposal of view {message.view}, which it does not lead")
        return failures


CHECK = SaidClaim(
    "honest votes",
    Kind.SAFETY,
    "No honest member signed what the rules of voting forbid.",
    check_votes,
)
