"""A proof is judged by genesis and proof alone: what it proves, through the epochs, and nothing of it can be bent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consortium.contracts.governance.governance import Propose
from consortium.core.codec import encode
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, encode_genesis
from consortium.core.messages import Certificate
from consortium.core.proven import (
    Anchor,
    EpochsProof,
    HeaderProof,
    Proof,
    ProofError,
    ProvenHeader,
    ProvenMembers,
    ProvenReceipt,
    ProvenState,
    ProvenTransaction,
    ReceiptProof,
    StateProof,
    TransactionProof,
    judge_from,
    judge_proof,
)
from consortium.core.seals import Checkpoint, EpochLink
from consortium.core.transaction import TRANSACTION_BYTES_MAX, encode_transaction
from consortium.ledger.proofs import (
    prove_epochs,
    prove_header,
    prove_receipt,
    prove_state,
    prove_transaction,
)
from consortium.ledger.rows import state_key
from tests.unit.ledger.governed_kit import Governed
from tests.unit.ledger.ledger_kit import (
    CONTRACTS,
    NAMES,
    TALLIES,
    Chain,
    Scatter,
    Tally,
    certify,
    codes,
    make_genesis,
)

KINDS: tuple[type[Any], ...] = (TransactionProof, ReceiptProof, StateProof, HeaderProof, EpochsProof)


class Story(Governed):
    """Two changes of parameters make two epochs; the last block is of the newest and sealed by it."""

    def __init__(self) -> None:
        super().__init__()
        for number in (1, 2):
            name = f"t{number}"
            tuning = {"timer_base_us": 100_000 * number}
            proposal = self.call("ada", "governance", "propose", Propose(name, "tune", "ada", tuning=tuning))
            self.decide(proposal, *(self.vote(voter, name) for voter in NAMES[1:3]))
            while self.epochs.at(self.ledger.head_height + 1).number < number:
                self.grow_to(self.ledger.head_height + 1)
        self.decide(self.call("ada", "tally", "scatter", Scatter("many", 100)))  # so that the tree has levels
        self.grow_to(self.ledger.head_height + 3)
        self.genesis_bytes = encode_genesis(self.genesis)
        height = self.ledger.head_height
        self.proofs: dict[str, bytes] = {
            "transaction": prove_transaction(self.genesis, self.rows, height, 0),
            "receipt": prove_receipt(self.rows, height, 0),
            "state": prove_state(self.ledger, self.rows, "tally", "x"),
            "absence": prove_state(self.ledger, self.rows, "tally", "nobody"),
            "header": prove_header(self.rows, height - 1),
            "members": prove_epochs(self.ledger, self.rows),
        }

    def judge(self, proof: bytes) -> Any:
        return judge_proof(self.genesis_bytes, proof)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


def value_of(proof: bytes) -> Any:
    return msgspec.msgpack.decode(proof, type=Proof)


def test_what_each_proof_proves(story: Story) -> None:
    proven = {name: story.judge(proof) for name, proof in story.proofs.items()}
    height = story.ledger.head_height
    state, absence = proven["state"], proven["absence"]
    assert isinstance(state, ProvenState) and state.value == encode(Tally(story.counted()))
    assert (state.table, state.key, state.header.height) == ("tally", "x", height)
    assert isinstance(absence, ProvenState) and absence.value is None and absence.key == "nobody"
    assert isinstance(proven["receipt"], ProvenReceipt) and proven["receipt"].receipt.is_ok
    assert isinstance(proven["transaction"], ProvenTransaction) and proven["transaction"].member == "ada"
    assert proven["transaction"].identity == proven["receipt"].receipt.transaction
    assert isinstance(proven["header"], ProvenHeader) and proven["header"].header.height == height - 1
    assert isinstance(proven["members"], ProvenMembers) and proven["members"].epoch.number == 2


def test_a_checker_that_knows_a_later_epoch_needs_no_genesis(story: Story) -> None:
    for epoch in story.epochs:
        anchor = Anchor(story.genesis.chain, story.genesis.suite, epoch)
        for name, proof in story.proofs.items():
            assert judge_from(anchor, proof) == story.judge(proof), (epoch.number, name)


def test_every_byte_counts(story: Story) -> None:
    for name, proof in story.proofs.items():
        for at in range(0, len(proof), 13):
            bent = bytearray(proof)
            bent[at] ^= 1 << at % 8
            try:
                proven = story.judge(bytes(bent))
            except ProofError:
                continue
            assert name == "absence" and proven.key != "nobody", (name, at)  # of a neighbour that is absent, too
            assert story.rows.get("state", state_key(proven.table, proven.key)) is None


def bends(story: Story, value: Any) -> Iterator[tuple[str, Any]]:
    """The value with one field that says something else, each field in turn."""
    other = {
        "format": FORMAT - 1,
        "member": "bob",
        "transaction": b"another",
        "receipt": b"another",
        "index": 1,
        "size": 2,
        "key": b"tally\x00x" if getattr(value, "value", None) is None else b"tally\x00y",
        "value": encode(Tally(1)),
        "headers": (story.rows.get("block", bytes(8)),),
        "seal": certify(story.genesis, Checkpoint(story.ledger.head_height, bytes(32)), epoch=2),
        "epochs": (),
    }
    for name in value.__struct_fields__:
        if name == "path":
            flat = isinstance(value.path, tuple)
            bent = (*value.path, bytes(32)) if flat else replace(value.path, siblings=value.path.siblings[1:])
            yield name, replace(value, path=bent)
        elif isinstance(value, EpochsProof) and name == "epochs":
            yield name, replace(value, epochs=value.epochs[1:])
        else:
            yield name, replace(value, **{name: other[name]})


@pytest.mark.parametrize("name", ["transaction", "receipt", "state", "absence", "header", "members"])
def test_no_field_can_say_something_else(story: Story, name: str) -> None:
    for field, bent in bends(story, value_of(story.proofs[name])):
        with pytest.raises(ProofError):
            story.judge(encode(bent))
        assert field


def linked(story: Story, **changes: Any) -> bytes:
    """The state's proof with its second epoch link changed."""
    value = value_of(story.proofs["state"])
    first, second = value.epochs
    return encode(replace(value, epochs=(first, replace(second, **changes))))


def test_each_link_from_epoch_to_epoch_is_checked(story: Story) -> None:
    value = value_of(story.proofs["state"])
    first, second = value.epochs
    assert story.judge(linked(story)) == story.judge(story.proofs["state"])
    for why, bent in {
        "other members": linked(story, epoch=replace(second.epoch, members=second.epoch.members[1:])),
        "not the last of the epoch before": linked(story, epoch=replace(second.epoch, first_height=99)),
        "over another header": linked(story, header=first.header),
        "the seal is over another header": linked(story, seal=first.seal),
        "signatures, 3 needed": linked(story, seal=Certificate(second.seal.body, second.seal.signatures[:2])),
    }.items():
        with pytest.raises(ProofError, match=why):
            story.judge(bent)
    with pytest.raises(ProofError):
        story.judge(encode(replace(value, epochs=(second, first))))


def test_an_epoch_of_ones_own_is_no_epoch(story: Story) -> None:
    """Members that nobody voted in seal what they like, and name themselves in a link."""
    value = value_of(story.proofs["state"])
    forged = replace(value.epochs[0].epoch, tuning={"timer_base_us": 123_456})
    header = value.epochs[0].header
    seal = certify(story.genesis, Checkpoint(forged.first_height - 1, bytes(32)))
    bent = replace(value, epochs=(EpochLink(forged, header, seal),))
    with pytest.raises(ProofError, match="another header"):
        story.judge(encode(bent))


def test_sizes_are_bounded_before_anything_is_read(story: Story) -> None:
    proof = story.proofs["state"]
    assert judge_proof(story.genesis_bytes, proof, len(proof)) == story.judge(proof)
    with pytest.raises(ProofError, match="at most 100 are read"):
        judge_proof(story.genesis_bytes, proof, 100)
    with pytest.raises(ProofError, match="at most 64000000 are read"):
        judge_proof(bytes(64_000_001), proof)
    with pytest.raises(ProofError, match="at most 4000000 are read"):
        story.judge(bytes(4_000_001))


def test_a_wrong_genesis_is_a_sentence(story: Story) -> None:
    proof = story.proofs["state"]
    for genesis, why in {
        b"": "not a genesis file",
        b"{}": "not a genesis file",
        encode_genesis(make_genesis()): "not sealed by the members of this genesis",
        encode_genesis(replace(story.genesis, format=1)): "consortium 0.1 executes",
    }.items():
        with pytest.raises(ProofError, match=why):
            judge_proof(genesis, proof)


def test_what_is_no_proof_at_all_is_a_sentence(story: Story) -> None:
    for data in (b"", b"\xc1", b"no proof", encode(["HeaderProof"]), encode({"format": 1}), story.genesis_bytes):
        with pytest.raises(ProofError, match="not such a proof"):
            story.judge(data)


def test_judging_changes_nothing_and_depends_on_nothing(story: Story) -> None:
    genesis: Genesis = story.genesis
    first = judge_proof(story.genesis_bytes, story.proofs["members"])
    assert first == judge_proof(story.genesis_bytes, story.proofs["members"])
    assert encode_genesis(genesis) == story.genesis_bytes


def test_every_kind_of_proof_is_judged() -> None:
    assert set(KINDS) == {value_of(proof).__class__ for proof in Story().proofs.values()}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_comes_is_judged_or_refused_in_a_sentence(story: Story, data: st.DataObject) -> None:
    proof = story.proofs[data.draw(st.sampled_from(sorted(story.proofs)))]
    at = data.draw(st.integers(0, len(proof)))
    taken = data.draw(st.integers(0, 64))
    hostile = proof[:at] + data.draw(st.binary(max_size=64)) + proof[at + taken :]
    try:
        proven = story.judge(hostile)
    except ProofError as error:
        assert "\n" not in str(error)
    else:
        assert hostile == proof or isinstance(proven, ProvenState)


# --- a contract judges a proof of another chain ---------------------------------------------------------------------


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    proof: bytes


def bridge(anchor: Anchor) -> Contract:
    """Accepts a tally that is proven on the chain of the anchor."""

    def accept(state: State, arguments: Accept, context: Context) -> list[Event]:
        try:
            proven = judge_from(anchor, arguments.proof, TRANSACTION_BYTES_MAX)
        except ProofError as error:
            raise Refused("proof-fails", str(error)) from None
        if not isinstance(proven, ProvenState) or proven.value is None:
            raise Refused("proof-fails", "it proves no tally")
        state.put(TALLIES, proven.key, msgspec.msgpack.decode(proven.value, type=Tally))
        return [Event("accepted", {"key": proven.key, "height": proven.header.height})]

    return Contract("bridge", 1, (Operation("accept", Accept, frozenset({"hospital"}), accept),))


def test_a_contract_accepts_what_is_proven_on_another_chain(story: Story) -> None:
    contracts = {**CONTRACTS, "bridge": bridge(Anchor.of(story.genesis))}
    here = Chain(replace(make_genesis(contracts=contracts), name="here"), contracts=contracts)

    def accept(proof: bytes) -> list[str]:
        here.numbers["ada"] += 1
        transaction = encode_transaction(here.numbers["ada"], "bridge", "accept", Accept(proof))
        return codes(here.decide(here.bundle("ada", transaction)))

    bent = story.proofs["state"][:-1] + bytes((story.proofs["state"][-1] ^ 1,))
    assert accept(bent) == ["proof-fails"] and here.tally("x") is None
    assert accept(story.proofs["absence"]) == ["proof-fails"]
    assert accept(story.proofs["state"]) == ["ok"] and here.tally("x") == Tally(story.counted())
