"""Each height is executed by the version that the members voted for it, wherever and whenever it is executed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from consortium.core.contract import Contract
from consortium.core.machine import Note
from consortium.core.membership import Epochs
from consortium.core.versions import VersionMissing, get_versions
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import DictRows, height_key
from consortium.ledger.snapshot import link, make_base
from consortium.ledger.verify import verify_ledger
from consortium.simulation.shortcuts.shared_blocks import SharedBlocks
from tests.unit.ledger.governed_kit import OLD_PROGRAM, OTHERS, PROGRAM, TWO, Governed, counter
from tests.unit.ledger.ledger_kit import NAMES, NOW, PROTOCOL, Add, Chain, codes, make_genesis


def voted(blocks_after: int = 6) -> tuple[Governed, int]:
    chain = Governed()
    chain.grow_to(3)
    first = chain.upgrade()
    chain.grow_to(first + blocks_after)
    return chain, first


def tell_again(chain: Governed, other: Governed) -> None:
    """All that was decided on one chain, executed on another."""
    for height in range(1, chain.ledger.head_height + 1):
        batch = chain.rows.get("batch", height_key(height)) or None
        other.ledger.step(NOW, chain.decision(height=height)._replace(batch=batch))


def test_a_version_executes_from_its_height_on_and_not_before() -> None:
    chain = Governed()
    chain.grow_to(3)
    first = chain.upgrade()
    assert first == 13  # the first height above 4 + 8 for which the height before is a checkpoint
    chain.grow_to(first - 1)
    assert chain.counted() == first - 2  # one block was the vote
    chain.grow_to(first)
    assert chain.counted() == first - 2 + 2


def test_a_stated_height_is_kept_where_it_lies_beyond_the_next_activation() -> None:
    chain = Governed()
    assert chain.upgrade(from_height=40) == 40 and get_versions(chain.ledger.reader).at("counter", 39) == 1
    assert get_versions(chain.ledger.reader).at("counter", 40) == 2


def test_verify_executes_each_height_by_its_version() -> None:
    chain, first = voted()
    verified = verify_ledger(chain.genesis, chain.rows, PROGRAM, PROTOCOL)
    assert verified.height == first + 6 and verified.state_root == chain.ledger.head.state


def test_a_ledger_that_a_program_of_before_wrote_is_verified_by_one_that_has_more() -> None:
    chain = Governed(OLD_PROGRAM)
    chain.grow_to(9)
    more: dict[str, Contract] = {**PROGRAM, "added": Contract("added", 1, ())}
    assert verify_ledger(chain.genesis, chain.rows, more, PROTOCOL).height == 9


def test_a_contract_that_the_chain_has_not_voted_in_does_not_exist_on_it() -> None:
    """Else a program that brings a new contract would execute what older ones refused."""
    late = Contract("late", 1, tuple(TWO.operations.values()))
    chain = Governed({**PROGRAM, "late": late})
    call = chain.call("bob", "late", "count", Add("y", 1))
    assert codes(chain.decide(call)) == ["unknown-contract"]
    first = chain.upgrade(1, "late")
    chain.grow_to(first - 1)
    assert codes(chain.decide(chain.call("bob", "late", "count", Add("y", 1)))) == ["ok"]


def test_a_program_without_the_version_stops_before_its_height_and_has_the_same_blocks() -> None:
    chain, first = voted()
    behind = Governed(OLD_PROGRAM)
    with pytest.raises(VersionMissing, match=rf"from height {first} on version 2 of contract 'counter'.*has version 1"):
        tell_again(chain, behind)
    assert behind.ledger.head_height == first - 1
    key = height_key(first - 1)
    assert behind.rows.get("block", key) == chain.rows.get("block", key)


def test_it_is_told_of_the_version_when_the_vote_passes_and_not_again() -> None:
    def told(program: Mapping[str, Contract]) -> list[Note]:
        chain = Governed(program)
        votes = [chain.vote(name, "u") for name in NAMES[1:3]]
        effects = chain.decide(chain.propose("upgrade", "u", contract="counter", version=2), *votes)
        effects += chain.count()
        return [effect for effect in effects if isinstance(effect, Note) and effect.kind == "rules_missing"]

    assert told(PROGRAM) == []
    (note,) = told(OLD_PROGRAM)
    assert "from height 13 on version 2 of contract 'counter'" in note.fields["why"]


def test_it_stops_at_its_next_boot_too_and_one_with_the_version_goes_on_over_the_same_rows() -> None:
    chain = Governed()
    chain.grow_to(3)
    first = chain.upgrade()
    chain.grow_to(first - 1)
    with pytest.raises(VersionMissing, match="version 2 of contract 'counter'"):
        Governed(OLD_PROGRAM, chain.rows.copy())
    again = Governed(PROGRAM, chain.rows.copy())
    again.numbers = dict(chain.numbers)
    before = chain.counted()
    again.count()
    assert again.counted() == before + 2


def test_a_snapshot_that_lies_behind_the_vote_is_not_installed_without_the_version() -> None:
    chain, first = voted()
    chain.seal()
    height = chain.ledger.head_height
    linked = link(chain.rows, height, height)
    assert linked is not None and height > first
    base = make_base(chain.ledger.head, linked, list(chain.rows.range("state", b"", b"\xff")))
    newcomer = Governed(OLD_PROGRAM)
    before = newcomer.rows.range("state", b"", b"\xff")
    with pytest.raises(VersionMissing, match="version 2"):
        newcomer.ledger.install(base)
    assert newcomer.ledger.head_height == 0 and newcomer.rows.range("state", b"", b"\xff") == before
    able = Governed(PROGRAM)
    able.ledger.install(base)
    assert able.ledger.head_height == height


def test_what_another_ledger_executed_is_not_taken_over_without_the_version() -> None:
    """The simulator executes a block once for all its nodes: one with an older program must not take it over."""
    memo = SharedBlocks()
    chain, behind = sharing(memo, PROGRAM), sharing(memo, OLD_PROGRAM)
    chain.grow_to(3)
    first = chain.upgrade()
    chain.grow_to(first)
    with pytest.raises(VersionMissing):
        tell_again(chain, behind)
    assert behind.ledger.head_height == first - 1


def sharing(memo: SharedBlocks, program: Mapping[str, Contract]) -> Governed:
    chain = Governed(program)
    chain.rows, chain.epochs = DictRows(), Epochs((chain.genesis.first_epoch,))
    chain.ledger = Ledger(chain.genesis, chain.rows, program, chain.bundles, chain.epochs, None, memo)
    chain.ledger.boot()
    return chain


def test_the_past_is_told_again_by_the_rules_of_its_time() -> None:
    chain, _ = voted()
    later = Governed(PROGRAM, chain.rows.copy())
    told = list(later.ledger.history())
    assert [past.height for past in told][-1] == chain.ledger.head_height
    assert all(outcome.receipt.is_ok for past in told for outcome in past.outcomes if past.height)


def test_a_genesis_with_a_version_that_a_program_lacks_is_not_begun() -> None:
    genesis = make_genesis(contracts={**OTHERS, "counter": TWO})
    with pytest.raises(VersionMissing, match="from height 0 on version 2 of contract 'counter'"):
        Chain(genesis, contracts=OLD_PROGRAM)


def test_versions_of_one_contract_are_distinct_and_the_newest_stands_in_front() -> None:
    with pytest.raises(AssertionError):
        counter(1, counter(2))
    with pytest.raises(AssertionError):
        counter(2, Contract("other", 1, ()))
    assert TWO.until(1) is not None and TWO.until(1).version == 1 and TWO.until(0) is None
    assert sorted(counter(3, TWO, TWO.versions[1]).until(2).versions) == [1, 2]
