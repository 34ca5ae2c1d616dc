"""Bugs of the normal case (OSDI'99 §4.2) and of what a node must hold durably before it speaks."""

from __future__ import annotations

from .bug import (
    BOOT,
    CHAOS,
    DURABLE,
    EPOCHS,
    NORMAL,
    OBSERVERS,
    PBFT,
    PEERS,
    PROOFS,
    SERVICE,
    TRAPS,
    VIEWS,
    SeededBug,
)

ORDERING_BUGS = (
    SeededBug(
        "batch-digest-not-compared",
        "A PRE-PREPARE's batch is the one of its digest (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "            elif batch_digest(event.attachment) == vote.digest:",
        "            elif vote.digest:",
        (NORMAL,),
    ),
    SeededBug(
        "fetched-body-not-compared",
        "A fetched batch is believed by its digest, whoever sends it (docs/consensus.md, The normal case).",
        PBFT + "bodies.py",
        " or batch_digest(event.attachment) != answer.digest:",
        ":",
        (NORMAL,),
    ),
    SeededBug(
        "decisions-batch-not-compared",
        "The batch beside a commit certificate is the one of its digest (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "        if is_missing and batch_digest(event.attachment) == commit.digest:",
        "        if is_missing:",
        (TRAPS,),
    ),
    SeededBug(
        "anybody-orders",
        "Only the leader of a view orders in it (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        """        if event.sender != standing.epoch.leader(vote.view):
            return standing.rejected("not the leader""",
        """        if not standing.epoch.is_validator(event.sender):
            return standing.rejected("not the leader""",
        (NORMAL,),
    ),
    SeededBug(
        "second-order-of-a-view-voted-for",
        "A backup accepts one PRE-PREPARE a view and height (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "            other = slot.pre_prepare\n",
        "            slot.digest, slot.pre_prepare, slot.prepare_view = vote.digest, event.signed, -1\n"
        "            return None\n"
        "            other = slot.pre_prepare\n",
        (NORMAL,),
    ),
    SeededBug(
        "batch-not-judged",
        "A backup judges a batch by its bytes before it votes (docs/consensus.md, The normal case).",
        PBFT + "fitness.py",
        "        why = standing.pool.judge(body)",
        "        why = None",
        (NORMAL,),
    ),
    SeededBug(
        "batch-time-not-bounded",
        "A leader's time lies near the backups' clocks at first proposal (docs/consensus.md, The normal case).",
        PBFT + "fitness.py",
        "return None if abs(time_us - now.wall_us) <= skew_us else",
        "return None if time_us - now.wall_us <= 3_600_000_000 + skew_us else",
        (NORMAL,),
    ),
    SeededBug(
        "empty-batches-anywhere",
        "An empty batch is fit only where a change of members waits for its height (docs/consensus.md).",
        PBFT + "fitness.py",
        "        why = None if height <= standing.epochs.reach else",
        "        why = None if height else",
        (EPOCHS,),
    ),
    SeededBug(
        "leaders-prepare-counted",
        "The leader's PREPARE does not count: its PRE-PREPARE is its voice (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        """        if event.sender == standing.epoch.leader(vote.view):
            return standing.rejected("a leader's PREPARE""",
        """        if not event.sender:
            return standing.rejected("a leader's PREPARE""",
        (NORMAL,),
    ),
    SeededBug(
        "prepare-in-a-view-that-is-over",
        "A backup votes in the view that it is in (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "        if slot.view != standing.view or slot.prepare_view >= slot.view or",
        "        if slot.view < 0 or slot.prepare_view >= slot.view or",
        (TRAPS,),
    ),
    SeededBug(
        "prepared-by-too-few",
        "Prepared: PREPAREs of quorum−1 members besides the leader's order (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "        size = standing.epoch.quorum - 1\n        if standing.is_changing or",
        "        size = standing.epoch.quorum - 2\n        if standing.is_changing or",
        (TRAPS,),
    ),
    SeededBug(
        "committed-by-too-few",
        "Committed: COMMITs of a quorum (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "        quorum = standing.epoch.quorum\n        if count < quorum",
        "        quorum = standing.epoch.quorum - 1\n        if count < quorum",
        (NORMAL,),
    ),
    SeededBug(
        "votes-for-other-digests-counted",
        "Votes count for one view, height and digest (OSDI'99 §4.2: matching PREPAREs).",
        PBFT + "votes.py",
        "        sender, choice = signed.sender, (view, digest)\n        before",
        "        sender, choice = signed.sender, next(iter(self._signatures), (view, digest))\n        before",
        (NORMAL,),
    ),
    SeededBug(
        "commit-without-certificate-of-the-view",
        "COMMIT in a view needs the prepared certificate of that very view (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "            if slot.prepared_view != standing.view or slot.prepared is None:",
        "            if slot.prepared is None:",
        (TRAPS,),
    ),
    SeededBug(
        "watermark-unchecked",
        "No vote above the high watermark (OSDI'99 §4.2, §4.3).",
        PBFT + "standing.py",
        "self.stable < height <= self.last_height and is_of_epoch",
        "self.stable < height and is_of_epoch",
        (NORMAL,),
    ),
    SeededBug(
        "log-without-bound",
        "Nothing is kept for heights beyond the span: a traitor cannot fill the log (OSDI'99 §4.2, watermarks).",
        PBFT + "standing.py",
        "        if not low < height <= self.stable + self.span:",
        "        if not low < height:",
        (NORMAL,),
    ),
    SeededBug(
        "vote-against-a-known-decision",
        "Nobody votes for what conflicts with a decision that it knows (OSDI'99 §4.2, agreement).",
        PBFT + "ordering.py",
        "        if slot.decided_digest not in (None, slot.digest):",
        "        if False:",
        (TRAPS,),
    ),
    SeededBug(
        "decisions-out-of-order",
        "Decisions are executed in the order of their heights (OSDI'99 §4.2).",
        PBFT + "ordering.py",
        "        while (slot := standing.log.get(standing.decided + 1)) is not None and slot.certificate is not None:",
        "        for slot in standing.log.above(standing.decided):\n"
        "            if slot.certificate is None:\n"
        "                continue",
        (NORMAL,),
    ),
    SeededBug(
        "decision-of-another-height-accepted",
        "A commit certificate proves one height (OSDI'99 §4.2).",
        PBFT + "certificates.py",
        "    if not isinstance(message, Commit) or message.height != height:",
        "    if not isinstance(message, Commit):",
        (BOOT,),
    ),
    SeededBug(
        "decision-by-too-few-accepted",
        "A commit certificate has a quorum's signatures (OSDI'99 §4.2).",
        PBFT + "certificates.py",
        "    message = verifier.check_certificate(certificate, epoch, epoch.quorum)\n    if not isinstance(",
        "    message = verifier.check_certificate(certificate, epoch, epoch.weak)\n    if not isinstance(",
        (BOOT,),
    ),
    SeededBug(
        "certificate-for-another-batch",
        "A commit certificate proves one batch: catch-up compares its digest (docs/architecture.md, Deciding).",
        PBFT + "certificates.py",
        "    if open_decision(certificate, epochs, height, verifier).digest != digest:",
        "    if not open_decision(certificate, epochs, height, verifier).digest:",
        (PROOFS,),
    ),
    SeededBug(
        "order-said-before-it-is-durable",
        "Order and batch are durable before PRE-PREPARE (docs/consensus.md, The normal case).",
        PBFT + "ordering.py",
        "        return [*self._accepted(slot, batch), order, Note(",
        "        return [order, *self._accepted(slot, batch), Note(",
        (DURABLE,),
    ),
    SeededBug(
        "prepare-said-before-it-is-durable",
        "Vote and batch are durable before PREPARE (docs/consensus.md, The normal case).",
        PBFT + "ordering.py",
        "        return [*self._accepted(slot, body), standing.say(Prepare(slot.view, slot.height, slot.digest))]",
        "        return [standing.say(Prepare(slot.view, slot.height, slot.digest)), *self._accepted(slot, body)]",
        (DURABLE,),
    ),
    SeededBug(
        "commit-said-before-it-is-durable",
        "The prepared certificate is durable before COMMIT (docs/consensus.md, The normal case).",
        PBFT + "ordering.py",
        "        effects.append(standing.say(Commit(slot.view, slot.height, slot.digest)))",
        "        effects.insert(0, standing.say(Commit(slot.view, slot.height, slot.digest)))",
        (DURABLE,),
    ),
    SeededBug(
        "equivocation-not-wished-on-the-ledger",
        "Two votes for one thing become evidence (issue 3, Evidence).",
        PBFT + "standing.py",
        "            effects.append(report_evidence(evidence))\n",
        "",
        (EPOCHS,),
    ),
    SeededBug(
        "evidence-of-one-statement",
        "Evidence holds both conflicting statements (core/evidence.py).",
        PBFT + "standing.py",
        "make_evidence(other, event.signed)",
        "make_evidence(event.signed, event.signed)",
        (NORMAL,),
    ),
    SeededBug(
        "votes-of-an-epoch-that-is-over",
        "Votes count in the epoch of their height alone (docs/consensus.md, Changing the members).",
        PBFT + "replica.py",
        """        is_ours = event.epoch == standing.epoch.number
        epoch = standing.epoch if is_ours else standing.epochs.number(event.epoch)
        fault = vote_fault(vote)
        if fault is None and (epoch is None or not epoch.is_validator(event.sender)):
            fault = "not a validator"
        if fault is None and is_ours and""",
        """        is_ours = event.epoch <= standing.epoch.number
        epoch = standing.epoch if is_ours else standing.epochs.number(event.epoch)
        fault = vote_fault(vote)
        if fault is None and (epoch is None or not epoch.is_validator(event.sender)):
            fault = "not a validator"
        if fault is None and event.epoch > standing.epoch.number and""",
        (EPOCHS,),
    ),
    SeededBug(
        "observers-vote",
        "An observer's votes count for nothing (docs/consensus.md, Changing the members).",
        PBFT + "replica.py",
        "        if fault is None and (epoch is None or not epoch.is_validator(event.sender)):",
        "        if fault is None and epoch is None:",
        (OBSERVERS,),
    ),
    SeededBug(
        "epoch-begins-unsealed",
        "Nothing of an epoch is voted before its predecessor's last block is sealed (docs/decisions/020).",
        PBFT + "standing.py",
        "        return self.stable >= self.epoch.first_height - 1",
        "        return self.head >= self.epoch.first_height - 1",
        (EPOCHS,),
    ),
    SeededBug(
        "early-votes-without-bound",
        "What is kept of the next epoch is bounded, a share a member (docs/consensus.md, promises).",
        PBFT + "early.py",
        "deque(maxlen=KEPT_MAX)",
        "deque()",
        (PEERS,),
    ),
    SeededBug(
        "answers-without-ration",
        "Costly answers are rationed per member (docs/consensus.md, promises).",
        PBFT + "allowance.py",
        "        if spent >= self._count:",
        "        if spent < 0:",
        (PEERS,),
    ),
    SeededBug(
        "ordered-batch-proposed-again",
        "A new leader proposes nothing of its own while an ordered batch is missing (docs/consensus.md, deviation 6).",
        PBFT + "ordering.py",
        "        if standing.decided >= standing.orders_last:\n            return False\n        for height, order",
        "        if standing.decided >= 0:\n            return False\n        for height, order",
        (VIEWS,),
    ),
    SeededBug(
        "nothing-is-sent-again",
        "Lost messages are re-sent until their height is decided (OSDI'99 §5.2).",
        PBFT + "retransmit.py",
        "            effects = self._say_again(now)",
        "            effects = []",
        (SERVICE, CHAOS),
    ),
)
