"""Bugs of one condition: rules that ask for two things, each broken in one of them alone."""

from __future__ import annotations

from .bug import (
    COMMON,
    CONTRACTS,
    CORE,
    HOTSTUFF,
    LEDGER,
    LEDGER_CONDITIONS,
    NODE,
    OUTBOX,
    PBFT,
    PBFT_CONDITIONS,
    SeededBug,
)

HOTSTUFF_CONDITIONS = "tests/unit/hotstuff/test_hotstuff_one_condition.py"
TUNING = "tests/unit/core/test_registry_tuning.py"
CAPS = "tests/unit/contracts/test_settlement_caps.py"
PACKS = "tests/unit/contracts/test_bill_and_trace.py"
WARM_UP = "tests/unit/lab/test_lab_warm_up.py"
ACTS = "tests/unit/simulation/test_fault_acts.py"
VOTE_LOG = "tests/unit/nodes/test_vote_log.py"
REASONS = "tests/unit/test_fhir_reasons.py"

CONSENSUS_CONDITION_BUGS = (
    SeededBug(
        "prepared-batch-forgotten",
        "A batch stays while our prepared certificate is the newest of its height (OSDI'99 §4.4: P needs its m).",
        PBFT + "slot.py",
        "            if other not in (self.prepared_digest, digest):",
        "            if other != digest:",
        (PBFT_CONDITIONS,),
    ),
    SeededBug(
        "new-view-planned-from-other-views",
        "O follows from the VIEW-CHANGEs in V, which are for this very view (OSDI'99 §4.4).",
        PBFT + "view_change.py",
        "        result = plan(chosen)\n",
        "        result = plan(list(self._changes.values()))\n",
        (PBFT_CONDITIONS,),
    ),
    SeededBug(
        "new-view-planned-from-all-that-are-held",
        "O follows from the VIEW-CHANGEs in V, and from no others that the leader holds (OSDI'99 §4.4).",
        PBFT + "view_change.py",
        "        result = plan(chosen)\n",
        "        result = plan(list(exact.values()))\n",
        (PBFT_CONDITIONS,),
    ),
    SeededBug(
        "voted-order-not-in-flight",
        "What is ordered is not proposed again (docs/consensus.md, where we deviate, 6).",
        PBFT + "ordering.py",
        "        if body and slot.height > state.head:\n            state.pool.order(body)\n",
        "        pass\n",
        (PBFT_CONDITIONS,),
    ),
    SeededBug(
        "order-taken-over-not-in-flight",
        "What a NEW-VIEW orders is not proposed again (docs/consensus.md, where we deviate, 6).",
        PBFT + "ordering.py",
        "            if body:\n                state.pool.order(body)\n",
        "            pass\n",
        (PBFT_CONDITIONS,),
    ),
    SeededBug(
        "logged-order-not-in-flight",
        "What our log ordered in this view is not proposed again after a boot (docs/consensus.md, After a crash).",
        PBFT + "restore.py",
        "            if body and slot.view == state.view:\n                state.pool.order(body)\n",
        "            pass\n",
        (PBFT_CONDITIONS,),
    ),
    SeededBug(
        "tuning-not-taken-with-its-epoch",
        "Tuned parameters hold from the first height of their epoch (docs/consensus.md, Changing members).",
        COMMON + "replica_state.py",
        "        self.epoch = epoch\n        self.parameters = tuned(self.context.parameters, epoch)\n",
        "        self.epoch = epoch\n",
        (PBFT_CONDITIONS,),
    ),
    SeededBug(
        "newest-qc-by-height",
        "The newest QC is the one of the highest view (HotStuff 4.4, UpdateQCHigh).",
        HOTSTUFF + "chain.py",
        "        if quorum.view <= state.high_view:\n            return effects\n        state.high = quorum\n"
        "        block = state.tree.get(quorum.digest)\n",
        "        block = state.tree.get(quorum.digest)\n"
        "        known = state.tree.get(state.high_digest)\n"
        "        if block is None or (state.high and known and block.height <= known.height):\n"
        "            return effects\n        state.high = quorum\n",
        (HOTSTUFF_CONDITIONS,),
    ),
    SeededBug(
        "newest-qc-of-the-log-is-the-last",
        "The newest QC is the one of the highest view, also after a boot (HotStuff 4.4, UpdateQCHigh).",
        HOTSTUFF + "restore.py",
        "return past if past.high is not None and past.high.view >= quorum.view else past._replace(high=quorum)",
        "return past._replace(high=quorum)",
        (HOTSTUFF_CONDITIONS,),
    ),
    SeededBug(
        "timeouts-of-several-views-end-a-term",
        "A certificate of TIMEOUTs is of one view (docs/hotstuff.md, the pacemaker).",
        HOTSTUFF + "pacemaker.py",
        "in self._timeouts.items() if left == view)",
        "in self._timeouts.items() if left >= view)",
        (HOTSTUFF_CONDITIONS,),
    ),
    SeededBug(
        "decided-in-an-epoch-that-has-not-begun",
        "Nothing of an epoch is decided before its predecessor's last block is sealed (docs/decisions/020).",
        HOTSTUFF + "chain.py",
        "        while state.is_begun and (decision",
        "        while (decision",
        (HOTSTUFF_CONDITIONS,),
    ),
    SeededBug(
        "partly-executed-bundle-not-said-again",
        "After a boot what the ledger does not hold is submitted again (node/outbox.py, resume).",
        NODE + "outbox.py",
        "            if not self._history.issuperset(opened.ids):",
        "            if self._history.isdisjoint(opened.ids):",
        (OUTBOX,),
    ),
    SeededBug(
        "tuning-lost-at-the-next-epoch",
        "A tuned parameter holds until it is tuned again (docs/consensus.md, Changing members and parameters).",
        CORE + "registry.py",
        "    return {**({} if newest is None else newest.tuning), **pending_tuning(state)}",
        "    return pending_tuning(state)",
        (TUNING,),
    ),
    SeededBug(
        "tuning-lost-to-a-later-change",
        "What waits for an epoch is not lost to what is decided after it (core/registry.py).",
        CORE + "registry.py",
        "Pending((*others, change), pending_tuning(state))",
        "Pending((*others, change))",
        (TUNING,),
    ),
    SeededBug(
        "tuning-lost-to-a-later-tuning",
        "What waits for an epoch is not lost to what is decided after it (core/registry.py).",
        CORE + "registry.py",
        "    both = {**pending_tuning(state), **tuning}",
        "    both = dict(tuning)",
        (TUNING,),
    ),
)

LEDGER_CONDITION_BUGS = (
    SeededBug(
        "checkpoint-of-another-epoch-counts",
        "A CHECKPOINT is said in the epoch of its height (docs/consensus.md, Checkpoints and seals).",
        LEDGER + "sealer.py",
        "        if event.epoch != epoch.number or not epoch.is_validator(event.sender) or",
        "        if not epoch.is_validator(event.sender) or",
        (LEDGER_CONDITIONS,),
    ),
    SeededBug(
        "epoch-entered-unsealed-by-catch-up",
        "No block of an epoch is executed before its predecessor's last block is sealed (docs/decisions/020).",
        LEDGER + "catch_up.py",
        "self._parameters.window and (not begins or height - 1 <= self._seals.stable)",
        "self._parameters.window",
        (LEDGER_CONDITIONS,),
    ),
    SeededBug(
        "snapshot-keeps-the-count-of-seals",
        "A snapshot takes the place of all that the ledger held (ledger/base.py).",
        LEDGER + "base.py",
        ', ("meta", b"seals", None)]',
        "]",
        (LEDGER_CONDITIONS,),
    ),
    SeededBug(
        "snapshot-keeps-older-seals",
        "A snapshot takes the place of all that the ledger held (ledger/base.py).",
        LEDGER + "base.py",
        '"receipt", "seal"):',
        '"receipt"):',
        (LEDGER_CONDITIONS,),
    ),
    SeededBug(
        "reversal-frees-anothers-sale",
        "A reversal frees what its own bill took of a pack (docs/domain.md, trace codes).",
        CONTRACTS + "medicines/sales.py",
        "if sale.bill_no != bill_no or sale.is_claim != is_claim)",
        "if sale.is_claim != is_claim)",
        (PACKS,),
    ),
    SeededBug(
        "reversal-frees-a-sale-at-the-counter",
        "A reversal of a settlement frees no sale at the counter (docs/domain.md, trace codes).",
        CONTRACTS + "medicines/sales.py",
        "if sale.bill_no != bill_no or sale.is_claim != is_claim)",
        "if sale.bill_no != bill_no)",
        (PACKS,),
    ),
    SeededBug(
        "pool-ignores-the-joint-cap",
        "Pool and large-amount scheme together pay at most their cap a year (docs/domain.md, Settlement of a claim).",
        CONTRACTS + "insurance/settlement_rules.py",
        "        scheme.pool_and_hifob_cap_fen - used.hifp_fen - used.hifob_fen,\n",
        "        scheme.pool_cap_fen,\n",
        (CAPS,),
    ),
    SeededBug(
        "joint-cap-forgets-this-claims-pool",
        "The large-amount scheme pays what the pool left under the joint cap (docs/domain.md, Settlement of a claim).",
        CONTRACTS + "insurance/settlement_rules.py",
        "scheme.pool_and_hifob_cap_fen - used.hifp_fen - hifp - used.hifob_fen",
        "scheme.pool_and_hifob_cap_fen - used.hifp_fen - used.hifob_fen",
        (CAPS,),
    ),
    SeededBug(
        "joint-cap-forgets-the-years-pool",
        "The joint cap is of a person and year (docs/domain.md, Settlement of a claim).",
        CONTRACTS + "insurance/settlement_rules.py",
        "scheme.pool_and_hifob_cap_fen - used.hifp_fen - hifp - used.hifob_fen",
        "scheme.pool_and_hifob_cap_fen - hifp - used.hifob_fen",
        (CAPS,),
    ),
    SeededBug(
        "joint-cap-forgets-the-years-large-amounts",
        "The joint cap is of a person and year (docs/domain.md, Settlement of a claim).",
        CONTRACTS + "insurance/settlement_rules.py",
        "scheme.pool_and_hifob_cap_fen - used.hifp_fen - hifp - used.hifob_fen",
        "scheme.pool_and_hifob_cap_fen - used.hifp_fen - hifp",
        (CAPS,),
    ),
)

LABORATORY_BUGS = (
    SeededBug(
        "warm-up-ends-a-bundle-late",
        "Warm-up ends with the last bundle that the rule cuts (lab/measures/warm_up.py).",
        "consortium/lab/measures/warm_up.py",
        "bundles[cut * BATCH - 1].executed_us",
        "bundles[cut * BATCH].executed_us",
        (WARM_UP,),
    ),
    SeededBug(
        "simulated-one-way-cut-cuts-both-ways",
        "`links` of a partition are cut one way (docs/faults.md).",
        "consortium/simulation/bus/transport.py",
        "        if any(matches(pattern, sender.name, receiver.name) for pattern in self._links):",
        "        if any(matches(p, *pair) for p in self._links for pair in ((sender.name, receiver.name),"
        " (receiver.name, sender.name))):",
        (ACTS,),
    ),
    SeededBug(
        "local-one-way-cut-cuts-both-ways",
        "`links` of a partition are cut one way (docs/faults.md).",
        "nodes/conduct/local_world.py",
        "or any(matches(link, sender, receiver) for link in links)",
        "or any(matches(link, sender, receiver) or matches(link, receiver, sender) for link in links)",
        (ACTS,),
    ),
    SeededBug(
        "compacted-log-renamed-before-it-is-synced",
        "A compacted log takes the old one's place whole, or not at all (nodes/process/vote_log.py).",
        "nodes/process/vote_log.py",
        "            file.flush()\n            os.fsync(file.fileno())\n        failpoints.reach",
        "            new.replace(path)\n            file.flush()\n            os.fsync(file.fileno())\n"
        "            file.close()\n            os.link(path, new)\n        failpoints.reach",
        (VOTE_LOG,),
    ),
    SeededBug(
        "name-of-the-compacted-log-not-synced",
        "A compacted log is found again after a loss of power (nodes/process/vote_log.py).",
        "nodes/process/vote_log.py",
        '    failpoints.reach("votes.compact.renamed")\n    _sync_folder(path)\n',
        '    failpoints.reach("votes.compact.renamed")\n',
        (VOTE_LOG,),
    ),
    SeededBug(
        "refusal-that-no-input-produces",
        "Every reason of the mapping is produced by an input of the tests (docs/mapping.md, what is refused).",
        "consortium/scenario/fhir/covers.py",
        "        if patient not in patients:\n",
        '        if len(ids) > 1_000:\n            raise Unfit("too-many-covers")\n'
        "        if patient not in patients:\n",
        (REASONS,),
    ),
)
