"""Who belongs to the consortium: votes, keys, strength; recovery; evidence recorded once, forgeries charged."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts import load_contracts
from consortium.contracts.governance.convictions import CHARGES, CONVICTIONS, conviction_key
from consortium.contracts.governance.governance import PROPOSALS, Propose, RecoverKey, Vote
from consortium.contracts.governance.governance_rules import recovery_statement
from consortium.core import registry
from consortium.core.codec import encode, sha256
from consortium.core.contract import Context, Event, Refused
from consortium.core.crypto import Ed25519
from consortium.core.evidence import Evidence, make_evidence, report_evidence
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, Parameters
from consortium.core.membership import Epoch, Member, Purpose
from consortium.core.messages import Message, Signed, statement
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, Recall
from tests.contracts_state import MemoryState

SUITE = Ed25519()
PURPOSES: tuple[Purpose, ...] = ("recover", "submit", "vote")
DAY_US = 86_400_000_000
WEAK = bytes(31) + b"\x80"  # a point of small order


def secret(name: str, purpose: str) -> bytes:
    return sha256(f"{name} {purpose}".encode())


def keys_of(name: str, *purposes: Purpose) -> dict[Purpose, bytes]:
    return {purpose: SUITE.public_key(secret(name, purpose)) for purpose in purposes or PURPOSES}


class House:
    """A registry of `n` validators m0… and one observer `eye`, and the contract over it."""

    def __init__(self, n: int = 4) -> None:
        names = [("eye", "observer"), *((f"m{index}", "validator") for index in range(n))]
        members = tuple(Member(name, "hospital", kind, keys_of(name)) for name, kind in names)  # type: ignore[arg-type]
        self.genesis = Genesis(FORMAT, "house", 0, "ed25519", "pbft", Parameters(), members)
        self.state = MemoryState()
        registry.found(self.state, self.genesis)
        self.contract = load_contracts()["governance"]
        self.height = 5
        self.time_us = DAY_US

    def do(self, member: str, operation: str, arguments: Any) -> list[Event]:
        context = Context(self.genesis.chain, self.height, self.time_us, b"transaction", member, "hospital", 20260101)
        before = self.state.copy()
        try:
            return self.contract.execute(self.state, operation, arguments, context)
        except Refused as refusal:
            if not refusal.keeps_writes:
                self.state.tables = before
            raise

    def code(self, member: str, operation: str, arguments: Any) -> str:
        try:
            self.do(member, operation, arguments)
        except Refused as refusal:
            assert len(refusal.sentence) > 10
            return refusal.code
        return "ok"

    def propose(self, action: str, name: str, by: str = "m0", **fields: Any) -> str:
        proposal_id = f"p{len(list(self.state.range(PROPOSALS, '', '~')))}"
        return self.code(by, "propose", Propose(proposal_id, action, name, **fields))

    def vote(self, member: str, approve: bool = True, proposal_id: str = "p0") -> str:
        return self.code(member, "vote", Vote(proposal_id, approve))

    def admit(self, name: str, **fields: Any) -> str:
        values = {"role": "hospital", "kind": "validator", "keys": keys_of(name)} | fields
        return self.propose("admit", name, **values)

    @property
    def pending(self) -> list[str]:
        return [change.name for change in registry.pending_changes(self.state)]

    def activate(self) -> Epoch:
        """The next closing height; returns the epoch that it made."""
        while not registry.is_closing(self.height, self.genesis.parameters):
            self.height += 1
        epoch = registry.close(self.state, self.height)
        assert epoch is not None
        self.height = epoch.first_height
        return epoch


def test_a_change_passes_with_a_quorum_of_distinct_validators() -> None:
    house = House()
    assert house.admit("new") == "ok" and house.pending == []
    assert house.vote("m0") == "already-voted"
    assert house.vote("m1") == "ok" and house.vote("m1") == "already-voted" and house.pending == []
    assert house.vote("m2") == "ok" and house.pending == ["new"]
    assert house.vote("m3") == "proposal-closed"
    epoch = house.activate()
    assert epoch.number == 1 and epoch.n == 5 and epoch.key("new", "vote") == keys_of("new")["vote"]


def test_only_validators_of_the_height_decide() -> None:
    house = House()
    assert house.propose("remove", "m3", by="eye") == "not-a-validator"
    assert house.propose("appoint", "eye", kind="validator") == "ok"
    assert house.vote("eye") == "not-a-validator" and house.vote("stranger") == "not-a-validator"
    house.vote("m1"), house.vote("m2")
    assert house.activate().is_validator("eye")
    assert house.propose("rekey", "m0", keys=keys_of("m0 new", "vote"), by="eye") == "ok"


def test_a_proposal_that_cannot_reach_a_quorum_is_closed_and_one_that_nobody_passed_expires() -> None:
    house = House()
    house.admit("new")
    assert house.vote("m1", False) == "ok" and house.vote("m2", False) == "ok"
    assert house.vote("m3") == "proposal-closed" and house.pending == []
    house.admit("other")
    house.time_us += 8 * DAY_US
    assert house.vote("m1", proposal_id="p1") == "proposal-expired"
    assert house.vote("m2", proposal_id="p1") == "proposal-closed", "the expiry stands, though the vote was refused"
    assert house.vote("m1", proposal_id="p9") == "unknown-proposal"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"keys": {**keys_of("new"), "vote": WEAK}}, "key-weak"),
        ({"keys": {**keys_of("new"), "vote": b"short"}}, "key-weak"),
        ({"keys": {**keys_of("new"), "vote": keys_of("m1")["vote"]}}, "key-used"),
        ({"keys": {**keys_of("new"), "vote": keys_of("m1")["submit"]}}, "key-used"),
        ({"keys": {**keys_of("new"), "vote": keys_of("new")["submit"]}}, "key-used"),
        ({"keys": keys_of("new", "submit")}, "key-missing"),
        ({"keys": {}}, "key-missing"),
        ({"kind": "emperor"}, "bad-choice"),
        ({"role": "genesis"}, "bad-choice"),
    ],
)
def test_a_newcomer_needs_sound_keys_of_its_own_a_kind_and_a_role(fields: dict[str, Any], code: str) -> None:
    house = House()
    assert house.admit("new", **fields) == code
    assert house.admit("new") == "ok"


def test_names_are_checked_and_nobody_is_admitted_twice() -> None:
    house = House()
    for name in ("", "Big", "a b", "x" * 65, "-a", "né", "a/b"):
        assert house.admit(name) == "bad-name", name
    assert house.admit("m1") == "member-exists"
    house.admit("new"), house.vote("m1"), house.vote("m2")
    assert house.admit("new", keys=keys_of("again")) == "member-exists", "also while it waits for its activation"
    assert house.propose("remove", "nobody") == "unknown-member"
    assert house.propose("remove", "new") == "change-pending"


def test_a_key_that_was_ever_registered_is_never_registered_again() -> None:
    house = House(5)
    house.propose("rekey", "m1", keys=keys_of("m1 new", "vote"))
    house.vote("m1"), house.vote("m2"), house.vote("m3")
    assert house.activate().key("m1", "submit") == keys_of("m1")["submit"], "the other purposes stay"
    assert house.propose("rekey", "m1", keys=keys_of("m1", "vote")) == "key-used"
    assert house.admit("new", keys=keys_of("m1")) == "key-used"
    assert house.propose("rekey", "m1", keys=keys_of("m1 other", "vote")) == "ok"


def test_the_consortium_is_not_weakened_unawares() -> None:
    assert House(4).propose("remove", "m3") == "too-few-validators"
    assert House(4).propose("appoint", "m3", kind="observer") == "too-few-validators"
    assert House(5).propose("remove", "m3") == "ok"
    assert House(7).propose("remove", "m3") == "fewer-faults"
    assert House(7).propose("remove", "m3", lowers_f=True) == "ok"
    assert House(4).propose("appoint", "eye", kind="observer") == "no-change"


def test_two_changes_at_once_are_judged_together() -> None:
    """Each removal alone leaves four; the second to pass would leave three."""
    house = House(5)
    assert house.propose("remove", "m3") == house.propose("remove", "m4") == "ok"
    for voice in ("m1", "m2", "m3"):
        assert house.vote(voice, proposal_id="p0") == "ok"
    assert [house.vote(voice, proposal_id="p1") for voice in ("m1", "m2")] == ["ok", "ok"]
    assert house.vote("m3", proposal_id="p1") == "too-few-validators"
    assert house.pending == ["m3"]


# --- recovery -------------------------------------------------------------------------------------------------------


def recovery(house: House, name: str, signer: str | None = None, new: str = "fresh") -> RecoverKey:
    key = keys_of(new, "vote")["vote"]
    said = recovery_statement(house.genesis.chain, "ed25519", name, key)
    return RecoverKey(key, SUITE.sign(secret(signer or name, "recover"), said))


def test_a_recovery_key_registers_a_new_voting_key_without_a_vote() -> None:
    house = House()
    assert house.code("m1", "recover_key", recovery(house, "m1", signer="m2")) == "bad-recovery"
    assert house.code("m2", "recover_key", recovery(house, "m1")) == "bad-recovery", "it is for m1 alone"
    assert house.code("m1", "recover_key", recovery(house, "m1", new="m2")) == "key-used"
    assert house.code("stranger", "recover_key", recovery(house, "m1")) == "unknown-member"
    assert house.code("m1", "recover_key", recovery(house, "m1")) == "ok"
    epoch = house.activate()
    assert epoch.key("m1", "vote") == keys_of("fresh")["vote"] and epoch.key("m1", "submit") == keys_of("m1")["submit"]


# --- evidence -------------------------------------------------------------------------------------------------------


def said(house: House, name: str, message: Message, epoch: int = 0, signer: str | None = None) -> Signed:
    body = statement(house.genesis.chain, "ed25519", epoch, message)
    return Signed(name, body, SUITE.sign(secret(signer or name, "vote"), body))


def pair(house: House, name: str = "m3", kind: Any = Prepare, **more: Any) -> Evidence:
    return make_evidence(*(said(house, name, kind(2, 9, bytes([digest]) * 32), **more) for digest in (1, 2)))


@pytest.mark.parametrize("kind", [PrePrepare, Prepare, Commit])
def test_two_votes_for_one_thing_are_recorded_once(kind: Any) -> None:
    house = House()
    assert house.code("m1", "report_evidence", pair(house, kind=kind)) == "ok"
    assert house.code("m2", "report_evidence", pair(house, kind=kind)) == "evidence-known"
    conviction = house.state.get(CONVICTIONS, conviction_key("m3", 0))
    assert conviction is not None and (conviction.kind, conviction.view, conviction.vote_height) == (
        kind.__name__,
        2,
        9,
    )
    assert list(house.state.range(CHARGES, "", "~")) == []


def forgeries(house: House) -> dict[str, Evidence]:
    one, other = said(house, "m3", Prepare(2, 9, b"1" * 32)), said(house, "m3", Prepare(2, 9, b"2" * 32))
    foreign = statement(b"another chain", "ed25519", 0, Prepare(2, 9, b"2" * 32))
    cheap = statement(house.genesis.chain, "keyed-hash", 0, Prepare(2, 9, b"2" * 32))
    first = make_evidence(one, other)
    return {
        "signed by another": make_evidence(one, said(house, "m3", Prepare(2, 9, b"2" * 32), signer="m1")),
        "the same vote": make_evidence(one, one),
        "another view": make_evidence(one, said(house, "m3", Prepare(3, 9, b"2" * 32))),
        "another height": make_evidence(one, said(house, "m3", Prepare(2, 8, b"2" * 32))),
        "another epoch": make_evidence(one, said(house, "m3", Prepare(2, 9, b"2" * 32), epoch=1)),
        "another kind": make_evidence(one, said(house, "m3", Commit(2, 9, b"2" * 32))),
        "another sender": make_evidence(one, said(house, "m2", Prepare(2, 9, b"2" * 32))),
        "no votes": make_evidence(said(house, "m3", Recall(b"a" * 16)), said(house, "m3", Recall(b"b" * 16))),
        "another chain": make_evidence(one, Signed("m3", foreign, SUITE.sign(secret("m3", "vote"), foreign))),
        "a cheap suite": make_evidence(one, Signed("m3", cheap, SUITE.sign(secret("m3", "vote"), cheap))),
        "an observer": pair(house, "eye"),
        "a stranger": pair(house, "stranger"),
        "no statement": make_evidence(Signed("m3", b"x", b""), Signed("m3", b"y", b"")),
        "backwards": Evidence(first.second, first.first),
    }


@pytest.mark.parametrize("name", list(forgeries(House())))
def test_forged_evidence_is_refused_and_charged_to_its_sender(name: str) -> None:
    house = House()
    forged = forgeries(house)[name]
    assert (
        house.code("m1", "report_evidence", forged) == house.code("m1", "report_evidence", forged) == "evidence-forged"
    )
    charge = house.state.get(CHARGES, "m1")
    assert charge is not None and charge.count == 2 and charge.height == house.height
    assert list(house.state.range(CONVICTIONS, "", "~")) == []


def test_evidence_of_an_epoch_is_judged_by_the_keys_of_that_epoch() -> None:
    house = House(5)
    old = pair(house, "m1")
    house.propose("rekey", "m1", keys=keys_of("m1 new", "vote"))
    house.vote("m1"), house.vote("m2"), house.vote("m3")
    house.activate()
    assert house.code("m2", "report_evidence", old) == "ok"
    assert house.code("m2", "report_evidence", pair(house, "m1", epoch=1)) == "evidence-forged", (
        "the old key is worthless"
    )
    assert house.code("m2", "report_evidence", pair(house, "m1", epoch=1, signer="m1 new")) == "ok"


def test_one_lie_is_one_wish_however_often_it_is_seen() -> None:
    house = House()
    assert report_evidence(pair(house)).reference == report_evidence(pair(house, kind=Commit)).reference
    (contract, operation, arguments) = report_evidence(pair(house)).calls[0]
    verb = load_contracts()[contract].operations[operation]
    assert verb.arguments is type(arguments) and encode(arguments)
