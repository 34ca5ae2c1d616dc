"""`consortium new`: a plug-in of one kind, out of a template, which runs as it comes out."""

from __future__ import annotations

import shlex
from importlib.resources import files
from importlib.resources.abc import Traversable
from keyword import iskeyword
from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import STUDY, Command
from consortium.core.errors import UserError
from consortium.plugins.source import PluginError

SUFFIX, TRIAL = ".py.txt", "_trial"


def kinds() -> list[str]:
    """What there is a template for, in order of name."""
    names = [entry.name.removesuffix(SUFFIX) for entry in _templates().iterdir() if entry.name.endswith(SUFFIX)]
    return sorted(name for name in names if not name.endswith(TRIAL))


def new(
    kind: Annotated[str, typer.Argument(help="What to make: " + ", ".join(kinds()) + ".", metavar="KIND")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits, underscores.", metavar="NAME")],
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder of plug-ins to put it into.")] = Path(
        "plugins"
    ),
) -> None:
    written = write_new(kind, name, into)
    for path in written:
        typer.echo(f"written: {path}")
    scenario = next((path.stem for path in written if path.stem.endswith(TRIAL) or kind == "scenario"), "low_load")
    typer.echo(f"try it: consortium run {scenario} --on simulator --plugins {shlex.quote(str(into))}")


def write_new(kind: str, name: str, into: Path) -> list[Path]:
    """Fill the templates of a kind; the files written. Raises UserError: an unknown kind, a name that cannot be one, a
    file that exists."""
    if kind not in kinds():
        raise UserError(f"consortium new {kind}: there is a template for {', '.join(kinds())}")
    if not (name.isascii() and name.isidentifier() and name == name.lower()) or iskeyword(name):
        raise UserError(f"consortium new {kind} {name}: a name has lower-case letters, digits and underscores")
    texts = {
        into / f"{name}{part}.py": (_templates() / f"{kind}{part}{SUFFIX}").read_text("utf-8")
        for part in ("", TRIAL)
        if (_templates() / f"{kind}{part}{SUFFIX}").is_file()
    }
    existing = [path for path in texts if path.exists()]
    if existing:
        raise PluginError(f"{existing[0]} exists already; choose another name, or another folder with --into")
    into.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text.replace("__NAME__", name), "utf-8")
    return list(texts)


def _templates() -> Traversable:
    """The package's folder of templates."""
    return files("consortium.plugins") / "templates"


COMMAND = Command(
    "new",
    "Make a plug-in of your own out of a template: a file, and a scenario that tries it.\n\n\b\nExamples:\n"
    "  consortium new contract parking\n  consortium run parking_trial --on simulator --plugins plugins\n\n"
    "docs/extending.md tells what each kind is.",
    new,
    STUDY,
)
