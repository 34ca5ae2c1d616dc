"""Bugs of who said it: lengths, names, keys, ids, revocation; and of bringing a leader's two proposals together."""

from __future__ import annotations

from .bug import COMMON, CORE, HOTSTUFF, LEDGER, NODE, SeededBug

LENGTHS = "tests/unit/core/test_exact_lengths.py"
IDENTITY = "tests/unit/core/test_identity.py"
CANONICAL = "tests/unit/core/test_canonical.py"
REVOKED = "tests/unit/ledger/test_revoked_keys.py"
OUTBOX_KEYS = "tests/unit/node/test_outbox_keys.py"
HOTSTUFF_EVIDENCE = "tests/unit/hotstuff/test_hotstuff_evidence.py"
SLOW_LEADER = "tests/unit/protocols/test_slow_leader.py"
OLD_FOLDERS = "tests/unit/lab/test_old_folders.py"

IDENTITY_BUGS = (
    SeededBug(
        "signature-cut-at-another-place",
        "Key and signature have one length each, also where the verifier remembers them (docs/decisions/063).",
        CORE + "verifier.py",
        """        if len(key) != KEY_BYTES or len(signature) != self.suite.signature_bytes:
            return False
""",
        "",
        (LENGTHS,),
    ),
    SeededBug(
        "digest-of-any-length",
        "A digest has 32 bytes wherever one is read (docs/decisions/063).",
        CORE + "codec.py",
        "Digest = Annotated[bytes, msgspec.Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]",
        "Digest = Annotated[bytes, msgspec.Meta(max_length=DIGEST_BYTES)]",
        (LENGTHS,),
    ),
    SeededBug(
        "bundle-signature-of-any-length",
        "A bundle under a commit certificate has a signature of its suite's length, too (docs/decisions/063).",
        CORE + "transaction.py",
        "        if len(bundle.signature) != self.suite.signature_bytes:",
        "        if not bundle.signature:",
        (LENGTHS,),
    ),
    SeededBug(
        "genesis-takes-any-key",
        "The genesis takes no key that a vote could not admit (core/identity.py).",
        CORE + "genesis.py",
        '    if fault is not None:\n        raise ValueError(f"members: {fault}")\n',
        "",
        (IDENTITY,),
    ),
    SeededBug(
        "two-members-with-one-key",
        "One secret behind two names is two votes (core/identity.py).",
        CORE + "identity.py",
        "        used.update(member.keys.values())\n",
        "",
        (IDENTITY,),
    ),
    SeededBug(
        "one-key-for-two-purposes",
        "One key for voting and submitting lets whoever submits vote (core/identity.py).",
        CORE + "identity.py",
        "        given.add(key)\n",
        "",
        (IDENTITY,),
    ),
    SeededBug(
        "name-with-a-path-in-it",
        "A member's name stands in topics and folders (core/identity.py).",
        CORE + "identity.py",
        "    if _is_name(name) is not None:",
        "    if name and len(name) <= NAME_LENGTH_MAX:",
        (IDENTITY,),
    ),
    SeededBug(
        "maps-in-the-order-of-filling",
        "Equal values have equal bytes: one transaction has one id (docs/decisions/063).",
        CORE + "codec.py",
        'msgspec.msgpack.Encoder(order="deterministic")',
        "msgspec.msgpack.Encoder()",
        (CANONICAL,),
    ),
    SeededBug(
        "defaults-left-out-of-the-state",
        "No table and no argument may leave out what is the default (core/canonical.py).",
        CORE + "canonical.py",
        "        if struct.__struct_config__.omit_defaults:",
        "        if not struct:",
        (CANONICAL,),
    ),
    SeededBug(
        "older-chain-executed",
        "A chain is executed by the version that began it (docs/decisions/063).",
        LEDGER + "chain.py",
        """        if (fault := format_fault("genesis", self.genesis.format)) is not None:
            raise GenesisError(f"a {fault}")
""",
        "",
        (OLD_FOLDERS,),
    ),
    SeededBug(
        "replaced-key-signs-until-the-next-epoch",
        "The revocation of a submit key is judged at execution, from the next block on (docs/decisions/063).",
        LEDGER + "execute.py",
        "            elif one.role and one.member in revoked:",
        "            elif one.role and one.member in ():",
        (REVOKED,),
    ),
    SeededBug(
        "revocation-forgotten-once-the-epoch-is-known",
        "A replaced key signs nothing while its epoch is made and has not begun (core/registry.py).",
        CORE + "registry.py",
        "    if newest is None or (newest.first_height <= height and not changes):",
        "    if newest is None or not changes:",
        (REVOKED,),
    ),
    SeededBug(
        "revoked-key-uses-up-numbers",
        "What a revoked key signs takes no number of its member (docs/decisions/063).",
        LEDGER + "execute.py",
        "            elif one.number or not code:",
        "            if one.number or not code:",
        (REVOKED,),
    ),
    SeededBug(
        "signed-again-with-nothing-changed",
        "What came back under another key than the registered one is not signed again (node/outbox.py).",
        NODE + "outbox.py",
        "        if self._registered() in (None, bundle.key, self._foreign_key):",
        "        if self._registered() in (None, bundle.key):",
        (OUTBOX_KEYS,),
    ),
    SeededBug(
        "another-proposal-is-not-shown",
        "A stalled member is shown a proposal of its view that is another than its own (docs/hotstuff.md).",
        HOTSTUFF + "retransmit.py",
        "            is_other = question.view == state.view and question.proposal != state.heard.digest_of(state.view)",
        "            is_other = False",
        (HOTSTUFF_EVIDENCE,),
    ),
    SeededBug(
        "voters-for-another-block-are-not-asked",
        "Who learns of a quorum for another block than it heard asks the voters for theirs (docs/hotstuff.md).",
        HOTSTUFF + "chain.py",
        "        state.heard.learn(quorum)\n",
        "",
        (HOTSTUFF_EVIDENCE,),
    ),
    SeededBug(
        "slow-leader-raises-no-note",
        "A leader that takes more than half of its time for a block is noted by name (docs/consensus.md).",
        COMMON + "leader_timer.py",
        "        if 2 * waited_us <= timeout_us or is_noted:",
        "        if waited_us <= timeout_us or is_noted:",
        (SLOW_LEADER,),
    ),
    SeededBug(
        "leader-slow-though-nothing-waited",
        "A leader owes nothing before the work has come (docs/consensus.md).",
        COMMON + "leader_timer.py",
        "        waited_us = 0 if owed_us is None else min(waited_us, now.monotonic_us - owed_us)",
        "        waited_us = 0 if owed_us is None else waited_us",
        (SLOW_LEADER,),
    ),
    SeededBug(
        "newest-proposal-of-a-leader-alone",
        "A proposal in between hides no lie: one is kept for each view (docs/hotstuff.md).",
        HOTSTUFF + "proposals.py",
        "            self._proposals[view] = (digest, signed)",
        "            self._proposals = {view: (digest, signed)}",
        (HOTSTUFF_EVIDENCE,),
    ),
)
