"""The command `consortium`: thin. It turns words into values, calls the rooms below, and tells a person the outcome.

Exit status: 0 all checks hold, 1 a safety check failed (or a ledger is not sound), 2 wrong usage or input (or a machine
that cannot carry the run out: a full disk), 3 no progress (or nothing executed that could be checked), 130 stopped with
Ctrl-C. A mistake of the user's is one sentence on stderr, never a traceback.
"""

from __future__ import annotations

import math
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from consortium import __version__
from consortium.commands import figure_commands, sweep_command
from consortium.commands.run import EXIT_STOPPED, finish, load_told, new_folders, run_local_into, simulate_into
from consortium.commands.terminal import tell_outcome, tell_run, tell_verdicts
from consortium.core.genesis import Genesis, decode_genesis
from consortium.lab.checks.claims import exit_status, judge
from consortium.ledger.chain import GenesisError
from consortium.runs.folder import (
    LEDGER_FILE,
    RunFolderError,
    claim_folder,
    own_folder,
)
from consortium.runs.trace import TraceError
from consortium.scenario.fhir.records import ImportFault
from consortium.scenario.find import find_scenario, question_of, scenario_files, scenario_folder
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.simulation.costs.profile import ProfileError, load_profile
from nodes.errors import Damaged, StoreFailed, UserError
from nodes.process.store import SqliteRows

EXIT_USAGE, EXIT_UNSOUND = 2, 1
INPUT_ERRORS = (ScenarioError, ProfileError, GenesisError, ImportFault, RunFolderError, TraceError)
USER_ERRORS: tuple[type[Exception], ...] = (
    *INPUT_ERRORS,
    UserError,
    Damaged,
    StoreFailed,
    *sweep_command.ERRORS,
    *figure_commands.ERRORS,
)

app = typer.Typer(
    help="A laboratory for a medical-insurance consortium blockchain.\n\nOne scenario runs in the simulator and as "
    "real processes over MQTT; every run is checked, measured and reported.\n\n\b\nExamples:\n"
    "  consortium list\n  consortium run claim_day\n  consortium run claim_day --on simulator --seed 7\n"
    "  consortium verify runs/RUN/nodes/bureau",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=True,
)


def _console() -> Console:
    return Console(highlight=False)


# --- scenarios -------------------------------------------------------------------------------------------------------


@app.command("list", help="Show the scenarios that there are, each with the question it asks.")
def list_scenarios() -> None:
    console = _console()
    files = scenario_files()
    if not files:
        raise ScenarioError(f"there are no scenarios in {scenario_folder()}")
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("scenario", no_wrap=True)
    table.add_column("the question it asks")
    for name, path in files:
        table.add_row(name, question_of(path))
    console.print(table)


# --- run -------------------------------------------------------------------------------------------------------------


@app.command(
    help="Run a scenario, check it, and write its folder.\n\n\b\nExamples:\n"
    "  consortium run claim_day\n  consortium run scenarios/claim_day.py --on simulator --seed 7\n"
    "  consortium run claim_day --set parameters.timer_base_us=500_000 --set stop.limit_us=60_000_000\n"
    "  consortium run claim_day --broker mosquitto --out runs/mosquitto\n\n"
    "Exit status: 0 all checks hold, 1 a safety check failed, 2 wrong usage or input, 3 no progress."
)
def run(
    scenario: Annotated[str, typer.Argument(help="A scenario file (.py, .json) or the name of one in scenarios/.")],
    on: Annotated[
        str, typer.Option(help="`local`: a process per organisation, over MQTT. `simulator`: virtual time.")
    ] = "local",
    seed: Annotated[int | None, typer.Option(help="Instead of the scenario's own seed.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the scenario.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default runs/SCENARIO-TIME.")] = None,
    broker: Annotated[
        str, typer.Option(help="`embedded`, `mosquitto`, or mqtt://user:password@host:port.")
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
    if on not in ("local", "simulator"):
        raise ScenarioError(f"--on {on!r}: expected `local` or `simulator`")
    if on == "simulator" and broker != "embedded" and profile is None:
        raise ScenarioError("--broker is for runs in real processes, or names one in a --profile; leave it out here")
    if on == "simulator" and record:
        raise ScenarioError("--record is for runs in real processes; a run in the simulator is repeated by its seed")
    if level not in ("auto", "message", "collapsed"):
        raise ScenarioError(f"--level {level!r}: expected `auto`, `message` or `collapsed`")
    if on == "local" and level != "auto":
        raise ScenarioError("--level is for the simulator; leave it out, or use --on simulator")
    if on != "simulator" and profile is not None:
        raise ScenarioError("--profile is for simulations: real processes cost what they cost; add --on simulator")
    costs = None if profile is None else load_profile(profile, broker)
    chosen = load_scenario(find_scenario(scenario), set_ or (), seed)
    console = _console()
    folder = out or Path("runs")
    try:
        with own_folder([out] if out else new_folders(chosen.name), chosen.name, is_begun=on == "simulator") as folder:
            if on == "simulator":
                result = simulate_into(chosen, folder, console, costs, level)
            else:
                result = run_local_into(chosen, folder, broker, record, console)
            verdicts, measures = finish(folder, result)
    except KeyboardInterrupt:
        typer.echo(f"consortium: stopped at once; what lies in {folder} is not finished", err=True)
        raise typer.Exit(EXIT_STOPPED) from None
    tell_run(console, folder, result, verdicts, measures)
    if result.is_partial:
        typer.echo(f"consortium: stopped; what there is of the run lies in {folder}", err=True)
        raise typer.Exit(EXIT_STOPPED)
    raise typer.Exit(exit_status(verdicts))


# --- a run's folder --------------------------------------------------------------------------------------------------


@app.command(
    help="Judge a run again from its folder: trace and ledgers.\n\n\b\nExample:\n  consortium check runs/RUN\n\n"
    "Exit status as for `run`."
)
def check(run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")]) -> None:
    result, console = load_told(run), _console()
    verdicts = judge(result)
    tell_verdicts(console, verdicts)
    tell_outcome(console, result, verdicts)
    raise typer.Exit(exit_status(verdicts))


@app.command(
    help="Run a recorded node of a real run again, in this process, and compare what it puts out step by step."
    "\n\n\b\nExamples:\n  consortium run claim_day --record --out runs/day\n  consortium replay runs/day bureau\n\n"
    "Exit status: 0 identical, 1 not (the first step that differs is shown), 2 wrong usage or input."
)
def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    node: Annotated[str, typer.Argument(help="The name of one of its nodes.", metavar="NODE")],
) -> None:
    from consortium.commands import replay as replaying
    from nodes.process.inputs import load_inputs

    raise typer.Exit(replaying.replay(run, node, lambda: load_inputs(run, node), _console()))


# --- one ledger ------------------------------------------------------------------------------------------------------


@app.command(
    help="Check one node's whole ledger offline, from the genesis file alone: certificates, seals, signatures, roots, "
    "and every block executed again.\n\n\b\nExamples:\n  consortium verify runs/RUN/nodes/bureau\n"
    "  consortium verify bureau.sqlite --genesis genesis.json --at-least 500\n\n"
    "Exit status: 0 sound, 1 a fault (its height and record are named), 2 wrong usage or input."
)
def verify(
    ledger: Annotated[Path, typer.Argument(help="A ledger.sqlite, or the folder of a node.", metavar="LEDGER")],
    genesis: Annotated[Path | None, typer.Option(help="Default: the genesis.json of the run's folder.")] = None,
    at_least: Annotated[int, typer.Option(metavar="HEIGHT", help="Refuse a ledger that ends below this height.")] = 0,
) -> None:
    from consortium.contracts import load_contracts
    from consortium.ledger.verify import Fault, verify_ledger
    from consortium.protocols import load_protocols

    if at_least < 0:
        raise UserError(f"--at-least={at_least}: expected a height, 0 or more")
    path = ledger / LEDGER_FILE if ledger.is_dir() else ledger
    value = _read_genesis(genesis or _find_genesis(path))
    protocol = load_protocols().get(value.protocol)
    if protocol is None:
        raise UserError(f"the genesis names the protocol {value.protocol!r}, which this version does not have")
    try:
        verified = verify_ledger(value, SqliteRows(path, read_only=True), load_contracts(), protocol, at_least)
    except (Fault, Damaged) as fault:
        typer.echo(f"NOT SOUND: {fault}")
        raise typer.Exit(EXIT_UNSOUND) from None
    typer.echo(f"sound: {path}")
    if verified.first_height:
        typer.echo(f"begin: height {verified.first_height}, with a snapshot under a seal")
    typer.echo(f"head:  height {verified.height}, digest {verified.header_digest.hex()}")
    typer.echo(f"seals: {verified.seals:,}, the last at height {verified.sealed_height}")


def _find_genesis(ledger: Path) -> Path:
    """The genesis.json of the nearest folder above the ledger. Raises UserError."""
    for folder in ledger.resolve().parents[:4]:
        if (folder / "genesis.json").is_file():
            return folder / "genesis.json"
    raise UserError(f"no genesis.json lies above {ledger}: name it with --genesis FILE")


def _read_genesis(path: Path) -> Genesis:
    try:
        return decode_genesis(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"there is no genesis file {path}") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


# --- import ----------------------------------------------------------------------------------------------------------


@app.command(
    "import",
    help="Read a folder of FHIR R4 NDJSON, map it to our records (docs/mapping.md), and tell what was refused and why."
    "\n\n\b\nExamples:\n  consortium import data/fhir_r4_20\n  consortium import data/fhir_r4_20 --out records.json",
)
def import_folder(
    folder: Annotated[
        Path, typer.Argument(help="Holds Patient, Organization, Coverage, Claim (.ndjson or .ndjson.gz).")
    ],
    out: Annotated[Path | None, typer.Option(help="Write the mapped records to this file (JSON).")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="32 secret bytes that make the pseudonyms repeatable; default: fresh ones.")
    ] = None,
) -> None:
    import msgspec

    from consortium.scenario.fhir.importer import import_fhir
    from nodes.process.keys import read_private

    if out is not None and out.exists():
        raise UserError(f"{out} exists already; name another file with --out, or remove it first")
    if out is not None and not out.parent.is_dir():
        raise UserError(f"{out}: there is no folder {out.parent}; make it first, or name another file with --out")
    key = secrets.token_bytes(32) if key_file is None else read_private(key_file)
    imported = import_fhir(folder, key, strict=True)
    console = _console()
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("records")
    table.add_column("count", justify="right")
    for name in ("persons", "coverages", "providers", "items", "claims", "prescriptions"):
        table.add_row(name, f"{len(getattr(imported, name)):,}")
    console.print(table)
    for refusal in imported.refused:
        console.print(f"refused: {refusal.count:,} × {refusal.reason}, first at {refusal.first}", markup=False)
    if not imported.refused:
        console.print("refused: 0 records")
    if out is not None:
        half = out.with_name(out.name + ".part")
        half.write_bytes(msgspec.json.format(msgspec.json.encode(imported), indent=1) + b"\n")
        half.replace(out)
        typer.echo(f"written: {out}")


# --- calibrate -------------------------------------------------------------------------------------------------------


@app.command(
    help="Measure what signatures, steps, messages and the disk cost on this machine, and write a profile that "
    "simulations use. Takes some two minutes; the machine should do nothing else.\n\n\b\nExamples:\n"
    "  consortium calibrate\n  consortium run low_load --on simulator --profile profile.json\n"
    "  consortium run low_load --on simulator --profile profile.json --broker mosquitto\n\n"
    "Exit status: 0 written, 2 the machine was too busy, or wrong usage."
)
def calibrate(
    out: Annotated[Path, typer.Option(help="The file to write; on the disk that runs are kept on.")] = Path(
        "profile.json"
    ),
    allow_noise: Annotated[bool, typer.Option("--allow-noise", help="Write it, even if the repeats disagree.")] = False,
) -> None:
    from consortium.commands import calibrate as calibrating

    calibrating.calibrate(out, _console(), allow_noise=allow_noise)


# --- explore ---------------------------------------------------------------------------------------------------------


@app.command(
    "explore",
    help="Run many seeds in virtual time, each with members, network, faults, traitors and work of its own, all checks "
    "on; or, with --twins, cases of members that run twice. A seed that fails is shrunk and kept.\n\n\b\nExamples:\n"
    "  consortium explore --minutes 10\n  consortium explore --seeds 500 --first 10_000\n"
    "  consortium explore --twins --minutes 10\n  consortium explore --replay 1234\n\n"
    "Exit status: 0 all checks hold, 1 a safety check failed, 2 wrong usage or input, 3 no progress, 130 stopped.",
)
def explore_seeds(
    minutes: Annotated[float | None, typer.Option(help="Stop after so long; default 1, if no --seeds.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Stop after so many seeds, or twin cases.")] = None,
    first: Annotated[str, typer.Option(help="The first seed.")] = "0",
    twins: Annotated[bool, typer.Option("--twins", help="Twin cases: leaders × partitions × rounds.")] = False,
    replay: Annotated[
        str | None, typer.Option(metavar="SEED", help="Run this one, or a kept twin case's file, again: told in full.")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Default: one for each core.")] = None,
    protocol: Annotated[str, typer.Option(help="Of all seeds: pbft, hotstuff or solo.")] = "pbft",
    out: Annotated[Path | None, typer.Option(help="Folder for what failed; default runs/explore-TIME.")] = None,
) -> None:
    from consortium.commands import explore as exploring
    from consortium.protocols import load_protocols

    if protocol not in load_protocols():
        raise UserError(f"--protocol {protocol}: known are {', '.join(load_protocols())}")
    if twins and protocol != "pbft":
        raise UserError(f"--twins tells rounds apart by PBFT's messages: it cannot take --protocol {protocol}")
    if replay is not None:
        raise typer.Exit(exploring.replay(exploring.read_replay(replay, twins), _console(), protocol))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    number = first.replace("_", "")
    is_first = number.isdecimal() and len(number) <= 18
    is_time = minutes is None or (minutes > 0 and math.isfinite(minutes))
    if not is_first:
        raise UserError(f"--first {first}: expected a number, of 18 digits at most")
    if not is_time or (seeds is not None and seeds <= 0):
        raise UserError("--minutes and --seeds are above 0")
    if processes is not None and processes <= 0:
        raise UserError("--processes is above 0")
    chosen = 1.0 if minutes is None and seeds is None else minutes
    folder = out or next(each for each in new_folders("explore") if not each.exists())
    claim_folder(folder)
    plan = exploring.Plan(chosen, seeds, int(number), twins, processes or cores, folder, protocol)
    raise typer.Exit(exploring.explore(plan, _console()))


app.command("sweep", help=sweep_command.HELP)(sweep_command.sweep_values)
app.command("report", help=figure_commands.REPORT_HELP)(figure_commands.report_values)
app.command("compare", help=figure_commands.COMPARE_HELP)(figure_commands.compare_values)


# --- all -------------------------------------------------------------------------------------------------------------


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"consortium {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status; a user's mistake is one sentence on stderr."""
    try:
        app(args=None if arguments is None else list(arguments))
    except USER_ERRORS as error:
        sys.stderr.write(f"consortium: {error}\n")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"consortium: {place}{error.strerror or error}\n")
    except KeyboardInterrupt:
        sys.exit(EXIT_STOPPED)
    else:
        sys.exit(0)
    sys.exit(EXIT_USAGE)
