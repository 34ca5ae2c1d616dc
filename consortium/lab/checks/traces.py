"""What a trace tells that several checks ask for: who disagreed, who executed what, who was up at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consortium.runs.records import Records
from consortium.runs.trace import Record
from consortium.runs.trace_parts import PART
from consortium.scenario.faults import condition_after

BY_DOWN = "down"  # who killed the nodes of a consortium that stands, when it is brought down
STOPPED_CODES = (0, -15)  # of a process that its conductor told to stop (SIGTERM) at the end


def disagreements(trace: Sequence[Record], kind: str, field: str, noun: str) -> list[str]:
    """A sentence for each height of which nodes noted different values of this field."""
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
    that the members removed are not among them. A consortium that was brought down ended as a run does."""
    is_up: dict[str, bool] = {}
    for record in Records.of(trace).of_kind("booted", "admitted", "removed", "fault", "exited", PART):
        match record["kind"]:
            case "part":  # a part of a trace is begun by one that lives; its boot may have been let go
                is_up.setdefault(record["node"], True)
            case "booted" | "admitted":
                is_up[record["node"]] = True
            case "removed":
                is_up[record["node"]] = False
            case "fault" if record["target"] in is_up and record.get("by") != BY_DOWN:
                condition = condition_after(record["act"])
                if condition is not None:
                    is_up[record["target"]] = condition == "up"
            case "exited" if record["code"] not in STOPPED_CODES:
                is_up[record["node"] or record.get("target", "")] = False
            case _:
                pass
    return sorted(node for node, up in is_up.items() if up)
