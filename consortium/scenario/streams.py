"""Random numbers by purpose: each stream is a keyed counter, so that adding a fault reshuffles no delay."""

from __future__ import annotations

import math
from hashlib import blake2b
from statistics import NormalDist

_NORMAL = NormalDist()
_MASK = (1 << 64) - 1


class Stream:
    """Numbers that depend on seed, purpose and how many were drawn, and on nothing else (splitmix64 over a counter)."""

    __slots__ = ("state",)

    def __init__(self, seed: int, *purpose: str) -> None:
        name = "\x00".join((str(seed), *purpose)).encode()
        self.state = int.from_bytes(blake2b(name, digest_size=8).digest(), "big")

    @classmethod
    def at(cls, state: int) -> Stream:
        """A stream that stands where another one did."""
        stream = cls.__new__(cls)
        stream.state = state
        return stream

    def bits(self) -> int:
        """64 uniform bits."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def uniform(self) -> float:
        """In the open interval (0, 1)."""
        return ((self.bits() >> 11) + 0.5) * (1.0 / (1 << 53))

    def below(self, limit: int) -> int:
        """0 ≤ result < limit, for limits far below 2**64."""
        return (self.bits() * limit) >> 64

    def normal(self, mean: float, deviation: float) -> float:
        return mean + deviation * _NORMAL.inv_cdf(self.uniform())

    def lognormal(self, mean: float, deviation: float) -> float:
        """Log-normal with this mean and standard deviation of the value itself."""
        return mean if deviation <= 0 else math.exp(self.normal(*self.lognormal_shape(mean, deviation)))

    @staticmethod
    def lognormal_shape(mean: float, deviation: float) -> tuple[float, float]:
        """Mean and deviation of the logarithm."""
        variance = math.log1p((deviation / mean) ** 2)
        return math.log(mean) - variance / 2, math.sqrt(variance)

    def pareto(self, minimum: float, shape: float) -> float:
        """Pareto (type I): never below `minimum`; above twice of it with probability 2 to the minus `shape`."""
        return minimum * math.exp(min(64.0, -math.log(self.uniform()) / shape))
