"""The pool: first come first served, bounded with a share per member, nothing lost when a view ends."""

import tracemalloc

import msgspec
import pytest

from consortium.core.codec import encode, sha256
from consortium.core.crypto import KeyedHash
from consortium.core.genesis import Parameters
from consortium.core.machine import (
    Available,
    Broadcast,
    Decide,
    Expired,
    Jumped,
    Note,
    Now,
    Received,
    Send,
    SetTimer,
    Submitted,
)
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.messages import Certificate, Signed
from consortium.core.transaction import (
    Bundle,
    Bundles,
    bundle_digest,
    decode_batch,
    decode_call,
    encode_batch,
    encode_transaction,
    sign_bundle,
)
from consortium.node.pool import RELAY_TIMER, BundlePool
from consortium.node.relays import RELAY_BUNDLES_MAX
from consortium.node.submission import Busy, Submission

SUITE = KeyedHash()
CHAIN = b"c" * 32
NOBODY = Certificate(b"", ())


def secret(name: str) -> bytes:
    return sha256(name.encode())


def pool(**parameters: int) -> BundlePool:
    names = ("a", "b", "c", "d")
    members = tuple(Member(name, "hospital", "validator", {"submit": SUITE.public_key(secret(name))}) for name in names)
    epochs = Epochs((Epoch(0, 1, members),))
    return BundlePool("a", epochs, Parameters(**parameters), Bundles(CHAIN, SUITE))


def execute(it: BundlePool, now: Now, height: int, raws: list[bytes]) -> None:
    """A batch of these bundles is decided, and the ledger has taken their numbers."""
    before, bundles = it._is_spent, [Bundles(CHAIN, SUITE).open(raw) for raw in raws]
    taken = {(each.member, decode_call(one).number) for each in bundles for one in each.transactions}
    it._is_spent = lambda member, number: (member, number) in taken or before(member, number)
    it.step(now, Decide(height, encode_batch(1, raws), NOBODY))


def bundle(member: str, number: int, count: int = 1, signer: str | None = None) -> bytes:
    transactions = [encode_transaction(number + offset, "bill", "issue", {}) for offset in range(count)]
    return sign_bundle(CHAIN, SUITE, secret(signer or member), member, transactions)


def at(us: int) -> Now:
    return Now(us, 1_000_000 + us)


def received(raws: list[bytes], sender: str = "b", digest: bytes | None = None) -> Received:
    attachment = encode(tuple(raws))
    return Received(sender, Submission(digest or sha256(attachment)), Signed(sender, b"", b""), 0, attachment)


def taken(batch: bytes | None) -> list[bytes]:
    return [] if batch is None else list(decode_batch(batch).bundles)


def test_batches_are_first_come_first_served_within_the_limits() -> None:
    it = pool(batch_transactions_max=3)
    raws = [bundle("b", number) for number in range(1, 6)]
    it.step(at(0), received(raws))
    assert it.waiting == 5
    assert taken(it.take(at(1))) == raws[:3]
    assert taken(it.take(at(1))) == raws[3:]
    assert it.take(at(1)) is None
    assert (it.waiting, it.unexecuted) == (0, 5)


def test_a_client_that_wraps_one_transaction_twice_spoils_no_leaders_batch() -> None:
    """Both bundles are valid; a batch with both would be refused by every backup, of every leader, for ever."""
    it = pool()
    twice = encode_transaction(1, "bill", "issue", {})
    alone = sign_bundle(CHAIN, SUITE, secret("b"), "b", [twice])
    wrapped = sign_bundle(CHAIN, SUITE, secret("b"), "b", [twice, encode_transaction(2, "bill", "issue", {})])
    later = bundle("c", 1)
    it.step(at(0), received([alone, wrapped, later]))
    first = it.take(at(10))
    assert first is not None and taken(first) == [alone, later] and it.judge(first) is None
    second = it.take(at(11))
    assert second is not None and taken(second) == [wrapped] and it.judge(second) is None
    assert it.judge(encode_batch(0, [alone, wrapped])) == "a transaction stands twice in the batch"


def test_a_released_bundle_goes_back_to_its_place() -> None:
    it = pool(batch_transactions_max=2)
    raws = [bundle("b", number) for number in range(1, 5)]
    it.step(at(0), received(raws))
    it.take(at(1))
    it.release()
    assert taken(it.take(at(2))) == raws[:2]


def test_what_another_ordered_is_not_proposed_again_and_what_was_executed_never() -> None:
    it = pool()
    raws = [bundle("b", number) for number in range(1, 4)]
    it.step(at(0), received(raws))
    batch = encode_batch(1, raws[:2])
    it.order(batch)
    assert taken(it.take(at(1))) == raws[2:]
    execute(it, at(2), 1, raws[:2])
    it.step(at(3), received(raws[:2]))
    it.release()
    assert (it.waiting, it.unexecuted) == (1, 1)


def test_a_bundle_under_a_key_that_is_not_its_members_is_not_admitted() -> None:
    it = pool()
    effects = it.step(at(0), received([bundle("b", 1, signer="c")]))
    assert it.waiting == 0
    assert [effect.fields["why"] for effect in effects if isinstance(effect, Note)] == ["unfit bundles"]


def test_a_full_share_answers_busy_starts_no_timer_and_leaves_room_for_the_others() -> None:
    it = pool(pool_transactions_max=8)  # a share of two each
    effects = it.step(at(0), received([bundle("b", number) for number in range(2, 7)]))
    assert it.waiting == 2
    assert any(isinstance(effect, Send) and effect.to == "b" and isinstance(effect.message, Busy) for effect in effects)
    only_refused = it.step(at(0), received([bundle("b", 9)]))
    assert not any(isinstance(effect, SetTimer | Available) for effect in only_refused)
    it.step(at(0), received([bundle("c", 1)], sender="c"))
    assert it.waiting == 3


def test_an_attachment_that_is_not_the_signed_one_is_refused() -> None:
    it = pool()
    (note,) = it.step(at(0), received([bundle("b", 1)], digest=b"x" * 32))
    assert isinstance(note, Note) and note.fields["why"] == "submission digest"


def test_what_nobody_ordered_is_told_again_but_not_what_is_young() -> None:
    it = pool(timer_base_us=1_000_000)
    old, young = bundle("b", 1), bundle("b", 2)
    it.step(at(0), received([old]))
    it.step(at(400_000), received([young]))
    effects = it.step(at(500_000), Expired(RELAY_TIMER))
    told = [effect for effect in effects if isinstance(effect, Broadcast)]
    assert [effect.attachment for effect in told] == [encode((old,))]


def overtaken_at(it: BundlePool, late_us: int) -> None:
    """An early bundle of b waits and is relayed at 500 and 1,000 ms; a late one of c is executed."""
    late = bundle("c", 1)
    it.step(at(0), received([bundle("b", 1)]))
    for us in (500_000, 1_000_000):
        if us > late_us:
            break
        it.step(at(us), Expired(RELAY_TIMER))
    it.step(at(late_us), received([late], sender="c"))
    execute(it, at(late_us + 100_000), 1, [late])


def test_a_bundle_overtaken_by_one_that_came_long_after_it_was_relayed_is_seen() -> None:
    it = pool()
    overtaken_at(it, 1_500_000)
    assert it.was_overtaken(at(1_600_000), 1_000_000)
    execute(it, at(1_700_000), 2, [bundle("b", 1)])
    assert not it.was_overtaken(at(3_000_000), 1_000_000)


def test_a_leader_that_may_not_have_had_the_bundle_is_not_blamed() -> None:
    """Found on a loaded machine: a submission lost on the bus reached the leader by relay, behind half a second of
    backlog, and an honest leader was deposed."""
    for late_us in (600_000, 1_400_000):
        it = pool()
        overtaken_at(it, late_us)
        assert not it.was_overtaken(at(5_000_000), 1_000_000)


def test_a_batch_is_judged_by_its_bytes() -> None:
    it = pool(batch_transactions_max=3)
    good = [bundle("b", number) for number in range(3)]
    assert it.judge(encode_batch(1, good)) is None
    assert it.judge(encode_batch(1, [*good, bundle("c", 1)])) == "batch of too many transactions"
    assert it.judge(encode_batch(1, [good[0], good[0]])) == "a transaction stands twice in the batch"
    assert it.judge(encode_batch(1, [])) == "batch without bundles"
    assert "signature" in str(it.judge(encode_batch(1, [good[0][:-1] + bytes([good[0][-1] ^ 1])])))
    assert it.judge(b"\xff" * 40) is not None


def test_our_own_submissions_are_admitted_and_broadcast() -> None:
    it = pool()
    raws = tuple(bundle("a", number) for number in (1, 2))
    effects = it.step(at(0), Submitted(raws))
    assert [effect.attachment for effect in effects if isinstance(effect, Broadcast)] == [encode(raws)]
    assert Available() in effects
    assert it.waiting == 2


def test_after_a_snapshot_nothing_waits_that_came_too_late_for_its_numbers() -> None:
    """Regression (adversary fuzz, seed 1008): a bundle that was executed in a block before the snapshot, refused there
    because another transaction had its number, stayed in the pool for ever, and its node asked for views for ever."""
    mine = pool()
    late, fresh, other = bundle("b", 19, 2), bundle("b", 21, 2), bundle("c", 19)
    mine.step(at(0), received([late, fresh, other]))
    first = sign_bundle(CHAIN, SUITE, secret("b"), "b", [encode_transaction(20, "bill", "issue", {})])
    used = {19: b"another transact", 20: Bundles(CHAIN, SUITE).open(first).ids[0][:16]}
    mine.step(at(1), Jumped(9, lambda member: used if member == "b" else {}))
    assert taken(mine.take(at(2))) == [fresh, other]


def test_a_submission_of_junk_costs_few_looks() -> None:
    """Found by attack: 20,000 bundles in one message held a node for seconds, each signature checked."""
    it = pool(pool_transactions_max=8)
    looked: list[bytes] = []
    decode = it._bundles.decode

    def counting(raw: bytes) -> Bundle:
        looked.append(raw)
        return decode(raw)

    it._bundles.decode = counting  # type: ignore[method-assign]
    it.step(at(0), received([bundle("b", number) for number in range(1, 200)]))
    assert len(looked) < 20
    it.step(at(0), received([bundle("c", number, signer="b") for number in range(1, 200)], sender="c"))
    assert len(looked) < 40


def test_a_submission_that_is_too_long_is_not_parsed() -> None:
    (note,) = pool().step(at(0), received([b"x" * 1_000_000] * 3))
    assert isinstance(note, Note) and note.fields["why"] == "submission too long"


def test_bundles_without_a_registered_key_are_not_remembered() -> None:
    """Found by attack: they filled the memory of verified bundles, a megabyte each."""
    it = pool()
    it.step(at(0), received([bundle("b", 1, signer="c")]))
    assert it._bundles.recall(bundle_digest(bundle("b", 1, signer="c"))) is None


def test_verified_bundles_are_remembered_within_a_budget_of_bytes() -> None:
    raws = [bundle("b", number) for number in range(1, 50)]
    each = Bundles(CHAIN, SUITE).open(raws[0]).bytes_held
    bundles = Bundles(CHAIN, SUITE, remember_bytes_max=10 * each)
    for raw in raws:
        bundles.open(raw)
    assert 9 <= sum(bundles.recall(bundle_digest(raw)) is not None for raw in raws) <= 10
    assert bundles.recall(bundle_digest(raws[-1])) is not None


@pytest.mark.parametrize("count", [1, 50])
def test_the_budget_counts_what_a_remembered_bundle_takes_in_memory(count: int) -> None:
    """Regression: its raw bytes alone were counted, and a node kept more than twice as much."""
    raws = [bundle("b", number, count=count) for number in range(1, 101)]
    bundles = Bundles(CHAIN, SUITE)
    tracemalloc.start()
    try:
        held = sum(bundles.open(bytes(bytearray(raw))).bytes_held for raw in raws)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1.4 * held and held < 2 * taken


def test_a_bundle_whose_numbers_the_ledger_holds_is_not_taken_in_again() -> None:
    """Found by attack: after a boot, an old bundle replayed on the bus waited for ever, and the node left its view."""
    it = pool()
    it._is_spent = lambda member, number: (member, number) in {("b", 1), ("b", 2)}
    it.step(at(0), received([bundle("b", 1), bundle("b", 1, count=2), bundle("b", 2, count=2)]))
    assert it.waiting == 2


def test_a_client_that_gives_one_number_to_two_bundles_makes_no_leader_look_like_a_censor() -> None:
    """Found in the scenario `flooding`: the leader's pool got the second bundle after the first was executed and never
    took it in; a backup's, which had it before, waited for it and left its view."""
    it = pool()
    overtaken_at(it, 1_500_000)
    assert it.was_overtaken(at(1_600_000), 1_000_000)
    it._is_spent = lambda member, number: (member, number) == ("b", 1)
    assert not it.was_overtaken(at(1_600_000), 1_000_000)
    it.step(at(2_000_000), Expired(RELAY_TIMER))
    assert it.unexecuted == 0


def test_our_own_bundles_that_the_leader_seems_not_to_have_are_all_told_again() -> None:
    """Found with a fifth of all messages lost: one lost submission of hundreds of bundles was told again 64 at a time,
    and batches of 64 were all that was ordered."""
    ours, others = [bundle("a", number) for number in range(1, 201)], [bundle("b", number) for number in range(1, 101)]
    for is_overtaken, told in ((True, 200), (False, RELAY_BUNDLES_MAX)):
        it = pool()
        it.step(at(0), received([*ours, *others]))
        if is_overtaken:
            late = bundle("c", 1)
            it.step(at(600_000), received([late], sender="c"))
            it.step(at(650_000), Decide(1, encode_batch(1, [late]), NOBODY))
        effects = it.step(at(700_000), Expired(RELAY_TIMER))
        (said,) = [effect for effect in effects if isinstance(effect, Broadcast)]
        again = msgspec.msgpack.decode(said.attachment)
        assert len([raw for raw in again if raw in ours]) == told
        assert len(again) <= told + RELAY_BUNDLES_MAX
