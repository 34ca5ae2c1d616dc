"""What a leader does: collect the ballots of the view before, and propose on the newest QC."""

from __future__ import annotations

from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.core.machine import Effect, Note, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed
from consortium.core.transaction import batch_digest, encode_batch
from consortium.protocols.hotstuff.certificates import Quorum
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.fetching import Fetching
from consortium.protocols.hotstuff.messages import Ballot, Carried, Certified, Header, Proposal, block_digest
from consortium.protocols.hotstuff.pacemaker import Pacemaker
from consortium.protocols.hotstuff.replica_state import ReplicaState, short
from consortium.protocols.hotstuff.tree import ROOT_VIEW, Absent, Block
from consortium.protocols.hotstuff.voting import Voting


class Leading:
    """One ballot a member is kept: its newest."""

    def __init__(
        self, standing: ReplicaState, chain: Chain, fetching: Fetching, voting: Voting, pacemaker: Pacemaker
    ) -> None:
        self._standing = standing
        self._chain = chain
        self._fetching = fetching
        self._voting = voting
        self._pacemaker = pacemaker
        self._ballots: dict[NodeId, tuple[int, Signed]] = {}
        self._counts: dict[bytes, int] = {}  # of bodies among them
        self._told = ROOT_VIEW  # newest view whose QC we told everybody, in a proposal or by itself

    def clear(self) -> None:
        self._ballots.clear()
        self._counts.clear()
        self._told = ROOT_VIEW

    # --- collecting ---------------------------------------------------------------------------------------------

    def on_ballot(self, now: Now, event: Received, message: Ballot) -> list[Effect]:
        """Counted once a validator, in its newest view (paper 5, "on receiving vote"); two of one view are evidence. A
        quorum of the same is a QC."""
        standing = self._standing
        held = self._ballots.get(event.sender)
        body = event.signed.body
        if held is not None and held[0] == message.view and held[1].body != body:
            return standing.equivocated(event, held[1])
        if held is not None and held[0] >= message.view:
            return []
        if held is not None:
            self._count(held[1].body, -1)
        self._ballots[event.sender] = (message.view, event.signed)
        self._count(body, 1)
        if message.view <= standing.high_view or self._counts[body] < standing.epoch.quorum:
            return []
        those = sorted((name, signed.signature) for name, (_, signed) in self._ballots.items() if signed.body == body)
        certificate = Certificate(body, tuple(those[: standing.epoch.quorum]))
        quorum = Quorum(message.view, message.digest, message.height, message.commits, certificate)
        return [*self._chain.learn(quorum), *self._pacemaker.follow_high(now)]

    def _count(self, body: bytes, by: int) -> None:
        count = self._counts.get(body, 0) + by
        if count:
            self._counts[body] = count
        else:
            del self._counts[body]

    # --- proposing ----------------------------------------------------------------------------------------------

    def try_propose(self, now: Now) -> list[Effect]:
        """As the leader of the view, once: on the newest QC, while there is work. With work and room below the high
        watermark the block takes a batch; else, while heights wait for votes, it carries none."""
        standing = self._standing
        if standing.leader != standing.me or not standing.may_vote or not standing.is_open:
            return []
        if max(standing.proposed, standing.voted, standing.abstained) >= standing.view:
            return []
        parent = standing.tree.get(standing.high_digest)
        if parent is None:
            assert standing.high is not None, "the root is always there"
            return self._fetching.need(now, standing.high.digest, standing.high.signers, with_body=True)
        if parent.height < standing.decided or not (standing.pool.unexecuted or parent.has_open or self._fills(parent)):
            return []  # our newest QC is an old one, or there is no work
        justify = None if standing.high is None else standing.high.certificate
        # What is sealed may be decided by another branch than our parent's, and its blocks be forgotten.
        base = max(parent.certified, min(standing.stable, parent.height))
        draft = Header(standing.view, parent.height, base, 0, b"", parent.digest, justify)
        try:
            branch = standing.tree.above(parent, standing.decided)
            certified = standing.tree.decided_by(Block(b"", draft, 0)).certified
        except Absent as absent:
            return self._fetching.need(now, absent.digest, absent.holders, with_body=True)
        draft = replace(draft, certified=certified)
        lacking = [block for block in branch if block.lacks_body]
        effects = [effect for block in lacking for effect in self._fetching.need_body(now, block)]
        taken = None
        if not lacking and standing.is_votable(parent.height + 1):
            standing.follow(branch)
            taken = self._take(now, parent)
        if taken is not None:
            header = replace(draft, height=parent.height + 1, batch=batch_digest(taken[0]))
            return [*effects, *self._propose(header, *taken)]
        return [*effects, *self._propose(draft, None, 0)] if parent.has_open else effects

    def _fills(self, parent: Block) -> bool:
        return parent.height < self._standing.epochs.reach

    def _take(self, now: Now, parent: Block) -> tuple[bytes, int] | None:
        """The next batch and the number of its transactions; an empty one where a change of members waits for it."""
        pool = self._standing.pool
        waiting = pool.waiting
        batch = pool.take(now) if waiting else None
        if batch is not None:
            return batch, waiting - pool.waiting
        return (encode_batch(now.wall_us, ()), 0) if self._fills(parent) else None

    def _propose(self, header: Header, body: bytes | None, transactions: int) -> list[Effect]:
        """Block and batch durable, then PROPOSAL with both attached."""
        standing = self._standing
        block = standing.tree.add(block_digest(header), header)
        standing.proposed = self._told = standing.view
        notes: list[Effect] = []
        if body is not None:
            block.body = body
            standing.flown[header.batch] = None
            fields = {"view": block.view, "height": block.height, "digest": short(header.batch)}
            notes = [Note("proposed", {**fields, "transactions": transactions, "bytes": len(body)})]
        timeouts = standing.timeouts if standing.high_view + 1 != standing.view else None
        attachment = encode(Carried(header, body, timeouts))
        said = standing.say(Proposal(block.view, block.digest, block.height, ()), attachment)
        return [self._voting.record(block, is_proposal=True), said, *notes]

    def try_certify(self) -> list[Effect]:
        """Our QC decides something and no proposal of ours carries it: tell everybody."""
        standing = self._standing
        high = standing.high
        if high is None or not high.commits or standing.view != high.view + 1:
            return []
        if standing.leader != standing.me or self._told >= standing.view or standing.proposed >= standing.view:
            return []
        self._told = standing.view
        return [standing.say(Certified(high.certificate))]
