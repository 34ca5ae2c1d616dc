"""Ends of a ledger: truncated, of another chain, reported progress."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from consortium.ledger.rows import DictRows, height_key
from consortium.ledger.verify import Fault, verify_ledger
from tests.unit.ledger.ledger_kit import CONTRACTS, PROTOCOL, Chain, make_genesis


def test_a_whole_ledger_is_told_by_its_head() -> None:
    chain, told = Chain(), []
    chain.grow(70)
    verified = verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL, 70, lambda *at: told.append(at))
    assert verified.header_digest == chain.ledger.head_digest
    assert (verified.height, verified.sealed_height, verified.transactions) == (70, 68, 140)
    assert told[-1] == (70, 70)


def test_a_ledger_cut_to_an_earlier_state_is_refused_by_at_least() -> None:
    chain = Chain()
    chain.grow(5)
    earlier = chain.rows.copy()
    chain.grow(5)
    assert verify_ledger(chain.genesis, earlier, CONTRACTS, PROTOCOL).height == 5
    with pytest.raises(Fault, match="truncated") as fault:
        verify_ledger(chain.genesis, earlier, CONTRACTS, PROTOCOL, 10)
    assert fault.value.height == 5


def test_a_head_whose_height_was_changed_is_named_and_no_block_is_called_missing() -> None:
    """Found by the property test, one run in six: its height alone was believed, and block 6 was called missing."""
    chain = Chain()
    chain.grow(5)
    head = chain.rows.get("meta", b"head")
    assert head is not None
    for at in range(8):
        damaged = chain.rows.copy()
        damaged.stage([("meta", b"head", head[:at] + bytes([head[at] ^ 1]) + head[at + 1 :])])
        with pytest.raises(Fault, match="the header of height 5") as fault:
            verify_ledger(chain.genesis, damaged, CONTRACTS, PROTOCOL, 5)
        assert fault.value.record == "meta head"
    lost = chain.rows.copy()
    lost.stage([("block", height_key(5), None)])
    with pytest.raises(Fault) as fault:
        verify_ledger(chain.genesis, lost, CONTRACTS, PROTOCOL)
    assert (fault.value.height, fault.value.record) == (5, "block"), "a lost block is still called one"


def test_an_empty_ledger_and_one_of_another_genesis_are_refused() -> None:
    chain = Chain()
    with pytest.raises(Fault, match="empty"):
        verify_ledger(chain.genesis, DictRows(), CONTRACTS, PROTOCOL)
    with pytest.raises(Fault, match="another genesis"):
        verify_ledger(make_genesis(idle_seal_us=7), chain.rows, CONTRACTS, PROTOCOL)


def test_a_block_that_execution_does_not_give_is_refused_though_it_was_decided() -> None:
    chain = Chain()
    chain.grow(3)
    with pytest.raises(Fault) as fault:  # other contracts than those that made it
        verify_ledger(chain.genesis, chain.rows, {**CONTRACTS, "tally": _other()}, PROTOCOL)  # type: ignore[dict-item]
    assert (fault.value.height, fault.value.record) == (1, "receipt 0")


def _other() -> object:
    from consortium.core.contract import Contract
    from tests.unit.ledger.ledger_kit import TALLY

    kept = [operation for operation in TALLY.operations.values() if operation.name != "add"]
    add = TALLY.operations["add"]
    silent = add._replace(run=lambda state, arguments, context: add.run(state, arguments, context) and [])
    genesis = silent._replace(
        run=lambda state, arguments, context: (
            add.run(state, arguments, context) if context.height == 0 else silent.run(state, arguments, context)
        )
    )
    return Contract("tally", 1, (*kept, genesis))


@pytest.mark.parametrize("table", ["block", "batch", "certificate", "receipt", "seal"])
@pytest.mark.parametrize("length", [1_024, 1_025, 5_000])
def test_a_row_above_every_key_is_found_however_long_its_key(table: str, length: int) -> None:
    chain = Chain()
    chain.grow(3)
    verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL)
    chain.rows.stage([(table, b"\xff" * length, b"x")])
    with pytest.raises(Fault, match="outside") as fault:
        verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL)
    assert fault.value.record == table


class _Disordered(DictRows):
    """A store whose index is damaged: a range gives a row that does not lie in it."""

    def range(self, table: str, low: bytes, high: bytes, limit: int = 0) -> Sequence[tuple[bytes, bytes]]:
        found = super().range(table, low, high, limit)
        return [*found, (height_key(900), b"x")] if table == "batch" and low == height_key(0) else found


def test_a_row_out_of_order_is_a_fault_not_a_traceback() -> None:
    chain = Chain(rows=_Disordered())
    chain.grow(3)
    with pytest.raises(Fault, match="out of order") as fault:
        verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL)
    assert fault.value.record == "batch"
