"""A rule of settlement is changed by vote in the middle of a run: each claim is paid by the version of its block."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from consortium.contracts import load_contracts
from consortium.contracts.governance.governance import PROPOSALS
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement
from consortium.contracts.insurance.policy import CATALOGUE
from consortium.core.contract import Contract, Receipt
from consortium.core.proven import Anchor, ProvenState, judge_from
from consortium.core.versions import VersionMissing, get_versions
from consortium.ledger.past import ledger_at
from consortium.ledger.proofs import complete_state_proof, take_state_evidence
from consortium.ledger.rows import DictRows, state_key
from consortium.ledger.verify import verify_ledger
from consortium.protocols import load_protocols
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Scenario
from consortium.simulation.run import Simulated, simulate

ROOT = Path(__file__).resolve().parents[2]
SECOND_STAY = {1: 8_379_471, 2: 7_704_000}  # fen that the funds pay: caps of both schemes together, and apart
FIRST_STAY = 12_722_118


def shortened() -> Scenario:
    scenario = load_scenario(ROOT / "scenarios" / "systems" / "rule_change.py")
    options = {**scenario.workload.options, "persons": 12, "interval_us": 150_000}
    return replace(scenario, workload=replace(scenario.workload, options=options))


class Changed:
    """The run, and what its ledger holds by height."""

    def __init__(self) -> None:
        self.ran: Simulated = simulate(shortened())
        self.genesis = self.ran.genesis
        self.contracts = load_contracts()
        self.rows: DictRows = self.ran.ledgers["hospital-1"]
        head = int.from_bytes((self.rows.get("meta", b"head") or b"")[:8], "big")
        found = ledger_at(self.genesis, self.rows, self.contracts, head)
        assert found is not None
        self.ledger = found[0]
        self.first = get_versions(self.ledger.reader).newest("settlement").from_height

    def verify(self, name: str, contracts: Any = None) -> int:
        protocol = load_protocols()[self.genesis.protocol]
        return verify_ledger(self.genesis, self.ran.ledgers[name], contracts or self.contracts, protocol).height

    def settled(self) -> dict[str, int]:
        """By the key of each settlement: the height of its block."""
        heights: dict[str, int] = {}
        for key, data in self.rows.range("receipt", bytes(8), b"\xff" * 8):
            for event in msgspec.msgpack.decode(data, type=Receipt).events:
                if event.kind == "settled":
                    fields = event.fields
                    name = f"{fields['psn_no']}/{fields['year']}/{int(fields['sequence']):06d}"
                    heights[name] = int.from_bytes(key[:8], "big")
        return heights


@pytest.fixture(scope="module")
def changed() -> Changed:
    return Changed()


def test_every_claim_is_paid_by_the_version_of_its_block_to_the_fen(changed: Changed) -> None:
    assert changed.ran.is_done
    heights, paid = changed.settled(), Counter[tuple[str, int]]()
    entries = list(changed.ledger.reader.range(SETTLEMENTS, "", "~"))
    assert len(entries) == len(heights) == 2 * 12 * 4
    for key, entry in entries:
        version = 2 if heights[key] >= changed.first else 1
        wanted = FIRST_STAY if entry.insutype == "employee" else SECOND_STAY[version]
        assert entry.amounts.fund_pay_sumamt == wanted, (key, heights[key])
        paid[entry.insutype, version] += 1
    assert min(paid["employee", 1], paid["resident", 1], paid["resident", 2]) > 3
    straddles = [key for key, _ in entries if key.endswith("000002") and heights[key] >= changed.first]
    assert any(heights[key[:-1] + "1"] < changed.first for key in straddles), "a year that began under the old rule"


def test_a_hospital_that_was_away_caught_up_across_the_vote(changed: Changed) -> None:
    records = [r for r in changed.ran.trace if r.get("node") == "hospital-4"]
    rules = next(index for index, r in enumerate(records) if r["kind"] == "rules")
    assert any(r["kind"] == "catching_up" for r in records[:rules])
    assert any(r["kind"] == "caught_up" for r in records[rules:])
    head = changed.rows.get("meta", b"head")
    assert changed.ran.ledgers["hospital-4"].get("meta", b"head") == head
    assert changed.verify("hospital-4") == changed.verify("hospital-1")


def test_an_older_program_stops_before_the_first_height_and_does_not_fork(changed: Changed) -> None:
    (left,) = [r for r in changed.ran.trace if r["kind"] == "exited"]
    assert (left["node"], left["code"]) == ("archive", 2)
    assert f"from height {changed.first} on version 2 of contract 'settlement'" in left["why"]
    assert "\n" not in left["why"] and "install one that has version 2" in left["why"]
    archived = changed.ran.ledgers["archive"]
    blocks = list(archived.range("block", bytes(8), b"\xff" * 8))
    assert len(blocks) == changed.first
    assert all(changed.rows.get("block", key) == header for key, header in blocks)


def old_program(changed: Changed) -> dict[str, Contract]:
    older = changed.contracts["settlement"].until(1)
    assert older is not None
    return {**changed.contracts, "settlement": older}


def test_a_ledger_that_ends_before_the_change_is_verified_by_both_programs(changed: Changed) -> None:
    assert changed.verify("archive", old_program(changed)) == changed.first - 1
    assert changed.verify("archive") == changed.first - 1


def test_verification_asks_for_the_versions_of_the_heights(changed: Changed) -> None:
    with pytest.raises(VersionMissing, match=f"from height {changed.first} on version 2"):
        changed.verify("hospital-1", old_program(changed))
    settlement = changed.contracts["settlement"]
    newest = Contract("settlement", 2, tuple(settlement.operations.values()))
    with pytest.raises(VersionMissing, match="from height 0 on version 1 of contract 'settlement'"):
        changed.verify("hospital-1", {**changed.contracts, "settlement": newest})


def test_an_item_was_listed_by_a_vote_and_by_nobody_else(changed: Changed) -> None:
    assert changed.ledger.reader.get(CATALOGUE, "S-NEW") is not None
    proposals = dict(changed.ledger.reader.range(PROPOSALS, "", "~"))
    assert sorted(p.proposed.action for p in proposals.values()) == ["call", "upgrade"]
    assert all(proposal.status == "passed" for proposal in proposals.values())


def test_a_claim_of_before_the_change_is_proven_with_the_genesis_alone(changed: Changed) -> None:
    key = next(key for key, height in changed.settled().items() if height < changed.first - 8)
    found = ledger_at(changed.genesis, changed.rows, changed.contracts, changed.first - 1)
    assert found is not None
    proof = complete_state_proof(changed.rows, take_state_evidence(*found, SETTLEMENTS.name, key))
    proven = judge_from(Anchor.of(changed.genesis), proof)
    assert isinstance(proven, ProvenState) and proven.value == found[1].get("state", state_key("settlement", key))
    assert msgspec.msgpack.decode(proven.value or b"", type=Settlement).amounts.fund_pay_sumamt > 0


def test_stewards_do_not_vote_for_what_their_program_lacks() -> None:
    """Else a quorum could stop itself by one proposal."""
    scenario = shortened()
    deeds = [{**scenario.workload.options["deeds"][0], "version": 9}]
    options = {**scenario.workload.options, "persons": 3, "deeds": deeds}
    ran = simulate(replace(scenario, workload=replace(scenario.workload, options=options), faults=()))
    assert ran.is_done and not [r for r in ran.trace if r["kind"] in ("exited", "rules", "rules_missing")]
    receipts = [msgspec.msgpack.decode(data, type=Receipt) for _, data in ran.ledgers["hospital-1"].all("receipt")]
    assert [e.kind for receipt in receipts for e in receipt.events if "proposal" in e.kind][-1] == "proposal-rejected"
