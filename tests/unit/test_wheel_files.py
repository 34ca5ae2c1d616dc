"""A wheel brings every file that the package reads: templates, pages, catalogues."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest
import setuptools  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]


def packed(given: dict[str, Any]) -> set[Path]:
    """The files that `package_data` names, of the package itself."""
    found: set[Path] = set()
    for package, patterns in given.items():
        if package != "consortium._scenarios":
            found.update(path for pattern in patterns for path in ROOT.joinpath(*package.split(".")).glob(pattern))
    return found


@pytest.fixture
def package_data(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **words: given.update(words))
    monkeypatch.chdir(ROOT)
    runpy.run_path(str(ROOT / "setup.py"))
    return dict(given["package_data"])


def missing(given: dict[str, Any]) -> list[str]:
    found = packed(given)
    data = [
        path
        for folder in ("consortium", "nodes")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".po") and path not in found
    ]
    return sorted(path.relative_to(ROOT).as_posix() for path in data)


def test_every_file_that_is_no_module_goes_into_a_wheel(package_data: dict[str, Any]) -> None:
    assert missing(package_data) == []
    del package_data["consortium"]
    assert "consortium/locale/zh/LC_MESSAGES/consortium.mo" in missing(package_data), "the check can fail"


def test_what_goes_into_a_wheel_is_said_in_one_place() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "package-data" not in told["tool"].get("setuptools", {}), "a table there takes the place of setup.py's"
