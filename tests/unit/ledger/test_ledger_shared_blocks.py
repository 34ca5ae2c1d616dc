"""A ledger that takes over what another one executed is the ledger that it would have become by itself."""

from __future__ import annotations

from consortium.core.codec import encode
from consortium.core.machine import Decide, Effect, Started
from consortium.core.membership import Epoch, Epochs
from consortium.core.transaction import NULL_DIGEST, Bundles
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import END, DictRows
from consortium.simulation.shortcuts.shared_blocks import KEPT_MAX, SharedBlocks
from tests.unit.ledger.ledger_kit import CONTRACTS, NOW, SUITE, Add, Chain, Scatter


def decisions() -> tuple[Chain, list[Decide]]:
    """A chain with writes, removals, refusals, failures and gaps; and what was decided."""
    chain = Chain()
    made: list[Decide] = []

    def decide(*bundles: bytes) -> None:
        made.append(chain.decision(*bundles))
        chain.ledger.step(NOW, made[-1])

    decide(chain.add("ada", "one", 3), chain.add("bob", "two", -5))
    decide(chain.bundle("cyd", chain.transaction("cyd", "scatter", Scatter("many", 40))))
    decide(chain.bundle("ada", chain.transaction("ada", "broken", Add("one", 1))), chain.add("dan", "one", 4))
    decide(chain.bundle("bob", chain.transaction("bob", "drop", Add("one", 0))))
    decide(chain.add("bob", "one", 8))
    return chain, made


class Follower:
    def __init__(self, chain: Chain, memo: SharedBlocks | None, epochs: Epochs | None = None) -> None:
        self.rows = DictRows()
        self.epochs = epochs or Epochs((chain.genesis.first_epoch,))
        self.ledger = Ledger(
            chain.genesis, self.rows, CONTRACTS, Bundles(chain.genesis.chain, SUITE), self.epochs, None, memo
        )
        self.ledger.boot()
        self.said: list[Effect] = list(self.ledger.step(NOW, Started(())))

    def follow(self, made: list[Decide]) -> None:
        for decide in made:
            self.said += self.ledger.step(NOW, decide)


def held(rows: DictRows) -> dict[str, list[tuple[bytes, bytes]]]:
    return {table: list(rows.range(table, b"", END)) for table in rows.tables()}


def test_what_is_taken_over_is_what_would_have_been_executed() -> None:
    chain, made = decisions()
    memo = SharedBlocks()
    alone, first, second = Follower(chain, None), Follower(chain, memo), Follower(chain, memo)
    for follower in (alone, first, second):
        follower.follow(made)
        assert follower.said == alone.said
        assert held(follower.rows) == held(alone.rows)
        assert follower.ledger.head_digest == chain.ledger.head_digest
        for key, _ in alone.rows.range("state", b"", END):
            assert follower.ledger.state_path(key) == alone.ledger.state_path(key)
    assert memo.get(chain.genesis.chain, b"no batch") is None


def test_one_that_took_over_goes_on_by_itself_and_parts_from_nobody() -> None:
    """Also where its own next block is another one: nothing of what is shared was changed."""
    chain, made = decisions()
    memo = SharedBlocks()
    first, second = Follower(chain, memo), Follower(chain, memo)
    for follower in (first, second):
        follower.follow(made)
    ours = chain.decision(chain.add("ada", "one", 1), chain.add("cyd", "new", 1))
    theirs = chain.decision(chain.add("dan", "one", 5))
    second.follow([theirs])
    first.follow([ours])
    alone = Follower(chain, None)
    alone.follow([*made, ours])
    assert held(first.rows) == held(alone.rows)
    assert first.ledger.head_digest == alone.ledger.head_digest != second.ledger.head_digest


def test_each_keeps_the_certificate_that_it_decided_with() -> None:
    chain, made = decisions()
    memo = SharedBlocks()
    Follower(chain, memo).follow(made)
    other = Follower(chain, memo)
    signatures = made[0].certificate.signatures
    own = made[0]._replace(certificate=type(made[0].certificate)(made[0].certificate.body, signatures[:2]))
    other.follow([own, *made[1:]])
    assert other.rows.get("certificate", (1).to_bytes(8, "big")) == encode(own.certificate)


def test_a_newcomer_that_takes_over_the_genesis_reaches_no_further_than_one_that_executes_it() -> None:
    """A regression: it knows epochs that its own ledger has not come to, and began to ask for their heights at once."""
    chain, _ = decisions()
    memo, first_epoch = SharedBlocks(), chain.genesis.first_epoch
    Follower(chain, memo)
    later = Epoch(1, 33, first_epoch.members)
    alone, taking = (Follower(chain, each, Epochs((first_epoch, later))) for each in (None, memo))
    assert alone.epochs.reach == taking.epochs.reach == 0


def test_only_the_newest_blocks_are_kept() -> None:
    chain, made = decisions()
    memo = SharedBlocks()
    Follower(chain, memo).follow(made)
    block = memo.get(chain.genesis.chain, NULL_DIGEST)
    assert block is not None and block.header.height == 0
    for number in range(KEPT_MAX + 1):
        memo.put(number.to_bytes(32, "big"), b"", block)
    assert memo.get((0).to_bytes(32, "big"), b"") is None
    assert memo.get(KEPT_MAX.to_bytes(32, "big"), b"") is block
