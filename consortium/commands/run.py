"""`consortium run`: a scenario in the simulator or in processes, checked, measured and written."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from consortium.commands.command import EXIT_STOPPED, RUN, Command, Sets, make_console
from consortium.commands.folders import finish, new_folders, open_ledger, open_vault, save_ledger, save_vault
from consortium.commands.language import spoken
from consortium.commands.terminal import Stopped, stoppable, tell_run, watching
from consortium.core.errors import UserError
from consortium.core.machine import Rows
from consortium.core.vault import BoxReader
from consortium.lab.checks.claims import exit_status
from consortium.runs.folder import load_run, own_folder, write_simulated
from consortium.runs.run import Run
from consortium.scenario.find import find_scenario
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Scenario
from consortium.simulation.costs.profile import Profile, load_profile

if TYPE_CHECKING:
    from nodes.conduct.site import Site


def run(
    scenario: Annotated[str, typer.Argument(help="A scenario file (.py, .json) or the name of one in scenarios/.")],
    on: Annotated[
        str,
        typer.Option(
            help="`local`: a process per organisation, over MQTT. `docker`: a container per organisation. `simulator`: "
            "virtual time."
        ),
    ] = "local",
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's own seed.")] = None,
    set_: Sets = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default runs/SCENARIO-TIME.")] = None,
    broker: Annotated[
        str,
        typer.Option(
            help="`embedded`, `mosquitto`, or mqtt://user:password@host:port; several with commas: nodes use them all."
        ),
    ] = "embedded",
    level: Annotated[
        str,
        typer.Option(
            help="Of the simulator, which decides the same at each: `message` delivers every vote, `collapsed` wakes a "
            "node when its quorum is complete (among more than 128 nodes certificates may name other signers), `auto`: "
            "collapsed from 32 nodes on. Faults and traitors are always met message by message."
        ),
    ] = "auto",
    record: Annotated[
        bool, typer.Option("--record", help="Write down all that each process is given, for `consortium replay`.")
    ] = False,
    profile: Annotated[
        Path | None,
        typer.Option(help="With --on simulator: what CPU costs (`consortium calibrate`); default: nothing."),
    ] = None,
) -> None:
    _check_words(on, broker, level, record, profile)
    costs = None if profile is None else load_profile(profile, broker)
    chosen = load_scenario(find_scenario(scenario), set_ or (), seed)
    raise typer.Exit(_run_told(chosen, out, on, broker, level, record, costs))


def _check_words(on: str, broker: str, level: str, record: bool, profile: Path | None) -> None:
    """Raises ScenarioError where words do not go together."""
    if on not in ("local", "docker", "simulator"):
        raise ScenarioError(f"--on {on!r}: expected `local`, `docker` or `simulator`")
    if on == "simulator" and broker != "embedded" and profile is None:
        raise ScenarioError("--broker is for runs in real processes, or names one in a --profile; leave it out here")
    if on == "simulator" and record:
        raise ScenarioError("--record is for runs in real processes; a run in the simulator is repeated by its seed")
    if level not in ("auto", "message", "collapsed"):
        raise ScenarioError(f"--level {level!r}: expected `auto`, `message` or `collapsed`")
    if on != "simulator" and level != "auto":
        raise ScenarioError("--level is for the simulator; leave it out, or use --on simulator")
    if on != "simulator" and profile is not None:
        raise ScenarioError("--profile is for simulations: real processes cost what they cost; add --on simulator")


def _run_told(
    scenario: Scenario,
    out: Path | None,
    on: str,
    broker: str,
    level: str,
    is_recorded: bool,
    costs: Profile | None,
) -> int:
    """Run, write, and tell; the exit status."""
    console = make_console()
    is_simulated = on == "simulator"
    folder = out or Path("runs")
    try:
        with own_folder([out] if out else new_folders(scenario.name), scenario.name, is_begun=is_simulated) as folder:
            if is_simulated:
                result = simulate_into(scenario, folder, console, costs, level)
            else:
                result = run_local_into(scenario, folder, broker, is_recorded, console, _site(on))
            verdicts, measures = finish(folder, result)
    except KeyboardInterrupt:
        typer.echo(
            spoken()("consortium: stopped at once; what lies in {folder} is not finished", folder=folder), err=True
        )
        return EXIT_STOPPED
    tell_run(console, folder, result, verdicts, measures)
    if result.is_partial:
        typer.echo(spoken()("consortium: stopped; what there is of the run lies in {folder}", folder=folder), err=True)
        return EXIT_STOPPED
    return exit_status(verdicts)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """While a run goes on nearly all that is made stays, and looking through it for garbage finds little."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def simulate_into(
    scenario: Scenario, folder: Path, console: Console, costs: Profile | None, level: str = "auto"
) -> Run:
    from consortium.simulation.run import Simulation

    with watching(scenario, console) as on_record, stoppable(on_record) as on_record_or_stop:
        try:
            simulation = Simulation(scenario, on_record_or_stop, profile=costs, level=level)
        except KeyboardInterrupt:
            typer.echo(spoken()("consortium: stopped before the run began; nothing was written"), err=True)
            raise typer.Exit(EXIT_STOPPED) from None
        try:
            with collecting_seldom():
                simulation.run()
            is_stopped = False
        except Stopped:
            is_stopped = True
    ledgers: dict[str, Rows] = {name: node.disk.rows for name, node in simulation.nodes.items()}
    vaults: dict[str, BoxReader] = {name: node.disk.boxes for name, node in simulation.nodes.items()}
    result = Run(scenario, simulation.genesis, simulation.trace, ledgers, is_stopped, vaults)
    write_simulated(folder, result, save_ledger, save_vault)
    return result


def _site(on: str) -> Site:
    if on == "docker":
        from nodes.containers.site import InContainers

        return InContainers()
    from nodes.conduct.site import Local

    return Local()


def run_local_into(
    scenario: Scenario, folder: Path, broker: str, is_recorded: bool, console: Console, site: Site | None = None
) -> Run:
    from nodes.conduct.conductor import run_local

    is_stopped = False
    with watching(scenario, console) as on_record:
        try:
            outcome = run_local(scenario, folder, broker, on_record, is_recorded=is_recorded, site=site)
        except KeyboardInterrupt:
            is_stopped = True
    if is_stopped and not (folder / "trace.jsonl").is_file():
        typer.echo(spoken()("consortium: stopped before the run began; nothing was written"), err=True)
        raise typer.Exit(EXIT_STOPPED)
    if not is_stopped and outcome.is_environment:
        raise UserError(f"{outcome.sentence} The run failed; what there is of it lies in {folder}")
    if not is_stopped and outcome.sentence:
        typer.echo(f"consortium: {outcome.sentence}", err=True)
    result = load_run(folder, open_ledger, open_vault)
    return replace(result, is_partial=result.is_partial or is_stopped)


COMMAND = Command(
    "run",
    "Run a scenario, check it, and write its folder.\n\n\b\nExamples:\n"
    "  consortium run claim_day\n  consortium run scenarios/claim_day.py --on simulator --seed 7\n"
    "  consortium run claim_day --set parameters.timer_base_us=500_000 --set stop.limit_us=60_000_000\n"
    "  consortium run claim_day --broker mosquitto --out runs/mosquitto\n"
    "  consortium run bench_broker_of_three --broker mosquitto,mosquitto,mosquitto\n"
    "  consortium run claim_day --on docker\n\n"
    "Exit status: 0 all checks hold, 1 a safety check failed, 2 wrong usage or input, 3 no progress.",
    run,
    RUN,
)
