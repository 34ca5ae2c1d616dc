"""A seeded bug: one rule of the consensus, broken on purpose in a copy of the source."""

from __future__ import annotations

from typing import NamedTuple


class SeededBug(NamedTuple):
    """`rule`: what the protocol asks, with the section of OSDI'99 or the page of ours that says so. In `file`, the only
    place that reads `old` becomes `new`. `tests`: the quickest that are expected to catch it, as pytest names them."""

    name: str
    rule: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def seed(self, source: str) -> str:
        """The source with the bug in it. Raises ValueError naming the bug where its place is gone, or not the only one,
        or where what comes out is no Python."""
        count = source.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: its `old` text stands {count} times in {self.file}, and must stand once")
        if self.old == self.new:
            raise ValueError(f"{self.name}: changes nothing")
        seeded = source.replace(self.old, self.new)
        try:
            compile(seeded, self.file, "exec")
        except SyntaxError as error:
            raise ValueError(f"{self.name}: {self.file} is no Python any more: {error}") from None
        return seeded


CORE = "consortium/core/"
PBFT = "consortium/protocols/pbft/"
HOTSTUFF = "consortium/protocols/hotstuff/"
LEDGER = "consortium/ledger/"
CONTRACTS = "consortium/contracts/"
NODE = "consortium/node/"
COMMON = "consortium/protocols/common/"

VALUES = "tests/unit/core/test_core_values.py"
VOTES = "tests/unit/core/test_votes.py"
POOL = "tests/unit/node/test_pool.py"
HOST = "tests/unit/node/test_host.py"
EVIDENCE = "tests/unit/core/test_evidence.py"
OUTBOX = "tests/unit/node/test_outbox.py"
PBFT_CONDITIONS = "tests/unit/pbft/test_pbft_one_condition.py"
LEDGER_CONDITIONS = "tests/unit/ledger/test_ledger_one_condition.py"
NORMAL = "tests/unit/pbft/test_pbft_normal_case.py"
VIEWS = "tests/unit/pbft/test_pbft_view_change.py"
SUSPICION = "tests/unit/pbft/test_pbft_suspicion.py"
HOTSTUFF_SUSPICION = "tests/unit/hotstuff/test_hotstuff_suspicion.py"
COMMON_PARTS = "tests/unit/protocols/test_common_parts.py"
WAITING = "tests/unit/node/test_pool_waiting.py"
CLAIMS = "tests/unit/pbft/test_pbft_claims.py"
BOOT = "tests/unit/pbft/test_pbft_recall.py"
LOST_LOG = "tests/unit/pbft/test_pbft_lost_log.py"
HOTSTUFF_LOST_LOG = "tests/unit/hotstuff/test_hotstuff_lost_log.py"
HOTSTUFF_BOOT = "tests/unit/hotstuff/test_hotstuff_boot.py"
EPOCHS = "tests/unit/pbft/test_pbft_epochs.py"
TRAPS = "tests/unit/pbft/test_pbft_traps.py"
DURABLE = "tests/unit/pbft/test_pbft_durable_first.py"
OBSERVERS = "tests/unit/pbft/test_pbft_observers.py"
PROOFS = "tests/unit/pbft/test_pbft_proofs.py"
EDGES = "tests/unit/pbft/test_pbft_edges.py"
BOOT_EDGES = "tests/unit/pbft/test_pbft_boot_edges.py"
PEERS = "tests/unit/pbft/test_pbft_bounds.py"
SERVICE = "tests/simulation/test_pbft_service.py"
CHAOS = "tests/simulation/test_pbft_chaos.py"
SEALER = "tests/unit/ledger/test_ledger_sealer.py"
CHAIN = "tests/unit/ledger/test_ledger_chain.py"
CATCH_UP = "tests/unit/ledger/test_ledger_catch_up.py"
LEDGER_BOUNDS = "tests/unit/ledger/test_ledger_catch_up_bounds.py"
SEALS = "tests/unit/ledger/test_ledger_seals.py"
GOVERNANCE = "tests/unit/contracts/test_governance.py"
MEMBERS = "tests/simulation/test_membership_runs.py"
LINKS = "tests/simulation/test_membership_ledgers.py"
CARRIER = "tests/unit/nodes/test_carrier.py"
VOTE_LOG = "tests/unit/nodes/test_vote_log.py"
SOUND = "tests/unit/ledger/test_ledger_sound.py"
SURROUNDINGS = "tests/unit/nodes/test_ledger_surroundings.py"
TREE = "tests/unit/ledger/test_ledger_tree.py"
BUCKETS = "tests/unit/nodes/test_buckets.py"
