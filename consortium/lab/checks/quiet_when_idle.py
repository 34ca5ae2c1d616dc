"""Quiet when idle: while nothing waits and everything is sealed, a node hardly says anything.

Judged between two `traffic` notes of a node, ten seconds apart, that both lie in one idle span. A span is idle from the
moment at which nothing waits, nothing is left to seal and nothing happened any more, and a while for back-offs to end.
"""

from __future__ import annotations

from itertools import pairwise

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import WITHOUT_NEED, Claim, Kind
from consortium.lab.checks.traces import running_nodes
from consortium.lab.measures.series import Span, distinct_submissions, first_executions
from consortium.runs.run import Run
from consortium.runs.trace import Record

MESSAGES_MAX = 2  # a node and ten seconds: where it stands, and one to spare
TEN_SECONDS_US = 10_000_000
SETTLE_US = 20_000_000  # after work and faults: what was lost is said again, ten seconds later at the latest
HAPPENINGS = ("executed", "sealed", "caught_up", "snapshot", "submitted", "epoch")


def check_quiet_when_idle(run: Run) -> list[str]:
    """Each node that said more than MESSAGES_MAX messages in ten seconds of an idle span."""
    failures = []
    spans = idle_spans(run)
    for name in running_nodes(run.trace) if spans else ():
        for before, after in pairwise(run.records.of_node(name).of_kind("traffic")):
            is_idle = any(span.start_us <= before["t_us"] and after["t_us"] <= span.end_us for span in spans)
            if not is_idle or before["life"] != after["life"]:
                continue
            said = _messages(after) - _messages(before)
            tens = max(1, -(-(after["t_us"] - before["t_us"]) // TEN_SECONDS_US))
            if said > MESSAGES_MAX * tens:
                failures.append(
                    f"{name} said {said} messages from {before['t_us'] / 1e6:.1f} s to {after['t_us'] / 1e6:.1f} s, "
                    "while nothing waited"
                )
    return failures


def _messages(record: Record) -> int:
    return sum(messages for _, _, messages, _ in record["sent"])


def idle_spans(run: Run) -> list[Span]:
    """Spans in which nothing waited, all that was executed was sealed, and nothing happened or was wrong."""
    moments = sorted({*calm.trouble_times_us(run), *(record["t_us"] for record in run.records.of_kind(*HAPPENINGS))})
    moments.append(run.records.end_us)
    settle_us = SETTLE_US + run.genesis.parameters.idle_seal_us
    spans = [Span(start_us + settle_us, end_us - 1, "idle") for start_us, end_us in pairwise(moments)]
    return [span for span in spans if span.length_us >= TEN_SECONDS_US and _is_idle(run, span.start_us)]


def _is_idle(run: Run, t_us: int) -> bool:
    """Whether nothing waits at this moment, every node that runs has executed and sealed the highest block, and no link
    is cut or bad."""
    submitted = sum(record["transactions"] for record in distinct_submissions(run.trace) if record["t_us"] <= t_us)
    executed = sum(record["transactions"] for record in first_executions(run.trace) if record["t_us"] <= t_us)
    if submitted > executed or any(not each.target or each.is_lie for each in calm.standing(run, t_us)):
        return False
    heads: dict[str, int] = {}
    sealed: dict[str, int] = {}
    for record in run.records.of_kind("executed", "snapshot", "sealed"):
        if record["t_us"] <= t_us:
            reached = sealed if record["kind"] == "sealed" else heads
            reached[record["node"]] = max(reached.get(record["node"], 0), record["height"])
    running = running_nodes(run.trace)
    highest = max(heads.values(), default=0)
    return highest > 0 and all(heads.get(name) == sealed.get(name) == highest for name in running)


CHECK = Claim(
    "quiet when idle",
    Kind.LIVENESS,
    "While nothing waited, no node said more than two messages in ten seconds.",
    check_quiet_when_idle,
    unchecked.uncounted,
    is_asked=lambda run: bool(idle_spans(run)),
    order=68,
    failing=WITHOUT_NEED,
)
