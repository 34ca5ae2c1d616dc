"""No suspicion without a fault: while nothing is wrong, nobody asks for another leader, however small the load.

What counts as a fault stands in `calm.py`. Load alone is none; neither is having nothing to do.
"""

from __future__ import annotations

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import WITHOUT_NEED, Claim, Kind
from consortium.runs.run import Run


def check_no_suspicion(run: Run) -> list[str]:
    """Each request for another view within a span in which nothing was wrong."""
    spans = calm.calm_spans(run)
    return [
        f"{record['node']} asked for view {record['view']} at {record['t_us'] / 1e6:.3f} s ({record['why']}), and "
        "nothing was wrong"
        for record in run.records.of_kind("view_change")
        if any(span.start_us <= record["t_us"] <= span.end_us for span in spans)
    ]


CHECK = Claim(
    "no suspicion",
    Kind.LIVENESS,
    "While nothing was wrong, nobody asked for another leader.",
    check_no_suspicion,
    lambda run: unchecked.cut_short(run) or ("" if run.records.of_kind("view_change") else unchecked.no_blocks(run)),
    lambda run: bool(calm.calm_spans(run)),
    order=62,
    failing=WITHOUT_NEED,
)
