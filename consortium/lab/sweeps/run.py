"""One run of a sweep, anywhere: a scenario in, everything that the tables need out.

What comes out depends on the scenario alone; how long it took is told apart from it.
"""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from consortium.core.machine import Rows
from consortium.lab.checks.claims import Verdict, exit_status, judge
from consortium.lab.measures import traffic
from consortium.lab.measures.distributions import distributions, sketch
from consortium.lab.measures.measures import measure
from consortium.lab.pages.results import outcome_word
from consortium.runs.run import Run
from consortium.runs.trace import fingerprint
from consortium.scenario.scenario import Scenario
from consortium.simulation.costs.profile import Profile
from consortium.simulation.run import Simulation

DIGITS = 6
OUTCOMES = ("holds", "safety-failed", "no-progress", "not-checked", "error")
WHY_MAX = 300


class Job(NamedTuple):
    """One run: `scenario` as JSON, with its seed in it; `profile` as JSON, empty where CPU is free."""

    point: int
    repeat: int
    scenario: bytes
    profile: bytes = b""


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one run. `outcome`: one of OUTCOMES; `why`: the first thing that a check found wrong, or the error.

    `quantiles`: distribution → (raw, steady) milliseconds for each of distributions.SHARES (steady may be empty).
    `traffic`: type → (messages, deliveries, bytes). `exit_status` as of `consortium run`."""

    outcome: str
    exit_status: int
    why: str = ""
    warm_up_rule: str = ""
    fingerprint: str = ""
    figures: dict[str, float] = {}
    quantiles: dict[str, tuple[list[float], list[float]]] = {}
    traffic: dict[str, tuple[int, int, int]] = {}


class Timing(msgspec.Struct, frozen=True):
    """What a run took, and where: never part of a result."""

    wall_s: float
    cpu_s: float
    rss_mb: int  # the most that its process ever held
    machine: str


class Done(NamedTuple):
    point: int
    repeat: int
    result: Result
    timing: Timing


def run_job(job: Job) -> Done:
    """Never raises for what a scenario does: an error is a result, too."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    scenario = msgspec.json.decode(job.scenario, type=Scenario)
    try:
        profile = msgspec.json.decode(job.profile, type=Profile) if job.profile else None
        result = examine(scenario, profile)
    except Exception as error:  # a bug of ours in one run of a thousand must not cost the others
        result = Result("error", 1, f"{type(error).__name__}: {error}"[:WHY_MAX])
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    timing = Timing(
        round(time.perf_counter() - wall_s, 3), round(time.process_time() - cpu_s, 3), rss_mb, platform.node()
    )
    return Done(job.point, job.repeat, result, timing)


def examine(scenario: Scenario, profile: Profile | None = None) -> Result:
    """Simulate, check and measure."""
    simulated = Simulation(scenario, profile=profile).run()
    ledgers: Mapping[str, Rows] = dict(simulated.ledgers)
    run = Run(scenario, simulated.genesis, simulated.trace, ledgers, vaults=dict(simulated.vaults))
    verdicts = judge(run)
    found = distributions(run.trace)
    measures = measure(run.trace, found)
    quantiles = {name: (_rounded(ordered), _rounded(found.steady.get(name, ()))) for name, ordered in found.raw.items()}
    return Result(
        outcome_word(run, verdicts),
        exit_status(verdicts),
        _why(verdicts),
        found.warm_up.verdict,
        fingerprint(run.trace),
        {figure.name: round(figure.value, DIGITS) for figure in measures.figures},
        quantiles,
        traffic.by_kind(traffic.said(run.trace), len(traffic.nodes_of(run.trace))),
    )


def _rounded(ordered: Sequence[int]) -> list[float]:
    return [round(value, DIGITS) for _, value in sketch(ordered)] if ordered else []


def _why(verdicts: Sequence[Verdict]) -> str:
    for verdict in verdicts:
        if verdict.fails:
            return f"{verdict.name}: {verdict.failures[0]}"[:WHY_MAX]
    return ""


def encode_done(done: Done, digest: str) -> bytes:
    """What a sweep's folder keeps of one run; `digest`: of the plan."""
    content: dict[str, Any] = {"plan": digest, **done._asdict()}
    return msgspec.json.encode(content)


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    plan: str
    point: int
    repeat: int
    result: Result
    timing: Timing


def decode_done(data: bytes, digest: str) -> Done | None:
    """None where the bytes are torn, damaged, or of another plan: that run is done again."""
    try:
        kept = msgspec.json.decode(data, type=_Kept)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return Done(kept.point, kept.repeat, kept.result, kept.timing) if kept.plan == digest else None
