"""Quorum arithmetic, written once. `2f+1` is wrong where n is not 3f+1 (n=5: two sets of 3 may share one traitor)."""

from __future__ import annotations


def faults_max(n: int) -> int:
    """f = ⌊(n−1)/3⌋, the traitors that n members survive."""
    assert n >= 1
    return (n - 1) // 3


def quorum_size(n: int) -> int:
    """⌈(n+f+1)/2⌉: any two quorums share an honest member, and n−f honest members make one."""
    f = faults_max(n)
    size = -(-(n + f + 1) // 2)
    assert 2 * size - n > f, "two quorums must share at least one honest member"
    assert size <= n - f, "the honest members alone must make a quorum"
    return size


def weak_size(n: int) -> int:
    """f+1: at least one of them is honest."""
    return faults_max(n) + 1
