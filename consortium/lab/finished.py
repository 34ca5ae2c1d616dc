"""Runs that came to their end, gathered from many folders into one table that SQL is asked over.

A run is a folder with a verdict; a run of a sweep is a row of its table. Nothing is kept: the folders are the database,
and the table is made anew from them each time. No figure is computed again: it is what measures.csv or runs.csv says.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.errors import UserError
from consortium.lab.measures.catalogue import catalogue
from consortium.scenario.find import nearest_name

ABOUT = ("folder", "run", "scenario", "protocol", "n", "members", "on", "seed", "outcome", "version")
COUNTS = ("n", "members", "seed")
SORTED = "folder, run"
_COLUMNS = f"{', '.join(ABOUT)}, and the figures of docs/measures.md"
DEEP_MAX = 4  # folders below one that is named, so that nobody's whole disk is walked


class FinishedError(UserError, ValueError):
    """What was asked of the runs cannot be answered. The sentence says what to do."""


class Found(NamedTuple):
    """What lies below the folders that were named. `rows` by column: those of ABOUT, and figures by name."""

    rows: list[dict[str, Any]]
    unfinished: int  # runs and sweeps without an end


def find_finished(places: Sequence[Path]) -> Found:
    """Every run and sweep in these folders or below them, in the order of their paths. Raises FinishedError."""
    rows: list[dict[str, Any]] = []
    unfinished = 0
    for folder in dict.fromkeys(folder for place in places for folder in _folders(place)):
        told = _of_sweep(folder) if (folder / "plan.json").is_file() else _of_run(folder)
        rows.extend(told)
        unfinished += not told
    return Found(rows, unfinished)


def _folders(place: Path, deep: int = DEEP_MAX) -> Iterator[Path]:
    if not place.is_dir():
        raise FinishedError(f"{place}: there is no such folder; name one that holds runs or sweeps")
    if (place / "plan.json").is_file() or (place / "scenario.json").is_file():
        yield place
    elif deep:
        for below in sorted(path for path in place.iterdir() if path.is_dir() and not path.is_symlink()):
            yield from _folders(below, deep - 1)


def _of_run(folder: Path) -> list[dict[str, Any]]:
    """No row where it has no end, or where what it left cannot be read."""
    try:
        verdict = _read(folder / "verdict.json")
        about = _about(_read(folder / "scenario.json"))
        figures = {row["name"]: _number(row["value"]) for row in _rows(folder / "measures.csv")}
    except (OSError, ValueError, KeyError):
        return []
    said = {name: verdict.get(name) for name in ("on", "seed", "outcome", "version")}
    return [{"folder": str(folder), "run": 0, **about, **said, **figures}]


def _of_sweep(folder: Path) -> list[dict[str, Any]]:
    figures = [figure.name for figure in catalogue()]
    try:
        version = _read(folder / "plan.json").get("version")
        lines = list(_rows(folder / "runs.csv"))
        points = {line["point"] for line in lines}
        about = {point: _about(_read(folder / "scenarios" / f"{int(point):04}.json")) for point in points}
        return [
            {
                "folder": str(folder),
                "run": number,
                **about[line["point"]],
                "on": "simulator",
                "seed": int(line["seed"]),
                "outcome": line["outcome"],
                "version": version,
                **{name: _number(line[name]) for name in figures if line.get(name)},
            }
            for number, line in enumerate(lines)
        ]
    except (OSError, ValueError, KeyError):
        return []


def _about(scenario: Mapping[str, Any]) -> dict[str, Any]:
    members = scenario["members"]
    validators = sum(member.get("kind", "validator") == "validator" and not member.get("joins") for member in members)
    return {
        "scenario": scenario["name"],
        "protocol": scenario.get("protocol", "pbft"),
        "n": validators,
        "members": len(members),
    }


def _read(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _number(text: str) -> float | int | None:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        return None


class Answer(NamedTuple):
    columns: list[str]
    rows: list[tuple[Any, ...]]


def ask(found: Found, columns: Sequence[str], where: str = "", order: str = "", most: int = -1) -> Answer:
    """Those columns of the runs for which the condition `where` (an expression of SQLite over the columns) holds.
    Raises FinishedError for a column or an expression that there is not."""
    names = list(dict.fromkeys([*ABOUT, *(figure.name for figure in catalogue()), *_others(found)]))
    if unknown := [column for column in columns if column not in names]:
        near = nearest_name(unknown[0], names)
        hint = f"; did you mean {near!r}?" if near else ""
        raise FinishedError(f"there is no column {unknown[0]!r}{hint} There are {_COLUMNS}")
    database = sqlite3.connect(":memory:")
    try:
        kinds = ", ".join(f"{_quoted(name)} {_kind(name)}" for name in names)
        database.execute(f"CREATE TABLE runs ({kinds})")
        places = ", ".join("?" * len(names))
        database.executemany(
            f"INSERT INTO runs VALUES ({places})",
            [[row.get(name) for name in names] for row in found.rows],
        )
        database.set_authorizer(_only_reading)
        chosen = ", ".join(_quoted(column) for column in columns)
        condition = f"WHERE ({where})" if where else ""
        asked = f"SELECT {chosen} FROM runs {condition} ORDER BY {order or SORTED} LIMIT {most}"
        return Answer(list(columns), database.execute(asked).fetchall())
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise FinishedError(
            f"{where or order!r} cannot be asked: {error}; a condition is like: n >= 7 AND protocol = 'hotstuff' "
            f"AND latency_p99 < 50. Columns are {_COLUMNS}"
        ) from None
    finally:
        database.close()


def _others(found: Found) -> Iterator[str]:
    for row in found.rows:
        yield from row


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _kind(name: str) -> str:
    return "INTEGER" if name in COUNTS or name == "run" else "TEXT" if name in ABOUT else "NUMERIC"


def _only_reading(action: int, *_: object) -> int:
    is_reading = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
    return sqlite3.SQLITE_OK if is_reading else sqlite3.SQLITE_DENY
