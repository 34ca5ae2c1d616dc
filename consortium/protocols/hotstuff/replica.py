"""The replica: one dispatcher over the parts, and the seams to ledger, sealer and pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from consortium.core.codec import Malformed
from consortium.core.machine import Effect, Event, Executed, Expired, Note, Now, Received, Stable, Started
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Message, Signed
from consortium.core.protocol import ReplicaContext
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.common.lost_log import LostLog
from consortium.protocols.common.next_epoch import NextEpochInbox
from consortium.protocols.common.recall import Recaller
from consortium.protocols.common.replica_state import epoch_notes
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.fetching import Fetching
from consortium.protocols.hotstuff.leading import Leading
from consortium.protocols.hotstuff.messages import (
    Ask,
    Ballot,
    BlockFound,
    Certified,
    FetchBlock,
    Proposal,
    Recall,
    Recalled,
    Timeout,
    Told,
    shape_fault,
)
from consortium.protocols.hotstuff.pacemaker import PROGRESS_TIMER, Pacemaker, owed_since
from consortium.protocols.hotstuff.recall import OwnVotes, VotesOfOthers
from consortium.protocols.hotstuff.records import persist_state
from consortium.protocols.hotstuff.replica_state import ReplicaState
from consortium.protocols.hotstuff.restore import Restorer
from consortium.protocols.hotstuff.retransmit import RETRANSMIT_TIMER, Retransmission
from consortium.protocols.hotstuff.tree import Block
from consortium.protocols.hotstuff.voting import Voting

RECALL_TIMER = ("hotstuff", "recall")


class Replica:
    """A HotStuff replica as a pure machine. Nothing a peer says makes it raise. While it is no member it only
    listens."""

    def __init__(self, context: ReplicaContext) -> None:
        state = self.state = ReplicaState(context)
        self._votes_of_others = VotesOfOthers()
        self._next_epoch = NextEpochInbox()
        self._fetching = Fetching(state)
        self._chain = Chain(state, self._fetching)
        timer = LeaderTimer(state, PROGRESS_TIMER, partial(owed_since, state))
        self._pacemaker = Pacemaker(state, self._chain, timer)
        self._voting = Voting(state, self._chain, self._fetching, self._pacemaker)
        self._leading = Leading(state, self._chain, self._fetching, self._voting, self._pacemaker)
        self._own_votes = OwnVotes(state, self._votes_of_others, self._chain, self._pacemaker)
        self._lost = LostLog(state)
        self._recaller = Recaller(state, RECALL_TIMER, self._own_votes, self._lost)
        self._retransmission = Retransmission(state, self._chain, self._fetching, self._pacemaker, self._voting)
        self._on: dict[type[Message], Callable[[Now, Received, Any], list[Effect]]] = {
            Proposal: self._voting.on_proposal,
            Ballot: self._leading.on_ballot,
            Timeout: self._on_timeout,
            Certified: self._on_certified,
        }
        self._others: dict[type[Message], Callable[[Now, Received, Any], list[Effect]]] = {
            Ask: self._retransmission.on_ask,
            Told: self._on_told,
            FetchBlock: self._fetching.on_fetch,
            BlockFound: self._on_found,
            Recall: self._recaller.on_recall,
            Recalled: self._on_recalled,
        }

    @property
    def view(self) -> int:
        return self.state.view

    @property
    def leader(self) -> NodeId:
        return self.state.leader

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Received():
                effects = self._on_received(now, event)
            case Executed(height, _, epoch):
                effects = self._on_executed(now, height, epoch)
            case Stable():
                effects = self._on_stable(now, event)
            case Expired(timer):
                effects = self._on_expired(now, timer)
            case Started(records, lost_key):
                effects = self._on_started(now, records, lost_key)
            case _:
                effects = []
        effects.extend(self._advance(now))
        effects.extend(self._after(now))
        return self.state.audible(effects)

    def _advance(self, now: Now) -> list[Effect]:
        """Everything that may now be done."""
        effects = self._chain.try_decide(now)
        effects.extend(self._voting.try_vote(now))
        effects.extend(self._leading.try_propose(now))
        effects.extend(self._leading.try_certify())
        effects.extend(self._fetching.confront(now))
        return effects

    # --- events -------------------------------------------------------------------------------------------------

    def _on_started(self, now: Now, records: tuple[bytes, ...], lost_key: bytes | None) -> list[Effect]:
        self._lost.is_lost = lost_key is not None
        effects = Restorer(self.state, self._voting, self._votes_of_others, self._lost).restore(records)
        self._recaller.logged_epoch = self._own_votes.logged_epoch
        self._pacemaker.restart(now)
        if not self.state.is_member:
            effects.append(Note("removed", {"epoch": self.state.epoch.number}))
        effects.extend(self._recaller.begin(now))
        return [*effects, *self._say_again()]

    def _say_again(self) -> list[Effect]:
        """Voting begins: say again what our log holds (signed anew, byte for byte the same)."""
        if not self.state.may_vote:
            return []
        voting = self._voting
        return [*voting.proposal_again(), *voting.ballot_again(), *self._pacemaker.say_again()]

    def _on_executed(self, now: Now, height: int, epoch: Epoch) -> list[Effect]:
        state = self.state
        state.head = max(state.head, height)
        if height > state.decided:  # from elsewhere
            state.decided = height
        for known in [known for known in state.decisions if known <= state.decided]:
            del state.decisions[known]
        if epoch.number > state.epoch.number:
            return self._enter_epoch(now, epoch)
        return []

    def _enter_epoch(self, now: Now, epoch: Epoch) -> list[Effect]:
        """New members decide from here on; views start at 0, nothing of the old epoch is open. What others said in the
        new epoch while we were still in the old one is heard now."""
        state = self.state
        before = state.epoch
        state.begin_epoch(epoch)
        for part in (self._fetching, self._voting, self._leading):
            part.clear()
        state.flight.clear()
        effects: list[Effect] = [
            *self._pacemaker.clear(now),
            persist_state(state, state.head),
            *epoch_notes(state.me, before, epoch),
            *self._recaller.on_epoch(now, before),
        ]
        for event in self._next_epoch.take(epoch.number):
            effects.extend(self._on_received(now, event))
        return effects

    def _on_stable(self, now: Now, event: Stable) -> list[Effect]:
        """The window moves: sealed heights are forgotten, and what our log says of them is said once more."""
        state = self.state
        if event.height <= state.stable:
            return []
        state.stable, state.seal = event.height, event.seal
        self._chain.prune()
        regained = self._recaller.on_stable()
        effects: list[Effect] = [persist_state(state, event.height), *regained]
        if regained or event.height == state.epoch.first_height - 1:  # we vote again, or the epoch begins
            self._pacemaker.restart(now)
            effects.extend(self._pacemaker.try_join())
        return effects

    def _on_expired(self, now: Now, timer: tuple[str, ...]) -> list[Effect]:
        if timer == PROGRESS_TIMER:
            return self._pacemaker.on_timer(now)
        if timer == RETRANSMIT_TIMER:
            return self._retransmission.timer.on_timer(now)
        assert timer == RECALL_TIMER, timer
        return self._recaller.on_timer(now)

    # --- messages -----------------------------------------------------------------------------------------------

    def _on_received(self, now: Now, event: Received) -> list[Effect]:
        kind = type(event.message)
        fault = shape_fault(event.message)
        if fault is not None:
            return self.state.rejected(fault, event)
        on_statement = self._on.get(kind)
        if on_statement is not None:
            return self._on_statement(now, event, on_statement)
        on_other = self._others.get(kind)
        if on_other is None:
            return self.state.rejected("not a HotStuff message", event)
        return on_other(now, event, event.message)

    def _on_statement(
        self, now: Now, event: Received, on_statement: Callable[[Now, Received, Any], list[Effect]]
    ) -> list[Effect]:
        """Of a validator of the epoch that it is signed in, which is ours; of the next one it is kept until we enter
        it, of one that is over it says nothing."""
        state = self.state
        epoch = state.epochs.number(event.epoch)
        if epoch is None or not epoch.is_validator(event.sender):
            return state.rejected("not a validator", event)
        if event.epoch != state.epoch.number:
            self._next_epoch.keep(event, state)
            return []
        message = event.message
        if isinstance(message, Proposal | Ballot | Timeout):
            self._votes_of_others.note(event.signed, message, event.epoch)
        return on_statement(now, event, message)

    def _on_timeout(self, now: Now, event: Received, message: Timeout) -> list[Effect]:
        effects = self._pacemaker.on_timeout(now, event, message)
        if message.view < self.state.view:
            effects.extend(self._retransmission.help_forward(now, event))
        return effects

    def _on_certified(self, now: Now, event: Received, message: Certified) -> list[Effect]:
        return [*self._chain.on_certified(now, event, message), *self._pacemaker.follow_high(now)]

    def _on_told(self, now: Now, event: Received, answer: Told) -> list[Effect]:
        effects, inner = self._retransmission.on_told(now, event, answer)
        if inner is not None and isinstance(inner.message, Proposal):
            effects.extend(self._on_received(now, inner))
        return effects

    def _on_found(self, now: Now, event: Received, answer: BlockFound) -> list[Effect]:
        if event.epoch != self.state.epoch.number:
            return []
        block = self._fetching.on_found(event, answer)
        if block is None:
            return []
        effects = self._hear_proposal(now, event, block, answer.proposal)
        return [*effects, *self._chain.on_block(block, event), *self._pacemaker.follow_high(now)]

    def _hear_proposal(self, now: Now, event: Received, block: Block, signed: Signed | None) -> list[Effect]:
        """The proposal beside a block that was fetched, as if its leader had said it to us."""
        state = self.state
        if signed is None or block.signed is not None or signed.sender == state.me:
            return []
        try:
            epoch, message = state.verifier.open(signed, state.epochs)
        except Malformed as error:
            return state.rejected(error, event)
        is_its = isinstance(message, Proposal) and (message.view, message.digest) == (block.view, block.digest)
        if not is_its or signed.sender != state.leads(block.view):
            return state.rejected("not the proposal of that block", event)
        block.signed = signed
        return self._on_received(now, Received(signed.sender, message, signed, epoch, b""))

    def _on_recalled(self, now: Now, event: Received, answer: Recalled) -> list[Effect]:
        was_recalled = self.state.is_recalled
        effects = self._recaller.on_recalled(now, event, answer)
        if self.state.is_recalled and not was_recalled:
            self._pacemaker.restart(now)
            effects.extend([*self._say_again(), *self._pacemaker.try_join()])
        return effects

    # --- after every step ---------------------------------------------------------------------------------------

    def _after(self, now: Now) -> list[Effect]:
        """Notice progress and new views; timers run while there may be work, else not."""
        state = self.state
        if state.high is not None:
            self._votes_of_others.note_certificate(state.high.certificate)
        effects: list[Effect] = []
        if self._pacemaker.has_moved(now):
            effects = [
                *self._pacemaker.slowness(now),
                *self._pacemaker.on_move(now),
                *self._retransmission.timer.hasten(),
            ]
        if self._pacemaker.is_watching and self._retransmission.timer.is_armed:
            return effects
        if self._pacemaker.has_work():
            effects += [*self._retransmission.timer.arm(), *self._pacemaker.try_watch(now)]
        return effects
