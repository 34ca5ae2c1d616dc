"""What an exploration has met: counted per run, added up over runs, told at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from consortium.exploration.trouble import troubles_met
from consortium.lab.checks.statements import Statement
from consortium.runs.trace import Record, reject_reason
from consortium.scenario.scenario import Scenario

Counts = dict[str, Counter[str]]

GROUPS = (
    "members",
    "trouble",
    "faults",
    "behaviours",
    "changes of members",
    "phases hit by faults",
    "messages",
    "events",
    "reject reasons",
)
EVENTS = (
    "suspect",
    "view_change",
    "new_view",
    "catching_up",
    "snapshot",
    "null",
    "observing",
    "sealed",
    "caught_up",
    "epoch",
)
PHASES = {  # the last thing that a node noted, as the phase that it was in when a fault met it
    "booted": "just booted",
    "proposed": "its proposal in flight",
    "prepared": "prepared",
    "committed": "committed",
    "executed": "executed, between batches",
    "included": "executed, between batches",
    "submitted": "executed, between batches",
    "sealed": "sealed",
    "suspect": "suspecting its leader",
    "view_change": "leaving its view",
    "new_view": "entering a view",
    "null": "ordering the new view's heights again",
    "catching_up": "catching up",
    "caught_up": "caught up",
    "snapshot": "after a snapshot",
}


def count_run(scenario: Scenario, trace: Sequence[Record], statements: Sequence[Statement]) -> Counts:
    """Of one run."""
    counts: Counts = {group: Counter() for group in GROUPS}
    validators = sum(member.kind == "validator" for member in scenario.members)
    counts["members"][f"{validators} validators"] += 1
    counts["trouble"].update(troubles_met(scenario, trace))
    counts["behaviours"].update(spec.name for spec in scenario.behaviours)
    counts["changes of members"].update(str(deed["action"]) for deed in scenario.workload.options.get("deeds", ()))
    counts["messages"].update(type(statement.message).__name__ for statement in statements)
    last: dict[str, str] = {}
    newest = ""
    for record in trace:
        kind, node = record["kind"], record["node"]
        if kind == "fault":
            act = str(record["act"])
            if act.startswith("behaviour:"):
                continue
            counts["faults"][act] += 1
            counts["phases hit by faults"][last.get(record["target"] or newest, "just booted")] += 1
        elif kind == "rejected":
            counts["reject reasons"][reject_reason(record)] += 1
        elif kind in EVENTS:
            counts["events"][kind] += 1
        elif kind == "booted" and record["t_us"] > 0:
            counts["events"]["reboot"] += 1
        if kind in PHASES:
            last[node] = PHASES[kind]
            newest = node
    return counts


def add_counts(total: Counts, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Add in place."""
    for group, found in counts.items():
        total.setdefault(group, Counter()).update(found)
