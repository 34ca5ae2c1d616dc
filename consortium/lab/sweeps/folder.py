"""A sweep's folder: its plan, a file for each run that is done, and at the end the tables.

Made so that a sweep that was stopped, however hard, goes on where it was.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from consortium import __version__
from consortium.lab.measures.confidence import LEVEL_PERCENT
from consortium.lab.measures.tables import describe, to_csv, to_parquet, write_whole
from consortium.lab.sweeps.plan import FORMAT, Plan, SweepError, check_sweep_format
from consortium.lab.sweeps.run import Done, Job, decode_done, encode_done
from consortium.lab.sweeps.saturation import Saturation
from consortium.lab.sweeps.tables import Results, sweep_tables, timings_table
from consortium.plugins.record import check_record, write_record
from consortium.runs.folder import encode_scenario, lock_refused

_README = """# {name}: a sweep

{question}

{points} points, {repeat} runs each (seeds {first} to {last}) in the simulator; {costs}; consortium {version}.{state}

    {command}

is the command that made it; run again it goes on where it was stopped, and does nothing where all is done.

| file | what it holds |
| --- | --- |
| `runs.csv`, `runs.parquet` | a row for each run: settings, seed, outcome, a column for each figure |
| `points.csv`, `.parquet` | a row for each point and figure: mean, {level} % confidence interval (Student's t over the runs), least, greatest, and how many runs failed |
| `quantiles.csv`, `.parquet` | the distributions of each run as quantiles, with and without warm-up |
| `traffic.csv`, `.parquet` | messages and bytes of each run by type |
| `schema.json` | every column of every table: type, unit, meaning |
| `timings.csv` | what each run took, on which machine: the only file that is another one every time |
| `plan.json` | what is varied, and the digest of all scenarios: another sweep in this folder is refused |
| `scenarios/NNNN.json` | the scenario of each point; `consortium run FILE --on simulator --seed SEED` repeats a run |
| `saturation/NNNN.json` | where load varies: the saturation of the configuration of that point, and each step of the search |
| `done/` | the result of each run, as it came |

A run that failed a check, made no progress or ended in an error is a row that says so (`outcome`, `why`); it is in no
mean, and `failed` counts it. In Python: `from consortium.lab import load; load("{folder}", "points")`.
"""  # noqa: E501


class SweepFolder:
    """One sweep on disk. Raises SweepError where the folder is another's, OSError where the disk refuses."""

    def __init__(self, folder: Path, plan: Plan, command: str) -> None:
        self.folder = folder
        self.plan = plan
        self._command = command
        self._digest = plan.digest  # of what is asked: saturation follows from it
        self._saturations: Mapping[int, Saturation] = {}
        self._done = folder / "done"

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Make the folder, or take it up again; nobody else may meanwhile. Where load is an axis, `begin` is next."""
        self._claim()
        with (self.folder / "sweep.lock").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                taken = f"{self.folder}: another process is at this sweep; wait for it, or stop it"
                raise SweepError(lock_refused(self.folder, error, taken)) from None
            if not self.plan.is_loaded:
                self._write_plan()
            yield

    # --- saturation ---------------------------------------------------------------------------------------------

    def saturations(self) -> dict[int, Saturation]:
        """Those that were found already."""
        found = {}
        for number in self.plan.configurations:
            try:
                kept = msgspec.json.decode((self._searched / f"{number:04}.json").read_bytes(), type=_KeptSaturation)
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
                continue
            if kept.plan == self._digest:
                found[number] = kept.saturation
        return found

    def keep_saturation(self, number: int, saturation: Saturation) -> None:
        self._searched.mkdir(exist_ok=True)
        content = msgspec.json.encode(_KeptSaturation(self._digest, saturation))
        write_whole(self._searched / f"{number:04}.json", content)

    def begin(self, saturations: Mapping[int, Saturation]) -> None:
        """Of a plan with load as an axis, once the saturations of its configurations are known: write it."""
        self._saturations = saturations
        self.plan = self.plan.loaded(saturations)
        self._write_plan()

    @property
    def _searched(self) -> Path:
        return self.folder / "saturation"

    # --- the plan -----------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        folder, known = self.folder, self.folder / "plan.json"
        if folder.exists() and not folder.is_dir():
            raise SweepError(f"{folder} is a file; name a folder with --out")
        if known.is_file():
            self._check_plan(known)
            check_record(folder)
        elif folder.is_dir() and any(folder.iterdir()) and not (folder / "sweep.lock").is_file():
            raise SweepError(f"{folder} is not empty and no sweep's; name another folder with --out")
        self._done.mkdir(parents=True, exist_ok=True)
        (folder / "scenarios").mkdir(exist_ok=True)

    def _check_plan(self, path: Path) -> None:
        try:
            known = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise SweepError(
                f"{path} cannot be read; remove {self.folder}, or name another folder with --out"
            ) from None
        check_sweep_format(self.folder, known)
        if known.get("digest") != self._digest:
            raise SweepError(
                f"{self.folder} holds another sweep ({_difference(known, self._content())}); its results would be "
                "mixed with these: name another folder with --out, or remove it first"
            )

    def _content(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "format": FORMAT,
            "version": __version__,
            "name": plan.name,
            "question": plan.question,
            "axes": list(plan.axes),
            "seeds": list(plan.seeds),
            "points": [dict(point.settings) for point in plan.points],
            "profile": "" if plan.profile is None else plan.profile.name,
            "command": self._command,
            "python": sys.version.split()[0],
            "digest": self._digest,
            **({"saturation": msgspec.to_builtins(self._saturations)} if self._saturations else {}),
        }

    def _write_plan(self) -> None:
        """The plan last: where it lies, everything that it speaks of lies, too."""
        for point in self.plan.points:
            path = self.folder / "scenarios" / f"{point.number:04}.json"
            if not path.is_file():
                write_whole(path, encode_scenario(point.scenario))
        if not (self.folder / "plan.json").is_file():
            write_record(self.folder)
            self._write_readme("\n\n**It is not finished**: there are no tables yet.")
            write_whole(self.folder / "plan.json", _json(self._content()))

    # --- runs ---------------------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """All runs in order: every point once, then every point with the next seed, …"""
        found = []
        profile = b"" if self.plan.profile is None else msgspec.json.encode(self.plan.profile)
        for repeat, seed in enumerate(self.plan.seeds):
            for point in self.plan.points:
                scenario = msgspec.structs.replace(point.scenario, seed=seed)
                found.append(Job(point.number, repeat, msgspec.json.encode(scenario), profile))
        return found

    def done(self) -> dict[tuple[int, int], Done]:
        """The results that are there and whole."""
        found = {}
        for path in sorted(self._done.glob("*.json")):
            done = decode_done(path.read_bytes(), self._digest)
            if done is not None and path.name == _file_name(done.point, done.repeat):
                found[done.point, done.repeat] = done
        return found

    def keep(self, done: Done) -> None:
        write_whole(self._done / _file_name(done.point, done.repeat), encode_done(done, self._digest))

    # --- tables -------------------------------------------------------------------------------------------------

    def write_tables(self, results: Results) -> None:
        """All tables, the schema last: where it lies, the sweep is finished. Raises MissingExtra."""
        tables = sweep_tables(self.plan, results)
        for table in tables:
            write_whole(self.folder / f"{table.name}.parquet", to_parquet(table))
            write_whole(self.folder / f"{table.name}.csv", to_csv(table))
        timings = timings_table(self.plan, results)
        write_whole(self.folder / "timings.csv", to_csv(timings))
        self._write_readme("")
        described = {table.name: describe(table) for table in tables}
        described["timings"] = {**describe(timings), "files": ["timings.csv"]}
        write_whole(self.folder / "schema.json", _json({"format": FORMAT, "tables": described}))

    def _write_readme(self, state: str) -> None:
        plan = self.plan
        text = _README.format(
            name=plan.name,
            question=plan.question or "(It asks no question.)",
            points=len(plan.points),
            repeat=len(plan.seeds),
            first=plan.seeds[0],
            last=plan.seeds[-1],
            costs="CPU is free" if plan.profile is None else f"CPU costs as in the profile {plan.profile.name}",
            version=__version__,
            state=state,
            command=self._command,
            level=LEVEL_PERCENT,
            folder=self.folder,
        )
        write_whole(self.folder / "README.md", text.encode())


class _KeptSaturation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plan: str
    saturation: Saturation


def _file_name(point: int, repeat: int) -> str:
    return f"{point:04}-{repeat:04}.json"


def _json(content: Mapping[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _difference(known: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    words = {
        "version": "of another version of consortium",
        "name": "of another name",
        "axes": "something else varies",
        "points": "other values",
        "seeds": "other seeds",
        "profile": "other costs of CPU",
    }
    return next((told for key, told in words.items() if known.get(key) != ours[key]), "its scenario was another one")
