"""`consortium compare`: runs side by side, in the terminal and as a folder with a page and figures."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from consortium import __version__
from consortium.commands.command import LOOK, Command, Json, print_json
from consortium.commands.folders import new_folders, open_ledger
from consortium.core.machine import Rows
from consortium.lab.checks.claims import judge
from consortium.lab.comparison.compare import (
    ABSENT,
    CompareError,
    Line,
    Setting,
    Side,
    comparison_csv,
    labels_of,
    lines_of,
    settings_that_differ,
    shown,
)
from consortium.lab.comparison.validation import ValidationError
from consortium.lab.figures.of_run import figures_of_sides
from consortium.lab.figures.paper import Picture, save
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.measures import measure, number
from consortium.lab.measures.tables import write_whole
from consortium.lab.pages import page
from consortium.runs.folder import load_run, own_folder

PAGE = "comparison.html"
SIDES_MAX = 8
WIDTH_MIN = 130  # of tables in a file or pipe
_SAME = "The scenarios are the same: the runs differ by chance, machine or version alone."

_README = """# A comparison of {count} runs

{runs}

| file | what it holds |
| --- | --- |
| `comparison.html` | figures side by side, where the configurations differ, pictures; one file, opens offline |
| `comparison.csv` | every figure of every run, and its ratio to that of the first |
| `figures/*.svg`, `*.png` | the pictures, for a paper |

    consortium compare {folders}
"""


def compare(
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
    json: Json = False,
) -> None:
    if json and (validate is not None or out is not None):
        raise CompareError("--json prints the comparison and writes nothing: leave --validate and --out out")
    if validate is not None:
        if runs:
            raise ValidationError("--validate makes its own runs: name a study or runs, not both")
        _validate(validate, profile, broker, members, set_ or (), allow_noise, out)
        return
    if profile is not None or broker or members or set_ or allow_noise:
        raise CompareError("--profile, --broker, --members, --set and --allow-noise belong to --validate STUDY")
    sides = read_sides(runs or [], open_ledger)
    if json:
        print_json(comparison_content(sides))
        return
    with own_folder([out] if out else new_folders("compare"), "compare", is_begun=False) as folder:
        compare_sides(sides, folder, _wide())


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


def read_sides(folders: Sequence[Path], open_ledger: Callable[[Path], Rows]) -> list[Side]:
    """Raises CompareError, RunFolderError."""
    if len(folders) < 2:
        raise CompareError("one run cannot be compared; name two or more folders of runs, or --validate FILE")
    if len(folders) > SIDES_MAX:
        raise CompareError(
            f"{len(folders)} runs: at most {SIDES_MAX} can be told apart; `consortium sweep` is for more"
        )
    sides = []
    for folder, label in zip(folders, labels_of(folders), strict=True):
        if (folder / "plan.json").is_file():
            told = shlex.quote(str(folder))
            raise CompareError(f"{folder} is a sweep, not a run; `consortium report {told}` draws its points together")
        run = load_run(folder, open_ledger)
        found = distributions(run.trace)
        sides.append(Side(label, folder, run, found, measure(run.trace, found), judge(run)))
    return sides


def compare_sides(sides: Sequence[Side], out: Path, console: Console) -> None:
    """Tell and write. Raises OSError."""
    lines, settings = lines_of(sides), settings_that_differ([side.run for side in sides])
    tell_sides(sides, shown(lines), settings, console)
    pictures = figures_of_sides(sides)
    save(pictures, out / "figures")
    write_whole(out / "comparison.csv", comparison_csv(sides, lines))
    runs = "\n".join(f"- `{side.folder}`: {side.run.scenario.name}, {side.outcome}" for side in sides)
    folders = shlex.join(str(side.folder) for side in sides)
    write_whole(out / "README.md", _README.format(count=len(sides), runs=runs, folders=folders).encode())
    write_whole(out / PAGE, comparison_page(sides, lines, settings, pictures).encode())
    console.print(f"comparison: {out / PAGE}", markup=False, soft_wrap=True)


def comparison_content(sides: Sequence[Side]) -> dict[str, Any]:
    """What `--json` prints: runs, the settings in which they differ, and every figure with its ratio to the first."""
    runs = [
        {"label": side.label, "folder": str(side.folder), "scenario": side.run.scenario.name, "outcome": side.outcome}
        for side in sides
    ]
    figures = [
        {
            "name": line.name,
            "unit": line.unit,
            "what": line.what,
            "values": list(line.values),
            "ratios": [line.ratio(place) for place in range(1, len(sides))],
        }
        for line in lines_of(sides)
    ]
    settings = settings_that_differ([side.run for side in sides])
    differing = [{"path": setting.path, "values": list(setting.values)} for setting in settings]
    return {"format": 1, "runs": runs, "settings": differing, "figures": figures}


# --- in the terminal --------------------------------------------------------------------------------------------------


def tell_sides(sides: Sequence[Side], lines: Sequence[Line], settings: Sequence[Setting], console: Console) -> None:
    for index, table in enumerate(figure_tables(sides, lines, console)):
        console.print(*([""] if index else []), table, sep="\n")
    console.print("\nwhere the configurations differ:" if settings else f"\n{_SAME}", markup=False)
    if settings:
        for index, table in enumerate(_setting_tables(sides, settings, console)):
            console.print(*([""] if index else []), table, sep="\n")
    for side in sides:
        console.print(f"{side.label}: {side.outcome}", markup=False, soft_wrap=True)


def figure_tables(sides: Sequence[Side], lines: Sequence[Line], console: Console) -> list[Table]:
    """One table, or several below one another with some of the runs each: a figure is never cut to fit.
    Of two runs in a narrow terminal the differences are left to the page."""
    head, rows = _head(sides), [(line.name, _unit(line), *_cells(line)) for line in lines]
    endless = console.options.update_width(10_000)  # else a measure is never above the console's width

    def fits(columns: Sequence[int]) -> bool:
        return console.measure(_figure_table(head, rows, columns), options=endless).maximum <= console.width

    if len(sides) == 2:
        return [_figure_table(head, rows, (0, 1, 2, 3) if fits((0, 1, 2, 3)) else (0, 1, 3))]
    groups = [[0]]
    for first in range(1, len(head), 2):  # a run and its ratio stay together
        run = [first, first + 1]
        if fits([*groups[-1], *run]):
            groups[-1] += run
        else:
            groups.append(run)
    return [_figure_table(head, rows, group) for group in groups]


def _setting_tables(sides: Sequence[Side], settings: Sequence[Setting], console: Console) -> list[Table]:
    """As many runs a table as have room for a number each."""
    at_once, tables = max(1, (console.width - 30) // 18), []
    for first in range(0, len(sides), at_once):
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("setting", overflow="fold")
        for side in sides[first : first + at_once]:
            table.add_column(side.label, overflow="fold")
        for setting in settings:
            table.add_row(setting.path, *setting.values[first : first + at_once])
        tables.append(table)
    return tables


def _figure_table(head: Sequence[str], rows: Sequence[Sequence[str]], columns: Sequence[int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("figure", no_wrap=True)
    table.add_column("", no_wrap=True)
    for place in columns:
        width = max((len(row[place + 2]) for row in rows), default=0)
        table.add_column(head[place], justify="right", overflow="fold", width=max(width, min(len(head[place]), 14)))
    for row in rows:
        table.add_row(*row[:2], *(row[place + 2] for place in columns))
    return table


def _head(sides: Sequence[Side]) -> list[str]:
    if len(sides) == 2:
        return [sides[0].label, sides[1].label, "difference", "ratio"]
    return [sides[0].label, *(cell for side in sides[1:] for cell in (side.label, "ratio"))]


def _unit(line: Line) -> str:
    return "" if line.unit == "1" else line.unit


def _cells(line: Line) -> list[str]:
    """For two runs: both values, difference, ratio. For more: each value, and its ratio to the first."""
    told = [plain(value) for value in line.values]
    if len(line.values) == 2:
        return [*told, plain(line.difference(1), is_signed=True), ratio_words(line.ratio(1))]
    return [told[0], *(cell for i in range(1, len(told)) for cell in (told[i], ratio_words(line.ratio(i))))]


def plain(value: float | None, *, is_signed: bool = False) -> str:
    if value is None:
        return ABSENT
    return ("+" if is_signed and value > 0 else "") + number(value, "1")


def ratio_words(ratio: float | None) -> str:
    """`×1.24`; `×1` where both are the same."""
    if ratio is None:
        return ABSENT
    return f"×{ratio:.0f}" if ratio >= 100 or ratio == 1 else f"×{ratio:.3g}"


# --- the page ---------------------------------------------------------------------------------------------------------


def comparison_page(
    sides: Sequence[Side], lines: Sequence[Line], settings: Sequence[Setting], pictures: Sequence[Picture]
) -> str:
    head = _head(sides)
    numbers = range(2, len(head) + 2)
    labels = [side.label for side in sides]
    title = " · ".join(labels)
    questions = list(dict.fromkeys(side.run.scenario.question.strip().partition("\n\n")[0] for side in sides))
    runs = [(side.label, side.run.scenario.name, str(side.run.scenario.seed), side.outcome) for side in sides]
    differing = [(setting.path, *setting.values) for setting in settings]
    every = [(line.name, _unit(line), *_cells(line), line.what) for line in lines]
    few = [(line.name, _unit(line), *_cells(line)) for line in shown(lines)]
    parts = [
        page.heading(title).replace("h2>", "h1>"),
        *(page.paragraph(question) for question in questions if question),
        page.table(("run", "scenario", "seed", "outcome"), runs),
        page.heading("Where the configurations differ"),
        page.table(("setting", *labels), differing) if differing else page.paragraph(_SAME),
        page.heading("Side by side"),
        page.table(("figure", "unit", *head), few, numbers),
        page.paragraph(f"Ratios are to {labels[0]}. Figures that end in _steady are without warm-up.", is_note=True),
        page.heading("Pictures"),
        *(page.figure(picture) for picture in pictures),
        page.heading("All figures"),
        page.table(("figure", "unit", *head, "what"), every, numbers),
        page.paragraph(f"consortium {__version__}; docs/measures.md tells how each is counted.", is_note=True),
    ]
    return page.page(f"Comparison: {title}", parts)


COMMAND = Command(
    "compare",
    "Runs side by side: figures with differences and ratios, where their configurations differ, distributions over one "
    "another; in the terminal, and as a page with figures (PNG, SVG). With --validate: one scenario as local processes "
    "and in the simulator with this machine's costs, and the error of p50, p95 and throughput.\n\n\b\nExamples:\n"
    "  consortium compare runs/pbft runs/hotstuff\n"
    "  consortium compare runs/simulated runs/local --out runs/how-near\n"
    "  consortium compare --validate scenarios/studies/validation.py\n"
    "  consortium compare --validate scenarios/studies/validation.py --profile profile.json --members 4,7\n\n"
    "With --json nothing is written. Exit status: 0 compared, 2 wrong usage or input.",
    compare,
    LOOK,
)
