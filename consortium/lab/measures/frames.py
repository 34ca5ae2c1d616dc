"""`consortium.lab.load(path)`: results as a pandas DataFrame, from a sweep's folder, a run's folder or a trace."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from consortium.core.errors import UserError
from consortium.lab.measures.run_tables import RUN_TABLES
from consortium.lab.measures.tables import Table, need
from consortium.runs.folder import node_traces
from consortium.runs.trace import Record, TraceReader, merge_traces

if TYPE_CHECKING:
    import pandas as pd

SWEEP_TABLES = ("runs", "points", "quantiles", "traffic", "timings")
SCHEMA_FILE = "schema.json"


class LoadError(UserError, ValueError):
    """There is nothing of that kind to load. The sentence says what there is."""


def load(path: str | Path, table: str | None = None) -> pd.DataFrame:
    """A table of results. `attrs["units"]` and `attrs["what"]` tell unit and meaning by column.

    - a sweep's folder: `runs` (default; a row a run, a column a figure), `points` (a row for each point and figure:
      mean and confidence interval), `quantiles`, `traffic`, `timings`;
    - a run's folder: `measures` (default), `bundles`, `quantiles`, `traffic`, `series`, `trace`;
    - a trace (.jsonl): `trace` (default; a row a record), and those of a run;
    - a pattern (`runs/claim_day-*`): that table of each match, one below the other, with its path as `folder` before.

    Raises LoadError, TraceError; MissingExtra where pandas or pyarrow is not installed."""
    place = Path(path)
    if glob.has_magic(str(path)) and not place.exists():
        return _load_matches(str(path), table)
    if (place / "plan.json").is_file():
        return _load_sweep(place, table or "runs")
    if place.is_dir():
        return _load_run(place, table or "measures")
    if place.is_file() and place.suffix == ".jsonl":
        return _table_of(list(TraceReader(place)), place, table or "trace")
    raise LoadError(f"{place}: expected the folder of a sweep or of a run, or a trace (.jsonl)")


def _load_matches(pattern: str, table: str | None) -> pd.DataFrame:
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207, as a pattern may be absolute
    if not matches:
        raise LoadError(f"{pattern}: nothing bears such a name")
    pandas = need("pandas", "a DataFrame", "frames")
    frames = []
    for match in matches:
        frame = load(match, table)
        frame.insert(0, "folder", match)
        frames.append(frame)
    joined: pd.DataFrame = pandas.concat(frames, ignore_index=True)
    joined.attrs = frames[0].attrs
    return joined


def _load_sweep(folder: Path, table: str) -> pd.DataFrame:
    if table not in SWEEP_TABLES:
        raise LoadError(f"a sweep has no table {table!r}; it has {', '.join(SWEEP_TABLES)}")
    if not (folder / SCHEMA_FILE).is_file():
        raise LoadError(f"{folder}: this sweep is not finished; the command that began it (in its README.md) goes on")
    pandas = need("pandas", "a DataFrame", "frames")
    if table == "timings":
        timings: pd.DataFrame = pandas.read_csv(folder / "timings.csv")
        return timings
    need("pyarrow", "Parquet", "frames")
    frame: pd.DataFrame = pandas.read_parquet(folder / f"{table}.parquet")
    schema = msgspec.json.decode((folder / SCHEMA_FILE).read_bytes())
    columns = schema["tables"][table]["columns"]
    frame.attrs["units"] = {column["name"]: column["unit"] for column in columns}
    frame.attrs["what"] = {column["name"]: column["what"] for column in columns}
    return frame


def _load_run(folder: Path, table: str) -> pd.DataFrame:
    if (folder / "trace.jsonl").is_file():
        return _table_of(list(TraceReader(folder / "trace.jsonl")), folder, table)
    parts = node_traces(folder)
    if not parts:
        raise LoadError(f"{folder} is the folder of neither a sweep nor a run: it has no plan.json and no trace.jsonl")
    return _table_of(list(merge_traces([TraceReader(part) for part in parts])), folder, table)


def _table_of(trace: list[Record], place: Path, table: str) -> pd.DataFrame:
    if table == "trace":
        pandas = need("pandas", "a DataFrame", "frames")
        frame: pd.DataFrame = pandas.DataFrame.from_records(trace)
        return frame
    if table not in RUN_TABLES:
        raise LoadError(f"{place} has no table {table!r}; a run has {', '.join(RUN_TABLES)}, trace")
    return frame_of(RUN_TABLES[table](trace))


def frame_of(table: Table) -> pd.DataFrame:
    """A table in memory as a DataFrame. Raises MissingExtra."""
    pandas = need("pandas", "a DataFrame", "frames")
    types: dict[str, Any] = {"integer": "Int64", "number": "float64", "text": "string", "yes or no": "bool"}
    data = {
        column.name: pandas.array([row[place] for row in table.rows], dtype=types[column.type])
        for place, column in enumerate(table.columns)
    }
    frame: pd.DataFrame = pandas.DataFrame(data)
    frame.attrs["units"] = {column.name: column.unit for column in table.columns}
    frame.attrs["what"] = {column.name: column.what for column in table.columns}
    return frame
