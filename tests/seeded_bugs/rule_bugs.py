"""Bugs of rules by height, of calls by vote, and of proofs that are carried away."""

from __future__ import annotations

from .bug import CORE, LEDGER, SeededBug

VERSIONS = "tests/unit/ledger/test_rule_versions.py"
BY_VOTE = "tests/unit/contracts/test_rules_by_vote.py"
PROVEN = "tests/unit/core/test_proven.py"
GOVERNANCE = "consortium/contracts/governance/"
REACHED = "tests/unit/contracts/test_versions_reach_through_imports.py"
ASKED = "tests/unit/test_ask.py"
VIEWED = "tests/unit/test_view_command.py"

RULE_BUGS = (
    SeededBug(
        "newest-version-executes",
        "A height is executed by the version that was voted for it, not by the newest (docs/decisions/069).",
        LEDGER + "rule_book.py",
        "            contract = None if held is None else held.versions.get(version)",
        "            contract = held",
        (VERSIONS,),
    ),
    SeededBug(
        "rules-kept-over-a-change",
        "What is remembered of the rules ends where a version begins (docs/decisions/069).",
        LEDGER + "rule_book.py",
        "        self._last = _Span(versions, first, min(ahead, default=FOREVER), rules)",
        "        self._last = _Span(versions, first, FOREVER, rules)",
        (VERSIONS,),
    ),
    SeededBug(
        "version-begins-with-its-vote",
        "A version begins at its activation, which every node knows a window ahead (docs/decisions/069).",
        GOVERNANCE + "rule_changes.py",
        "    height = max(from_height, registry.compute_activation(context.height, rules))",
        "    height = max(from_height, context.height)",
        (VERSIONS, BY_VOTE),
    ),
    SeededBug(
        "verify-by-the-newest-versions",
        "The past is executed again by the versions of its heights (docs/decisions/069).",
        CORE + "versions.py",
        "            if step.from_height > height:\n                break\n",
        "",
        (VERSIONS,),
    ),
    SeededBug(
        "taken-over-without-the-version",
        "No block is taken over by a node whose program lacks its rules (docs/decisions/069).",
        LEDGER + "chain.py",
        "        self._rules.check(height)  # before anything is taken over, too\n",
        "",
        (VERSIONS,),
    ),
    SeededBug(
        "snapshot-without-the-version",
        "A snapshot behind a vote is not installed by a program that lacks its version (docs/decisions/069).",
        LEDGER + "chain.py",
        "        self._rules.check_in(base_versions(base), header.height + 1)\n",
        "",
        (VERSIONS,),
    ),
    SeededBug(
        "boots-without-the-version",
        "A node whose program lacks the next height's rules says so when it boots (docs/decisions/069).",
        LEDGER + "chain.py",
        "        self._rules.check(header.height + 1)\n",
        "",
        (VERSIONS,),
    ),
    SeededBug(
        "unnamed-contract-exists",
        "A contract that the chain has not voted in does not exist on it (docs/decisions/069).",
        LEDGER + "rule_book.py",
        "        contracts: dict[str, Contract] = {}\n",
        "        contracts: dict[str, Contract] = dict(self._contracts)\n",
        (VERSIONS,),
    ),
    SeededBug(
        "refused-call-keeps-its-writes",
        "What a refused call wrote is thrown away (docs/decisions/069).",
        GOVERNANCE + "rule_changes.py",
        "    trial = Trial(state)\n    events = context.execute_call(trial, _given(call), context)\n    trial.keep()",
        "    events = context.execute_call(state, _given(call), context)",
        (BY_VOTE,),
    ),
    SeededBug(
        "proposed-call-is-executed",
        "A call is tried at its proposal and leaves nothing (docs/decisions/069).",
        GOVERNANCE + "rule_changes.py",
        "    context.execute_call(Trial(state), _given(call), context)",
        "    context.execute_call(state, _given(call), context)",
        (BY_VOTE,),
    ),
    SeededBug(
        "vote-is-every-member",
        "The role `vote` is no member: it may use what names it alone (docs/decisions/069).",
        CORE + "contract.py",
        'NOBODY = ("", GENESIS, VOTE)',
        'NOBODY = ("", GENESIS)',
        (BY_VOTE,),
    ),
    SeededBug(
        "version-taken-back",
        "Versions only rise (docs/decisions/069).",
        GOVERNANCE + "rule_changes.py",
        "    if version <= newest.version:",
        "    if version == newest.version:",
        (BY_VOTE,),
    ),
    SeededBug(
        "upgrade-over-one-that-waits",
        "A version that was decided begins before the next is asked for (docs/decisions/069).",
        GOVERNANCE + "rule_changes.py",
        "    if newest.from_height > context.height:",
        "    if newest.from_height > context.height + 10_000:",
        (BY_VOTE,),
    ),
)

PROOF_BUGS = (
    SeededBug(
        "proof-epoch-link-not-checked",
        "Each link from epoch to epoch is checked before its members are believed (docs/decisions/070).",
        CORE + "seals.py",
        "        epochs.add(check_epoch_link(link, number, epochs, verifier))",
        "        epochs.add(link.epoch)",
        (PROVEN,),
    ),
    SeededBug(
        "proof-link-seal-of-another-header",
        "The seal of a link is over the header that it brings (docs/decisions/070).",
        CORE + "seals.py",
        "    if (vote.height, vote.header_digest) != (header.height, header_bytes_digest(link.header)):",
        "    if vote.height != header.height:",
        (PROVEN,),
    ),
    SeededBug(
        "proof-of-any-size",
        "A proof is bounded before it is decoded (docs/decisions/070).",
        CORE + "proven.py",
        "    if len(proof) > bytes_max:",
        "    if len(proof) > PROOF_BYTES_MAX:",
        (PROVEN,),
    ),
    SeededBug(
        "proof-value-not-under-the-root",
        "A state's value lies under the state root of a sealed header (docs/decisions/070).",
        CORE + "proven.py",
        "    if not is_proven(proof.path, proof.key, proof.value, header.state):",
        "    if not is_proven(proof.path, proof.key, proof.value, header.state) and proof.value is None:",
        (PROVEN,),
    ),
    SeededBug(
        "proof-of-another-format",
        "A proof of another format is refused in a sentence (docs/decisions/070).",
        CORE + "proven.py",
        '        raise ProofError(f"a {fault}")\n    match value:',
        "        pass\n    match value:",
        (PROVEN,),
    ),
    SeededBug(
        "patients-claim-by-the-newest-version",
        "Who settles through another contract asks which version of it the height has (docs/decisions/069).",
        "consortium/contracts/insurance/patient_claim.py",
        "    is_joint = are_caps_joint(state, context)",
        "    is_joint = False",
        (REACHED,),
    ),
    SeededBug(
        "asked-of-the-newest-version",
        "A query is answered by the version that the chain has (docs/decisions/069).",
        "nodes/past.py",
        "    return RuleBook(load_contracts(), ledger.reader).at(ledger.head_height + 1).contracts",
        "    return load_contracts()",
        (ASKED,),
    ),
    SeededBug(
        "view-fed-by-two-at-once",
        "One at a time feeds a view (docs/decisions/078).",
        "nodes/process/view_file.py",
        '            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")  # until it is closed\n',
        "",
        (VIEWED,),
    ),
)
