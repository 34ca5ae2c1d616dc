"""Checks that need the trace alone: who committed and executed what, when, and who was up at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consortium.lab.measures.series import distinct_submissions
from consortium.runs.records import Records
from consortium.runs.run import Run
from consortium.runs.trace import Record
from consortium.scenario.faults import condition_after

ENDED_WELL = "done"
STOPPED_CODES = (0, -15)  # of a process that its conductor told to stop (SIGTERM) at the end


def check_agreement(run: Run) -> list[str]:
    """One digest per committed height over all nodes and views; one header per executed height."""
    return _disagreements(run.trace, "committed", "digest", "batches") + _disagreements(
        run.trace, "executed", "header", "headers"
    )


def check_state_roots(run: Run) -> list[str]:
    """One state root per executed height over all nodes."""
    return _disagreements(run.trace, "executed", "state_root", "state roots")


def _disagreements(trace: Sequence[Record], kind: str, field: str, noun: str) -> list[str]:
    values: dict[int, dict[str, list[str]]] = {}
    for record in Records.of(trace).of_kind(kind):
        nodes = values.setdefault(record["height"], {}).setdefault(record[field], [])
        if record["node"] not in nodes:
            nodes.append(record["node"])
    return [
        f"height {height}: {kind} different {noun}: {describe_camps(camps)}"
        for height, camps in sorted(values.items())
        if len(camps) > 1
    ]


def describe_camps(camps: Mapping[str, Sequence[str]]) -> str:
    """`bureau, clinic: 0a1b…; depot: ffee…` for values and the nodes that hold them."""
    return "; ".join(f"{', '.join(nodes)}: {value}" for value, nodes in camps.items())


def last_fault_us(trace: Sequence[Record]) -> int | None:
    """When the last fault (or its repair) was carried out."""
    return max((record["t_us"] for record in Records.of(trace).of_kind("fault")), default=None)


def executed_heights(trace: Sequence[Record]) -> dict[str, int]:
    """The highest height that each node noted as executed, or reached by a snapshot."""
    heights: dict[str, int] = {}
    for record in Records.of(trace).of_kind("executed", "snapshot", "caught_up"):
        heights[record["node"]] = max(heights.get(record["node"], 0), record["height"])
    return heights


def running_nodes(trace: Sequence[Record]) -> list[str]:
    """Nodes that booted and were not down (killed, paused or exited by themselves) when the run ended, by name; those
    that the members removed are not among them."""
    is_up: dict[str, bool] = {}
    for record in Records.of(trace).of_kind("booted", "admitted", "removed", "fault", "exited"):
        match record["kind"]:
            case "booted" | "admitted":
                is_up[record["node"]] = True
            case "removed":
                is_up[record["node"]] = False
            case "fault" if record["target"] in is_up:
                condition = condition_after(record["act"])
                if condition is not None:
                    is_up[record["target"]] = condition == "up"
            case "exited" if record["code"] not in STOPPED_CODES:
                is_up[record["node"] or record.get("target", "")] = False
            case _:
                pass
    return sorted(node for node, up in is_up.items() if up)


def check_progress(run: Run) -> list[str]:
    """Something was executed after the last fault if work waited, and the driver saw the run's own end."""
    failures = []
    ended = run.records.of_kind("ended")
    if not ended:
        failures.append("the trace has no `ended` record: the run was cut short")
    elif ended[-1]["verdict"] != ENDED_WELL and not _ran_its_time(run, ended[-1]):
        failures.append(
            f"the run ended as {ended[-1]['verdict']!r} after {ended[-1]['t_us'] / 1e6:.1f} s, not as 'done'"
        )
    fault_us = last_fault_us(run.trace)
    after_us = -1 if fault_us is None else fault_us
    waiting = _unexecuted_at(run.trace, after_us)
    later = sum(r["transactions"] for r in distinct_submissions(run.trace) if r["t_us"] > after_us)
    has_executed = any(r["t_us"] > after_us for r in run.records.of_kind("executed"))
    if waiting + later > 0 and not has_executed:
        since = "the run began" if fault_us is None else f"the last fault at {fault_us / 1e6:.1f} s"
        failures.append(f"nothing was executed after {since}, though {waiting + later} transactions waited")
    return failures


def _ran_its_time(run: Run, ended: Record) -> bool:
    """A scenario that is not to end by itself ends well when its time is up."""
    stop = run.scenario.stop
    return not stop.when_done and ended["t_us"] >= stop.limit_us


def _unexecuted_at(trace: Sequence[Record], t_us: int) -> int:
    """Transactions submitted by then and not executed anywhere by then (never below 0)."""
    bundles: dict[str, int] = {}
    executed: dict[int, int] = {}
    for record in Records.of(trace).of_kind("submitted", "renumbered", "executed"):
        if record["t_us"] > t_us:
            continue
        if record["kind"] == "submitted":
            bundles[record["bundle"]] = record["transactions"]
            bundles.pop(record.get("replaces", ""), None)
        elif record["kind"] == "renumbered":  # submitted again, as another bundle
            bundles.pop(record["bundle"], None)
        elif record["height"] > 0:
            executed[record["height"]] = record["transactions"]
    return max(0, sum(bundles.values()) - sum(executed.values()))


def check_equal_heads(run: Run) -> list[str]:
    """All nodes that were running at the end have executed the same height, and at least one member did run."""
    running = running_nodes(run.trace)
    if not running:
        return ["no node was running at the end"]
    heights = executed_heights(run.trace)
    camps: dict[str, list[str]] = {}
    for node in running:
        camps.setdefault(f"height {heights.get(node, 0)}", []).append(node)
    return [f"the heads differ: {describe_camps(camps)}"] if len(camps) > 1 else []
