"""Progress: once the last fault is over, waiting work is executed."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.traces import last_fault_us
from consortium.lab.measures.series import distinct_submissions
from consortium.runs.records import Records
from consortium.runs.run import Run
from consortium.runs.trace import Record

ENDED_WELL = "done"


def check_progress(run: Run) -> list[str]:
    """Something was executed after the last fault if work waited, and the driver saw the run's own end (which a
    consortium that stands has not: there, work that began to wait just now is not due yet)."""
    failures = [] if run.is_standing else _of_its_end(run)
    due_us, fault_us = calm.due_us(run), last_fault_us(run.trace)
    after_us = -1 if fault_us is None else fault_us
    if after_us > due_us:
        return failures
    waiting = _unexecuted_at(run.trace, after_us)
    later = sum(r["transactions"] for r in distinct_submissions(run.trace) if after_us < r["t_us"] <= due_us)
    has_executed = any(r["t_us"] > after_us for r in run.records.of_kind("executed"))
    if waiting + later > 0 and not has_executed:
        since = "the run began" if fault_us is None else f"the last fault at {fault_us / 1e6:.1f} s"
        failures.append(f"nothing was executed after {since}, though {waiting + later} transactions waited")
    return failures


def _of_its_end(run: Run) -> list[str]:
    ended = run.records.of_kind("ended")
    if not ended:
        return ["the trace has no `ended` record: the run was cut short"]
    if ended[-1]["verdict"] != ENDED_WELL and not _ran_its_time(run, ended[-1]):
        return [f"the run ended as {ended[-1]['verdict']!r} after {ended[-1]['t_us'] / 1e6:.1f} s, not as 'done'"]
    return []


def _ran_its_time(run: Run, ended: Record) -> bool:
    """A scenario that is not to end by itself ends well when its time is up."""
    stop = run.scenario.stop
    return not stop.when_done and ended["t_us"] >= stop.limit_us


def _unexecuted_at(trace: Sequence[Record], t_us: int) -> int:
    """Transactions submitted by then and not executed anywhere by then (never below 0)."""
    bundles: dict[str, int] = {}
    executed: dict[int, int] = {}
    for record in Records.of(trace).of_kind("submitted", "renumbered", "hand_in_dropped", "executed"):
        if record["t_us"] > t_us:
            continue
        if record["kind"] == "submitted":
            bundles[record["bundle"]] = record["transactions"]
            bundles.pop(record.get("replaces", ""), None)
        elif record["kind"] != "executed":  # submitted again, as another bundle; or what nobody can execute
            bundles.pop(record["bundle"], None)
        elif record["height"] > 0:
            executed[record["height"]] = record["transactions"]
    return max(0, sum(bundles.values()) - sum(executed.values()))


CHECK = Claim(
    "progress",
    Kind.LIVENESS,
    "Work that waited after the last fault was executed, and the run came to its own end.",
    check_progress,
    unchecked.uncounted,
    order=60,
)
