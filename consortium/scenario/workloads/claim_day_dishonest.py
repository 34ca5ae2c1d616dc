"""What a dishonest hospital does in a working day: it pads the sums of bills, and claims for other persons."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from consortium.roles.hospital import Visit
from consortium.scenario.load import ScenarioError

PADDING_FEN = 50_000


def pad(visits: list[Visit], own: Sequence[int], count: int) -> None:
    """`count` of the visits at the places `own`, evenly spread, get 500 yuan more than their lines come to."""
    _check("padded", own, count)
    for serial in range(count):
        at = own[serial * len(own) // count]
        visits[at] = replace(visits[at], padding_fen=PADDING_FEN)


def swap_persons(visits: list[Visit], own: Sequence[int], count: int) -> None:
    """The dearest `count` of them are claimed as if they had been those of another patient, who was there that year."""
    left = count
    for at in sorted(own, key=lambda at: (-_cost_fen(visits[at]), at)):
        visit = visits[at]
        others = (one.psn_no for one in visits if one.enddate // 10_000 == visit.enddate // 10_000)
        other = next((psn_no for psn_no in others if psn_no != visit.psn_no), "")
        if left and other:
            visits[at] = replace(visit, psn_no=other)
            left -= 1
    _check("swapped", own[: count - left], count)


def _cost_fen(visit: Visit) -> int:
    return sum(line.cnt * line.pric for line in visit.lines)


def _check(option: str, own: Sequence[int], count: int) -> None:
    if count > len(own):
        raise ScenarioError(f"workload.options.{option} is {count}: the last hospital has {len(own)} such visits")
