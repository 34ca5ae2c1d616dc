"""QCs: what they show to be certified, locked and decided. Decisions go to the ledger in consecutive order."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import Decide, Effect, Note, Now, Received
from consortium.core.messages import Certificate
from consortium.protocols.common.replica_state import short
from consortium.protocols.hotstuff.certificates import Quorum
from consortium.protocols.hotstuff.fetching import Fetching
from consortium.protocols.hotstuff.messages import Certified
from consortium.protocols.hotstuff.replica_state import ReplicaState
from consortium.protocols.hotstuff.tree import Absent, Block


class Chain:
    """The newest QC wins; every QC decides what its ballots say, whoever passes it on."""

    def __init__(self, state: ReplicaState, fetching: Fetching) -> None:
        self._state = state
        self._fetching = fetching

    def on_certified(self, now: Now, event: Received, message: Certified) -> list[Effect]:
        """A QC proves itself (paper 4, "QC"): accepted if a quorum of the epoch signed its ballots."""
        return self.learn_certificate(message.certificate, event)

    def learn_certificate(self, certificate: Certificate, event: Received) -> list[Effect]:
        """Checked, and learnt; a bad one is rejected with its sender."""
        try:
            quorum = self._state.opened(certificate)
        except Malformed as error:
            return self._state.rejected(error, event)
        return self.learn(quorum)

    def learn(self, quorum: Quorum) -> list[Effect]:
        """A sound QC: the newest is what leaders build on; and it decides what its ballots say. Entering the next view
        is the pacemaker's."""
        state = self._state
        state.heard.learn(quorum)
        effects: list[Effect] = []
        for place, digest in enumerate(quorum.commits):
            height = quorum.height + place
            is_near = state.decided < height <= state.decided + state.span
            if is_near and height not in state.decisions:
                state.decisions[height] = (digest, quorum.certificate)
                fields = {"view": quorum.view, "height": height, "digest": short(digest)}
                effects.append(Note("committed", fields))
        if quorum.view <= state.high_view:
            return effects
        state.high = quorum
        block = state.tree.get(quorum.digest)
        if block is not None and block.batch:
            effects.insert(0, Note("prepared", {"view": block.view, "height": block.height}))
        state.tree.prune(self._tips(), state.floor, state.own.locked)
        state.refly()
        return effects

    def _tips(self) -> list[Block]:
        state = self._state
        tips = [state.tree.get(state.high_digest), state.current.pending]
        return [tip for tip in tips if tip is not None]

    def prune(self) -> None:
        """After a seal."""
        self._state.tree.prune(self._tips(), self._state.floor, self._state.own.locked)

    def try_decide(self, now: Now) -> list[Effect]:
        """Hand decisions to the ledger, strictly consecutive, each with its batch; fetch what is missing."""
        state = self._state
        effects: list[Effect] = []
        while state.is_begun and (decision := state.decisions.get(state.decided + 1)) is not None:
            digest, certificate = decision
            block = self._holder(digest)
            if block is None or block.body is None:
                effects.extend(self._fetch(now, block))
                break
            state.decided += 1
            state.flight.land(digest)
            del state.decisions[state.decided]
            effects.append(Decide(state.decided, block.body, certificate))
        if state.decisions and not effects and state.decided + 1 not in state.decisions:
            effects.extend(self._fetch(now, None))
        return effects

    def _holder(self, batch: bytes) -> Block | None:
        """A block with this batch at the next height, one with its body if there is one."""
        state = self._state
        found: Block | None = None
        for block in state.tree:
            if block.batch == batch and block.height == state.decided + 1 and (found is None or found.lacks_body):
                found = block
        return found

    def _fetch(self, now: Now, block: Block | None) -> list[Effect]:
        """The body of this block; or, where no such block is known, what is missing on the way down from the newest QC:
        in each block stands the QC of the one under it, and some of them decide what we lack."""
        state = self._state
        if block is not None:
            return self._fetching.need_body(now, block)
        high = state.high
        if high is None:
            return []
        tip = state.tree.get(high.digest)
        if tip is None:
            return self._fetching.need(now, high.digest, high.signers, with_body=True)
        try:
            state.tree.above(tip, state.decided)
        except Absent as absent:
            return self._fetching.need(now, absent.digest, absent.holders, with_body=True)
        return []

    def on_block(self, block: Block, event: Received) -> list[Effect]:
        """A fetched block: the QC in it may decide what we lack."""
        header = block.header
        if header is None or header.justify is None:
            return []
        return self.learn_certificate(header.justify, event)
