"""The words of `consortium sweep` on the command line; what it does stands in `consortium/commands/sweep.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from consortium.commands.workers import ClusterError
from consortium.lab.measures.frames import LoadError
from consortium.lab.measures.tables import MissingExtra
from consortium.lab.sweeps.plan import SweepError

ERRORS: tuple[type[Exception], ...] = (SweepError, MissingExtra, ClusterError, LoadError)

HELP = (
    "Run a scenario in the simulator at every combination of some values, with several seeds each; tables as CSV and "
    "Parquet (docs/measures.md). Stopped in the middle, the same command goes on.\n\n\b\nExamples:\n"
    "  consortium sweep low_load --vary members=4,7,10 --repeat 5\n"
    "  consortium sweep low_load --vary network.latency=1ms,20ms,80ms --vary batch=10,100\n"
    "  consortium sweep studies/latency_of_members_on_a_wan --on-cluster tcp://host:8786\n\n"
    "Exit status: 0 all checks hold, 1 a safety check failed, 2 wrong usage or input, 3 no progress."
)


def sweep_values(
    scenario: Annotated[
        str, typer.Argument(metavar="FILE|SCENARIO", help="A sweep file (SWEEP = Sweep(…)) or a scenario, or its name.")
    ],
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUE,…", help="As --set; and `members` (validators), network.latency, timer, batch."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value at all points.")
    ] = None,
    repeat: Annotated[int | None, typer.Option(help="Runs of each point, with successive seeds; default 1.")] = None,
    seed: Annotated[int | None, typer.Option(help="The first seed, instead of the scenario's own.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; default: one for each core.")] = None,
    on_cluster: Annotated[str, typer.Option(metavar="ADDRESS", help="A Dask scheduler, tcp://host:8786.")] = "",
    profile: Annotated[
        Path | None, typer.Option(help="What CPU costs (`consortium calibrate`); default: nothing.")
    ] = None,
    broker: Annotated[str, typer.Option(help="Which broker of the profile.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder; default runs/sweep-NAME-DIGEST, always the same.")] = None,
) -> None:
    from consortium.commands import sweep as sweeping

    wanted = sweeping.Wanted(scenario, vary or (), set_ or (), repeat, seed, jobs, on_cluster, out, profile, broker)
    raise typer.Exit(sweeping.sweep(wanted, Console(highlight=False)))
