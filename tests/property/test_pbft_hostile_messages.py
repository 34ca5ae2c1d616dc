"""No message that a member can sign makes a replica raise, vote twice, or keep without bound."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.core.machine import Broadcast, Expired
from consortium.core.messages import Certificate, Signed
from consortium.core.transaction import NULL_DIGEST
from consortium.protocols.pbft.messages import (
    MESSAGES,
    Claim,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    ViewChange,
)
from tests.pbft_bench import Bench

numbers = st.one_of(
    st.integers(-2, 20), st.sampled_from([1 << 40, (1 << 53) - 1, 1 << 53, (1 << 63) - 1, (1 << 64) - 1, -(1 << 63)])
)
names = st.sampled_from(["n0", "n1", "n2", "n3", "nobody", ""])
digests = st.sampled_from([b"a" * 32, b"b" * 32, NULL_DIGEST, b"", b"short", b"x" * 64])
bench_for_signing = Bench()
signed = st.one_of(
    st.builds(Signed, names, st.binary(max_size=40), st.binary(max_size=64)),
    st.builds(
        lambda name, kind, view, height, digest: bench_for_signing.sign(name, kind(view, height, digest)),
        names,
        st.sampled_from([PrePrepare, Prepare, Commit]),
        st.integers(0, 5),
        st.integers(0, 9),
        digests,
    ),
    st.builds(
        lambda name, view: bench_for_signing.sign(name, bench_for_signing.view_change(view)),
        names,
        numbers.filter(lambda x: -(1 << 63) <= x < 1 << 64),
    ),
)
certificates = st.one_of(
    st.builds(
        Certificate, st.binary(max_size=40), st.lists(st.tuples(names, st.binary(max_size=40)), max_size=4).map(tuple)
    ),
    st.builds(
        lambda kind, view, height, digest, who: bench_for_signing.certificate(kind(view, height, digest), who),
        st.sampled_from([PrePrepare, Prepare, Commit]),
        st.integers(0, 5),
        st.integers(0, 9),
        digests,
        st.lists(st.sampled_from(["n0", "n1", "n2", "n3"]), min_size=1, max_size=4),
    ),
    st.integers(0, 20).map(bench_for_signing.seal),
)
claims = st.builds(Claim, st.none() | signed, certificates)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "view": numbers,
    "wanted": numbers,
    "height": numbers,
    "stable_height": numbers,
    "digest": digests,
    "nonce": st.binary(max_size=40),
    "signed_height": st.none() | numbers,
    "receiver": names,
    "seal": st.none() | certificates,
    "certificate": certificates,
    "claims": st.lists(claims, max_size=3).map(tuple),
    "changes": st.lists(signed, max_size=4).map(tuple),
    "orders": st.lists(st.tuples(numbers, digests), max_size=3).map(tuple),
    "statements": st.lists(signed, max_size=4).map(tuple),
    "votes": st.lists(signed, max_size=4).map(tuple),
}
messages = st.one_of([st.builds(kind, *[FIELDS[field] for field in kind.__struct_fields__]) for kind in MESSAGES])
timers = st.sampled_from(["progress", "retransmit", "new_view", "batch", "recall"])
events = st.one_of(st.tuples(names, messages, st.sampled_from([b"", b"batch", b"\xc1"])), timers)


@settings(max_examples=250, deadline=None)
@given(st.lists(events, max_size=25), st.booleans())
def test_nothing_that_members_sign_makes_a_replica_raise_or_vote_twice(heard: list[Any], is_recalled: bool) -> None:
    bench = Bench(is_recalled=is_recalled)
    for event in heard:
        if isinstance(event, str):
            bench.time_us += 700_000
            bench.do(Expired(("pbft", event)))
        else:
            sender, message, attachment = event
            if sender != "n1":
                bench.hear(sender, message, attachment)
    assert len(bench.replica.state.log) <= 3 * 8
    said: dict[tuple[str, int, int], bytes] = {}
    for effect in bench.out:
        if isinstance(effect, Broadcast) and isinstance(effect.message, PrePrepare | Prepare | Commit):
            vote = effect.message
            assert said.setdefault((type(vote).__name__, vote.view, vote.height), vote.digest) == vote.digest


def test_the_messages_above_are_not_all_refused() -> None:
    """The positive control: well-formed ones among them have effect."""
    bench = Bench()
    bench.hear("n2", bench.view_change(1))
    bench.hear("n3", bench.view_change(1))
    assert bench.said(ViewChange) and bench.said(NewView)  # type: ignore[arg-type]
