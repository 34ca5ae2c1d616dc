"""`consortium together`: several consortia in one virtual time; the trace, the checks and the report of each, and what
must hold between them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from consortium.commands.command import RUN, Command, make_console
from consortium.commands.folders import finish, new_folders, save_ledger, save_vault
from consortium.commands.language import spoken
from consortium.commands.run import collecting_seldom
from consortium.commands.tables import Column, show_table
from consortium.commands.terminal import tell_verdicts
from consortium.lab.checks.claims import Verdict, exit_status
from consortium.lab.together import judge_together
from consortium.runs.folder import claim_folder, write_simulated, write_whole
from consortium.runs.run import Run
from consortium.runs.trace import fingerprint
from consortium.scenario.chains import Chains, load_chains
from consortium.scenario.find import find_scenario
from consortium.simulation.together import Together

README = "README.md"


def together(
    chains: Annotated[
        str, typer.Argument(help="A file that offers CHAINS, or the name of one in scenarios/together/.")
    ],
    seed: Annotated[
        int | None, typer.Option(help="Of the first chain, in place of its own; the next has the next.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default runs/NAME-TIME.")] = None,
) -> None:
    chosen = load_chains(find_scenario(chains), seed)
    console = make_console()
    folder = out or next(each for each in new_folders(chosen.name) if not each.exists())
    claim_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    raise typer.Exit(_run_told(chosen, folder, console))


def _run_told(chains: Chains, folder: Path, console: Console) -> int:
    words = spoken()
    with collecting_seldom():
        ended = Together(chains).run()
    runs: dict[str, Run] = {}
    status = 0
    for name, done in ended.simulated.items():
        run = Run(chains.chains[name], done.genesis, done.trace, dict(done.ledgers), vaults=dict(done.vaults))
        write_simulated(folder / name, run, save_ledger, save_vault)
        verdicts, _ = finish(folder / name, run)
        runs[name] = run
        status = max(status, exit_status(verdicts))
        failed = [verdict for verdict in verdicts if verdict.fails]
        held = sum(verdict.holds for verdict in verdicts)
        told = words("{name}: {held} checks hold, {failed} fail; {path}", name=name, held=held, failed=len(failed),
                     path=folder / name / "report.html")  # fmt: skip
        console.print(told, markup=False, highlight=False, soft_wrap=True)
        if failed:
            tell_verdicts(console, failed)
    between = judge_together(runs)
    _tell_between(chains, runs, between, console)
    _write(folder, chains, between)
    if not ended.is_done:
        console.print(
            words("NO PROGRESS: something waits for the other chain, and nothing is on its way."), style="bold"
        )
    return max(status, exit_status(between), 0 if ended.is_done else 3)


def _tell_between(chains: Chains, runs: dict[str, Run], verdicts: Sequence[Verdict], console: Console) -> None:
    words = spoken()
    rows = []
    for name, run in runs.items():
        for note in run.records.of_kind("carried"):
            rows.append(
                (f"{note['t_us'] / 1e6:.2f}", f"{note['chain']} → {name}", str(note["operation"]), str(note["what"]))
            )
    columns = (words("second"), words("from, to"), words("what"), words("of"))
    console.print()
    rows.sort(key=lambda row: float(row[0]))
    show_table(console, tuple(Column(each, is_number=each == columns[0]) for each in columns), rows)
    tell_verdicts(console, verdicts)
    for name, run in runs.items():
        console.print(
            words("fingerprint of {name}: {digits}", name=name, digits=fingerprint(run.trace)), soft_wrap=True
        )


def _write(folder: Path, chains: Chains, verdicts: Sequence[Verdict]) -> None:
    """chains.json and README.md, beside the folders of the runs."""
    with contextlib.suppress(FileNotFoundError):
        (folder / README).unlink()
    write_whole(folder / "chains.json", msgspec.json.format(msgspec.json.encode(chains), indent=2) + b"\n")
    write_whole(folder / "between.json", msgspec.json.format(msgspec.json.encode(list(verdicts)), indent=2) + b"\n")
    each = "\n".join(f"- `{name}/`: the run of {name}, as `consortium check {name}` reads it" for name in chains.chains)
    text = f"# {chains.name}\n\n{chains.question}\n\n{each}\n- `between.json`: what was judged over all ledgers\n"
    write_whole(folder / README, text.encode())


COMMAND = Command(
    "together",
    "Run several consortia in one virtual time, with a bridge that carries proofs between them.\n\n\b\nExamples:\n"
    "  consortium together together/two_regions\n  consortium together together/two_regions --seed 7 --out runs/two\n"
    "  consortium check runs/two/north\n\n"
    "Exit status: 0 all checks hold, 1 a safety check failed, 2 wrong usage or input, 3 no progress.",
    together,
    RUN,
)
