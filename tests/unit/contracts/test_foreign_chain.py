"""What is proven of another chain is accepted, whoever brings it; nothing else is, and no seal of members long gone."""

from __future__ import annotations

from hashlib import sha256

import pytest
from msgspec.structs import replace

from consortium.contracts.bridges.foreign_chain import (
    FORMER_DAYS,
    Accept,
    Advance,
    Compare,
    Know,
    OfFact,
    OfForeign,
    OfRow,
)
from consortium.contracts.bridges.foreign_facts import FACTS, FOREIGN, get_row
from consortium.contracts.governance.governance import Propose
from consortium.core.codec import encode
from consortium.core.contract import Reader
from consortium.core.transaction import transaction_id
from consortium.ledger.epoch_links import links_to
from consortium.ledger.proofs import prove_epochs, prove_header, prove_receipt, prove_state, prove_transaction
from tests.contracts_state import CHAIN, CONTRACTS, Consortium, founded
from tests.unit.ledger.governed_kit import Governed
from tests.unit.ledger.ledger_kit import NAMES, Tally

READER = Reader("h1", "hospital", 20260601)


class Other(Governed):
    """Another consortium, with as many changes of its parameters as one likes: each makes an epoch."""

    def advance(self) -> None:
        number = self.epochs.at(self.ledger.head_height + 1).number + 1
        proposal = Propose(f"t{number}", "tune", "ada", tuning={"timer_base_us": 100_000 * number})
        self.decide(
            self.call("ada", "governance", "propose", proposal), *(self.vote(one, f"t{number}") for one in NAMES[1:3])
        )
        while self.epochs.at(self.ledger.head_height + 1).number < number:
            self.grow_to(self.ledger.head_height + 1)

    def written(self, name: str) -> int:
        """Of a new block with one transaction, sealed: its height."""
        self.decide(self.add("bob", name, 5))
        self.seal()
        return self.ledger.head_height

    def links(self, first: int) -> tuple[bytes, ...]:
        found = links_to(self.rows, self.epochs.at(self.ledger.head_height + 1).number)
        assert found is not None
        return tuple(encode(link) for link in found[first:])


@pytest.fixture
def other() -> Other:
    return Other()


def knowing(other: Other) -> Consortium:
    house = founded()
    house.run("vote", "foreign_chain", "know", Know("south", other.genesis.chain, other.genesis.members))
    return house


def accept(house: Consortium, proof: bytes) -> str:
    return house.refusal("agent", "foreign_chain", "accept", Accept("south", proof))


def test_a_row_a_receipt_and_a_transaction_are_accepted_once(other: Other) -> None:
    house = knowing(other)
    height = other.written("x")
    row = prove_state(other.ledger, other.rows, "tally", "x")
    receipt, said = prove_receipt(other.rows, height, 0), prove_transaction(other.genesis, other.rows, height, 0)
    assert [accept(house, proof) for proof in (row, receipt, said)] == ["ok"] * 3
    assert [accept(house, proof) for proof in (row, receipt, said)] == ["fact-known"] * 3
    ((key, fact),) = house.state.range(FACTS, "", "~")
    assert (fact.height, fact.code, fact.member) == (height, "ok", "bob") and key.startswith("south/")
    ask = CONTRACTS["foreign_chain"].ask
    assert ask(house.state, "fact", OfFact("south", key.partition("/")[2]), READER) == fact
    held = ask(house.state, "row", OfRow("south", "tally", "x"), READER)
    assert held.is_there and held.height == height and held.value == b""  # its digest alone: nobody acts by it here
    same = ask(house.state, "compare", Compare("south", "tally", "x", encode(Tally(5))), READER)
    bent = ask(house.state, "compare", Compare("south", "tally", "x", encode(Tally(6))), READER)
    assert (same.is_same, bent.is_same) == (True, False)


def test_absence_is_proven_and_a_later_state_takes_its_place(other: Other) -> None:
    house = knowing(other)
    other.written("x")
    assert accept(house, prove_state(other.ledger, other.rows, "tally", "y")) == "ok"
    assert not get_row(house.state, "south", "tally", "y").is_there
    earlier = prove_state(other.ledger, other.rows, "tally", "y")
    other.written("y")
    assert accept(house, prove_state(other.ledger, other.rows, "tally", "y")) == "ok"
    assert get_row(house.state, "south", "tally", "y").content == sha256(encode(Tally(5))).digest()
    assert accept(house, earlier) == "fact-known"  # what is older takes nobody's place


def test_new_members_are_believed_by_those_before_them(other: Other) -> None:
    house = knowing(other)
    other.advance()
    other.written("x")
    row = prove_state(other.ledger, other.rows, "tally", "x")
    carried = accept(house, row)
    assert carried == "ok", "the proof itself may bring the links from what is known"
    assert house.refusal("h1", "foreign_chain", "advance", Advance("south", other.links(0))) == "ok"
    known = CONTRACTS["foreign_chain"].ask(house.state, "chain", OfForeign("south"), READER)
    assert known.epoch.number == 1 and known.former is not None
    assert house.refusal("h1", "foreign_chain", "advance", Advance("south", other.links(0))) == "proof-fails"
    other.advance()
    other.advance()
    assert house.refusal("h1", "foreign_chain", "advance", Advance("south", other.links(2))) == "proof-fails"  # a gap
    assert house.refusal("h1", "foreign_chain", "advance", Advance("south", other.links(1))) == "ok"
    newest = house.state.get(FOREIGN, "south")
    assert newest is not None and newest.former is not None
    assert (newest.former.number, newest.epoch.number) == (2, 3)


def test_who_left_seals_nothing_after_a_month(other: Other) -> None:
    house = knowing(other)
    other.written("x")
    row, later = prove_state(other.ledger, other.rows, "tally", "x"), other.written("z")
    receipt = prove_receipt(other.rows, later, 0)
    other.advance()
    house.run("h1", "foreign_chain", "advance", Advance("south", other.links(0)))
    assert accept(house, row) == "ok"
    house.day += FORMER_DAYS
    assert accept(house, receipt) == "proof-fails"
    other.written("again")
    assert accept(house, prove_state(other.ledger, other.rows, "tally", "z")) == "ok", "today's state proves it, too"


def test_nothing_that_is_bent_is_believed(other: Other) -> None:
    house = knowing(other)
    height = other.written("x")
    proof = prove_receipt(other.rows, height, 0)
    for place in range(0, len(proof), 7):
        bent = bytearray(proof)
        bent[place] ^= 1
        assert accept(house, bytes(bent)) in ("proof-fails", "fact-known"), place
    assert accept(house, prove_header(other.rows, height)) == "no-record"
    other.advance()
    assert accept(house, prove_epochs(other.ledger, other.rows)) == "no-record"
    assert accept(house, b"x" * 28_001) == "proof-fails"


def test_a_chain_is_known_by_vote_once_and_by_sound_members(other: Other) -> None:
    house = knowing(other)
    members = other.genesis.members
    for name, chain, given, code in (
        ("south", other.genesis.chain, members, "chain-known"),
        ("own", CHAIN, members, "own-chain"),
        ("short", b"n", members, "bad-digest"),
        ("none", b"n" * 32, (), "bad-length"),
        ("twice", b"n" * 32, (members[0], members[0]), "bad-members"),
        ("clients", b"n" * 32, tuple(replace(each, kind="observer") for each in members), "bad-members"),
    ):
        assert house.refusal("vote", "foreign_chain", "know", Know(name, chain, given)) == code, name
    assert house.refusal("h1", "foreign_chain", "accept", Accept("north", b"")) == "chain-unknown"
    assert house.refusal("h1", "foreign_chain", "know", Know("own", b"n" * 32, members)) == "not-permitted"


def test_another_genesis_with_the_same_members_proves_nothing(other: Other) -> None:
    """The hash of the genesis is in every statement that members sign."""
    house = founded()
    house.run("vote", "foreign_chain", "know", Know("south", b"n" * 32, other.genesis.members))
    height = other.written("x")
    assert accept(house, prove_receipt(other.rows, height, 0)) == "proof-fails"
    identity = transaction_id(other.genesis.chain, "bob", b"")
    assert house.state.get(FACTS, f"south/{identity.hex()}") is None
