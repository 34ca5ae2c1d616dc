"""`consortium explore`: many seeds (or twin cases) on all cores, until the budget is spent; then what was met."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from consortium.lab.checks import Kind
from consortium.lab.explore_coverage import GROUPS, Counts, add_counts
from consortium.lab.explore_judge import Examined, Failure, examine, failing_claim, fails_likewise, story
from consortium.lab.explore_twins import TwinExamined, examine_twins
from consortium.lab.run_folder import encode_scenario
from consortium.simulation.explore_draw import draw
from consortium.simulation.explore_shrink import shrink
from consortium.simulation.explore_twins import Enumeration, TwinCase

CHUNK = 5  # seeds a task
CHUNK_TWINS = 20
TELL_S = 5.0
SHRUNK_MAX = 5  # failures that are shrunk and kept
SHRINK_TRIES = 200
LARGE_EVERY = 10  # every so many twin cases are of 7 members with two twins
SHOWN_MAX = 40  # lines of a group of the coverage


class Plan(NamedTuple):
    """What to explore. `seeds` None: until `minutes` are over."""

    minutes: float | None
    seeds: int | None
    first_seed: int
    is_twins: bool
    processes: int
    out: Path


class Outcome(NamedTuple):
    """Of one seed or twin case, small enough to send home."""

    seed: int
    failures: tuple[Failure, ...]
    counts: dict[str, dict[str, int]]
    batches: int
    faults: int
    virtual_us: int


@dataclass
class Total:
    """Everything so far."""

    seeds: int = 0
    batches: int = 0
    faults: int = 0
    virtual_us: int = 0
    counts: Counts = field(default_factory=dict)
    failed: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.batches += outcome.batches
        self.faults += outcome.faults
        self.virtual_us += outcome.virtual_us
        add_counts(self.counts, outcome.counts)
        if outcome.failures:
            self.failed.append(outcome)


# --- one seed, in a worker --------------------------------------------------------------------------------------------


def twin_case(number: int) -> TwinCase:
    """Case `number` of all: mostly of 4 members with one twin, every tenth of 7 with two."""
    if number % LARGE_EVERY == LARGE_EVERY - 1:
        return Enumeration(7, 2).case(number // LARGE_EVERY)._replace(number=number)
    return Enumeration().case(number)


def _explore_seeds(seeds: range) -> list[Outcome]:
    return [_outcome(seed, examine(draw(seed))) for seed in seeds]


def _explore_twins(numbers: range) -> list[Outcome]:
    return [_twin_outcome(examine_twins(twin_case(number))) for number in numbers]


def _outcome(seed: int, examined: Examined) -> Outcome:
    counts = {group: dict(found) for group, found in examined.counts.items()}
    return Outcome(seed, examined.failures, counts, examined.batches, examined.faults, examined.virtual_us)


def _twin_outcome(examined: TwinExamined) -> Outcome:
    counts = {group: dict(found) for group, found in examined.counts.items()}
    rounds = len(examined.case.rounds)
    return Outcome(examined.case.number, examined.failures, counts, examined.batches, rounds, examined.virtual_us)


def _begin_work() -> None:
    """Ctrl-C is the parent's to hear; and when the parent is gone, however it went, so is the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


# --- all of them ------------------------------------------------------------------------------------------------------


def explore(plan: Plan, console: Console) -> int:
    """Explore, tell, and keep what failed. The exit status: 0 all checks held, 1 one of safety did not, 3 only ones of
    liveness; Ctrl-C ends the exploration, with what was seen so far."""
    total = Total()
    began_s = time.monotonic()
    _run(plan, total, console, began_s)
    _tell_coverage(total, console)
    _tell_totals(plan, total, console, time.monotonic() - began_s)
    for outcome in total.failed[:SHRUNK_MAX]:
        _keep(plan, outcome, console)
    if len(total.failed) > SHRUNK_MAX:
        console.print(f"and {len(total.failed) - SHRUNK_MAX} more: {[each.seed for each in total.failed[SHRUNK_MAX:]]}")
    kinds = {failure.kind for outcome in total.failed for failure in outcome.failures}
    return 1 if Kind.SAFETY in kinds else 3 if kinds else 0


def _run(plan: Plan, total: Total, console: Console, began_s: float) -> None:
    work = _explore_twins if plan.is_twins else _explore_seeds
    end_s = None if plan.minutes is None else began_s + plan.minutes * 60
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.processes, context, _begin_work) as pool:
        try:
            _feed(pool, work, plan, total, console, began_s, end_s)
        except KeyboardInterrupt:
            console.print("stopped; what was explored so far:")
            pool.shutdown(wait=True, cancel_futures=True)


def _chunks(plan: Plan) -> Iterator[range]:
    size = CHUNK_TWINS if plan.is_twins else CHUNK
    first = plan.first_seed
    last = None if plan.seeds is None else first + plan.seeds
    while last is None or first < last:
        stop = first + size if last is None else min(first + size, last)
        yield range(first, stop)
        first = stop


def _feed(
    pool: ProcessPoolExecutor,
    work: Callable[[range], list[Outcome]],
    plan: Plan,
    total: Total,
    console: Console,
    began_s: float,
    end_s: float | None,
) -> None:
    """Two chunks a worker are on their way at a time, so that there is always one to take and few to wait for."""
    chunks = _chunks(plan)
    waiting: set[Future[list[Outcome]]] = set()
    told_s = began_s
    is_fed = True
    while True:
        while is_fed and len(waiting) < 2 * plan.processes:
            chunk = None if end_s is not None and time.monotonic() >= end_s else next(chunks, None)
            if chunk is None:
                is_fed = False
            else:
                waiting.add(pool.submit(work, chunk))
        if not waiting:
            return
        done, waiting = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in done:
            for outcome in future.result():
                total.add(outcome)
                for failure in outcome.failures[:1]:
                    sentence = f"seed {outcome.seed} fails {failure.claim}: {failure.sentence[:200]}"
                    console.print(sentence, style="red", markup=False, soft_wrap=True)
        if time.monotonic() - told_s >= TELL_S and total.seeds:
            told_s = time.monotonic()
            console.print(_progress(total, told_s - began_s), style="dim", soft_wrap=True)


def _progress(total: Total, passed_s: float) -> str:
    return (
        f"{passed_s:6.0f} s  {total.seeds:,} explored, {total.seeds / passed_s:.1f} a second; "
        f"{total.batches:,} batches decided, {total.faults:,} faults; {len(total.failed)} failing"
    )


# --- telling ----------------------------------------------------------------------------------------------------------


def _tell_coverage(total: Total, console: Console) -> None:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("what was met")
    table.add_column("")
    table.add_column("count", justify="right")
    for group in GROUPS:
        found = total.counts.get(group, Counter())
        for place, (name, count) in enumerate(found.most_common(SHOWN_MAX)):
            table.add_row(group if place == 0 else "", name, f"{count:,}")
        if len(found) > SHOWN_MAX:
            table.add_row("", f"and {len(found) - SHOWN_MAX} more", "")
    console.print(table)


def _tell_totals(plan: Plan, total: Total, console: Console, passed_s: float) -> None:
    noun = "twin cases" if plan.is_twins else "seeds"
    console.print(
        f"{noun}: {total.seeds:,} (from {plan.first_seed}) in {passed_s:.0f} s on {plan.processes} processes, "
        f"{total.seeds / max(passed_s, 1e-9):.1f} a second"
    )
    console.print(f"decided batches: {total.batches:,}")
    console.print(f"virtual time: {total.virtual_us / 3.6e9:.1f} hours")
    console.print(f"{'rounds' if plan.is_twins else 'faults and repairs injected'}: {total.faults:,}")
    console.print(f"violations: {len(total.failed)}", style="bold red" if total.failed else "bold green")


def _keep(plan: Plan, outcome: Outcome, console: Console) -> None:
    """A failing seed: shrunk, its scenario and its trace written, and how to see it again."""
    twins = " --twins" if plan.is_twins else ""
    console.print(f"\n[bold]seed {outcome.seed}[/] again: consortium explore{twins} --replay {outcome.seed}")
    if plan.is_twins:
        console.print(twin_case(outcome.seed).sentence(), markup=False)
        return
    examined = examine(draw(outcome.seed))
    claim = failing_claim(examined)
    if claim is None:
        console.print(f"[red]it does not fail again[/]: the run of seed {outcome.seed} depends on more than its seed")
        return
    smallest, tries = shrink(examined.scenario, fails_likewise(claim), SHRINK_TRIES)
    small = examine(smallest)
    plan.out.mkdir(parents=True, exist_ok=True)
    path = plan.out / f"{outcome.seed}.json"
    path.write_bytes(encode_scenario(smallest))
    path.with_suffix(".txt").write_text(story(small.trace), encoding="utf-8")
    for failure in small.failures:
        console.print(f"  {failure.claim}: {failure.sentence}", markup=False, soft_wrap=True)
    console.print(
        f"  shrunk in {tries} tries to {len(smallest.members)} members, {len(smallest.faults)} faults, "
        f"{len(smallest.behaviours)} behaviours, {len(small.trace)} records: {path.with_suffix('.txt')}\n"
        f"  consortium run {path} --on simulator",
        markup=False,
        soft_wrap=True,
    )


def replay(seed: int, is_twins: bool, console: Console) -> int:
    """One seed or twin case again, told in full. Exit status as for `explore`."""
    if is_twins:
        twins = examine_twins(twin_case(seed))
        console.print(twins.case.sentence(), markup=False)
        trace, failures = twins.trace, twins.failures
    else:
        examined = examine(draw(seed))
        trace, failures = list(examined.trace), examined.failures
        console.print(encode_scenario(examined.scenario).decode(), markup=False)
    console.print(story(trace), markup=False, end="")
    for failure in failures:
        console.print(f"[red]{failure.claim}[/]: ", end="")
        console.print(failure.sentence, markup=False)
    if not failures:
        console.print("all checks hold", style="green")
    kinds = {failure.kind for failure in failures}
    return 1 if Kind.SAFETY in kinds else 3 if kinds else 0
