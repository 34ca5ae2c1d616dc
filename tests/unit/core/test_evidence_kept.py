"""What an accuser saw is durable before it is said, and outlives its crash."""

from __future__ import annotations

import msgspec

from consortium.core.crypto import SUITES
from consortium.core.evidence import Evidence
from consortium.core.machine import Note, Now, Output, Store, Transmit
from consortium.core.membership import Purpose
from consortium.core.messages import Frame, Message, Signed, decode_frame, encode_frame
from consortium.core.transaction import Bundles, decode_call
from consortium.ledger.rows import DictRows
from consortium.node.running import RunningNode
from consortium.protocols.pbft.messages import Prepare
from consortium.scenario.assemble import RunPlan, Shared, build_genesis, build_host, prepare
from consortium.scenario.scenario import MemberSpec, Scenario

NAMES = ("a", "b", "c", "d")
SCENARIO = Scenario("accuser", tuple(MemberSpec(name, "hospital") for name in NAMES), suite="keyed-hash")
SUITE = SUITES["keyed-hash"]()
PURPOSES: tuple[Purpose, ...] = ("vote", "submit", "recover")
SECRETS: dict[str, dict[Purpose, bytes]] = {
    name: {purpose: f"{name} {purpose}".encode().ljust(32, b".") for purpose in PURPOSES} for name in NAMES
}
PREPARED = prepare(SCENARIO, b"k" * 32)
GENESIS = build_genesis(
    SCENARIO,
    PREPARED,
    {name: {purpose: SUITE.public_key(secret) for purpose, secret in SECRETS[name].items()} for name in NAMES},
    1_800_000_000_000_000,
)
PLAN = RunPlan.of(SCENARIO, GENESIS, PREPARED)
SHARED = Shared.of(GENESIS)


def _host() -> RunningNode:
    host = build_host(PLAN, "a", SECRETS["a"], DictRows(), Shared.of(GENESIS))
    host.begin_run(0)
    return host


def _now(at_us: int) -> Now:
    return Now(at_us, GENESIS.time_us + at_us)


def _said(name: str, message: Message) -> bytes:
    body = SHARED.verifier.codec.statement(0, message)
    return encode_frame(Frame(Signed(name, body, SUITE.sign(SECRETS[name]["vote"], body))))


def _reports(outputs: list[Output]) -> list[tuple[int, Evidence]]:
    """Where among the outputs evidence leaves, and which."""
    found = []
    for place, output in enumerate(outputs):
        if isinstance(output, Transmit):
            frame = decode_frame(output.payload)
            if b"Submission" in frame.signed.body:
                for raw in msgspec.msgpack.decode(frame.attachment, type=list[bytes]):
                    for transaction in Bundles(GENESIS.chain, SUITE).open(raw).transactions:
                        call = decode_call(transaction)
                        if call.operation == "report_evidence":
                            found.append((place, msgspec.msgpack.decode(call.arguments, type=Evidence)))
    return found


def test_evidence_is_durable_before_it_is_said_and_said_again_after_a_crash() -> None:
    host = _host()
    host.boot(_now(0), [])
    assert _reports(host.arrival(_now(1), "b", _said("b", Prepare(0, 1, b"1" * 32)))) == []
    outputs = host.arrival(_now(2), "b", _said("b", Prepare(0, 1, b"2" * 32)))
    ((place, evidence),) = _reports(outputs)
    assert evidence.first.sender == "b"
    stored = [output.record for output in outputs[:place] if isinstance(output, Store)]
    assert stored, "its record comes first"
    again = _host().boot(_now(9), stored)
    assert [found for _, found in _reports(again)] == [evidence]
    assert _reports(_host().boot(_now(9), [])) == [], "positive control: without the record it is forgotten"
    assert [note.fields["why"] for note in outputs if isinstance(note, Note) and note.kind == "rejected"]
