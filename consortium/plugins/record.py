"""What a run folder says of the plug-ins that a run had: `plugins.json` names each by file and digest, and `plugins/`
keeps a copy of each.

The copy is data: whoever was sent a run folder has not run anything by reading it. It is loaded when its folder is
given with `--plugins`, as any other.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from consortium.plugins.load import current
from consortium.plugins.source import PluginError

FORMAT = 1
RECORD, COPIES = "plugins.json", "plugins"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """plugins.json: SHA-256 (hexadecimal) by the file's name, or by the module's name for an installed package."""

    format: int
    plugins: dict[str, str]


def write_record(folder: Path) -> None:
    """Name and copy the plug-ins in use into a run's folder; writes nothing where there are none. Raises OSError."""
    loaded = current()
    if not loaded.digests:
        return
    record = Record(FORMAT, dict(sorted(loaded.digests.items())))
    (folder / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    if loaded.plugins:
        (folder / COPIES).mkdir(exist_ok=True)
    for source in loaded.plugins:
        (folder / COPIES / source.path.name).write_bytes(source.data)


def read_record(folder: Path) -> dict[str, str]:
    """Digests by name; empty where the run had no plug-ins. Raises PluginError."""
    path = folder / RECORD
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PluginError(f"{path} cannot be read: {error}") from None
    if record.format != FORMAT:
        raise PluginError(f"{path} is of format {record.format}; this version reads format {FORMAT}")
    return record.plugins


def check_record(folder: Path) -> None:
    """Raises PluginError unless the plug-ins that this run had are in use now, byte for byte. Others may be in use too:
    a check of one's own on somebody's run, say."""
    wanted, loaded = read_record(folder), current().digests
    missing = [name for name in wanted if name not in loaded]
    if missing:
        raise PluginError(
            f"{folder} was made with the plug-in{'s' if len(missing) > 1 else ''} {', '.join(missing)}, which "
            f"{'are' if len(missing) > 1 else 'is'} not loaded; {_advice(folder, missing)}"
        )
    other = [name for name in wanted if loaded[name] != wanted[name]]
    if other:
        raise PluginError(
            f"the plug-in {other[0]} differs from that of {folder} (sha256 {loaded[other[0]][:12]}… here, "
            f"{wanted[other[0]][:12]}… there); {_advice(folder, other)}"
        )


def _advice(folder: Path, names: list[str]) -> str:
    if all(name.endswith(".py") for name in names):
        return (
            f"give --plugins with the folder that it came from, or --plugins {folder / COPIES}, which runs the copy "
            "kept there: look at it first if somebody sent it"
        )
    return "install the package that it came from"
