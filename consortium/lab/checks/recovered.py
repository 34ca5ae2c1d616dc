"""Recovered: once at most f members are bad and the links carry, service is back within a bound in T, n and f.

The bound is that of `calm.recovery_bound_us`. It counts from the last fault or repair, or from the moment at which work
began to wait, whichever is later. Judged is each stretch after a fault in which no more than f of the n validators are
down, paused or lying, and the links carry.
"""

from __future__ import annotations

from itertools import pairwise

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import TOO_LATE, Claim, Kind
from consortium.lab.checks.traces import running_nodes
from consortium.lab.measures.series import Span, service_gaps
from consortium.runs.records import Records
from consortium.runs.run import Run


def check_recovered(run: Run) -> list[str]:
    """Each silence while work waited that lasted longer, without a new fault, than the members' bound."""
    terms = calm.terms_of(run)
    times = calm.trouble_times_us(run)
    failures = []
    for gap in service_gaps(_of_the_living(run), calm.recovery_bound_us(terms, 0)):
        within = [t_us for t_us in times if gap.start_us <= t_us < gap.end_us]
        for start_us, end_us in pairwise((gap.start_us, *within, gap.end_us)):
            bound_us = calm.recovery_bound_us(terms, start_us - gap.start_us)
            if end_us - start_us > bound_us and _must_serve(run, start_us, terms.f):
                failures.append(_sentence(Span(start_us, end_us, ""), bound_us, terms))
    return failures


def _of_the_living(run: Run) -> Records:
    """The trace without what nodes submitted that died for good: it may have died with them."""
    running = running_nodes(run.trace)
    kinds = ("submitted", "renumbered", "hand_in_dropped", "included")
    return Records(record for record in run.trace if record["kind"] not in kinds or record["node"] in running)


def _must_serve(run: Run, t_us: int, f: int) -> bool:
    """Whether all that is wrong after this moment are members, and at most f of them."""
    wrong = calm.standing(run, t_us)
    if any(not each.target for each in wrong):
        return False
    here = run.records.of_kind("booted").between(0, t_us).nodes
    late = {member.name for member in run.scenario.members if member.joins and member.name not in here}
    return len(calm.bad_members(run) | {each.target for each in wrong} | late) <= f


def _sentence(silence: Span, bound_us: int, terms: calm.Terms) -> str:
    return (
        f"nothing was executed from {silence.start_us / 1e6:.3f} s to {silence.end_us / 1e6:.3f} s, though work waited "
        f"and at most {terms.f} of {terms.n} validators were bad: {silence.length_us / 1e6:.1f} s, and "
        f"{bound_us / 1e6:.1f} s are the bound"
    )


CHECK = Claim(
    "recovered in time",
    Kind.LIVENESS,
    "After each fault service was back within its bound in T, n and f.",
    check_recovered,
    unchecked.no_submissions,
    lambda run: not calm.network_words(run),
    order=64,
    failing=TOO_LATE,
)
