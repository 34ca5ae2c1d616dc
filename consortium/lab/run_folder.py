"""A run's folder: what lies in it, written and read again. The README in it explains every file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from consortium import __version__
from consortium.core.genesis import decode_genesis, encode_genesis
from consortium.core.machine import Rows
from consortium.lab.checks import Verdict, exit_status
from consortium.lab.measures import Measures
from consortium.lab.run import ILLUSTRATIVE_SENTENCE, Run
from consortium.lab.trace import TraceError, TraceReader, fingerprint, write_trace
from consortium.scenario.scenario import Scenario

FORMAT = 1
LEDGER_FILE = "ledger.sqlite"

_README = """# {name}: a run of a scenario

{question}

It ran {place} with seed {seed}, and ended so: **{outcome}**.
{illustrative}

| file | what it holds |
| --- | --- |
| `report.html` | the run for a person: verdict, pictures, figures, configuration; one file, opens offline |
| `verdict.json` | each check with its verdict and what it found wrong; the exit status of the command |
| `measures.csv` | all figures: `name,value,unit,what` (`what` says how it was counted) |
| `scenario.json` | the scenario as it ran; `consortium run scenario.json` repeats it |
| `genesis.json` | everything that fixes the chain before its first height; its hash is the chain id |
| `trace.jsonl` | what happened: one JSON object a line, in order of time, `t_us` microseconds since the start |
| `nodes/NAME/ledger.sqlite` | the ledger of one node, as `sqlite3` opens it (views `blocks`, `state_rows`) |
{local}
Look closer:

    consortium check {folder}            # judge the run again
    consortium report {folder}           # write report.html again
    consortium verify {folder}/nodes/NAME   # check one node's ledger from the genesis file alone
"""

_LOCAL_FILES = """| `nodes/NAME/log.txt` | what the process of that node said: starts, reconnections, errors |
| `nodes/NAME/trace.jsonl` | that node's own part of the trace |
| `nodes/NAME/votes.log` | its durable votes, so that it never votes twice after a crash |
| `nodes/NAME/*.damaged-TIME.*` | files that were found damaged and set aside; its log says why |
| `nodes/NAME/copy/` | its files as they were when a fault of the scenario copied its disk |
| `nodes/NAME/settings.json` | where it found the bus, and when the run began (holds a password: mode 0600) |
| `nodes/NAME/lock` | held while that process runs, so that no second one starts on the same files |
| `broker/` | settings, rules, passwords (mode 0600) and log of a broker that the run started for itself |
| `nodes/NAME/keys/` | its secret keys by purpose (mode 0600); do not publish them |
"""


class RunFolderError(ValueError):
    """The folder is not a run's, or cannot become one. The sentence says what to do."""


def claim_folder(out: Path) -> None:
    """Refuse a folder that already holds something; makes nothing. Raises RunFolderError."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out} is a file; name a folder that does not exist yet with --out")
    if out.is_dir() and any(out.iterdir()):
        raise RunFolderError(f"{out} is not empty; name another folder with --out, or remove it first")


def write_simulated(out: Path, run: Run, save_ledger: Callable[[Path, Rows], None]) -> None:
    """What a run in real processes has left behind by itself: scenario, genesis, trace, and a ledger per node."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "scenario.json").write_bytes(encode_scenario(run.scenario))
    (out / "genesis.json").write_bytes(encode_genesis(run.genesis))
    write_trace(out / "trace.jsonl", run.trace)
    for name, rows in sorted(run.ledgers.items()):
        folder = out / "nodes" / name
        folder.mkdir(parents=True, exist_ok=True)
        save_ledger(folder / LEDGER_FILE, rows)


def write_results(out: Path, run: Run, verdicts: Sequence[Verdict], measures: Measures) -> None:
    """measures.csv, report.html, verdict.json and the README, over whatever was there of them."""
    from consortium.lab.report import build_report  # here, for drawing takes 0.4 s to import

    place = place_of(run)
    (out / "measures.csv").write_text(measures.csv(), encoding="utf-8")
    (out / "report.html").write_text(build_report(run, verdicts, measures), encoding="utf-8")
    (out / "verdict.json").write_bytes(_encode_verdict(run, verdicts, place))
    (out / "README.md").write_text(_readme(out, run, verdicts, place), encoding="utf-8")


def encode_scenario(scenario: Scenario) -> bytes:
    """Indented JSON that `load_scenario` reads back to the same value."""
    return msgspec.json.format(msgspec.json.encode(scenario), indent=2) + b"\n"


def place_of(run: Run) -> str:
    """`simulator`, `local`, … as the trace says; empty where it does not."""
    started = next((record for record in run.trace if record["kind"] == "run"), {})
    return str(started.get("on", ""))


def outcome_word(run: Run, verdicts: Sequence[Verdict]) -> str:
    """One word for verdict.json: holds, safety-failed, no-progress, stopped."""
    if run.is_partial:
        return "stopped"
    return {0: "holds", 1: "safety-failed", 3: "no-progress"}[exit_status(verdicts)]


def _encode_verdict(run: Run, verdicts: Sequence[Verdict], place: str) -> bytes:
    content: dict[str, Any] = {
        "format": FORMAT,
        "scenario": run.scenario.name,
        "seed": run.scenario.seed,
        "on": place,
        "version": __version__,
        "chain": run.genesis.chain.hex(),
        "outcome": outcome_word(run, verdicts),
        "exit_status": 130 if run.is_partial else exit_status(verdicts),
        "checks": [
            {
                "name": verdict.name,
                "kind": verdict.kind.value,
                "claim": verdict.sentence,
                "holds": verdict.holds,
                "failed": verdict.failed,
                "failures": list(verdict.failures),
            }
            for verdict in verdicts
        ],
    }
    if place == "simulator":
        content["fingerprint"] = fingerprint(run.trace)
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _readme(out: Path, run: Run, verdicts: Sequence[Verdict], place: str) -> str:
    outcome = {
        "holds": "all checks hold",
        "safety-failed": "a safety check FAILED",
        "no-progress": "NO PROGRESS: something due was never done",
        "stopped": "stopped before its end",
    }[outcome_word(run, verdicts)]
    failed = [verdict.name for verdict in verdicts if not verdict.holds]
    places = {"simulator": "in the simulator (virtual time)", "local": "as local processes over MQTT"}
    return _README.format(
        name=run.scenario.name,
        question=run.scenario.question.strip() or "(The scenario asks no question.)",
        place=places.get(place, place or "somewhere"),
        seed=run.scenario.seed,
        outcome=outcome + (f" ({', '.join(failed)})" if failed else ""),
        illustrative=ILLUSTRATIVE_SENTENCE,
        local=_LOCAL_FILES if place != "simulator" else "",
        folder=out,
    )


def load_run(folder: Path, open_ledger: Callable[[Path], Rows]) -> Run:
    """A run out of its folder. Ledgers that are missing are left out. Raises RunFolderError with a sentence."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: there is no such folder; a run's folder holds scenario.json and trace.jsonl")
    for name in ("scenario.json", "genesis.json", "trace.jsonl"):
        if not (folder / name).is_file():
            raise RunFolderError(f"{folder} is not the folder of a run: it has no {name}")
    try:
        scenario = msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario)
        genesis = decode_genesis((folder / "genesis.json").read_bytes())
    except (msgspec.MsgspecError, ValueError) as error:
        raise RunFolderError(f"{folder}: scenario.json or genesis.json cannot be read: {error}") from None
    try:
        trace = list(TraceReader(folder / "trace.jsonl"))
    except TraceError as error:
        raise RunFolderError(str(error)) from None
    ledgers = {
        path.parent.name: open_ledger(path)
        for path in sorted((folder / "nodes").glob(f"*/{LEDGER_FILE}"))
        if any(member.name == path.parent.name for member in scenario.members)
    }
    is_partial = not any(record["kind"] == "ended" for record in trace)
    return Run(scenario, genesis, trace, ledgers, is_partial)
