"""An exchange by hash locks is both or neither, whatever is drawn; and a broken plan or rule is found."""

from __future__ import annotations

from collections import Counter

import pytest

from consortium.contracts.bridges import hash_lock
from consortium.contracts.bridges.hash_lock_records import Lock
from consortium.core.contract import StateReader
from consortium.exploration.locks import Ended, examine


def explored(variant: str, seeds: range) -> list[Ended]:
    return [examine(seed, variant) for seed in seeds]


@pytest.mark.parametrize("variant", ["proof", "time"])
def test_both_or_neither_in_some_hundred_interleavings(variant: str) -> None:
    ended = explored(variant, range(400))
    assert [(each.seed, each.fault) for each in ended if each.fault] == []
    outcomes = Counter(each.outcome for each in ended)
    assert min(outcomes["both"], outcomes["neither"]) > 50, "both ends are met"


@pytest.mark.nightly
@pytest.mark.parametrize("variant", ["proof", "time"])
def test_both_or_neither_in_ten_thousand_interleavings(variant: str) -> None:
    assert [(each.seed, each.fault) for each in explored(variant, range(10_000)) if each.fault] == []


def test_somebody_dies_at_every_step() -> None:
    met = sum((each.met for each in explored("proof", range(300))), Counter[str]())
    stages = ("claim free, money free", "claim locked, money free", "claim locked, money locked")
    for stage in (*stages, "claim locked, money opened", "claim opened, money opened"):
        assert any(name.startswith(("bank dies", "supplier dies")) and name.endswith(stage) for name in met), stage
    for step in ("after lock", "after open", "after refund", "between two proofs", "before it looks"):
        assert any(f"dies {step}" in name for name in met), step


@pytest.mark.parametrize("variant", ["same-end", "long-absence"])
def test_a_broken_plan_is_found(variant: str) -> None:
    """Positive control: what time locks do not promise."""
    faults = {each.fault for each in explored(variant, range(300))} - {""}
    assert faults == {"the claim is not sold, and its price paid"}


def test_a_rule_that_is_left_out_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: a lock that goes back without a proof of what its decider did."""

    def check_nothing(state: StateReader, lock: Lock, lock_no: str, time_us: int) -> None:
        """Whoever asks gets it back."""

    monkeypatch.setattr(hash_lock, "check_may_refund", check_nothing)
    assert any(each.fault for each in explored("proof", range(300)))


def test_a_seed_draws_the_same_twice() -> None:
    assert examine(7, "proof") == examine(7, "proof")
