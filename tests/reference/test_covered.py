"""Whatever moves money is walked beside a reference, or it is said here why not: a new contract is found."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from consortium.contracts import load_contracts
from tests.systems.reading import read

HERE = Path(__file__).parent
NOT_WALKED = {  # operations that move money: why no walk makes them
    "agreement.judge_month": "a bonus, whole, as the agreement states it (test_agreement)",
    "aid.appropriate": "moves what the call names",
    "clearing.pay": "what both regions' claims come to, by the ledgers of both (test_clearing_and_rate)",
    "clearing.receive": "what the other region's ledger proves that it paid (test_clearing_and_rate)",
    "debt.endorse_write_off": "moves what is open, which is the balance that the walks compare (test_debt)",
    "debt.receive": "moves what the call names",
    "debt.repay": "moves what the call names",
    "finding.recover": "moves what was decided, at most what is there (test_finding)",
    "gift.confirm_receipt": "moves what was pledged",
    "hash_lock.lock": "moves what the call names; both or none is explored (test_hash_lock)",
    "hash_lock.open": "moves what was locked",
    "hash_lock.refund": "moves what was locked",
    "receivable.accept": "moves the price that both named (test_receivable)",
    "receivable.recover": "moves what a buyer sent back, by prices of packs (test_receivable)",
    "rollout.go_live": "writes off the whole of what is owed, for the old system paid it (test_shadow)",
}


def moving() -> set[str]:
    """Operations that can tell of a movement of money."""
    return {
        f"{name}.{operation.name}"
        for name, contract in load_contracts().items()
        for operation in contract.operations.values()
        if read(operation.run).tells_event("movement")
    }


@cache
def walked() -> set[str]:
    """Pairs of words that stand beside one another as arguments: the contract and the operation of a call."""
    return {pair for path in HERE.glob("*.py") for pair in pairs_of(path.read_text("utf-8"))}


def pairs_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        values = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
        for one, other in pairwise(values):
            words = [each.value for each in (one, other) if isinstance(each, ast.Constant)]
            if len(words) == 2 and all(isinstance(word, str) for word in words):
                yield ".".join(map(str, words))


@pytest.mark.parametrize("name", sorted(moving()))
def test_what_moves_money_has_a_reference(name: str) -> None:
    assert name in walked() or NOT_WALKED.get(name), f"{name} moves money: hold it against a second computation"


def test_no_reason_is_kept_for_what_is_walked_or_gone() -> None:
    assert set(NOT_WALKED) <= moving() - walked()


def test_a_call_is_seen_and_another_pair_of_words_is_not() -> None:
    assert set(pairs_of('Call(member, "dip", "settle_month", period)')) == {"dip.settle_month"}
    assert "dip.settle_month" not in set(pairs_of('print("dip"); print("settle_month")'))
