"""The words of `consortium compare` and `consortium report` on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from consortium.commands.run import finish, load_told, new_folders, open_ledger
from consortium.lab.comparison.compare import CompareError
from consortium.lab.comparison.validation import ValidationError
from consortium.lab.figures.sequence import SequenceError
from consortium.runs.folder import own_folder
from consortium.runs.recording import RecordingError

ERRORS: tuple[type[Exception], ...] = (CompareError, ValidationError, SequenceError, RecordingError)

WIDTH_MIN = 130  # of tables in a file or pipe

COMPARE_HELP = (
    "Runs side by side: figures with differences and ratios, where their configurations differ, distributions over one "
    "another; in the terminal, and as a page with figures (PNG, SVG). With --validate: one scenario as local processes "
    "and in the simulator with this machine's costs, and the error of p50, p95 and throughput.\n\n\b\nExamples:\n"
    "  consortium compare runs/pbft runs/hotstuff\n"
    "  consortium compare runs/simulated runs/local --out runs/how-near\n"
    "  consortium compare --validate scenarios/studies/validation.py\n"
    "  consortium compare --validate scenarios/studies/validation.py --profile profile.json --members 4,7\n\n"
    "Exit status: 0 compared, 2 wrong usage or input."
)


def compare_values(
    runs: Annotated[list[Path] | None, typer.Argument(help="Folders of runs; the first is what ratios are to.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default runs/compare-TIME.")] = None,
    validate: Annotated[
        Path | None,
        typer.Option(metavar="STUDY", help="A file with VALIDATION = Validation(…): simulated against real."),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="With --validate: this machine's profile; default: measured now.")
    ] = None,
    broker: Annotated[str, typer.Option(help="With --validate: mosquitto or embedded; default: the study's.")] = "",
    members: Annotated[str, typer.Option(metavar="N,N", help="With --validate: instead of the study's sizes.")] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="With --validate: change the scenario.")
    ] = None,
    allow_noise: Annotated[
        bool, typer.Option("--allow-noise", help="With --validate: calibrate on a busy machine, too.")
    ] = False,
) -> None:
    if validate is not None:
        if runs:
            raise ValidationError("--validate makes its own runs: name a study or runs, not both")
        _validate(validate, profile, broker, members, set_ or (), allow_noise, out)
        return
    if profile is not None or broker or members or set_ or allow_noise:
        raise CompareError("--profile, --broker, --members, --set and --allow-noise belong to --validate STUDY")
    from consortium.commands import compare as comparing

    sides = comparing.read_sides(runs or [], open_ledger)
    with own_folder([out] if out else new_folders("compare"), "compare", is_begun=False) as folder:
        comparing.compare(sides, folder, _wide())


def _wide() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, WIDTH_MIN))


def _validate(
    study: Path,
    profile: Path | None,
    broker: str,
    members: str,
    sets: Sequence[str],
    allow_noise: bool,
    out: Path | None,
) -> None:
    from consortium.commands import validate as validating

    sizes = [word.strip() for word in members.split(",") if word.strip()]
    if not all(word.isdigit() for word in sizes):
        raise ValidationError(f"--members {members!r}: expected numbers, as in --members 4,7")
    asked = validating.Asked(study, profile, broker, [int(word) for word in sizes], sets, allow_noise)
    found = validating.load_study(asked)
    with own_folder([out] if out else new_folders(found.name), found.name, is_begun=False) as folder:
        validating.validate(asked, found, folder, _wide())


REPORT_HELP = (
    "Write a run's report.html, measures.csv and verdict.json again, or the report.html of a sweep; with --figures "
    "also figures for a paper (PNG, SVG).\n\n\b\nExamples:\n"
    "  consortium report runs/RUN\n  consortium report runs/RUN --figures figures\n"
    "  consortium report runs/RUN --height 12\n"
    "  consortium report runs/sweep-NAME --figures figures"
)


def report_values(
    folder: Annotated[Path, typer.Argument(help="The folder of a run or of a sweep.", metavar="RUN|SWEEP")],
    figures: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw figures into this folder.")] = None,
    height: Annotated[
        int | None, typer.Option(help="Draw the messages about this height, too; default folder RUN/figures.")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="With --height: the profile that the simulation had, to repeat it.")
    ] = None,
) -> None:
    from consortium.commands import report as reporting

    console = Console(highlight=False)
    if profile is not None and height is None:
        raise SequenceError("--profile is for --height: a simulation is repeated to hear what was said")
    if reporting.is_sweep(folder):
        if height is not None:
            raise SequenceError("--height is of one run; `consortium run` repeats a run of a sweep (see its README)")
        reporting.report_sweep(folder, figures, console)
        return
    run = load_told(folder)
    sequence = [] if height is None else [reporting.sequence_of(run, folder, height, profile)]
    finish(folder, run)
    typer.echo(f"report: {folder / 'report.html'}")
    if figures is not None:
        reporting.draw_run(run, sequence, figures, console)
    elif sequence:
        reporting.draw_sequence(sequence[0], folder / "figures", console)
