"""Proposals judged and voted on (paper 4 and 5): safeNode, the lock, one ballot a view."""

from __future__ import annotations

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Effect, Note, Now, Rebroadcast, Received
from consortium.core.messages import Certificate
from consortium.protocols.common.batch_judge import BatchFault, batch_fault, is_undecidable
from consortium.protocols.common.records import FORMAT, persist
from consortium.protocols.hotstuff.certificates import next_term, open_timeouts
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.fetching import Fetching, opened, take_body
from consortium.protocols.hotstuff.messages import Ballot, Carried, Header, Proposal, block_digest
from consortium.protocols.hotstuff.pacemaker import Pacemaker
from consortium.protocols.hotstuff.records import VotedRecord
from consortium.protocols.hotstuff.replica_state import ReplicaState
from consortium.protocols.hotstuff.tree import ROOT_VIEW, Absent, Block, Decided


class Voting:
    """At most one ballot a view, durable before it is said."""

    def __init__(self, state: ReplicaState, chain: Chain, fetching: Fetching, pacemaker: Pacemaker) -> None:
        self._state = state
        self._chain = chain
        self._fetching = fetching
        self._pacemaker = pacemaker
        self._refused = ROOT_VIEW  # view whose block we judged unfit
        self.stored: dict[bytes, None] = {}  # batches that are durable in our records

    def clear(self) -> None:
        self.stored.clear()
        self._refused = ROOT_VIEW

    # --- messages -----------------------------------------------------------------------------------------------

    def on_proposal(self, now: Now, event: Received, message: Proposal) -> list[Effect]:
        """Accepted (paper 5, Algorithm 4: "on receiving proposal") if its sender leads the view, the block is the one
        that was signed, the QC in it is sound and of its parent, and its view follows its parent's or a quorum's
        TIMEOUTs; of a view, the first. What it proves is learnt in any case."""
        state = self._state
        if event.sender != state.leads(message.view):
            return state.rejected("not the leader of that view", event)
        other = state.heard.hear(message.view, message.digest, event.signed, state.view)
        if other is not None:
            return state.equivocated(event, other)
        if not event.attachment:
            return []
        carried = opened(event.attachment)
        if carried is None or block_digest(carried.header) != message.digest:
            return state.unattributed("the block is not the one that was signed", event)
        header = carried.header
        if (header.view, header.height) != (message.view, message.height) or message.commits:
            return state.rejected("the block is of another view or height", event)
        try:
            effects = self._learn(now, carried)
        except Malformed as error:
            is_signed = carried.timeouts is None  # the header is, with the QC in it
            return state.rejected(error, event) if is_signed else state.unattributed(str(error), event)
        if header.view != state.view or (
            state.current.pending is not None and state.current.pending.digest != message.digest
        ):
            return effects
        block = state.tree.add(message.digest, header)
        block.signed = event.signed
        if carried.body is not None and len(carried.body) > state.parameters.batch_bytes_max:
            return [*effects, *state.unattributed("the batch is too long", event)]
        if not take_body(block, carried.body):
            effects.extend(state.unattributed("the batch does not match its digest", event))
        if state.current.pending is None:
            state.current.proposed_us = now.monotonic_us
        state.current.pending, state.current.signed = block, event.signed
        return effects

    def _learn(self, now: Now, carried: Carried) -> list[Effect]:
        """The QC and the TIMEOUTs in a proposal, and that they justify its view. Raises Malformed."""
        state = self._state
        header = carried.header
        parent_view = ROOT_VIEW
        effects: list[Effect] = []
        if header.justify is None:
            if header.parent != state.tree.root.digest:
                raise Malformed("a block without QC must be the first of its epoch")
        else:
            quorum = state.opened(header.justify)
            if quorum.digest != header.parent:
                raise Malformed("the QC is not of the block's parent")
            parent_view = quorum.view
            effects.extend(self._chain.learn(quorum))
        if parent_view >= header.view:
            raise Malformed("the QC is not of an earlier view")
        if header.view != parent_view + 1:
            self._learn_timeouts(now, carried.timeouts, header, effects)
        effects.extend(self._pacemaker.follow_high(now))
        return effects

    def _learn_timeouts(self, now: Now, certificate: Certificate | None, header: Header, effects: list[Effect]) -> None:
        """Raises Malformed unless a quorum left the view before the term that this block begins."""
        state = self._state
        if certificate is None:
            raise Malformed("nothing shows that the views before were left")
        if certificate == state.current.timeouts and state.view == header.view:
            return
        left = open_timeouts(certificate, state.epoch, state.verifier)
        if next_term(left) != header.view:
            raise Malformed("the TIMEOUTs are of another term")
        effects.extend(self._pacemaker.learn_timeouts(now, left, certificate))

    # --- transitions --------------------------------------------------------------------------------------------

    def try_vote(self, now: Now) -> list[Effect]:
        """BALLOT to the leader of the next view, after vote, lock and block are durable. safeNode (paper 4.4): the
        parent's QC is not older than our lock. (With direct parents the paper's other case, that the block extends the
        locked one, is contained: views ascend along a branch.)"""
        state = self._state
        block = state.current.pending
        if block is None or block.header is None or max(state.own.voted, self._refused) >= state.view:
            return []
        if not state.may_vote or not state.is_open or state.view <= state.own.abstained:
            return []
        try:
            parent, decided = state.tree.parent(block), state.tree.decided_by(block)
        except Absent as absent:
            holders = dict.fromkeys((*absent.holders, state.leader))
            return self._fetching.need(now, absent.digest, tuple(holders), with_body=True)
        if parent.certified != block.header.base > state.decided:
            return []  # it says that more is decided than its parent shows, and than we know
        if parent.view < state.own.locked:
            return []  # safeNode; its leader need not be a traitor: it may not have heard of our lock
        why = self._fault(block.header, parent, decided)
        if why is not None:
            return self._refuse(BatchFault(why))
        if block.batch:
            if not state.is_votable(block.height):
                return []
            if block.body is None:
                return self._fetching.need_body(now, block)
            if state.leader != state.me:
                if is_undecidable(state, block.height, block.body):
                    return []
                fault = batch_fault(state, now, block.height, block.body)
                if fault is not None:
                    return self._refuse(fault)
                state.flight.fly(block.batch, block.body)
        return self._vote(block, parent, decided)

    def _fault(self, header: Header, parent: Block, decided: Decided) -> str | None:
        """Why a block may not be voted for, whatever its batch."""
        is_based = parent.certified <= header.base <= parent.height
        is_numbered = header.height == parent.height + bool(header.batch) and header.certified == decided.certified
        if not is_based or not is_numbered:
            return "its heights do not follow from its parent"
        if not header.batch and not parent.has_open:
            return "it carries nothing, and nothing waits for votes"
        return None

    def _vote(self, block: Block, parent: Block, decided: Decided) -> list[Effect]:
        state = self._state
        header = block.header
        assert header is not None
        if parent.header is not None:  # the paper's two-chain: lock the block under the parent
            under = state.tree.parent(parent)
            state.own.locked = max(state.own.locked, under.view)
        state.own.voted = state.view
        state.own.height = max(state.own.height, block.height)
        ballot = Ballot(block.view, block.digest, decided.height, decided.commits)
        to = state.leads(state.view + 1)
        return [self.record(block, is_proposal=False), state.tell(to, ballot)]

    def record(self, block: Block, *, is_proposal: bool) -> Effect:
        """Of a vote or a proposal, with the batch where no earlier record has it."""
        state = self._state
        header = block.header
        assert header is not None
        body = None if block.batch in self.stored else block.body
        if body is not None:
            self.stored[block.batch] = None
        record = VotedRecord(FORMAT, state.epoch.number, state.own.locked + 1, is_proposal, header, body)
        return persist(record, block.height + state.parameters.checkpoint_interval + 1)

    def ballot_again(self) -> list[Effect]:
        """Our last ballot once more, while no QC of its view is known; signed anew, byte for byte the same."""
        state = self._state
        block = state.current.pending
        if block is None or state.own.voted != block.view or state.high_view >= block.view:
            return []
        try:
            decided = state.tree.decided_by(block)
        except Absent:
            return []
        ballot = Ballot(block.view, block.digest, decided.height, decided.commits)
        return [state.tell(state.leads(block.view + 1), ballot)]

    def proposal_again(self) -> list[Effect]:
        """Our proposal of this view once more, without its batch: who lacks that fetches it by digest."""
        state = self._state
        block, signed = state.current.pending, state.current.signed
        if block is None or block.header is None or state.own.proposed != block.view or state.view != block.view:
            return []
        carried = encode(Carried(block.header, None, state.current.timeouts))
        if signed is not None:
            return [Rebroadcast(signed, carried)]
        return [state.say(Proposal(block.view, block.digest, block.height, ()), carried)]

    def _refuse(self, fault: BatchFault) -> list[Effect]:
        state = self._state
        blamed = state.leader if fault.is_leaders else ""
        self._refused = state.view
        return [Note("rejected", {"why": fault.why[:120], "sender": blamed, "message": "Proposal"})]
