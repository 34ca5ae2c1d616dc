"""`consortium backup`: a node's disk in one archive, while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.at_work import at_work
from consortium.commands.command import RUN, Command
from consortium.commands.language import spoken
from consortium.core.errors import UserError
from nodes.process.backup import archives_of, make_backup, sweep
from nodes.process.settings import NodeFolder


def node_folder(path: Path) -> NodeFolder:
    """Of RUN/nodes/NAME. Raises UserError."""
    whole = path.absolute()
    if whole.parent.name != "nodes":
        raise UserError(f"{path} is not the folder of a node: name RUN/nodes/NAME")
    return NodeFolder(whole.parent.parent, whole.name)


def tell_swept(*folders: Path) -> None:
    """Remove what was left here by a backup or restoration that was killed, and say so."""
    words = spoken()
    for place in (place for folder in folders for place in sweep(folder)):
        typer.echo(
            words(
                "{path}: removed; a backup or restoration that was killed had left it, with what it held", path=place
            ),
            err=True,
        )


def backup(
    source: Annotated[Path, typer.Argument(help="The folder of a node, or of a run.", metavar="NODE")],
    archive: Annotated[Path, typer.Argument(help="The file to write; of a run a new folder.", metavar="FILE")],
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Leave out the secret keys and settings.json (a password).")
    ] = False,
) -> None:
    tell_swept(archive.absolute().parent, archive)
    if not source.is_dir():
        raise UserError(f"{source}: there is no such folder; name the folder of a node, RUN/nodes/NAME")
    if (source / "nodes").is_dir():
        try:
            archive.mkdir(mode=0o700)
        except OSError as error:
            raise UserError(f"cannot make {archive}: {error.strerror}; name a new folder") from None
        wanted = archives_of(source.absolute(), archive)
    else:
        wanted = {node_folder(source): archive}
    words = spoken()
    for folder, path in wanted.items():
        with at_work(words("copying {folder}", folder=folder.folder)):
            made = make_backup(folder, path, has_keys=not without_keys)
        secret = words("it holds the secret keys: keep it as they are kept") if made.has_keys else words("without keys")
        line = words(
            "{path}: {member} at height {height}; {secret}",
            path=path,
            member=made.member,
            height=made.height,
            secret=secret,
        )
        typer.echo(line)


COMMAND = Command(
    "backup",
    "Copy a node's disk into one archive: ledger, votes, private store and keys, also while the node runs.\n\n\b\n"
    "Examples:\n  consortium backup runs/RUN/nodes/bureau bureau.backup\n"
    "  consortium backup runs/RUN/nodes/bureau bureau.backup --without-keys\n  consortium backup runs/RUN backups\n\n"
    "The archive has mode 0600 and a checksum over everything. `consortium restore` takes it.\n\n"
    "A backup that is killed (kill -9) may leave a hidden folder with keys beside FILE; the next backup or restoration "
    "beside it removes it and says so.\n\n"
    "Exit status: 0 written, 2 wrong usage or input.",
    backup,
    RUN,
)
