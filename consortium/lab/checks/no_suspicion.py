"""No suspicion without a fault: while nothing is wrong, nobody suspects a leader, however small the load.

What counts as a fault stands in `calm.py`. Load alone is none; neither is having nothing to do.
"""

from __future__ import annotations

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import WITHOUT_NEED, Claim, Kind
from consortium.runs.run import Run
from consortium.runs.trace import Record

SUSPICIONS = ("suspect", "view_change")  # what a node notes when it suspects, and when it leaves its leader's view


def check_no_suspicion(run: Run) -> list[str]:
    """Each suspicion, and each request for another view, within a span in which nothing was wrong."""
    spans = calm.calm_spans(run)
    return [
        f"{record['node']} {_words(record)} at {record['t_us'] / 1e6:.3f} s ({record['why']}), and nothing was wrong"
        for record in run.records.of_kind(*SUSPICIONS)
        if any(span.start_us <= record["t_us"] <= span.end_us for span in spans)
    ]


def _words(record: Record) -> str:
    is_left = record["kind"] == "view_change"
    return f"{'asked for' if is_left else 'suspected the leader of'} view {record['view']}"


CHECK = Claim(
    "no suspicion",
    Kind.LIVENESS,
    "While nothing was wrong, nobody suspected a leader.",
    check_no_suspicion,
    lambda run: unchecked.cut_short(run) or ("" if run.records.of_kind(*SUSPICIONS) else unchecked.no_blocks(run)),
    lambda run: bool(calm.calm_spans(run)),
    order=62,
    failing=WITHOUT_NEED,
)
