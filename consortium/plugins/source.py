"""The files of plug-ins as they lie on disk: names, bytes and digests. Nothing is run here."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from consortium.core.errors import UserError


class PluginError(UserError):
    """A plug-in cannot be used. The sentence names the file, and the line where there is one."""


class Source(NamedTuple):
    """One .py file of a folder of plug-ins. `is_scenario`: it offers a SCENARIO, so that it is run as scenarios are and
    not as a plug-in."""

    name: str  # the file's name without its ending
    path: Path
    data: bytes
    is_scenario: bool

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, hexadecimal."""
        return sha256(self.data).hexdigest()


def read_sources(folders: Sequence[Path]) -> tuple[Source, ...]:
    """The .py files of these folders in order of their names, folder by folder; files of folders within are not read.
    Raises PluginError: a folder that is none or holds no such file, a name that cannot be imported, two of one name."""
    found: dict[str, Source] = {}
    for folder in folders:
        for path in _files(folder):
            if not path.stem.isidentifier():
                raise PluginError(f"{path}: a plug-in is imported by its name: letters, digits and underscores")
            try:
                data = path.read_bytes()
            except OSError as error:
                raise PluginError(f"{path}: {error.strerror or error}; a plug-in is a file that can be read") from None
            source = Source(path.stem, path, data, _is_scenario(path, data))
            if path.stem in found:
                raise PluginError(f"{path} and {found[path.stem].path} have one name; rename one of them")
            found[path.stem] = source
    return tuple(found.values())


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise PluginError(f"--plugins {folder}: there is no such folder; name one that holds .py files")
    files = sorted(path for path in folder.glob("*.py") if path.is_file() and path.name != "__init__.py")
    if not files:
        raise PluginError(f"--plugins {folder}: no .py file lies in it; `consortium new contract NAME` makes one")
    return files


def _is_scenario(path: Path, data: bytes) -> bool:
    """Whether it binds SCENARIO at its top, read without running it. Raises PluginError where it is no Python."""
    try:
        tree = ast.parse(data, str(path))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise PluginError(
            f"{path}{line}: not Python: {error.msg if isinstance(error, SyntaxError) else error}"
        ) from None
    targets: list[ast.expr] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
    return any(isinstance(target, ast.Name) and target.id == "SCENARIO" for target in targets)
