"""Figures over time, taken from a trace: rates and quantiles in bins, spans of leaders, of outages and of nodes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from consortium.runs.records import Records
from consortium.runs.trace import Record, waited_us
from consortium.scenario.faults import condition_after, find_act

BINS_MAX = 120


_CONDITIONS = {
    "booted": "up",
    "view_change": "changing",
    "new_view": "up",
    "committed": "up",
    "catching_up": "catching up",
    "caught_up": "up",
}


def is_repair(record: Record) -> bool:
    """Whether a `fault` record tells of no harm: a node is back, a link open, a behaviour over, a disk copied."""
    act = find_act(record["act"])
    is_harmless = act is not None and (act.nature != "harm" or act.ends_itself(record))
    return is_harmless or record.get("phase") == "end"


def bends_clock(record: Record) -> bool:
    """Whether a `fault` record tells of something done to the clocks of its target."""
    act = find_act(record["act"])
    return act is not None and act.touches == "clock"


def fault_words(record: Record) -> str:
    """`kill bureau`, `loss ppm=200000`, `behaviour silent bureau begins`, of a `fault` record."""
    told = ("t_us", "node", "kind", "act", "target", "phase")
    options = [f"{key}={value}" for key, value in record.items() if key not in told]
    phase = {"begin": "begins", "end": "ends"}.get(record.get("phase", ""), "")
    act = record["act"].replace(":", " ").replace("_", " ")
    return " ".join(word for word in (act, record.get("target", ""), *options, phase) if word)


class Span(NamedTuple):
    """From `start_us` to `end_us`; `label` says of what (a leader's name, a node's condition)."""

    start_us: int
    end_us: int
    label: str

    @property
    def length_us(self) -> int:
        return self.end_us - self.start_us


class Bins(NamedTuple):
    """Values per bin of `width_us`, the first beginning at 0."""

    width_us: int
    values: tuple[float, ...]


def quantile(ordered: Sequence[int], share: float) -> int:
    """Nearest rank: the smallest value with at least `share` of all values at or below it. Of an empty list 0."""
    if not ordered:
        return 0
    rank = -(-int(share * 1_000_000) * len(ordered) // 1_000_000)
    return ordered[min(len(ordered) - 1, max(0, rank - 1))]


def bin_width_us(duration_us: int) -> int:
    """1 s, or the step of 1, 2, 5 × 10^k s that gives 20 to BINS_MAX bins."""
    if 20_000_000 <= duration_us <= BINS_MAX * 1_000_000:
        return 1_000_000
    width = 1_000
    for step in _steps():
        width = step
        if duration_us / step <= (BINS_MAX if step > 1_000_000 else 60):
            break
    return width


def _steps() -> Iterable[int]:
    scale = 1_000
    while True:
        yield from (scale, 2 * scale, 5 * scale)
        scale *= 10


def first_executions(trace: Iterable[Record]) -> list[Record]:
    """For each height the `executed` record of whoever was first, by time; height 0 is the genesis file, not work."""
    return list(Records.of(trace).computed(_first_executions))


def _first_executions(trace: Records) -> list[Record]:
    first: dict[int, Record] = {}
    for record in trace.of_kind("executed"):
        if record["height"] > 0:
            known = first.get(record["height"])
            if known is None or record["t_us"] < known["t_us"]:
                first[record["height"]] = record
    return sorted(first.values(), key=lambda record: (record["t_us"], record["height"]))


def distinct_submissions(trace: Iterable[Record]) -> list[Record]:
    """`submitted` records, each bundle once (a node that came back may say it again), by time; without those that were
    signed again with another key, or said again under another number, and without what an application handed in and
    nobody could execute."""
    return list(Records.of(trace).computed(_distinct_submissions))


def _distinct_submissions(trace: Records) -> list[Record]:
    first: dict[str, Record] = {}
    for record in trace.of_kind("submitted", "renumbered", "hand_in_dropped"):
        if record["kind"] == "submitted":
            first.setdefault(record["bundle"], record)
            first.pop(record.get("replaces", ""), None)
        else:
            first.pop(record["bundle"], None)
    return list(first.values())


def duration_us(trace: Sequence[Record]) -> int:
    """The time of the latest record; 0 for an empty trace."""
    return Records.of(trace).end_us


def throughput(trace: Sequence[Record], width_us: int) -> Bins:
    """Committed transactions a second per bin, each counted when the first node executed it."""
    counts = [0] * (duration_us(trace) // width_us + 1)
    for record in first_executions(trace):
        counts[record["t_us"] // width_us] += record["transactions"]
    return Bins(width_us, tuple(count * 1_000_000 / width_us for count in counts))


def latencies(trace: Iterable[Record]) -> list[tuple[int, int]]:
    """(when, latency_us from when it was due) of every bundle at its submitter, by time of execution."""
    return [(record["t_us"], waited_us(record)) for record in Records.of(trace).of_kind("included")]


def latency_quantiles(trace: Sequence[Record], width_us: int, share: float) -> list[tuple[float, float]]:
    """(middle of the bin in seconds, latency in milliseconds) for every bin in which something was executed."""
    bins: dict[int, list[int]] = {}
    for t_us, latency in latencies(trace):
        bins.setdefault(t_us // width_us, []).append(latency)
    return [
        ((index + 0.5) * width_us / 1e6, quantile(sorted(values), share) / 1e3)
        for index, values in sorted(bins.items())
    ]


def service_gaps(trace: Sequence[Record], gap_min_us: int | None = None) -> list[Span]:
    """Intervals of at least `gap_min_us` in which work waited and no node executed anything; None: of more than is
    ordinary on that network under that protocol. Work waits where more was submitted than executed; and for certain
    from the submission of a bundle to its execution at its submitter."""
    records = Records.of(trace)
    if gap_min_us is None:
        return list(records.computed(_gaps_told))
    return _service_gaps(records, gap_min_us)


def silence_words(trace: Sequence[Record]) -> str:
    """`0.5 s`: the shortest silence that is told."""
    return f"{Records.of(trace).silence_us / 1e6:.3g} s"


def _gaps_told(trace: Records) -> list[Span]:
    return _service_gaps(trace, trace.silence_us)


def _service_gaps(trace: Records, gap_min_us: int) -> list[Span]:
    executions = first_executions(trace)
    changes = [(record["t_us"], 0, record["transactions"]) for record in distinct_submissions(trace)]
    changes += [(record["t_us"], 1, -record["transactions"]) for record in executions]
    gaps: list[Span] = []
    waiting = 0
    since: int | None = None
    for t_us, is_execution, transactions in sorted(changes):
        if is_execution and since is not None:
            if t_us - since >= gap_min_us:
                gaps.append(Span(since, t_us, "no service"))
            since = None
        waiting += (
            transactions  # may be below 0 for a while: a killed node's word that it submitted comes late, or never
        )
        if waiting <= 0:
            since = None
        elif since is None:
            since = t_us
    end_us = duration_us(trace)
    is_done = any(record["verdict"] == "done" for record in trace.of_kind("ended"))  # nobody waits then
    if since is not None and end_us - since >= gap_min_us and not is_done:
        gaps.append(Span(since, end_us, "no service"))
    return _joined([*gaps, *_silent_waits(trace, [record["t_us"] for record in executions], gap_min_us)])


def _silent_waits(trace: Records, executed_us: Sequence[int], gap_min_us: int) -> list[Span]:
    """Silences while a bundle waited of which we know how long: a count of transactions may lie where some were
    refused and submitted again. By clocks that nothing was done to."""
    bent = {record["target"] for record in trace.of_kind("fault") if bends_clock(record)}
    found = []
    for record in trace.of_kind("included"):
        if record["latency_us"] < gap_min_us or record["node"] in bent:
            continue
        t_us, latency = record["t_us"], record["latency_us"]
        since = t_us - latency
        inside = executed_us[bisect_right(executed_us, since) : bisect_right(executed_us, t_us)]
        moments = [since, *inside]
        found += [Span(one, two, "no service") for one, two in pairwise(moments) if two - one >= gap_min_us]
    return found


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Overlapping ones as one, in order."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start_us < joined[-1].end_us:
            joined[-1] = joined[-1]._replace(end_us=max(span.end_us, joined[-1].end_us))
        else:
            joined.append(span)
    return joined


def leader_spans(trace: Sequence[Record]) -> list[Span]:
    """Who led, from the first node that entered a view to the first that entered a higher one of the same chain. Where
    view 0 proposed nothing the trace does not tell whose it was: the label of its span is empty."""
    return list(Records.of(trace).computed(_leader_spans))


def _leader_spans(trace: Records) -> list[Span]:
    starts: list[tuple[int, str]] = []
    highest = -1
    for record in trace.of_kind("new_view", "proposed"):
        if record["kind"] == "new_view" and record["view"] > highest:
            if not starts and record["view"] > 0:
                starts.append((0, ""))
            highest = record["view"]
            starts.append((record["t_us"], record["leader"]))
        elif record["kind"] == "proposed" and record["view"] > highest:
            if not starts and record["view"] > 0:
                starts.append((0, ""))
            highest = record["view"]
            starts.append((0 if not starts else record["t_us"], record["node"]))
    ends = [*(t_us for t_us, _ in starts[1:]), duration_us(trace)]
    return [Span(start, end, leader) for (start, leader), end in zip(starts, ends, strict=False)]


def node_spans(trace: Sequence[Record]) -> dict[str, list[Span]]:
    """Per node, by name: spans labelled up, down, paused, changing (wants a new view), catching up."""
    return dict(Records.of(trace).computed(_node_spans))


def _node_spans(trace: Records) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = {}
    current: dict[str, tuple[int, str]] = {}

    def turn(node: str, t_us: int, label: str | None) -> None:
        since = current.pop(node, None)
        if since is not None and t_us > since[0]:
            spans.setdefault(node, []).append(Span(since[0], t_us, since[1]))
        if label is not None:
            current[node] = (t_us, label)

    for record in trace.of_kind("fault", "exited", *_CONDITIONS):
        node, label = _condition(record)
        known = current.get(node)
        if label is None or (known is not None and known[1] == label):
            continue
        if known is not None and known[1] in ("down", "paused") and record["kind"] not in ("booted", "fault"):
            continue  # what a dying process still wrote
        turn(node, record["t_us"], label)
    for node in list(current):
        turn(node, duration_us(trace), None)
    return dict(sorted(spans.items()))


def _condition(record: Record) -> tuple[str, str | None]:
    """The node that a record tells of, and the condition that it enters; None where it says nothing of that."""
    kind = record["kind"]
    if kind == "fault":
        return record["target"], condition_after(record["act"])
    if kind == "exited" and record["code"] not in (0, -15):
        return record["node"], "down"
    return record["node"], _CONDITIONS.get(kind)
