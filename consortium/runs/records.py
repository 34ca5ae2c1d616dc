"""The records of a run with an index: by kind, by node and by span of time, built once a run and only where asked.

Checks, measures and figures read a trace through this, so that none of them walks the whole trace for a few records,
and none of them knows how a trace lies on disk.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import pairwise
from typing import TypeVar, overload

from consortium.runs.trace import Record

T = TypeVar("T")

SILENCE_US = 500_000  # of a trace whose network nobody knows


class Records(Sequence[Record]):
    """A trace, or a part of one, in the order of the trace. It does not change: it keeps the records, not the list.

    What is found out from it may be kept with it (`computed`), since the same question is asked many times a report."""

    def __init__(self, trace: Iterable[Record]) -> None:
        self.patience: Callable[[], int] = lambda: SILENCE_US  # a run's follows from its network and protocol
        self._records: tuple[Record, ...] = tuple(trace)
        self._times: tuple[int, ...] | None = None
        self._is_sorted = True
        self._positions: dict[str, list[int]] | None = None
        self._of_kind: dict[tuple[str, ...], Records] = {}
        self._of_node: dict[str, Records] | None = None
        self._computed: dict[object, object] = {}

    @classmethod
    def of(cls, trace: Iterable[Record]) -> Records:
        """The trace itself where it has an index already; else with a new one."""
        return trace if isinstance(trace, Records) else cls(trace)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> Record | Records:
        return Records(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._records == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # its records can be changed by who holds them

    def of_kind(self, *kinds: str) -> Records:
        """The records of these kinds. Asked again, the same answer without a new search."""
        found = self._of_kind.get(kinds)
        if found is None:
            index = self._kind_index()
            places = merge(*(index.get(kind, ()) for kind in dict.fromkeys(kinds)))
            found = self._of_kind[kinds] = Records(self._records[place] for place in places)
        return found

    def of_node(self, name: str) -> Records:
        """The records that this node wrote; of the empty name those of the driver."""
        if self._of_node is None:
            lists: dict[str, list[Record]] = {}
            for record in self._records:
                lists.setdefault(record["node"], []).append(record)
            self._of_node = {node: Records(held) for node, held in lists.items()}
        return self._of_node.get(name) or Records(())

    def between(self, from_us: int, to_us: int) -> Records:
        """The records of `from_us <= t_us <= to_us`, both ends included: by bisection where the trace is in order of
        time, as all are that were written as a whole."""
        times = self._time_index()
        if self._is_sorted:
            return Records(self._records[bisect_left(times, from_us) : bisect_right(times, to_us)])
        return Records(record for record in self._records if from_us <= record["t_us"] <= to_us)

    @property
    def silence_us(self) -> int:
        """A silence of so long while work waits is no ordinary service."""
        return self.computed(_silence_us)

    @property
    def nodes(self) -> frozenset[str]:
        """Who wrote at least one of these records."""
        self.of_node("")
        assert self._of_node is not None
        return frozenset(self._of_node)

    @property
    def end_us(self) -> int:
        """The latest time of a record; 0 where there is none."""
        times = self._time_index()
        return (times[-1] if self._is_sorted else max(times)) if times else 0

    def computed(self, make: Callable[[Records], T]) -> T:
        """What this function says of the records; it is asked once. Its answer must not be changed by anybody."""
        if make not in self._computed:
            self._computed[make] = make(self)
        return self._computed[make]  # type: ignore[return-value]

    def _kind_index(self) -> dict[str, list[int]]:
        if self._positions is None:
            index: dict[str, list[int]] = {}
            for place, record in enumerate(self._records):
                index.setdefault(record["kind"], []).append(place)
            self._positions = index
        return self._positions

    def _time_index(self) -> tuple[int, ...]:
        if self._times is None:
            self._times = tuple(record["t_us"] for record in self._records)
            self._is_sorted = all(one <= two for one, two in pairwise(self._times))
        return self._times


def _silence_us(records: Records) -> int:
    return records.patience()
