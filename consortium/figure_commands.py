"""The words of `consortium compare` and `consortium report` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from consortium.lab.compare import CompareError
from consortium.lab.run_folder import own_folder
from consortium.running import finish, load_told, new_folders, open_ledger

ERRORS: tuple[type[Exception], ...] = (CompareError,)

COMPARE_HELP = (
    "Runs side by side: figures with differences and ratios, where their configurations differ, distributions over one "
    "another; in the terminal, and as a page with figures (PNG, SVG).\n\n\b\nExamples:\n"
    "  consortium compare runs/pbft runs/hotstuff\n"
    "  consortium compare runs/simulated runs/local --out runs/how-near\n\n"
    "Exit status: 0 compared, 2 wrong usage or input."
)


def compare_values(
    runs: Annotated[list[Path] | None, typer.Argument(help="Folders of runs; the first is what ratios are to.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default runs/compare-TIME.")] = None,
) -> None:
    from consortium import comparing

    sides = comparing.read_sides(runs or [], open_ledger)
    with own_folder([out] if out else new_folders("compare"), "compare", is_begun=False) as folder:
        comparing.compare(sides, folder, Console(highlight=False))


REPORT_HELP = (
    "Write a run's report.html, measures.csv and verdict.json again, or the report.html of a sweep; with --figures "
    "also figures for a paper (PNG, SVG).\n\n\b\nExamples:\n"
    "  consortium report runs/RUN\n  consortium report runs/RUN --figures figures\n"
    "  consortium report runs/sweep-NAME --figures figures"
)


def report_values(
    folder: Annotated[Path, typer.Argument(help="The folder of a run or of a sweep.", metavar="RUN|SWEEP")],
    figures: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw figures into this folder.")] = None,
) -> None:
    from consortium import reporting

    console = Console(highlight=False)
    if reporting.is_sweep(folder):
        reporting.report_sweep(folder, figures, console)
        return
    run = load_told(folder)
    finish(folder, run)
    typer.echo(f"report: {folder / 'report.html'}")
    if figures is not None:
        reporting.draw_run(run, [], figures, console)
