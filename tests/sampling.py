"""What a change waits for, and what a night is for: a sample of many like cases, and a share of many examples.

The sample is chosen by a hash of each case's name: it is the same everywhere, and a case that is added moves one other
at most. What is not in it has the mark `nightly`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import pytest
from hypothesis import settings

T = TypeVar("T")

EXAMPLES_SHARE = 4  # `make test` takes one in four of the examples that `make properties` takes at least


def sampled(cases: Sequence[T], count: int, name: Callable[[T], str] = str, always: Collection[str] = ()) -> list[Any]:
    """Parameters for `pytest.mark.parametrize`: all cases in their order, of which `count` are no work for the night.
    `always`: names of those that are in the sample whatever their hash says, first of all."""
    names = [name(case) for case in cases]
    assert len(set(names)) == len(names) and set(always) <= set(names), "cases have names of their own"
    by_hash = sorted(names, key=lambda each: (each not in always, sha256(each.encode()).digest()))
    chosen = set(by_hash[:count])
    return [
        pytest.param(case, id=each, marks=() if each in chosen else pytest.mark.nightly)
        for case, each in zip(cases, names, strict=True)
    ]


def examples(whole: int) -> int:
    """How many examples a property takes: all of them where they are random, else a share of them."""
    return max(1, whole // EXAMPLES_SHARE) if settings.default.derandomize else whole
