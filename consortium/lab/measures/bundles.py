"""What became of every bundle that its submitter saw executed: when it was submitted, ordered, committed, executed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from consortium.runs.records import Records
from consortium.runs.trace import Record, waited_us


class Bundle(NamedTuple):
    """Times in microseconds since the run began. `due_us`: when an open load wanted it submitted; of everything else,
    when it was. `ordered_us`: its block was first proposed (anywhere); `committed_us`: committed at its submitter. None
    where the trace does not tell (a fetched block, a proposal of a dead node)."""

    node: str
    height: int
    transactions: int
    due_us: int
    submitted_us: int
    ordered_us: int | None
    committed_us: int | None
    executed_us: int

    @property
    def latency_us(self) -> int:
        """From when it was due: a node that stands still hides no wait."""
        return self.executed_us - self.due_us

    @property
    def submit_to_execute_us(self) -> int:
        return self.executed_us - self.submitted_us

    @property
    def submit_to_order_us(self) -> int | None:
        return None if self.ordered_us is None else self.ordered_us - self.submitted_us

    @property
    def submit_to_commit_us(self) -> int | None:
        return None if self.committed_us is None else self.committed_us - self.submitted_us

    @property
    def commit_to_execute_us(self) -> int | None:
        return None if self.committed_us is None else self.executed_us - self.committed_us


def bundles_of(trace: Iterable[Record]) -> list[Bundle]:
    """In the order of their execution. Latency is on the submitter's own clock."""
    proposed: dict[int, int] = {}
    committed: dict[tuple[str, int], int] = {}
    found: list[Bundle] = []
    for record in Records.of(trace).of_kind("proposed", "committed", "included"):
        kind = record["kind"]
        if kind == "proposed":
            proposed.setdefault(record["height"], record["t_us"])
        elif kind == "committed":
            committed.setdefault((record["node"], record["height"]), record["t_us"])
        elif kind == "included":
            node, height, executed_us = record["node"], record["height"], record["t_us"]
            submitted_us = executed_us - record["latency_us"]
            ordered_us = proposed.get(height)
            if ordered_us is not None and ordered_us < submitted_us:
                ordered_us = None  # another batch's proposal at this height, of a view that was left
            place = (node, height, record["transactions"], executed_us - waited_us(record))
            found.append(Bundle(*place, submitted_us, ordered_us, committed.get((node, height)), executed_us))
    found.sort(key=lambda bundle: bundle.executed_us)
    return found
