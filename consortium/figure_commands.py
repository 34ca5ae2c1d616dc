"""The words of `consortium compare` and `consortium report` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from consortium.lab.compare import CompareError
from consortium.lab.run_folder import own_folder
from consortium.running import new_folders, open_ledger

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
