"""The kinds of trouble that an exploration is to meet by itself, and whether one run met them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from consortium.lab.measures.series import distinct_submissions, first_executions, service_gaps
from consortium.runs.records import Records
from consortium.runs.trace import Record
from consortium.scenario.adversary import Adversaries
from consortium.scenario.faults import condition_after
from consortium.scenario.scenario import Scenario

IDLE = "the load fell idle"
OUTAGE = "an outage that grew the timers"
SEVERAL = "several were down at once"
EVERYBODY = "everybody was down at once"
LOST = "a disk was wiped beside a liar"
OLDER = "a disk was rolled back beside a liar"
REPLAYED = "old bundles were sent again"
CALM = "nothing was wrong"
KINDS = (IDLE, OUTAGE, SEVERAL, EVERYBODY, LOST, OLDER, REPLAYED, CALM)

IDLE_TIMERS = 2  # nothing waited for so many timers, and then there was work again
OUTAGE_TIMERS = 8  # work waited so long that T doubled twice at least


def troubles_met(scenario: Scenario, trace: Sequence[Record]) -> Iterator[str]:
    """Each kind that this run met, once."""
    timer_us = scenario.parameters.timer_base_us
    records = Records.of(trace)
    if not scenario.faults and not scenario.behaviours:
        yield CALM
    if _fell_idle(records, IDLE_TIMERS * timer_us):
        yield IDLE
    if service_gaps(records, OUTAGE_TIMERS * timer_us):
        yield OUTAGE
    most, validators = _down_at_once(scenario, records)
    if most >= 2:
        yield EVERYBODY if most == validators else SEVERAL
    liars = Adversaries.of(scenario).names
    disks = {record.get("disk") for record in records.of_kind("fault") if record["act"] == "restart"}
    if liars and "empty" in disks:
        yield LOST
    if liars and "copy" in disks:
        yield OLDER
    if any(spec.options.get("kind") == "Submission" for spec in scenario.behaviours):
        yield REPLAYED


def _fell_idle(records: Records, least_us: int) -> bool:
    """Whether nothing waited for so long, and then there was work again."""
    changes = [(record["t_us"], record["transactions"]) for record in distinct_submissions(records)]
    changes += [(record["t_us"], -record["transactions"]) for record in first_executions(records)]
    waiting = 0
    for (t_us, change), (next_us, next_change) in pairwise(sorted(changes)):
        waiting += change
        if waiting <= 0 < next_change and next_us - t_us >= least_us:
            return True
    return False


def _down_at_once(scenario: Scenario, records: Records) -> tuple[int, int]:
    """The most validators that were down at one moment, and how many there are."""
    validators = {member.name for member in scenario.members if member.kind == "validator" and not member.joins}
    down: set[str] = set()
    most = 0
    for record in records.of_kind("fault", "booted"):
        name = record["node"] or record.get("target", "")
        if record["kind"] == "booted":
            down.discard(name)
        elif name in validators and condition_after(record["act"]) == "down":
            down.add(name)
        most = max(most, len(down))
    return most, len(validators)
