"""What is stored of changing members: verified, proven and copied across epochs, and no doctored one is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from consortium.contracts import load_contracts
from consortium.core.codec import encode
from consortium.core.format import FORMAT
from consortium.core.genesis import Parameters
from consortium.core.membership import Epochs
from consortium.core.messages import MessageCodec
from consortium.core.proven import (
    EpochsProof,
    ProofError,
    verify_epochs_proof,
    verify_receipt_proof,
    verify_transaction_proof,
)
from consortium.core.seals import Checkpoint, EpochLink, follow
from consortium.core.verifier import Verifier
from consortium.ledger.epoch_links import links_to
from consortium.ledger.proofs import prove_epochs, prove_receipt, prove_transaction
from consortium.ledger.rows import DictRows, height_key
from consortium.ledger.verify import Fault as LedgerFault
from consortium.ledger.verify import verify_ledger
from consortium.protocols import load_protocols
from consortium.scenario.scenario import Fault
from tests.simulation.membership_runs import Ran, deed, promote, scenario_of


@dataclass
class Story:
    ran: Ran
    rows: DictRows
    epochs: Epochs


@pytest.fixture(scope="module")
def story() -> Story:
    """Epoch 1 has a fifth validator, epoch 2 a sixth and a new voting key of m1."""
    ran = Ran(scenario_of([promote(0, 500, 4), promote(1, 1_800, 5), deed(1, 1_800, "rekey", 1)], observers=2))
    epochs = ran.epochs()
    assert (epochs.newest.number, epochs.newest.n) == (2, 6)
    return Story(ran, ran.rows("m0"), epochs)


def fault_of(story: Story, rows: DictRows) -> LedgerFault:
    with pytest.raises(LedgerFault) as caught:
        verify_ledger(story.ran.genesis, rows, load_contracts(), load_protocols()["pbft"])
    return caught.value


def last_before(story: Story, number: int) -> int:
    epoch = story.epochs.number(number)
    assert epoch is not None
    return epoch.first_height - 1


def test_a_ledger_whose_epoch_does_not_end_under_a_seal_is_refused(story: Story) -> None:
    height = last_before(story, 1)
    rows = story.rows.copy()
    count, newest = rows.get("meta", b"seals")[:8], rows.get("meta", b"seals")[8:]  # type: ignore[index]
    fewer = (int.from_bytes(count, "big") - 1).to_bytes(8, "big")
    rows.stage([("seal", height_key(height), None), ("meta", b"seals", fewer + newest)])
    fault = fault_of(story, rows)
    assert (fault.height, fault.record) == (height, "seal") and "epoch 1" in fault.why


def test_a_changed_row_of_members_is_found(story: Story) -> None:
    rows = story.rows.copy()
    epoch = msgspec.structs.replace(story.epochs.newest, members=story.epochs.newest.members[:-1])
    rows.stage([("epoch", height_key(2), encode(epoch))])
    assert fault_of(story, rows).record.startswith("epoch")


def test_certificates_and_seals_of_the_members_before_count_no_more(story: Story) -> None:
    """A quorum of the first four decides nothing at a height of the fifth's epoch."""
    first = last_before(story, 1) + 1
    rows = story.rows.copy()
    rows.stage([("certificate", height_key(first), rows.get("certificate", height_key(first - 1)))])
    fault = fault_of(story, rows)
    assert (fault.height, fault.record) == (first, "certificate")
    rows = story.rows.copy()
    rows.stage([("seal", height_key(first + 3), rows.get("seal", height_key(first - 1)))])
    assert fault_of(story, rows).record == "seal"


def test_the_header_commits_to_the_next_members_and_the_state_to_those_to_come(story: Story) -> None:
    from consortium.core.header import decode_header

    for number in (1, 2):
        height = last_before(story, number)
        header = decode_header(story.rows.get("block", height_key(height)) or b"")
        epoch = story.epochs.number(number)
        assert epoch is not None and header.next_members == epoch.digest and header.epoch == number - 1
        assert story.rows.get("state", f"registry.epoch\x00{number:08d}".encode()) == encode(epoch)


def test_a_person_with_the_genesis_file_follows_the_members_epoch_by_epoch(story: Story) -> None:
    ledger, genesis = story.ran.ledger("m5"), story.ran.genesis
    rows = story.ran.rows("m5")
    followed = verify_epochs_proof(genesis, prove_epochs(ledger, rows))
    assert [encode(epoch) for epoch in followed] == [encode(epoch) for epoch in story.epochs]
    height = ledger.head_height
    while not rows.get("batch", height_key(height)) or not rows.range(
        "receipt", height_key(height), height_key(height + 1)
    ):
        height -= 1
    proven = verify_transaction_proof(genesis, prove_transaction(ledger.genesis, rows, height, 0))
    assert proven.header.epoch == 2 and proven.header.height == height
    assert verify_receipt_proof(genesis, prove_receipt(rows, height, 0)).header.epoch == 2


def doctored(links: tuple[EpochLink, ...]) -> dict[str, tuple[EpochLink, ...]]:
    first, second = links
    fewer = msgspec.structs.replace(first.epoch, members=first.epoch.members[1:])
    sooner = msgspec.structs.replace(first.epoch, first_height=first.epoch.first_height - 4)
    thin = msgspec.structs.replace(first.seal, signatures=first.seal.signatures[:2])
    return {
        "a link is left out": (second,),
        "the links are turned round": (second, first),
        "a member is left out": (msgspec.structs.replace(first, epoch=fewer), second),
        "a member is left out at the end": (msgspec.structs.replace(first, epoch=fewer),),
        "it begins sooner": (msgspec.structs.replace(first, epoch=sooner), second),
        "too few sealed it": (msgspec.structs.replace(first, seal=thin), second),
        "another's seal": (msgspec.structs.replace(first, seal=second.seal), second),
        "another's header": (msgspec.structs.replace(first, header=second.header), second),
        "one epoch twice": (first, first),
    }


def test_doctored_links_are_refused(story: Story) -> None:
    links = links_to(story.rows, 2)
    assert links is not None and len(links) == 2
    verify_epochs_proof(story.ran.genesis, encode(EpochsProof(FORMAT, links)))
    for name, chain in doctored(links).items():
        with pytest.raises(ProofError):
            verify_epochs_proof(story.ran.genesis, encode(EpochsProof(FORMAT, chain)))
            pytest.fail(name)


def test_following_again_what_is_known_changes_nothing(story: Story) -> None:
    genesis, links = story.ran.genesis, links_to(story.rows, 2)
    assert links is not None
    epochs = Epochs((genesis.first_epoch,))
    suite: Any = story.ran.simulation._shared.suite
    verifier = Verifier(MessageCodec(genesis.chain, genesis.suite, (Checkpoint,)), suite)
    follow(links[:1], epochs, verifier)
    follow(links, epochs, verifier)
    follow(links, epochs, verifier)
    assert epochs.newest.number == 2


def test_a_node_far_behind_takes_a_snapshot_across_epochs_and_its_ledger_verifies() -> None:
    parameters = Parameters(
        checkpoint_interval=4,
        window=8,
        batches_in_flight=4,
        timer_base_us=500_000,
        idle_seal_us=400_000,
        snapshot_gap=30,
    )
    wiped = {"disk": "empty"}
    faults = (Fault("kill", "m4", at_us=300_000), Fault("restart", "last", after_us=3_000_000, options=wiped))
    scenario = scenario_of([promote(0, 500, 4), deed(1, 1_600, "rekey", 1)], observers=1, faults=faults)
    ran = Ran(msgspec.structs.replace(scenario, parameters=parameters))
    assert ran.noted("snapshot", node="m4")
    assert ran.epochs("m4").newest.number == 2
    assert ran.rows("m4").get("base", b"link" + height_key(1)) is not None
    assert ran.noted("observing", node="m4"), "with its disk it lost the knowledge that it had never voted"
    assert ran.noted("votes_again", node="m4") or "Prepare" not in ran.voted_in("m4", 2)
    from_snapshot = verify_epochs_proof(ran.genesis, prove_epochs(ran.ledger("m4"), ran.rows("m4")))
    assert from_snapshot.newest.digest == ran.epochs().newest.digest
