"""What waits in a pool follows from the ledger, and so is the same before and after a boot; and when it is told again.

The pool stands beside a real ledger here: whether a bundle can still be executed is the ledger's word.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from consortium.core.machine import Broadcast, Decide, Effect, Expired, SetTimer
from consortium.core.membership import Epoch, Member
from consortium.core.transaction import NUMBER_WINDOW, decode_batch, encode_batch, encode_transaction, sign_bundle
from consortium.ledger.numbers import used_by
from consortium.node.pool import RELAY_TIMER, BundlePool
from consortium.node.relays import LOOKS, RELAY_BUNDLES_MAX
from tests.unit.ledger.ledger_kit import NOW, SUITE, Add, Chain, codes, secret
from tests.unit.node.test_pool import at, received
from tests.unit.node.test_pool import bundle as any_bundle
from tests.unit.node.test_pool import pool as any_pool

HALF_US = 500_000  # half of T


class Site:
    """A ledger, and the pool of one node over it, which may boot again."""

    def __init__(self) -> None:
        self.chain = Chain()
        self.pool = self.boot()

    def boot(self) -> BundlePool:
        ledger = self.chain.ledger
        self.pool = BundlePool(
            "ada",
            self.chain.epochs,
            self.chain.genesis.parameters,
            self.chain.bundles,
            lambda *place: used_by(ledger.reader, *place) is not None,
            lambda: ledger.head_height,
        )
        return self.pool

    def bundle(self, member: str, number: int, amount: int = 1) -> bytes:
        return self.chain.bundle(member, self.chain.transaction(member, "add", Add("x", amount), number))

    def submit(self, *raws: bytes) -> int:
        """How many transactions wait then."""
        self.pool.step(at(0), received(list(raws)))
        return self.pool.waiting

    def decide(self, *raws: bytes) -> list[str]:
        """The codes of the receipts."""
        decision = self.chain.decision(*raws)
        effects = list(self.chain.ledger.step(NOW, decision))
        self.pool.step(at(1), Decide(decision.height, decision.batch, decision.certificate))
        return codes(effects)


def test_a_number_ahead_is_served_once_those_between_were_submitted() -> None:
    """The refusal says so: "submit the ones between first"; and the bundle was remembered as done, for ever."""
    site = Site()
    ahead = site.bundle("bob", NUMBER_WINDOW + 1)
    assert site.submit(ahead) == 1
    assert site.decide(ahead) == ["number-ahead"]
    assert site.decide(site.bundle("bob", 1)) == ["ok"]
    assert site.submit(ahead) == 1
    batch = site.pool.take(at(2))
    assert batch is not None and list(decode_batch(batch).bundles) == [ahead]
    assert site.decide(ahead) == ["ok"]
    assert site.submit(ahead) == 0


@pytest.mark.parametrize("is_booted", [False, True], ids=["before a boot", "after it"])
def test_what_counts_as_waiting_is_the_same_before_and_after_a_boot(is_booted: bool) -> None:
    """Found by attack: a bundle that was refused without taking a number was known as done in memory only. Two nodes
    that booted and heard it again waited for it, left their view, and deposed honest leaders that knew better."""
    site = Site()
    malformed = site.chain.bundle("bob", b"no transaction")
    without_number = site.bundle("bob", 0)
    ahead, done = site.bundle("bob", NUMBER_WINDOW + 9), site.bundle("bob", 1)
    second = site.bundle("bob", 1, amount=2)
    found = site.decide(malformed, without_number, ahead, done, second)
    assert found == ["malformed", "number-stale", "number-ahead", "ok", "number-used"]
    if is_booted:
        site.boot()
    waiting = [(name, site.submit(raw)) for name, raw in (("malformed", malformed), ("0", without_number))]
    waiting += [(name, site.submit(raw)) for name, raw in (("done", done), ("second", second), ("ahead", ahead))]
    assert waiting == [("malformed", 0), ("0", 0), ("done", 0), ("second", 0), ("ahead", 1)]


def rekey(site: Site, member: str, first_height: int) -> bytes:
    """From this height on the member signs with another key; a bundle under it."""
    new = secret(member, "another key")
    before = site.chain.epochs.newest
    members = tuple(
        Member(each.name, each.role, each.kind, {**each.keys, "submit": SUITE.public_key(new)})
        if each.name == member
        else each
        for each in before.members
    )
    site.chain.epochs.add(Epoch(before.number + 1, first_height, members))
    transaction = encode_transaction(7, "tally", "add", Add("x", 1))
    return sign_bundle(site.chain.genesis.chain, SUITE, new, member, [transaction])


def test_a_key_counts_up_to_the_height_at_which_another_takes_its_place() -> None:
    """Blocks refuse an older one, and take no number for it; whoever had it waiting must not wait for ever."""
    site = Site()
    old = site.bundle("bob", 1)
    assert site.submit(old) == 1
    new = rekey(site, "bob", first_height=2)
    assert site.submit(site.bundle("bob", 2), new) == 3, "the next height executes under the old key"
    site.decide(site.bundle("cyd", 1))
    assert site.submit(site.bundle("bob", 3)) == 3, "the next height does not"
    assert site.pool.oldest_us() == 0 and site.pool.waiting == 1
    assert site.boot().waiting == 0 and site.submit(old, new) == 1


def test_the_oldest_work_is_what_waits_or_is_in_flight_and_nothing_that_came_too_late() -> None:
    site = Site()
    first, second, third = (site.bundle("bob", number) for number in (1, 2, 3))
    assert site.pool.oldest_us() is None
    for came_us, raw in ((10, first), (20, second), (30, third)):
        site.pool.step(at(came_us), received([raw]))
    assert site.pool.oldest_us() == 10
    site.decide(site.bundle("bob", 1, amount=2))
    assert site.pool.oldest_us() == 20, "another transaction took the number of the first"
    batch = site.pool.take(at(40))
    assert batch is not None and site.pool.waiting == 0 and site.pool.oldest_us() == 20
    site.decide(second, third)
    assert site.pool.oldest_us() is None and site.pool.unexecuted == 0


# --- relays ---------------------------------------------------------------------------------------------------------


def told(effects: Sequence[Effect]) -> int:
    """Bytes that are told to everybody."""
    return sum(len(effect.attachment) for effect in effects if isinstance(effect, Broadcast))


def next_us(effects: Sequence[Effect]) -> int:
    (delay_us,) = [effect.delay_us for effect in effects if isinstance(effect, SetTimer)]
    return delay_us


def test_a_bundle_is_told_again_when_it_has_waited_half_a_timer_and_not_at_a_later_tick() -> None:
    """The leader may not have it, and whoever has waits for a whole timer and no longer: found by attack, with a bundle
    that was told to others alone just after a tick."""
    it = any_pool()
    it.step(at(0), received([any_bundle("b", 1)]))
    it.step(at(300_000), received([any_bundle("b", 2)]))
    effects = it.step(at(HALF_US), Expired(RELAY_TIMER))
    assert told(effects) and next_us(effects) == 300_000
    effects = it.step(at(800_000), Expired(RELAY_TIMER))
    assert told(effects) and next_us(effects) == 200_000
    effects = it.step(at(1_000_000), Expired(RELAY_TIMER))
    assert told(effects) and next_us(effects) == 300_000, "the first one again"


def test_looks_are_few_and_a_budget_lasts_for_half_a_timer() -> None:
    it = any_pool(pool_transactions_max=4_000)
    it.step(at(0), received([any_bundle("b", number) for number in range(1, 2 * RELAY_BUNDLES_MAX)]))
    it.step(at(1), received([any_bundle("c", 1)], sender="c"))
    assert told(it.step(at(HALF_US), Expired(RELAY_TIMER)))
    effects = it.step(at(HALF_US + 1), Expired(RELAY_TIMER))
    assert not told(effects) and next_us(effects) == HALF_US - 1
    few = any_pool()
    for came_us in range(0, 10):
        few.step(at(came_us), received([any_bundle("b", came_us + 1)]))
    assert next_us(few.step(at(HALF_US), Expired(RELAY_TIMER))) == HALF_US // LOOKS


def test_what_came_while_it_was_in_flight_is_told_again_once_it_has_landed() -> None:
    """Found by exploration: two members alone heard a bundle, which a batch of theirs held that died with its view. It
    waited from then on, nobody told it to the leader, and both left the view for it without the others."""
    it = any_pool()
    raw = any_bundle("b", 1)
    it.order(encode_batch(1, [raw]))
    effects = it.step(at(0), received([raw]))
    assert next_us(effects) == HALF_US and it.oldest_us() == 0
    it.release()
    assert told(it.step(at(HALF_US), Expired(RELAY_TIMER)))
