"""Ends of a ledger: truncated, of another chain, reported progress."""

from __future__ import annotations

import pytest
from ledger_kit import CONTRACTS, PROTOCOL, Chain, make_genesis

from consortium.ledger.rows import DictRows
from consortium.ledger.verify import Fault, verify_ledger


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
        verify_ledger(chain.genesis, chain.rows, {**CONTRACTS, "tally": _other()}, PROTOCOL)
    assert (fault.value.height, fault.value.record) == (1, "receipt 0")


def _other() -> object:
    from ledger_kit import TALLY

    from consortium.core.contract import Contract

    kept = [operation for operation in TALLY.operations.values() if operation.name != "add"]
    add = TALLY.operations["add"]
    silent = add._replace(run=lambda state, arguments, context: add.run(state, arguments, context) and [])
    genesis = silent._replace(
        run=lambda state, arguments, context: (
            add.run(state, arguments, context) if context.height == 0 else silent.run(state, arguments, context)
        )
    )
    return Contract("tally", 1, (*kept, genesis))
