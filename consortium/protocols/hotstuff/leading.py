"""What a leader does: collect the ballots of the view before, and propose on the newest QC."""

from __future__ import annotations

from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.core.machine import Effect, Note, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed
from consortium.core.transaction import batch_digest, encode_batch
from consortium.protocols.common.replica_state import short
from consortium.protocols.hotstuff.certificates import Quorum
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.fetching import Fetching
from consortium.protocols.hotstuff.messages import Ballot, Carried, Certified, Header, Proposal, block_digest
from consortium.protocols.hotstuff.pacemaker import Pacemaker
from consortium.protocols.hotstuff.replica_state import ReplicaState
from consortium.protocols.hotstuff.tree import ROOT_VIEW, Absent, Block
from consortium.protocols.hotstuff.voting import Voting


class Leading:
    """One ballot a member is kept: its newest."""

    def __init__(
        self, state: ReplicaState, chain: Chain, fetching: Fetching, voting: Voting, pacemaker: Pacemaker
    ) -> None:
        self._state = state
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
        state = self._state
        held = self._ballots.get(event.sender)
        body = event.signed.body
        if held is not None and held[0] == message.view and held[1].body != body:
            return state.equivocated(event, held[1])
        if held is not None and held[0] >= message.view:
            return []
        if held is not None:
            self._count(held[1].body, -1)
        self._ballots[event.sender] = (message.view, event.signed)
        self._count(body, 1)
        if message.view <= state.high_view or self._counts[body] < state.epoch.quorum:
            return []
        those = sorted((name, signed.signature) for name, (_, signed) in self._ballots.items() if signed.body == body)
        certificate = Certificate(body, tuple(those[: state.epoch.quorum]))
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
        state = self._state
        if state.leader != state.me or not state.may_vote or not state.is_open:
            return []
        if max(state.own.proposed, state.own.voted, state.own.abstained) >= state.view:
            return []
        parent = state.tree.get(state.high_digest)
        if parent is None:
            assert state.high is not None, "the root is always there"
            return self._fetching.need(now, state.high.digest, state.high.signers, with_body=True)
        if parent.height < state.decided or not (state.pool.unexecuted or parent.has_open or self._fills(parent)):
            return []  # our newest QC is an old one, or there is no work
        justify = None if state.high is None else state.high.certificate
        # What is sealed may be decided by another branch than our parent's, and its blocks be forgotten.
        base = max(parent.certified, min(state.stable, parent.height))
        draft = Header(state.view, parent.height, base, 0, b"", parent.digest, justify)
        try:
            branch = state.tree.above(parent, state.decided)
            certified = state.tree.decided_by(Block(b"", draft, 0)).certified
        except Absent as absent:
            return self._fetching.need(now, absent.digest, absent.holders, with_body=True)
        draft = replace(draft, certified=certified)
        lacking = [block for block in branch if block.lacks_body]
        effects = [effect for block in lacking for effect in self._fetching.need_body(now, block)]
        taken = None
        if not lacking and state.is_votable(parent.height + 1):
            state.flight.follow(branch)
            taken = self._take(now, parent)
        if taken is not None:
            header = replace(draft, height=parent.height + 1, batch=batch_digest(taken[0]))
            return [*effects, *self._propose(header, *taken)]
        return [*effects, *self._propose(draft, None, 0)] if parent.has_open else effects

    def _fills(self, parent: Block) -> bool:
        return parent.height < self._state.epochs.reach

    def _take(self, now: Now, parent: Block) -> tuple[bytes, int] | None:
        """The next batch and the number of its transactions; an empty one where a change of members waits for it."""
        pool = self._state.pool
        waiting = pool.waiting
        batch = pool.take(now) if waiting else None
        if batch is not None:
            return batch, waiting - pool.waiting
        return (encode_batch(now.wall_us, ()), 0) if self._fills(parent) else None

    def _propose(self, header: Header, body: bytes | None, transactions: int) -> list[Effect]:
        """Block and batch durable, then PROPOSAL with both attached."""
        state = self._state
        block = state.tree.add(block_digest(header), header)
        state.own.proposed = self._told = state.view
        notes: list[Effect] = []
        if body is not None:
            block.body = body
            state.flight.take_off(header.batch)
            fields = {"view": block.view, "height": block.height, "digest": short(header.batch)}
            notes = [Note("proposed", {**fields, "transactions": transactions, "bytes": len(body)})]
        timeouts = state.current.timeouts if state.high_view + 1 != state.view else None
        attachment = encode(Carried(header, body, timeouts))
        said = state.say(Proposal(block.view, block.digest, block.height, ()), attachment)
        return [self._voting.record(block, is_proposal=True), said, *notes]

    def try_certify(self) -> list[Effect]:
        """Our QC decides something and no proposal of ours carries it: tell everybody."""
        state = self._state
        high = state.high
        if high is None or not high.commits or state.view != high.view + 1:
            return []
        if state.leader != state.me or self._told >= state.view or state.own.proposed >= state.view:
            return []
        self._told = state.view
        return [state.say(Certified(high.certificate))]
