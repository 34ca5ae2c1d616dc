"""`consortium restore`: a node's disk out of an archive, as an older disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.at_work import at_work
from consortium.commands.backup import node_folder, tell_swept
from consortium.commands.command import RUN, Command
from consortium.commands.language import spoken
from nodes.process.backup import restore_backup


def restore(
    archive: Annotated[Path, typer.Argument(help="What `consortium backup` wrote.", metavar="FILE")],
    folder: Annotated[Path, typer.Argument(help="RUN/nodes/NAME: empty, or not there.", metavar="FOLDER")],
) -> None:
    target = node_folder(folder)
    tell_swept(archive.absolute().parent, target.folder.parent)
    words = spoken()
    with at_work(words("reading {path}", path=archive)):
        restored = restore_backup(archive, target)
    place = words(
        "{folder}: {member} at height {height}", folder=folder, member=restored.member, height=restored.height
    )
    older = words("it observes until no vote that it may have cast since can bind it, then votes again by itself")
    typer.echo(f"{place}; {older}")


COMMAND = Command(
    "restore",
    "Lay a node's disk out of an archive: an older disk, which votes again when that is safe.\n\n\b\nExamples:\n"
    "  consortium restore bureau.backup runs/RUN/nodes/bureau\n"
    "  consortium restore backups/hospital-1.backup runs/RUN/nodes/hospital-1\n\n"
    "An archive of another chain or member, a damaged one and a folder that is not empty are refused. Where it has "
    "no keys, put keys/ and settings.json into the folder first.\n\nExit status: 0 restored, 2 wrong usage or input.",
    restore,
    RUN,
)
