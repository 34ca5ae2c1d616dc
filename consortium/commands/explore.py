"""`consortium explore`: many seeds (or twin cases) on all cores, until the budget is spent; then what was met."""

from __future__ import annotations

import itertools
import math
import shlex
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from consortium.commands.command import EXIT_STOPPED, STUDY, Command, cores, make_console
from consortium.commands.exhaustive import scopes_of, search_all
from consortium.commands.folders import new_folders
from consortium.commands.workers import Death, in_processes
from consortium.core.codec import Malformed
from consortium.core.errors import UserError
from consortium.exploration.coverage import GROUPS, Counts, add_counts
from consortium.exploration.draw import draw_under
from consortium.exploration.judge import Examined, Failure, examine, failing_claim, fails_likewise, story
from consortium.exploration.shrink import shrink
from consortium.exploration.twins import WAYS, Enumeration, TwinCase
from consortium.exploration.twins_judge import TwinExamined, examine_twins
from consortium.exploration.twins_shrink import decode_case, encode_case, shrink_twins
from consortium.lab.checks.claims import Kind
from consortium.protocols import load_protocols
from consortium.runs.folder import claim_folder, encode_scenario
from consortium.scenario.load import ScenarioError

TELL_S = 5.0
SHRUNK_MAX = 5  # failures that are shrunk and kept
SHRINK_TRIES = 200
LARGE_EVERY = 10  # every so many twin cases are of 7 members with two twins
DIED = "the process lives"
SHOWN_MAX = 40  # lines of a group of the coverage


class Plan(NamedTuple):
    """What to explore. `seeds` None: until `minutes` are over."""

    minutes: float | None
    seeds: int | None
    first_seed: int
    is_twins: bool
    processes: int
    out: Path
    protocol: str = "pbft"


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


def explore(
    minutes: Annotated[float | None, typer.Option(help="Stop after so long; default 1, if no --seeds.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Stop after so many seeds, or twin cases.")] = None,
    first: Annotated[str, typer.Option(help="The first seed.")] = "0",
    twins: Annotated[bool, typer.Option("--twins", help="Twin cases: leaders × partitions × rounds.")] = False,
    replay: Annotated[
        str | None, typer.Option(metavar="SEED", help="Run this one, or a kept twin case's file, again: told in full.")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Default: one for each core.")] = None,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Every order of all events in a small scope.")
    ] = False,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Of --exhaustive: members, heights, views, crashes, liar, lost, unnoticed."
        ),
    ] = None,
    states_max: Annotated[int | None, typer.Option(help="Of --exhaustive: stop after so many states.")] = None,
    protocol: Annotated[
        str, typer.Option(help="Of all seeds: pbft, hotstuff or solo; of twins: pbft or hotstuff.")
    ] = "pbft",
    out: Annotated[Path | None, typer.Option(help="Folder for what failed; default runs/explore-TIME.")] = None,
) -> None:
    if protocol not in load_protocols():
        raise UserError(f"--protocol {protocol}: known are {', '.join(load_protocols())}")
    if twins and protocol not in WAYS:
        raise UserError(f"--twins knows the rounds of {' and '.join(WAYS)}: it cannot take --protocol {protocol}")
    if exhaustive and protocol != "pbft":
        raise UserError(f"--exhaustive speaks PBFT: it cannot take --protocol {protocol}")
    _check_budget(minutes, (seeds, states_max), first, processes)
    if exhaustive:
        raise typer.Exit(search_all(scopes_of(scope or ()), minutes, states_max, make_console()))
    if replay is not None:
        raise typer.Exit(replay_told(read_replay(replay, twins, protocol), make_console(), protocol))
    chosen = 1.0 if minutes is None and seeds is None else minutes
    folder = out or next(each for each in new_folders("explore") if not each.exists())
    claim_folder(folder)
    plan = Plan(chosen, seeds, int(first.replace("_", "")), twins, processes or cores(), folder, protocol)
    raise typer.Exit(explore_all(plan, make_console()))


def _check_budget(minutes: float | None, counts: tuple[int | None, ...], first: str, processes: int | None) -> None:
    """Raises UserError."""
    number = first.replace("_", "")
    if not number.isdecimal() or len(number) > 18:
        raise UserError(f"--first {first}: expected a number, of 18 digits at most")
    is_time = minutes is None or (minutes > 0 and math.isfinite(minutes))
    if not is_time or any(count is not None and count <= 0 for count in counts):
        raise UserError("--minutes and --seeds are above 0, and --states-max too")
    if processes is not None and processes <= 0:
        raise UserError("--processes is above 0")


# --- one seed, in a worker --------------------------------------------------------------------------------------------


def twin_case(number: int, protocol: str) -> TwinCase:
    """Case `number` of all of a protocol: mostly of 4 members with one twin, every tenth of 7 with two."""
    if number % LARGE_EVERY == LARGE_EVERY - 1:
        return Enumeration(7, 2, protocol=protocol).case(number // LARGE_EVERY)._replace(number=number)
    return Enumeration(protocol=protocol).case(number)


def _explore_seeds(seed: int, protocol: str) -> Outcome:
    return _outcome(seed, examine(draw_under(seed, protocol)))


def _explore_twins(number: int, protocol: str) -> Outcome:
    return _twin_outcome(examine_twins(twin_case(number, protocol)))


def _outcome(seed: int, examined: Examined) -> Outcome:
    counts = {group: dict(found) for group, found in examined.counts.items()}
    return Outcome(seed, examined.failures, counts, examined.batches, examined.faults, examined.virtual_us)


def _twin_outcome(examined: TwinExamined) -> Outcome:
    counts = {group: dict(found) for group, found in examined.counts.items()}
    rounds = len(examined.case.rounds)
    return Outcome(examined.case.number, examined.failures, counts, examined.batches, rounds, examined.virtual_us)


# --- all of them ------------------------------------------------------------------------------------------------------


def explore_all(plan: Plan, console: Console) -> int:
    """Explore, tell, and keep what failed. The exit status: 0 all checks held, 1 one of safety did not, 3 only ones of
    liveness, 130 stopped by Ctrl-C: told is what was seen so far, and nothing is shrunk."""
    total = Total()
    began_s = time.monotonic()
    is_stopped = not _run(plan, total, console, began_s)
    _tell_coverage(total, console)
    _tell_totals(plan, total, console, time.monotonic() - began_s)
    if is_stopped:
        return EXIT_STOPPED
    for outcome in total.failed[:SHRUNK_MAX]:
        _keep(plan, outcome, console)
    if len(total.failed) > SHRUNK_MAX:
        console.print(f"and {len(total.failed) - SHRUNK_MAX} more: {[each.seed for each in total.failed[SHRUNK_MAX:]]}")
    kinds = {failure.kind for outcome in total.failed for failure in outcome.failures}
    return 1 if Kind.SAFETY in kinds else 3 if kinds else 0


def _run(plan: Plan, total: Total, console: Console, began_s: float) -> bool:
    """False where Ctrl-C ended it."""
    work = partial(_explore_twins if plan.is_twins else _explore_seeds, protocol=plan.protocol)
    told_s = began_s
    with closing(in_processes(work, _seeds(plan, began_s), plan.processes)) as arriving:
        try:
            for found in arriving:
                if isinstance(found, Death):
                    _mourn(found, total, console)
                elif found is not None:
                    _hear(found, total, console)
                if time.monotonic() - told_s >= TELL_S and total.seeds:
                    told_s = time.monotonic()
                    console.print(_progress(total, told_s - began_s), style="dim", soft_wrap=True)
        except KeyboardInterrupt:
            console.print("stopped; what was explored so far:")
            return False
    return True


def _seeds(plan: Plan, began_s: float) -> Iterator[int]:
    """The seeds (or numbers of twin cases) in order, until there are enough or the time is over."""
    end_s = None if plan.minutes is None else began_s + plan.minutes * 60
    for seed in (
        itertools.count(plan.first_seed) if plan.seeds is None else range(plan.first_seed, plan.first_seed + plan.seeds)
    ):
        if end_s is not None and time.monotonic() >= end_s:
            return
        yield seed


def _mourn(death: Death[int], total: Total, console: Console) -> None:
    """A worker died: of a seed that kills a second one that is what was found."""
    sentence = death.sentence(f"seed {death.job}")
    console.print(sentence, style="red", markup=False, soft_wrap=True)
    if death.is_final:
        _hear(Outcome(death.job, (Failure(DIED, Kind.SAFETY, sentence),), {}, 0, 0, 0), total, console)


def _hear(outcome: Outcome, total: Total, console: Console) -> None:
    total.add(outcome)
    for failure in outcome.failures[:1]:
        sentence = f"seed {outcome.seed} fails {failure.claim}: {failure.sentence[:200]}"
        console.print(sentence, style="red", markup=False, soft_wrap=True)


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
    """A failing seed or case: shrunk, kept in files, and how to see it again."""
    twins = (" --twins" if plan.is_twins else "") + ("" if plan.protocol == "pbft" else f" --protocol {plan.protocol}")
    console.print(f"\n[bold]seed {outcome.seed}[/] again: consortium explore{twins} --replay {outcome.seed}")
    if any(failure.claim == DIED for failure in outcome.failures):
        return  # it would take us with it
    kept = (
        _shrunk_case(outcome.seed, plan.protocol, console)
        if plan.is_twins
        else _shrunk_seed(outcome.seed, plan.protocol)
    )
    if kept is None:
        console.print(f"[red]it does not fail again[/]: the run of seed {outcome.seed} depends on more than its seed")
        return
    plan.out.mkdir(parents=True, exist_ok=True)
    path = plan.out / f"{outcome.seed}.json"
    path.write_bytes(kept.content)
    path.with_suffix(".txt").write_text(kept.story, encoding="utf-8")
    for failure in kept.failures:
        console.print(f"  {failure.claim}: {failure.sentence}", markup=False, soft_wrap=True)
    kept_at = shlex.quote(str(path))
    again = f"consortium run {kept_at} --on simulator"
    if plan.is_twins:
        again = f"consortium explore --twins --replay {kept_at}"
    console.print(f"  shrunk in {kept.words}: {path.with_suffix('.txt')}\n  {again}", markup=False, soft_wrap=True)


class _Kept(NamedTuple):
    """What a failure was shrunk to."""

    content: bytes
    story: str
    failures: tuple[Failure, ...]
    words: str


def _shrunk_seed(seed: int, protocol: str) -> _Kept | None:
    examined = examine(draw_under(seed, protocol))
    claim = failing_claim(examined)
    if claim is None:
        return None
    smallest, tries = shrink(examined.scenario, fails_likewise(claim), SHRINK_TRIES)
    small = examine(smallest)
    words = (
        f"{tries} tries to {len(smallest.members)} members, {len(smallest.faults)} faults, "
        f"{len(smallest.behaviours)} behaviours, {len(small.trace)} records"
    )
    return _Kept(encode_scenario(smallest), story(small.trace), small.failures, words)


def _shrunk_case(number: int, protocol: str, console: Console) -> _Kept | None:
    examined = examine_twins(twin_case(number, protocol))
    console.print(examined.case.sentence(), markup=False)
    if not examined.failures:
        return None
    claims = {failure.claim for failure in examined.failures}
    smallest, tries = shrink_twins(
        examined.case, lambda case: any(each.claim in claims for each in examine_twins(case).failures)
    )
    small = examine_twins(smallest)
    told = f"{smallest.sentence()}\n{story(small.trace)}"
    return _Kept(encode_case(smallest), told, small.failures, f"{tries} tries to {len(smallest.rounds)} rounds")


def read_replay(text: str, is_twins: bool, protocol: str = "pbft") -> int | TwinCase:
    """A seed, or a twin case by number or by the file that keeps it. Raises ScenarioError with a sentence."""
    number = text.replace("_", "")
    if number.isdecimal() and len(number) <= 18:
        return twin_case(int(number), protocol) if is_twins else int(number)
    if not is_twins:
        raise ScenarioError(f"--replay {text}: expected a seed; `consortium run FILE` runs a scenario's file")
    path = Path(text)
    if not path.is_file():
        raise ScenarioError(f"--replay {text}: expected the number of a twin case, or its file; there is no such file")
    try:
        return decode_case(path.read_bytes())
    except Malformed as error:
        raise ScenarioError(f"--replay {text}: {error}") from None


def replay_told(seed: int | TwinCase, console: Console, protocol: str = "pbft") -> int:
    """One seed or twin case again, told in full. Exit status as for `explore`."""
    if isinstance(seed, TwinCase):
        twins = examine_twins(seed)
        console.print(twins.case.sentence(), markup=False)
        trace, failures = twins.trace, twins.failures
    else:
        examined = examine(draw_under(seed, protocol))
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


COMMAND = Command(
    "explore",
    "Run many seeds in virtual time, each with members, network, faults, traitors and work of its own, all checks "
    "on; or, with --twins, cases of members that run twice. A seed that fails is shrunk and kept.\n\n\b\nExamples:\n"
    "  consortium explore --minutes 10\n  consortium explore --seeds 500 --first 10_000\n"
    "  consortium explore --twins --minutes 10\n  consortium explore --replay 1234\n\n"
    "Exit status: 0 all checks hold, 1 a safety check failed, 2 wrong usage or input, 3 no progress, 130 stopped.",
    explore,
    STUDY,
)
