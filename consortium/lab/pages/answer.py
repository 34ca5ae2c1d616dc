"""What a run answers, in figures and words: service before, during and after what was done; who was blamed, and how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from consortium.lab.checks.culprits import accusations, first_fork
from consortium.lab.figures.overview import LAG_MIN, LAG_POINTS, lags, observing_spans, slowest_submitter
from consortium.lab.figures.plots import milliseconds
from consortium.lab.measures import series
from consortium.lab.measures.disturbances import Phase, disturbances, phases
from consortium.runs.records import Records
from consortium.runs.run import Run
from consortium.runs.trace import Record, count_refused, reject_reason, waited_us

COLUMNS = (
    "",
    "seconds",
    "transactions / s",
    "median wait",
    "p99 wait",
    "longest without service",
    "leader changes",
    "rejected",
)
DONE_COLUMNS = ("what was done", "to", "from (s)", "to (s)", "longest without service", "leader changes")
DONE_MAX = 14  # rows
REASONS_MAX = 4
NODES_MAX = 8  # sentences of one sort


class PhaseFigures(NamedTuple):
    """Of a part of the run. `rate`: transactions executed a second, of its whole length. Waits are those of the bundles
    executed in it (None: there was none). `gap_us`: the longest silence while work waited, in the part that holds most
    of it."""

    phase: Phase
    rate: float
    wait_p50_us: int | None
    wait_p99_us: int | None
    gap_us: int
    views: int
    rejected: int

    def row(self) -> tuple[str, ...]:
        waits = (self.wait_p50_us, self.wait_p99_us)
        length_us = self.phase.end_us - self.phase.start_us
        return (
            self.phase.name,
            f"{length_us / 1e6:.2f}",
            f"{self.rate:,.1f}",
            *("-" if wait is None else milliseconds(wait / 1e3) for wait in waits),
            milliseconds(self.gap_us / 1e3),
            f"{self.views:,}",
            f"{self.rejected:,}",
        )


def phase_figures(trace: Sequence[Record]) -> list[PhaseFigures]:
    """One each for before, during and after; one for the run where nothing was done to it."""
    parts = phases(trace)
    gaps = series.service_gaps(trace, 1)
    executions = series.first_executions(trace)
    entered = _entered(trace)
    included, rejected = (Records.of(trace).of_kind(kind) for kind in ("included", "rejected"))
    found = []
    for part in parts:
        waits = sorted(waited_us(record) for record in included if _is_in(part, record["t_us"], parts))
        done = sum(record["transactions"] for record in executions if _is_in(part, record["t_us"], parts))
        silences = [gap.length_us for gap in gaps if max(parts, key=lambda each: _shared_us(each, gap)) is part]
        found.append(
            PhaseFigures(
                part,
                done * 1e6 / max(1, part.end_us - part.start_us),
                series.quantile(waits, 0.5) if waits else None,
                series.quantile(waits, 0.99) if waits else None,
                max(silences, default=0),
                sum(_is_in(part, t_us, parts) for t_us in entered.values()),
                sum(count_refused(record) for record in rejected if _is_in(part, record["t_us"], parts)),
            )
        )
    return found


def each_done(trace: Sequence[Record]) -> list[tuple[str, ...]]:
    """A row of DONE_COLUMNS for everything that was done to the run, where that is more than one thing. The silence is
    the longest that began while it lasted, or in which it began."""
    done = disturbances(trace)
    if len(done) < 2:
        return []
    gaps = series.service_gaps(trace, 1)
    entered = _entered(trace)
    rows: list[tuple[str, ...]] = []
    for each in done[:DONE_MAX]:
        silences = [gap for gap in gaps if gap.start_us <= each.end_us and gap.end_us >= each.start_us]
        longest_us = max((gap.length_us for gap in silences), default=0)
        views = sum(each.start_us <= t_us <= each.end_us for t_us in entered.values())
        end = "the end" if each.is_open else f"{each.end_us / 1e6:.2f}"
        where = each.target or "the network"
        rows.append((each.words, where, f"{each.start_us / 1e6:.2f}", end, milliseconds(longest_us / 1e3), f"{views}"))
    if len(done) > DONE_MAX:
        rows.append((f"and {len(done) - DONE_MAX} more", "", "", "", "", ""))
    return rows


def _entered(trace: Sequence[Record]) -> dict[int, int]:
    """For each view above 0 the time when the first node entered it, in microseconds."""
    entered: dict[int, int] = {}
    for record in Records.of(trace).of_kind("new_view"):
        if record["view"] > 0:
            entered.setdefault(record["view"], record["t_us"])
    return entered


def _is_in(part: Phase, t_us: int, parts: Sequence[Phase]) -> bool:
    return part.start_us <= t_us < part.end_us or (part is parts[-1] and t_us == part.end_us)


def _shared_us(part: Phase, gap: series.Span) -> int:
    return min(part.end_us, gap.end_us) - max(part.start_us, gap.start_us)


def sentences(run: Run) -> list[str]:
    """What the figures leave out: who was accused and by what proof, what was rejected, what became of each node."""
    return [
        *_proofs(run),
        *_rejections(run),
        *_slow(run),
        *_conditions(run),
    ]


def _proofs(run: Run) -> list[str]:
    found = []
    fork = first_fork(run)
    if fork is not None:
        found.append(f"The ledger forked: {fork.sentence()}.")
    told: dict[str, None] = {}
    for each in accusations(run):
        is_true = "a traitor of this scenario" if each.culprit in run.traitors else "NOT a traitor of this scenario"
        told[
            f"Convicted on the ledger: {each.culprit} ({is_true}), of two {each.vote} messages in view {each.view} at "
            f"height {each.vote_height}; reported by {each.reporter}, recorded at height {each.height}."
        ] = None
    if run.traitors and not told and fork is None:
        told["Nobody was convicted: nothing was said that two signatures could prove to be a lie."] = None
    return found + list(told)


def _rejections(run: Run) -> list[str]:
    rejected = run.honest.records.of_kind("rejected")
    if not rejected:
        return []
    by_reason: Counter[str] = Counter()
    by_sender: Counter[str] = Counter()
    for record in rejected:
        by_reason[reject_reason(record)] += count_refused(record)
        by_sender[record["sender"] or "nobody that could be told"] += count_refused(record)
    reasons = by_reason.most_common()
    told = ", ".join(f"{count:,} × {reason}" for reason, count in reasons[:REASONS_MAX])
    more = f", and {len(reasons) - REASONS_MAX} reasons more" if len(reasons) > REASONS_MAX else ""
    by = ", ".join(f"{sender} ({count:,})" for sender, count in by_sender.most_common(REASONS_MAX))
    return [f"Honest members rejected {by_reason.total():,} messages: {told}{more}. They came from {by}."]


def _slow(run: Run) -> list[str]:
    slow = slowest_submitter(run.trace)
    if not slow:
        return []
    included = run.records.of_kind("included")
    waits = sorted(waited_us(r) for r in included if r["node"] == slow)
    others = sorted(waited_us(r) for r in included if r["node"] != slow)
    own, rest = (milliseconds(values[-1] / 1e3) for values in (waits, others))
    return [f"Bundles of {slow} waited longest: up to {own}; those of the others up to {rest}."]


def _conditions(run: Run) -> list[str]:
    """Damage, observing, lagging, who was not listened to: of each sort the first few."""
    sorts: dict[str, list[str]] = {}
    heights = {record["node"]: None for record in run.records.of_kind("executed")}
    for record in run.honest.records.of_kind("shut_out"):
        words = f"{record['node']} did not listen to {record['publisher']} for {record['for_us'] / 1e6:g} s"
        sorts.setdefault("shut out", []).append(f"{words} from {record['t_us'] / 1e6:.2f} s on: {record['why']}.")
    for version in dict.fromkeys((r["contract"], r["version"], r["height"]) for r in run.records.of_kind("rules")):
        words = "Version {1} of contract {0} executed from block {2} on, by a vote of the members.".format(*version)
        sorts.setdefault("rules", []).append(words)
    for record in run.records.of_kind("exited", "damaged"):
        kind, node, at_s = record["kind"], record["node"], record["t_us"] / 1e6
        if kind == "exited" and record.get("why"):
            sorts.setdefault(kind, []).append(f"{node} stopped by itself at {at_s:.2f} s: {record['why']}.")
        elif kind == "damaged":
            sorts.setdefault(kind, []).append(f"Damage at {node}, at {at_s:.2f} s: {record['what']}.")
    for node, lag in lags(run.trace, [name for name in heights if name not in run.traitors]).items():
        if max(lag) >= LAG_MIN:
            level = next((index for index in range(len(lag), 0, -1) if lag[index - 1] >= LAG_MIN), 0)
            at_s = level * series.duration_us(run.trace) / LAG_POINTS / 1e6
            end = f"level again at about {at_s:.2f} s" if level < len(lag) else "and not level at the end"
            sorts.setdefault("behind", []).append(f"{node} was up to {max(lag):,} blocks behind, {end}.")
    for span in observing_spans(run.trace):
        words = f"{span.label} does not vote from {span.start_us / 1e6:.2f} s to {span.end_us / 1e6:.2f} s."
        sorts.setdefault("observing", []).append(words)
    told = []
    for kind, found in sorted(sorts.items()):
        told += found[:NODES_MAX]
        if len(found) > NODES_MAX:
            told.append(f"And {len(found) - NODES_MAX} more of the kind «{kind.replace('_', ' ')}».")
    return told
