"""Noise for statistics, by OpenDP (extra `privacy`): discrete Laplace noise out of the machine's own randomness.

With a scale of sensitivity/ε nobody can tell from a table whether one person is in it, but by a factor of e^ε. Numbers
are integers throughout: floats that are added to counts have given exact values away elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nodes.errors import UserError

MILLI = 1_000
_ROOM = 1e-9  # of the scale: what OpenDP rounds upwards must not come above ε


def add_noise(values: Mapping[str, int], sensitivity: int, epsilon_milli: int) -> dict[str, int]:
    """Each value with noise of its own; one person changes all of them together by `sensitivity` at most. Another
    answer each time. Raises UserError where the library is missing."""
    mechanism = _mechanism(sensitivity, epsilon_milli)
    assert mechanism.map(sensitivity) <= epsilon_milli / MILLI, "the noise is less than ε asks for"
    noisy = mechanism(list(values.values()))
    return dict(zip(values, noisy, strict=True))


def error_of(sensitivity: int, epsilon_milli: int) -> int:
    """Within so much of the exact value lie 95 of 100 values."""
    return math.ceil(scale_of(sensitivity, epsilon_milli) * math.log(20))


def scale_of(sensitivity: int, epsilon_milli: int) -> float:
    return sensitivity * MILLI / epsilon_milli * (1 + _ROOM)


def _mechanism(sensitivity: int, epsilon_milli: int) -> Any:
    try:
        import opendp.prelude as dp
    except ImportError:
        raise UserError("statistics need the library OpenDP: pip install 'consortium[privacy]'") from None
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    return dp.m.make_laplace(*space, scale=scale_of(sensitivity, epsilon_milli))
