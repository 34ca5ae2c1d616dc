"""What was done to a run, as spans of time: from a fault to its repair, from a behaviour's beginning to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from consortium.lab.measures import series
from consortium.runs.records import Records
from consortium.runs.trace import Record
from consortium.scenario.faults import find_act

PPM_A_PERCENT = 10_000


class Disturbance(NamedTuple):
    """`target`: the node that it is of, empty where it is of the network, the links or the broker. `is_lie`: a
    behaviour of that node. `is_open`: nothing ended it before the run did."""

    start_us: int
    end_us: int
    target: str
    words: str
    is_lie: bool
    is_open: bool


def disturbances(trace: Sequence[Record]) -> list[Disturbance]:
    """In order of their beginnings. What no act can end (a disk that was copied) is none."""
    records = Records.of(trace).of_kind("fault")
    end_us = series.duration_us(trace)
    found = []
    for index, record in enumerate(records):
        act, target = str(record["act"]), str(record.get("target", ""))
        is_lie = act.startswith("behaviour:")
        if (is_lie and record.get("phase") != "begin") or (not is_lie and not _begins(record)):
            continue
        later = records[index + 1 :]
        mend = next((other for other in later if _ends(other, act, target)), None)
        start_us = min(record["t_us"], end_us)
        until_us = end_us if mend is None else mend["t_us"]
        found.append(Disturbance(start_us, until_us, target, _words(record), is_lie, mend is None))
    return found


def _begins(record: Record) -> bool:
    act = find_act(record["act"])
    return act is not None and bool(act.mended_by) and not act.ends_itself(record)


def _ends(other: Record, act: str, target: str) -> bool:
    if act.startswith("behaviour:"):
        return other["act"] == act and other.get("target", "") == target and other.get("phase") == "end"
    begun = find_act(act)
    assert begun is not None, f"{act} began, so it is known"
    return other["act"] in begun.mended_by and other.get("target", "") == target


def _words(record: Record) -> str:
    """`loss 20 %`, `equivocating leader`, `down`, `partition`."""
    act = str(record["act"])
    known = find_act(act)
    if known is not None and known.state:
        return known.state
    words = act.partition(":")[2] or act
    options = []
    if "ppm" in record:
        options.append(f"{record['ppm'] / PPM_A_PERCENT:g} %")
    if "mean_us" in record:
        options.append(f"{record['mean_us'] / 1e3:g} ms")
    return " ".join((words.replace("_", " "), *options))


class Phase(NamedTuple):
    """A part of a run: before, during or after what was done to it."""

    name: str
    start_us: int
    end_us: int


def phases(trace: Sequence[Record]) -> list[Phase]:
    """`before`, `during` (from the first disturbance to the end of the last one) and `after`; those of some length. Of
    a run that nothing was done to one: `the run`."""
    end_us = series.duration_us(trace)
    found = disturbances(trace)
    if not found:
        return [Phase("the run", 0, end_us)]
    first_us, last_us = min(each.start_us for each in found), max(each.end_us for each in found)
    parts = (Phase("before", 0, first_us), Phase("during", first_us, last_us), Phase("after", last_us, end_us))
    return [part for part in parts if part.end_us > part.start_us]
