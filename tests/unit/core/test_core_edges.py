"""Core values at their edges: what is refused, what is bounded, what a missing secret means."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consortium.core import merkle, registry
from consortium.core.codec import Malformed, encode
from consortium.core.contract import Context, Contract, Operation, Refused
from consortium.core.crypto import Ed25519, KeyedHash
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, Parameters, decode_genesis, encode_genesis
from consortium.core.keyring import GENERATIONS_MAX, Keyring
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.messages import (
    ATTACHMENT_BYTES_MAX,
    SIGNED_BYTES_MAX,
    Certificate,
    Frame,
    MessageCodec,
    Signed,
    decode_frame,
    encode_frame,
    open_statement,
    statement,
)
from consortium.core.transaction import NAME_BYTES_MAX, TRANSACTION_BYTES_MAX, Bundles, encode_transaction, sign_bundle
from consortium.core.verifier import Verifier
from consortium.ledger.messages import Sealed
from consortium.node.submission import Busy, Submission
from tests.contracts_state import MemoryState
from tests.unit.core.test_core_values import CHAIN, members

SUITE = KeyedHash()
CODEC = MessageCodec(CHAIN, SUITE.name, (Submission, Busy))


def test_a_genesis_of_another_format_or_with_members_out_of_order_is_refused() -> None:
    _, epoch = members(4)
    good = Genesis(FORMAT, "test", 5, "ed25519", "pbft", Parameters(), epoch.members)
    assert decode_genesis(encode_genesis(good)) == good
    for bad, why in (
        (replace(good, format=2), "format 2; this version executes format 3"),
        (replace(good, members=good.members[::-1]), "sorted by name"),
        (replace(good, members=(good.members[0], *good.members)), "each once"),
    ):
        with pytest.raises(ValueError, match=why):
            decode_genesis(encode_genesis(bad))


def test_a_later_key_needs_the_recovery_secret() -> None:
    with_it = Keyring(SUITE, {"vote": b"v" * 32, "recover": b"r" * 32})
    without = Keyring(SUITE, {"vote": b"v" * 32})
    assert without.generation("vote", 0) == with_it.generation("vote", 0) == b"v" * 32
    assert without.generation("vote", 1) is None and with_it.generation("vote", 1) not in (None, b"v" * 32)


def test_the_secret_of_an_epoch_is_that_of_the_key_registered_there() -> None:
    ring = Keyring(SUITE, {"vote": b"v" * 32, "recover": b"r" * 32})
    for number in (0, 3, GENERATIONS_MAX - 1):
        epoch = Epoch(0, 1, (Member("a", "x", "validator", {"vote": ring.public_key("vote", number)}),))
        assert ring.secret("vote", epoch, "a") == ring.generation("vote", number)
    strange = Epoch(0, 1, (Member("a", "x", "validator", {"vote": SUITE.public_key(b"s" * 32)}),))
    for epoch in (strange, None):  # type: ignore[assignment]
        assert ring.secret("vote", epoch, "a") == b"v" * 32, "the first one, whose statements nobody will believe"


def test_parts_of_a_frame_that_are_too_long_are_refused() -> None:
    for body, attachment in ((b"x" * (SIGNED_BYTES_MAX + 1), b""), (b"", b"x" * (ATTACHMENT_BYTES_MAX + 1))):
        with pytest.raises(Malformed, match="too long"):
            decode_frame(encode_frame(Frame(Signed("a", body, b""), attachment)))


def test_a_statement_is_opened_only_in_its_one_form() -> None:
    body = statement(CHAIN, SUITE.name, 3, Busy(b"d" * 32, 1))
    opening = open_statement(body)
    assert (opening.chain, opening.suite, opening.epoch) == (CHAIN, SUITE.name, 3)
    assert bytes(opening.message) == encode(Busy(b"d" * 32, 1))
    other = encode(("another domain", CHAIN, SUITE.name, 3, None))
    long = body.replace(b"\x03" + encode(Busy(b"d" * 32, 1)), b"\xcd\x00\x03" + encode(Busy(b"d" * 32, 1)))
    assert long != body
    for wrong in (other, long):
        with pytest.raises(Malformed, match="not a statement"):
            open_statement(wrong)


def test_a_codec_that_is_asked_for_many_epochs_keeps_few_prefixes() -> None:
    for epoch in range(200):
        assert CODEC.statement(epoch, Busy(b"d" * 32, 1)) == statement(CHAIN, SUITE.name, epoch, Busy(b"d" * 32, 1))
    assert len(CODEC._prefixes) <= 66


def test_a_verifier_remembers_a_bounded_number_of_statements_and_is_none_the_wiser_for_it() -> None:
    secrets, epoch = members(4)
    suite = Ed25519()
    codec = MessageCodec(CHAIN, suite.name, (Submission, Busy))
    verifier, epochs = Verifier(codec, suite, remember_max=3), Epochs((epoch,))
    said = []
    for count in range(8):
        body = codec.statement(0, Busy(b"d" * 32, count))
        said.append(Signed("m0", body, suite.sign(secrets[0], body)))
    for _ in range(2):
        assert [verifier.open(signed, epochs).message for signed in said] == [
            Busy(b"d" * 32, count) for count in range(8)
        ]
    assert len(verifier._opened) <= 3 and len(verifier._verified) <= 3
    with pytest.raises(Malformed, match="no member"):
        verifier.open(replace(said[0], sender="x"), epochs)


def test_a_long_message_is_opened_anew_each_time_and_equally() -> None:
    secrets, epoch = members(4)
    suite = Ed25519()
    codec = MessageCodec(CHAIN, suite.name, (Sealed,))
    verifier = Verifier(codec, suite)
    body = codec.statement(0, Sealed(Certificate(b"s" * 600, ())))
    signed = Signed("m0", body, suite.sign(secrets[0], body))
    assert verifier.open(signed, Epochs((epoch,))) == verifier.open(signed, Epochs((epoch,)))
    assert len(verifier._opened) == 0


def test_a_certificate_of_more_signers_than_members_is_refused() -> None:
    secrets, epoch = members(4)
    suite = Ed25519()
    codec = MessageCodec(CHAIN, suite.name, (Submission, Busy))
    body = codec.statement(0, Busy(b"d" * 32, 1))
    signatures = tuple((f"m{index}", suite.sign(secrets[index % 4], body)) for index in range(5))
    with pytest.raises(Malformed, match="distinct and in order"):
        Verifier(codec, suite).check_certificate(Certificate(body, signatures), epoch, 3)


def test_a_bundle_of_no_name_a_long_name_or_a_long_transaction_is_malformed() -> None:
    bundles = Bundles(CHAIN, SUITE)
    one = encode_transaction(1, "bill", "issue", {})
    for member, transaction in (
        ("", one),
        ("m" * (NAME_BYTES_MAX + 1), one),
        ("m", b"x" * (TRANSACTION_BYTES_MAX + 1)),
    ):
        with pytest.raises(Malformed):
            bundles.open(sign_bundle(CHAIN, SUITE, b"s" * 32, member, [transaction]))


def test_a_path_that_is_too_short_or_too_long_proves_nothing() -> None:
    leaves = [b"%d" % index for index in range(5)]
    root = merkle.commitment(leaves)
    for index in range(5):
        path = merkle.path(leaves, index)
        assert merkle.is_committed(leaves[index], index, 5, path, root)
        assert not merkle.is_committed(leaves[index], index, 5, path[1:], root)
        assert not merkle.is_committed(leaves[index], index, 5, (path[0], *path), root)


def test_an_operation_that_a_contract_lacks_or_a_role_may_not_use_is_refused_by_name() -> None:
    verb = Operation("look", dict, frozenset({"bureau"}), lambda state, arguments, context: [])
    contract = Contract("library", 1, (verb,))
    context = Context(CHAIN, 1, 1, b"t", "m", "bureau", 19700101)
    assert contract.execute(MemoryState(), "look", {}, context) == []
    for operation, role, code in (("burn", "bureau", "unknown-operation"), ("look", "guest", "not-permitted")):
        with pytest.raises(Refused) as refused:
            contract.execute(MemoryState(), operation, {}, context._replace(role=role))
        assert refused.value.code == code


def test_changes_that_would_leave_no_validator_make_no_epoch_and_the_chain_goes_on() -> None:
    """A contract's mistake must not stop the chain; the contract itself refuses it before."""
    _, epoch = members(1)
    state = MemoryState()
    registry.found(state, Genesis(FORMAT, "test", 0, "ed25519", "pbft", Parameters(), epoch.members))
    assert registry.close(state, 16) is None, "nothing waits"
    registry.decide_change(state, registry.Change("m0", None))
    assert registry.close(state, 16) is None and registry.pending_changes(state) == ()
    assert registry.newest_epoch(state) == Epoch(0, 1, epoch.members)


def test_a_state_without_a_registry_has_no_epoch() -> None:
    assert registry.newest_epoch(MemoryState()) is None and registry.epoch_at(MemoryState(), 5) is None


@pytest.mark.parametrize(("n", "faults"), [(1, 0), (4, 1), (6, 1), (7, 2)])
def test_an_epoch_tells_the_traitors_that_it_survives_by_its_validators_alone(n: int, faults: int) -> None:
    _, epoch = members(n)
    watched = replace(epoch, members=(*epoch.members, Member("watcher", "x", "observer", {})))
    assert (watched.n, watched.f, watched.weak) == (n, faults, faults + 1)


def test_who_is_no_member_now_speaks_in_the_next_epoch_that_knows_it_or_the_last_that_did() -> None:
    _, first = members(4)
    newcomer = Member("new", "x", "validator", {})
    second = Epoch(1, 10, (*first.members[1:], newcomer))
    epochs = Epochs((first, second))
    assert [epochs.speaking("m1", height).number for height in (1, 10)] == [0, 1]
    assert epochs.speaking("new", 1).number == 1, "it will be one"
    assert epochs.speaking("m0", 10).number == 0, "it was one"
    assert epochs.speaking("nobody", 10).number == 1
    assert [epoch.number for epoch in epochs] == [0, 1]
