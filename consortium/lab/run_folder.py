"""A run's folder: what lies in it, written and read again. The README in it explains every file."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from consortium import __version__
from consortium.core.genesis import decode_genesis, encode_genesis
from consortium.core.machine import Rows
from consortium.lab.checks import Kind, Verdict, exit_status, was_checked
from consortium.lab.measures import Measures
from consortium.lab.run import ILLUSTRATIVE_SENTENCE, Run
from consortium.lab.trace import Record, TraceError, TraceReader, fingerprint, merge_traces, write_trace
from consortium.scenario.scenario import Scenario

FORMAT = 1
LEDGER_FILE = "ledger.sqlite"
README = "README.md"

_UNFINISHED = """# {name}: a run that is not finished

{why}

`consortium check {folder}` judges what there is of it; what that run writes at its end may be missing here.
"""
UNDER_WAY = (
    "It began, and has not come to its end: it is still going on, or it was cut off (killed, or stopped with Ctrl-C)."
)

_README = """# {name}: a run of a scenario

{question}

It ran {place} with seed {seed}, and ended so: **{outcome}**
{illustrative}

| file | what it holds |
| --- | --- |
| `report.html` | the run for a person: verdict, pictures, figures, configuration; one file, opens offline |
| `verdict.json` | each check with its verdict and what it found wrong; the exit status of the command |
| `measures.csv` | all figures: `name,value,unit,what` (`what` says how it was counted) |
| `scenario.json` | the scenario as it ran; `consortium run {folder}{flag}` repeats it |
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
| `nodes/NAME/recording/` | with `--record`: all that its host was given (mode 0600); `consortium replay` reads it |
| `nodes/NAME/members.proof` | of a member that joined: today's members, proven by another node when it started |
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


@contextlib.contextmanager
def own_folder(candidates: Iterable[Path], name: str, *, is_begun: bool = True) -> Iterator[Path]:
    """The first of the candidates that nobody has: made, so that no second run can take it, too. Raises RunFolderError.

    `is_begun`: with its first file, a README that says that the run is under way. After an error inside nothing of the
    folder is left; a Ctrl-C leaves it as it is."""
    made: list[Path] = []
    folder = _take(candidates, made)
    try:
        if is_begun:
            write_unfinished(folder, name, UNDER_WAY, is_first=True)
        yield folder
    except _Taken:
        raise RunFolderError(f"{folder} was taken by another run just now; name another folder with --out") from None
    except Exception:
        if is_begun:
            shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            if folder not in made:
                folder.mkdir(exist_ok=True)
            for path in made:
                if path.is_dir():
                    path.rmdir()  # what holds something stays
        raise


class _Taken(Exception):
    """Another run was faster."""


def _take(candidates: Iterable[Path], made: list[Path]) -> Path:
    """`made`: the folders that were not there before, the innermost first."""
    paths = list(candidates)
    for folder in paths:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=len(paths) == 1 and folder.is_dir())
        except FileExistsError:
            if len(paths) > 1:
                continue
        except OSError as error:
            raise RunFolderError(f"cannot make {folder}: {error.strerror}; name another folder with --out") from None
        claim_folder(folder)
        made += missing
        return folder
    raise RunFolderError(f"{paths[-1]} and all before it are taken; name a folder with --out")


def write_unfinished(out: Path, name: str, why: str, *, is_first: bool = False, shown: Path | None = None) -> None:
    """The README of a run that has not come to its end. `is_first`: fails where there is one. `shown`: where the folder
    is to lie. Raises RunFolderError."""
    text = _UNFINISHED.format(name=name, why=why, folder=shown or out)
    if not is_first:
        _write(out / README, text.encode())
        return
    try:
        with (out / README).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _Taken from None
    except OSError as error:
        raise RunFolderError(
            f"cannot write {out / README}: {error.strerror}; make room there, or name another folder with --out"
        ) from None


def _write(path: Path, data: bytes) -> None:
    """Whole, or not at all. Raises RunFolderError naming the file."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise _refused(path, error) from None


def _refused(path: Path, error: OSError) -> RunFolderError:
    return RunFolderError(f"cannot write {path}: {error.strerror}; make room there, or name another folder with --out")


def write_simulated(out: Path, run: Run, save_ledger: Callable[[Path, Rows], None]) -> None:
    """What a run in real processes has left behind by itself: scenario, genesis, trace, and a ledger per node."""
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "scenario.json", encode_scenario(run.scenario))
    _write(out / "genesis.json", encode_genesis(run.genesis))
    try:
        write_trace(out / "trace.jsonl", run.trace)
    except OSError as error:
        raise _refused(out / "trace.jsonl", error) from None
    for name, rows in sorted(run.ledgers.items()):
        folder = out / "nodes" / name
        folder.mkdir(parents=True, exist_ok=True)
        save_ledger(folder / LEDGER_FILE, rows)


def write_results(out: Path, run: Run, verdicts: Sequence[Verdict], measures: Measures) -> None:
    """measures.csv, report.html, verdict.json and the README, over whatever was there of them."""
    from consortium.lab.report import build_report  # here, for drawing takes 0.4 s to import

    place = place_of(run)
    _write(out / "verdict.json", _encode_verdict(run, verdicts, place))
    _write(out / README, _readme(out, run, verdicts, place).encode())
    _write(out / "measures.csv", measures.csv().encode())
    _write(out / "report.html", build_report(run, verdicts, measures).encode())


def encode_scenario(scenario: Scenario) -> bytes:
    """Indented JSON that `load_scenario` reads back to the same value."""
    return msgspec.json.format(msgspec.json.encode(scenario), indent=2) + b"\n"


def place_of(run: Run) -> str:
    """`simulator`, `local`, … as the trace says; empty where it does not."""
    started = next((record for record in run.trace if record["kind"] == "run"), {})
    return str(started.get("on", ""))


def outcome_word(run: Run, verdicts: Sequence[Verdict]) -> str:
    """One word for verdict.json: holds, safety-failed, no-progress, not-checked, stopped."""
    if run.is_partial:
        return "stopped"
    if not was_checked(verdicts) and not any(verdict.fails for verdict in verdicts):
        return "not-checked"
    return {0: "holds", 1: "safety-failed", 3: "no-progress"}[exit_status(verdicts)]


def outcome_sentence(run: Run, verdicts: Sequence[Verdict]) -> str:
    """The run's end for a person, with what could not be checked."""
    word = outcome_word(run, verdicts)
    failed = [verdict.name for verdict in verdicts if verdict.fails]
    left_out = [verdict.name for verdict in verdicts if verdict.word == "not checked"]
    if run.is_partial and Kind.SAFETY in {verdict.kind for verdict in verdicts if verdict.fails}:
        return f"A SAFETY CHECK FAILED ({', '.join(failed)}), and the run was stopped before its end."
    sentence = {
        "holds": "All checks hold." if not left_out else "All that could be checked holds.",
        "safety-failed": f"A SAFETY CHECK FAILED ({', '.join(failed)}).",
        "no-progress": f"NO PROGRESS: something due was never done ({', '.join(failed)}).",
        "not-checked": "NOTHING WAS CHECKED: the run executed nothing.",
        "stopped": "Stopped before its end.",
    }[word]
    return sentence + (f" Not checked: {', '.join(left_out)}." if left_out else "")


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
                "verdict": verdict.word,
                "why_not_checked": verdict.unchecked,
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
    places = {"simulator": "in the simulator (virtual time)", "local": "as local processes over MQTT"}
    return _README.format(
        name=run.scenario.name,
        question=run.scenario.question.strip() or "(The scenario asks no question.)",
        place=places.get(place, place or "somewhere"),
        seed=run.scenario.seed,
        outcome=outcome_sentence(run, verdicts),
        illustrative=ILLUSTRATIVE_SENTENCE,
        local=_LOCAL_FILES if place != "simulator" else "",
        folder=out,
        flag=" --on simulator" if place == "simulator" else "",
    )


def load_run(folder: Path, open_ledger: Callable[[Path], Rows]) -> Run:
    """A run out of its folder. Where a run was cut off before its traces were joined, they are joined here. Raises
    RunFolderError with a sentence, also where the ledger of a member is missing that executed anything, or, of a run
    that came to its end, of any member."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: there is no such folder; a run's folder holds scenario.json and trace.jsonl")
    for name in ("scenario.json", "genesis.json", "trace.jsonl"):
        if not (folder / name).is_file() and not (name == "trace.jsonl" and node_traces(folder)):
            raise RunFolderError(f"{folder} is not the folder of a run: it has no {name}")
    try:
        scenario = msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario)
        genesis = decode_genesis((folder / "genesis.json").read_bytes())
    except (msgspec.MsgspecError, ValueError) as error:
        raise RunFolderError(f"{folder}: scenario.json or genesis.json cannot be read: {error}") from None
    try:
        trace = _read_traces(folder)
    except TraceError as error:
        raise RunFolderError(str(error)) from None
    ledgers = {
        path.parent.name: open_ledger(path)
        for path in sorted((folder / "nodes").glob(f"*/{LEDGER_FILE}"))
        if any(member.name == path.parent.name for member in scenario.members)
    }
    is_partial = not any(record["kind"] == "ended" for record in trace)
    _check_evidence(folder, Run(scenario, genesis, trace, ledgers, is_partial))
    return Run(scenario, genesis, trace, ledgers, is_partial)


def node_traces(folder: Path) -> list[Path]:
    """The nodes' own traces, by name: all that there is of a run whose conductor was killed."""
    return sorted((folder / "nodes").glob("*/trace.jsonl"))


def _read_traces(folder: Path) -> list[Record]:
    """Raises TraceError."""
    if (folder / "trace.jsonl").is_file():
        return list(TraceReader(folder / "trace.jsonl"))
    return list(merge_traces([TraceReader(path) for path in node_traces(folder)]))


def _check_evidence(folder: Path, run: Run) -> None:
    """Without a ledger to look into every check of ledgers would hold."""
    executed = {record["node"] for record in run.trace if record["kind"] == "executed"}
    wanted = [m.name for m in run.scenario.members if m.name in executed or not (run.is_partial or m.joins)]
    missing = [name for name in wanted if name not in run.ledgers]
    if missing:
        raise RunFolderError(
            f"{folder}: no ledger of {', '.join(missing)} (nodes/{missing[0]}/{LEDGER_FILE}): the run cannot be judged "
            "without; bring the whole folder, or run the scenario again"
        )
