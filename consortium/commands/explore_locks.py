"""`consortium explore-locks`: interleavings of an exchange by hash locks; is it both or neither, whoever dies when?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from consortium.commands.command import EXIT_HOLDS, EXIT_STOPPED, EXIT_UNSAFE, STUDY, Command, cores, make_console
from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.commands.workers import Death, in_processes
from consortium.core.errors import UserError
from consortium.exploration.locks import VARIANTS, Ended, examine

SHOWN_MAX = 40  # lines of what was met
FAULTS_SHOWN = 5
CHUNK = 50  # seeds that a process takes at once


def explore_locks(
    seeds: Annotated[int, typer.Option(help="How many interleavings.")] = 1_000,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    variant: Annotated[
        str,
        typer.Option(
            help="`proof`: the second lock follows the first by proof. `time`: it ends later. `same-end`, "
            "`long-absence`: broken plans, which fail."
        ),
    ] = "proof",
    replay: Annotated[int | None, typer.Option(metavar="SEED", help="This one again, told in full.")] = None,
    processes: Annotated[int | None, typer.Option(help="Default: one for each core.")] = None,
) -> None:
    if variant not in VARIANTS:
        raise UserError(f"--variant {variant}: expected one of {', '.join(VARIANTS)}")
    if seeds <= 0 or first < 0 or (processes is not None and processes <= 0):
        raise UserError("--seeds and --processes are above 0, and --first is not below it")
    console = make_console()
    if replay is not None:
        raise typer.Exit(_tell_one(examine(replay, variant), console))
    raise typer.Exit(_explore(range(first, first + seeds), variant, processes or cores(), console))


def examine_some(seeds: range, variant: str) -> list[Ended]:
    """In a worker; stories stay there."""
    return [examine(seed, variant)._replace(story=()) for seed in seeds]


def _explore(seeds: range, variant: str, processes: int, console: Console) -> int:
    """The exit status: 0 both or neither each time, 1 not, 130 stopped by Ctrl-C."""
    words = spoken()
    console.print(words(VARIANTS[variant].sentence), markup=False, soft_wrap=True)
    met, faults, count = Counter[str](), list[Ended](), 0
    chunks = (range(begin, min(begin + CHUNK, seeds.stop)) for begin in range(seeds.start, seeds.stop, CHUNK))
    is_stopped = False
    try:
        for ended in _ended(chunks, variant, processes):
            met += ended.met
            count += 1
            if ended.fault:
                faults.append(ended)
    except KeyboardInterrupt:
        is_stopped = True
    rows = [(name, f"{number:,}") for name, number in sorted(met.most_common(SHOWN_MAX))]
    show_table(console, (Column(words("what was met")), Column(words("count"), is_number=True)), rows)
    for ended in sorted(faults)[:FAULTS_SHOWN]:
        again = f"consortium explore-locks --variant {variant} --replay {ended.seed}"
        console.print(f"{ended.fault}: {again}", style="red", markup=False, soft_wrap=True)
    told = words("{count} interleavings; {faults} were neither both nor none", count=f"{count:,}", faults=len(faults))
    console.print(told, style="bold red" if faults else "bold green", markup=False, soft_wrap=True)
    return EXIT_STOPPED if is_stopped else EXIT_UNSAFE if faults else EXIT_HOLDS


def _ended(chunks: Iterator[range], variant: str, processes: int) -> Iterator[Ended]:
    with closing(in_processes(partial(examine_some, variant=variant), chunks, processes)) as arriving:
        for found in arriving:
            if isinstance(found, Death):
                raise UserError(found.sentence(f"seeds {found.job}"))
            yield from found or ()


def _tell_one(ended: Ended, console: Console) -> int:
    for line in (*ended.story, f"{ended.outcome}. {ended.fault}"):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return EXIT_UNSAFE if ended.fault else EXIT_HOLDS


COMMAND = Command(
    "explore-locks",
    "Draw interleavings of an exchange by hash locks on two ledgers: delays, losses, deaths at every step, parties "
    "that cheat. Is it both or neither each time?\n\n\b\nExamples:\n"
    "  consortium explore-locks --seeds 10000\n  consortium explore-locks --variant same-end\n"
    "  consortium explore-locks --variant same-end --replay 16\n\n"
    "Exit status: 0 both or neither each time, 1 not, 2 wrong usage, 130 stopped.",
    explore_locks,
    STUDY,
)
