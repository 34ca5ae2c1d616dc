"""`consortium report`: a run's report and figures, or a sweep's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from consortium import __version__
from consortium.commands.command import LOOK, Command, make_console
from consortium.commands.folders import finish, load_told
from consortium.commands.language import spoken
from consortium.lab.figures.lamport import lamport
from consortium.lab.figures.of_run import figures_of_run
from consortium.lab.figures.of_sweep import figures_of_sweep, point_words
from consortium.lab.figures.overheard import overhear
from consortium.lab.figures.paper import Picture, save
from consortium.lab.figures.sequence import SequenceError, from_recordings, from_trace, is_recorded
from consortium.lab.figures.source import source_of
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.measures import measure
from consortium.lab.measures.tables import write_whole
from consortium.lab.measures.told import FEW_WORDS
from consortium.lab.pages import page
from consortium.lab.perfetto import perfetto_chunks
from consortium.lab.sweeps.results import SweepResults, read_sweep
from consortium.lab.sweeps.shown import Columns
from consortium.runs.folder import place_of
from consortium.runs.run import Run
from consortium.simulation.costs.profile import load_profile

PAGE = "figures.html"


def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a run or of a sweep.", metavar="RUN|SWEEP")],
    figures: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw figures into this folder.")] = None,
    height: Annotated[
        int | None, typer.Option(help="Draw the messages about this height, too; default folder RUN/figures.")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="With --height: the profile that the simulation had, to repeat it.")
    ] = None,
    perfetto: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the run for Perfetto or chrome://tracing, and no more.")
    ] = None,
) -> None:
    console = make_console()
    if profile is not None and height is None:
        raise SequenceError("--profile is for --height: a simulation is repeated to hear what was said")
    if is_sweep(folder):
        if height is not None:
            raise SequenceError("--height is of one run; `consortium run` repeats a run of a sweep (see its README)")
        report_sweep(folder, figures, console)
        return
    run = load_told(folder)
    if perfetto is not None:
        write_perfetto(run, perfetto)
        return
    sequence = [] if height is None else [sequence_of(run, folder, height, profile)]
    if figures is not None and not os.access(folder, os.W_OK):
        typer.echo(spoken()("report: not written again, for {folder} is read-only", folder=folder), err=True)
    else:
        finish(folder, run)
        typer.echo(spoken()("report: {path}", path=folder / "report.html"))
    if figures is not None:
        draw_run(run, sequence, figures, console)
    elif sequence:
        draw_sequence(sequence[0], folder / "figures", console)


def write_perfetto(run: Run, path: Path) -> None:
    """Raises OSError."""
    members = [member.name for member in run.scenario.members]
    write_whole(path, b"".join(perfetto_chunks(run.trace, members)))
    typer.echo(spoken()("for Perfetto: {path}", path=path))


def is_sweep(folder: Path) -> bool:
    return (folder / "plan.json").is_file()


def draw_run(run: Run, more: Sequence[Picture], out: Path, console: Console) -> None:
    """All figures of a run, and `more`, into a folder. Raises OSError."""
    found = distributions(run.trace)
    pictures = [*figures_of_run(run, found, measure(run.trace, found)), *more]
    save(pictures, out)
    question = run.scenario.question.strip().partition("\n\n")[0]
    write_whole(out / PAGE, figures_page(run.scenario.name, question, pictures).encode())
    console.print(f"figures: {out} ({len(pictures)}, each as SVG and PNG; {PAGE} shows them)", markup=False)


def draw_sequence(picture: Picture, out: Path, console: Console) -> None:
    """One diagram alone. Raises OSError."""
    paths = save([picture], out)
    console.print(f"sequence: {' and '.join(map(str, paths))}", markup=False, soft_wrap=True)
    console.print(picture.caption, markup=False, soft_wrap=True)


def sequence_of(run: Run, folder: Path, height: int, profile: Path | None) -> Picture:
    """The messages about one height: of a simulation by repeating it, of real processes from what they recorded, else
    marks alone. Raises SequenceError, RecordingError, ProfileError."""
    if place_of(run) == "simulator":
        started = next((record for record in run.trace if record["kind"] == "run"), {})
        costs = None if profile is None else load_profile(profile, started.get("profile_broker", ""))
        shown = overhear(run, height, costs)
    elif profile is not None:
        raise SequenceError("--profile is for a run in the simulator; real processes are not repeated")
    elif is_recorded(run, folder):
        shown = from_recordings(run, height, folder)
    else:
        shown = from_trace(run, height)
    return lamport(shown, source_of([run]))


def figures_page(name: str, question: str, pictures: Sequence[Picture]) -> str:
    parts = [page.heading(name).replace("h2>", "h1>"), page.paragraph(question), *map(page.figure, pictures)]
    return page.page(f"{name}: figures", parts)


def report_sweep(folder: Path, figures: Path | None, console: Console) -> None:
    """Raises SweepError, OSError."""
    results = read_sweep(folder)
    pictures = figures_of_sweep(results)
    if figures is not None and not os.access(folder, os.W_OK):
        typer.echo(spoken()("report: not written again, for {folder} is read-only", folder=folder), err=True)
    else:
        write_whole(folder / "report.html", sweep_page(results, pictures).encode())
        console.print(spoken()("report: {path}", path=folder / "report.html"), markup=False, soft_wrap=True)
    if figures is not None:
        save(pictures, figures)
        console.print(f"figures: {figures} ({len(pictures)}, each as SVG and PNG)", markup=False, soft_wrap=True)


def sweep_page(results: SweepResults, pictures: Sequence[Picture]) -> str:
    question, _, story = results.question.strip().partition("\n\n")
    columns = Columns(results.axes, [point.figures for point in results.points])
    head = ("point", "runs", "failed", *columns.heads)
    rows = [
        (
            point_words(results, point),
            str(point.runs),
            str(point.failed),
            *columns.cells(point.figures),
        )
        for point in results.points
    ]
    parts = [
        page.heading(results.name).replace("h2>", "h1>"),
        page.paragraph(question),
        page.paragraph(story) if story else "",
        page.heading("Points"),
        page.table(head, rows, range(1, len(head))),
        page.paragraph(
            "Mean ± half the 95 % confidence interval of the mean over the runs that hold; throughput and latency "
            f"{columns.warm_up}. {FEW_WORDS}. All figures: points.csv, with units and meanings in schema.json.",
            is_note=True,
        ),
        page.heading("Pictures"),
        *(page.figure(picture) for picture in pictures),
        page.paragraph(f"consortium {__version__}; docs/measures.md tells how each is counted.", is_note=True),
    ]
    return page.page(f"{results.name}: report of a sweep", parts)


COMMAND = Command(
    "report",
    "Write a run's report.html, measures.csv and verdict.json again, or the report.html of a sweep; with --figures "
    "also figures for a paper (PNG, SVG).\n\n\b\nExamples:\n"
    "  consortium report runs/RUN\n  consortium report runs/RUN --figures figures\n"
    "  consortium report runs/RUN --height 12\n"
    "  consortium report runs/RUN --perfetto run.json\n"
    "  consortium report runs/sweep-NAME --figures figures",
    report,
    LOOK,
)
