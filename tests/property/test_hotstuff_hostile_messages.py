"""No message that a member can sign makes a HotStuff replica raise, vote twice, or keep without bound."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.core.codec import encode
from consortium.core.messages import Certificate, Message, Signed
from consortium.protocols.hotstuff.messages import (
    MESSAGES,
    Ask,
    Ballot,
    Carried,
    Header,
    Proposal,
    Timeout,
    block_digest,
)
from tests.hotstuff_bench import Bench, said

numbers = st.one_of(st.integers(-2, 20), st.sampled_from([1 << 40, (1 << 53) - 1, 1 << 53, (1 << 63) - 1, -(1 << 63)]))
names = st.sampled_from(["n0", "n1", "n2", "n3", "nobody", ""])
ROOT = Bench().tree.root.digest
digests = st.sampled_from([b"a" * 32, b"b" * 32, ROOT, b"", b"short", b"x" * 64])
signing = Bench()
ballots = st.builds(Ballot, st.integers(0, 20), digests, st.integers(0, 9), st.lists(digests, max_size=3).map(tuple))
certificates = st.one_of(
    st.builds(
        Certificate, st.binary(max_size=40), st.lists(st.tuples(names, st.binary(max_size=40)), max_size=4).map(tuple)
    ),
    st.builds(signing.certificate, ballots),
    st.builds(lambda view: signing.certificate(Timeout(view)), st.integers(0, 30)),
)
signed = st.one_of(
    st.builds(Signed, names, st.binary(max_size=40), st.binary(max_size=64)),
    st.builds(signing.signed, names, ballots),
)
batches = st.sampled_from([b"", b"a" * 32, b"c"])
bodies = st.none() | st.binary(max_size=9)
headers = st.builds(
    Header,
    numbers,
    numbers,
    numbers,
    numbers,
    st.sampled_from([b"", b"a" * 32, b"c"]),
    digests,
    st.none() | certificates,
)
attachments = st.one_of(
    st.binary(max_size=60),
    certificates.map(encode),
    st.builds(lambda *parts: encode(Carried(*parts)), headers, bodies, st.none() | certificates),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "view": numbers,
    "wanted": numbers,
    "height": numbers,
    "digest": digests,
    "commits": st.lists(digests, max_size=3).map(tuple),
    "nonce": st.binary(max_size=40),
    "signed_height": st.none() | numbers,
    "receiver": names,
    "with_body": st.booleans(),
    "certificate": certificates,
    "quorum": st.none() | certificates,
    "timeouts": st.none() | certificates,
    "seal": st.none() | certificates,
    "proposal": st.none() | signed,
    "votes": st.lists(signed, max_size=4).map(tuple),
}
OWN: dict[type[Message], dict[str, st.SearchStrategy[Any]]] = {Ask: {"proposal": st.none() | digests}}
hostile = st.one_of(
    *(
        st.builds(kind, **{name: OWN.get(kind, FIELDS).get(name, FIELDS[name]) for name in kind.__struct_fields__})
        for kind in MESSAGES
    )
)


def proposed(header: Header, body: bytes | None, timeouts: Certificate | None) -> tuple[Any, bytes]:
    """As a leader that lies in the block, but signs it well."""
    message = Proposal(header.view, block_digest(header), header.height, ())
    return message, encode(Carried(header, body, timeouts))


spoken = st.one_of(
    st.tuples(hostile, attachments),
    st.builds(proposed, headers, bodies, st.none() | certificates),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["n0", "n1", "n2"]), spoken), max_size=25))
def test_whatever_is_said_a_replica_neither_raises_nor_votes_twice_nor_grows(
    heard: list[tuple[str, tuple[Any, bytes]]],
) -> None:
    bench = Bench()
    bench.propose(bench.block(None, 0))
    ballots: dict[int, Ballot] = {}
    for sender, (message, attachment) in heard:
        for ballot in said(bench.hear(sender, message, attachment), Ballot):
            assert ballots.setdefault(ballot.view, ballot) == ballot
    bench.wait(200_000, "retransmit")
    assert len(bench.state.tree) <= 3 + len(heard) and len(bench.state.decisions) <= bench.state.span
    assert len(bench.replica._leading._ballots) <= 4 and len(bench.replica._pacemaker._timeouts) <= 4
