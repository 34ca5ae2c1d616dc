"""What a distribution of delays is: each lies in a file of its own that offers one value `DISTRIBUTION`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream

DELAY_MAX_US = 1 << 50  # a heavy tail ends here: 35 years
SAMPLES_MAX = 100_000


def _nothing(link: Link) -> str | None:
    return None


class Distribution(NamedTuple):
    """`draw(link, stream)`: one delay in microseconds, 0 or more. `fields`: those of `Link` that it takes beside
    `mean_us` and `deviation_us`, and that mean nothing to others. `explain(link)`: why this delay cannot be meant, in a
    sentence; None: it can."""

    name: str
    draw: Callable[[Link, Stream], int]
    fields: tuple[str, ...] = ()
    explain: Callable[[Link], str | None] = _nothing
