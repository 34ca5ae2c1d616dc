"""Many small parts into few large wholes: what fits into one message or payload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def group_by_size(parts: Sequence[bytes], bytes_max: int, count_max: int) -> Iterator[list[bytes]]:
    """The parts in order, in groups of at most `count_max` and `bytes_max`; a part that is larger is a group alone."""
    group: list[bytes] = []
    size = 0
    for part in parts:
        if group and (size + len(part) > bytes_max or len(group) == count_max):
            yield group
            group, size = [], 0
        group.append(part)
        size += len(part)
    if group:
        yield group
