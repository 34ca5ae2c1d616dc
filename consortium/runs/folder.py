"""A run's folder: what lies in it, written and read again. The README in it explains every file."""

from __future__ import annotations

import contextlib
import errno
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium import __version__
from consortium.core.errors import UserError
from consortium.core.genesis import decode_genesis, encode_genesis
from consortium.core.machine import Rows
from consortium.core.vault import BoxReader
from consortium.plugins.record import check_record, write_record
from consortium.runs.records import Records
from consortium.runs.run import Run
from consortium.runs.trace import Record, TraceError, TraceReader, merge_traces, write_trace
from consortium.runs.trace_parts import LetGo, drop_uneven, find_let_go, has_trace
from consortium.scenario.scenario import Scenario

FORMAT = 1
LEDGER_FILE = "ledger.sqlite"
README = "README.md"
PRIVATE_FILE = "private.sqlite"
HANDS_FILE = "hands.jsonl"  # of a consortium that stands: what people did to it
FORMAT_FILE = "format.json"
LIVES = ("booted", "admitted", "removed", "exited")  # records that say who is up: they stay as long as they are there

_UNFINISHED = """# {name}: a run that is not finished

{why}

{advice}
"""
_JUDGE = "`consortium check {folder}` judges what there is of it; what that run writes at its end may be missing here."
_REPEAT = (
    "A simulation writes its trace and ledgers at its end, so there is nothing to judge before. Run it again: the same "
    "seed gives the same run."
)
UNDER_WAY = (
    "It began, and has not come to its end: it is still going on, or it was cut off (killed, or stopped with Ctrl-C)."
)


class RunFolderError(UserError, ValueError):
    """The folder is not a run's, or cannot become one. The sentence says what to do."""


class Written(NamedTuple):
    """Which format a run's folder has, and which version of the program wrote it."""

    format: int
    version: str


def written(folder: Path) -> Written:
    """What the folder says of itself. Version 0.1 said it in the verdict alone: a folder without a verdict, and
    without a word of its format, was left by a run of 0.1 that did not come to its end."""
    for name in (FORMAT_FILE, "verdict.json"):
        try:
            told = msgspec.json.decode((folder / name).read_bytes(), type=dict[str, Any])
            return Written(int(told["format"]), str(told.get("version", "of no name")))
        except (OSError, msgspec.MsgspecError, KeyError, TypeError, ValueError):
            continue
    return Written(1, "0.1.0")


def check_format(folder: Path) -> None:
    """Raises RunFolderError where the folder is of a format that this version does not read."""
    found = written(folder)
    if found.format != FORMAT:
        raise RunFolderError(
            f"{folder} is a run of format {found.format}, written by consortium {found.version}; this is consortium "
            f"{__version__}, which reads format {FORMAT}"
        )


def encode_format() -> bytes:
    """What `format.json` of a folder says that this version writes."""
    return msgspec.json.encode({"format": FORMAT, "version": __version__}) + b"\n"


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


def lock_refused(folder: Path, error: OSError, taken: str) -> str:
    """The sentence for a lock that could not be had: `taken` where another process holds it, else why there is none."""
    if error.errno in (errno.EAGAIN, errno.EACCES):
        return taken
    return f"{folder} lies on a file system without locks ({error.strerror}): use a folder on another disk"


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
    """The README of a run that has not come to its end, and the folder's format beside it. `is_first`: the run is a
    simulation, and the folder must hold no README yet. `shown`: where the folder is to lie. Raises RunFolderError."""
    advice = _REPEAT if is_first else _JUDGE.format(folder=shlex.quote(str(shown or out)))
    text = _UNFINISHED.format(name=name, why=why, advice=advice)
    if not is_first:
        write_whole(out / README, text.encode())
        write_whole(out / FORMAT_FILE, encode_format())
        return
    try:
        with (out / README).open("x", encoding="utf-8") as file:
            file.write(text)
        (out / FORMAT_FILE).write_bytes(encode_format())
    except FileExistsError:
        raise _Taken from None
    except OSError as error:
        raise RunFolderError(
            f"cannot write {out / README}: {error.strerror}; make room there, or name another folder with --out"
        ) from None


def write_whole(path: Path, data: bytes) -> None:
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


def write_simulated(
    out: Path,
    run: Run,
    save_ledger: Callable[[Path, Rows], None],
    save_vault: Callable[[Path, BoxReader], None] = lambda path, boxes: None,
) -> None:
    """What a run in real processes has left behind by itself: scenario, genesis, trace, and of each node a ledger and
    a private store."""
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / FORMAT_FILE, encode_format())
    write_whole(out / "scenario.json", encode_scenario(run.scenario))
    write_whole(out / "genesis.json", encode_genesis(run.genesis))
    write_record(out)
    try:
        write_trace(out / "trace.jsonl", run.trace)
    except OSError as error:
        raise _refused(out / "trace.jsonl", error) from None
    for name, rows in sorted(run.ledgers.items()):
        folder = out / "nodes" / name
        folder.mkdir(parents=True, exist_ok=True)
        save_ledger(folder / LEDGER_FILE, rows)
    for name, boxes in sorted(run.vaults.items()):
        save_vault(out / "nodes" / name / PRIVATE_FILE, boxes)


def encode_scenario(scenario: Scenario) -> bytes:
    """Indented JSON that `load_scenario` reads back to the same value."""
    return msgspec.json.format(msgspec.json.encode(scenario), indent=2) + b"\n"


def place_of(run: Run) -> str:
    """`simulator`, `local`, … as the trace says; empty where it does not."""
    started = next(iter(run.records.of_kind("run")), {})
    return str(started.get("on", ""))


PLACES = {
    "simulator": "in the simulator (virtual time)",
    "local": "as local processes over MQTT",
    "docker": "in containers over MQTT",
}
REAL_PLACES = {"local": "local processes", "docker": "containers"}


def place_phrase(place: str) -> str:
    """For a sentence: where a run took place."""
    return PLACES.get(place, place)


def load_run(
    folder: Path, open_ledger: Callable[[Path], Rows], open_vault: Callable[[Path], BoxReader] | None = None
) -> Run:
    """A run out of its folder. `open_vault`: how private stores are read; None: they are not. Where a run was cut off
    before its traces were joined, or where a consortium stands and goes on, they are joined here. Raises RunFolderError
    with a sentence, also where the ledger of a member is missing that executed anything, or, of a run that came to its
    end, of any member; and PluginError where its plug-ins are not those in use."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: there is no such folder; a run's folder holds scenario.json and trace.jsonl")
    for name in ("scenario.json", "genesis.json", "trace.jsonl"):
        if not (folder / name).is_file() and not (name == "trace.jsonl" and node_traces(folder)):
            raise RunFolderError(f"{folder} is not the folder of a run: it has no {name}")
    check_format(folder)
    check_record(folder)
    try:
        scenario = msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario)
        genesis = decode_genesis((folder / "genesis.json").read_bytes())
    except (msgspec.MsgspecError, ValueError) as error:
        raise RunFolderError(
            f"{folder}, written by consortium {written(folder).version}: scenario.json or genesis.json cannot be read "
            f"by this version ({__version__}): {error}"
        ) from None
    try:
        trace, let_go = _read_traces(folder)
    except TraceError as error:
        raise RunFolderError(str(error)) from None
    ledgers = {
        path.parent.name: open_ledger(path)
        for path in sorted((folder / "nodes").glob(f"*/{LEDGER_FILE}"))
        if any(member.name == path.parent.name for member in scenario.members)
    }
    records = Records(trace)
    stores = [path for path in sorted((folder / "nodes").glob(f"*/{PRIVATE_FILE}")) if path.parent.name in ledgers]
    vaults = {} if open_vault is None else {path.parent.name: open_vault(path) for path in stores}
    is_partial = not (records.of_kind("ended") or is_standing(folder))
    run = Run(scenario, genesis, records, ledgers, is_partial, vaults, let_go)
    _check_evidence(folder, run)
    return run


def is_standing(folder: Path) -> bool:
    """Whether a consortium stands there that ends when it is told to."""
    return (folder / HANDS_FILE).is_file()


def node_traces(folder: Path) -> list[Path]:
    """The nodes' own traces, by name: all that there is of a run whose conductor was killed."""
    paths = (node / "trace.jsonl" for node in (folder / "nodes").glob("*"))
    return sorted(path for path in paths if has_trace(path))


def _read_traces(folder: Path) -> tuple[list[Record], LetGo | None]:
    """The trace, and what was let go of it. Raises TraceError."""
    if is_standing(folder):
        hands = sorted(TraceReader(folder / HANDS_FILE), key=lambda record: int(record["t_us"]))
        let_go = find_let_go(node_traces(folder))
        merged = merge_traces([hands, *(TraceReader(path) for path in node_traces(folder))])
        return drop_uneven(merged, let_go, LIVES), let_go
    if (folder / "trace.jsonl").is_file():
        return list(TraceReader(folder / "trace.jsonl")), None
    return list(merge_traces([TraceReader(path) for path in node_traces(folder)])), None


def _check_evidence(folder: Path, run: Run) -> None:
    """Without a ledger to look into every check of ledgers would hold."""
    executed = run.records.of_kind("executed").nodes
    has_ended = not (run.is_partial or run.is_standing)
    wanted = [m.name for m in run.scenario.members if m.name in executed or (has_ended and not m.joins)]
    missing = [name for name in wanted if name not in run.ledgers]
    if missing:
        raise RunFolderError(
            f"{folder}: no ledger of {', '.join(missing)} (nodes/{missing[0]}/{LEDGER_FILE}): the run cannot be judged "
            "without; bring the whole folder, or run the scenario again"
        )
