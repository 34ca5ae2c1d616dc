"""Where scenarios lie: the folder `scenarios` here or beside the package, what is in it, and one by its name."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence
from pathlib import Path

from consortium.plugins.load import current
from consortium.scenario.load import ScenarioError

LIKENESS_MIN = 0.6


def scenario_folder() -> Path:
    """`scenarios` here, or the one that came with the package."""
    here = Path("scenarios")
    return here if here.is_dir() else packaged_folder()


def packaged_folder() -> Path:
    """The scenarios and the sample data that came with the package: beside it in a checkout, within it in a wheel."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "scenarios"
    return beside if (package.parent / "pyproject.toml").is_file() and beside.is_dir() else package / "_scenarios"


def scenario_files() -> list[tuple[str, Path]]:
    """Name and file of every scenario; those of a subfolder (attacks/, faults/, …) are named with it and come after the
    others, and those of plug-ins last. A plug-in's scenario takes the place of another of its name."""
    folder = scenario_folder()
    paths = [*sorted(folder.glob("*.py")), *sorted(folder.glob("*/*.py"))]
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths if path.parent.name != "data"}
    found.pop("__init__", None)
    for source in current().sources:
        if source.is_scenario:
            found.pop(source.name, None)
            found[source.name] = source.path
    return list(found.items())


def find_scenario(name: str) -> Path:
    """A path as it is, or a bare name as a file of the scenario folder. Raises ScenarioError naming the nearest."""
    path = Path(name)
    if path.is_dir() and (path / "scenario.json").is_file():
        return path / "scenario.json"
    if path.suffix or path.exists():
        if path.is_file():
            return path
    elif name in (known := dict(scenario_files())):
        return known[name]
    raise ScenarioError(
        f"there is no scenario {name!r}.{_hint(name, path)} `consortium list` shows those that there are."
    )


def _hint(name: str, path: Path) -> str:
    """A file of that name that lies right here, or the nearest known name."""
    beside = next((file for ending in (".py", ".json") if (file := Path(name + ending)).is_file()), None)
    if beside is not None:
        place = str(beside) if beside.is_absolute() or "/" in name else f"./{beside}"
        return f" A file lies here: did you mean {place}?"
    near = nearest_name(name, [known for known, _ in scenario_files()])
    return f" Did you mean {near!r}?" if near else ""


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """The known name that is most like this one, compared as a whole with its folder and by its last part alone; None
    where none is like it."""
    wanted = name.removesuffix(".py")

    def likeness(other: str) -> float:
        pairs = ((wanted, other), (wanted.rpartition("/")[2], other.rpartition("/")[2]))
        return max(difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)

    best = max(known, key=likeness, default=None)
    return best if best is not None and likeness(best) >= LIKENESS_MIN else None


def question_of(path: Path) -> str:
    """The first paragraph of a scenario file's docstring, read without running the file."""
    try:
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return "(this file cannot be read as Python)"
    return " ".join(words.split("\n\n")[0].split())
