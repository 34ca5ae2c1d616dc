"""A node backed up while it runs, and restored: one archive, checked as a whole, and known as an older disk.

An archive is MAGIC, the SHA-256 of all that follows, and a tar file: a manifest, then the node's files. Ledger and
private store are copied as they are at one moment each, the ledger first: whatever it names, the private store has.

Whoever restores a disk has lost the votes that were cast since. So the restored vote log says that its votes are lost,
and the node observes until nothing that it may have signed can bind it any more. Its private store says that it may
lack rows, and what was erased meanwhile goes at the first boot, before anything is served.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from consortium import __version__
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.machine import Keep
from consortium.core.vault import LACKING
from consortium.ledger.rows import read_height
from consortium.ledger.stored_members import registered_voting_key
from consortium.node.node import is_wish, lost_votes_record
from nodes.errors import Damaged
from nodes.process.private_store import PrivateStore, copy_store
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows
from nodes.process.vote_log import Kept, create_log, salvage

MAGIC = b"CNSBAK1\n"
FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 1_000_000
SECRET = ("keys", "settings.json")  # what an archive without keys leaves out: the settings hold a password
OPEN = ("input", "members.proof")  # copied as they are
LOCK = "lock"  # in a working folder
_WORKING = re.compile(r"\..+\.[0-9a-f]{8}\.[^.]+\.(making|restoring)")
_CHUNK = 1 << 20


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of which member of which chain (hexadecimal) an archive is, and at which height its ledger stands."""

    format: int
    version: str
    chain: str
    member: str
    height: int
    has_keys: bool
    files: dict[str, int]  # relative path, with its length


# --- making ---------------------------------------------------------------------------------------------------------


def make_backup(folder: NodeFolder, archive: Path, *, has_keys: bool = True) -> Manifest:
    """Of a node that runs, or does not. The archive is there whole, mode 0600, or not at all. Raises UserError."""
    genesis = read_genesis_of(folder.run)
    for path in (folder.ledger, folder.votes, folder.private):
        if not path.is_file():
            raise UserError(f"{folder.folder} is not the folder of a node: it has no {path.name}")
    if archive.exists():
        raise UserError(f"{archive} exists already and is not replaced: name another file")
    try:
        with _beside(archive, "making") as place:
            return _make(folder, genesis, place, archive, has_keys=has_keys)
    except OSError as error:
        raise UserError(f"cannot make {archive}: {error.strerror}") from None


def _make(folder: NodeFolder, genesis: Genesis, place: Path, archive: Path, *, has_keys: bool) -> Manifest:
    copied = place / "files"
    copied.mkdir(mode=0o700)
    _copy_database(folder.ledger, copied / folder.ledger.name)
    copy_store(folder.private, copied / folder.private.name)
    shutil.copyfile(folder.votes, copied / folder.votes.name)
    for name in (*OPEN, *(SECRET if has_keys else ())):
        source = folder.folder / name
        if source.is_dir():
            shutil.copytree(source, copied / name)
        elif source.is_file():
            shutil.copyfile(source, copied / name)
    files = {str(path.relative_to(copied)): path.stat().st_size for path in sorted(copied.rglob("*")) if path.is_file()}
    name = folder.folder.name
    height = _head_of(copied / folder.ledger.name)
    manifest = Manifest(FORMAT, __version__, genesis.chain.hex(), name, height, has_keys, files)
    whole = place / "archive"
    _write_archive(whole, copied, manifest)
    try:
        os.link(whole, archive)
    except FileExistsError:
        raise UserError(f"{archive} exists already and is not replaced: name another file") from None
    _sync(archive.parent)
    return manifest


def _write_archive(path: Path, copied: Path, manifest: Manifest) -> None:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        file.write(MAGIC + bytes(32))
        (copied / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name in (MANIFEST, *manifest.files):
                tar.add(copied / name, arcname=name, filter=_plain)
        digest = _digest_of(file)
        file.seek(len(MAGIC))
        file.write(digest)
        file.flush()
        os.fsync(file.fileno())


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nothing of the machine that it was made on."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _copy_database(path: Path, copy: Path) -> None:
    """The ledger as it is at one moment, whoever writes meanwhile. Raises Damaged."""
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.DatabaseError as error:
        raise Damaged(f"{path} cannot be copied: {error}") from None


def _head_of(ledger: Path) -> int:
    rows = SqliteRows(ledger, read_only=True)
    try:
        return read_height((rows.get("meta", b"head") or bytes(8))[:8])
    finally:
        rows.close()


# --- restoring ------------------------------------------------------------------------------------------------------


def restore_backup(archive: Path, folder: NodeFolder) -> Manifest:
    """Into a folder that holds nothing, or, where the archive has no keys, nothing but keys, settings and input. Raises
    UserError, and then nothing is there that was not before."""
    genesis = read_genesis_of(folder.run)
    with _opened(archive) as tar:
        manifest = _read_manifest(archive, tar)
        _check_place(archive, manifest, genesis, folder)
        try:
            folder.folder.parent.mkdir(parents=True, exist_ok=True)
            with _beside(folder.folder, "restoring") as place:
                made = NodeFolder(folder.run, folder.folder.name, place / "files")
                _extract(archive, tar, manifest, made.folder)
                _make_older(made, genesis, folder.folder.name)
                _put(made.folder, folder.folder)
        except OSError as error:
            raise UserError(f"cannot restore into {folder.folder}: {error.strerror}") from None
    return manifest


def _read_manifest(archive: Path, tar: tarfile.TarFile) -> Manifest:
    """Raises UserError."""
    try:
        first = tar.next()
        if first is None or first.name != MANIFEST or first.size > MANIFEST_BYTES_MAX:
            raise ValueError("it does not begin with a manifest")
        read = tar.extractfile(first)
        manifest = msgspec.json.decode(read.read() if read else b"", type=Manifest)
    except (msgspec.MsgspecError, ValueError, tarfile.TarError) as error:
        raise UserError(f"{archive} cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise UserError(f"{archive} is of format {manifest.format}; this version reads format {FORMAT}")
    return manifest


def _check_place(archive: Path, manifest: Manifest, genesis: Genesis, folder: NodeFolder) -> None:
    """Raises UserError."""
    if manifest.chain != genesis.chain.hex():
        raise UserError(
            f"{archive} is of another chain ({manifest.chain[:16]}…) than {folder.run} ({genesis.chain.hex()[:16]}…)"
        )
    if manifest.member != folder.folder.name:
        raise UserError(f"{archive} is of {manifest.member}, and cannot be restored as {folder.folder.name}")
    there = sorted(path.name for path in folder.folder.iterdir()) if folder.folder.is_dir() else []
    may = () if manifest.has_keys else (*SECRET, "input")
    strange = [name for name in there if name not in may]
    if strange or (folder.folder.exists() and not folder.folder.is_dir()):
        found = f"it holds {strange[0]}" if strange else "it is a file"
        raise UserError(f"{folder.folder} is not empty ({found}): move it away first")
    if not manifest.has_keys and "keys" not in there:
        raise UserError(f"{archive} holds no keys: put the member's keys/ and settings.json into {folder.folder} first")


def _extract(archive: Path, tar: tarfile.TarFile, manifest: Manifest, into: Path) -> None:
    """Every file that the manifest names, and nothing else. Raises UserError."""
    into.mkdir(mode=0o700)
    left = dict(manifest.files)
    for member in islice(tar, 1, None):  # behind the manifest
        size = left.pop(member.name, None)
        path = into / member.name
        if size != member.size or not member.isfile() or not path.resolve().is_relative_to(into.resolve()):
            raise UserError(f"{archive} holds {member.name!r}, which its manifest does not name so")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        source = tar.extractfile(member)
        assert source is not None
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
    if left:
        raise UserError(f"{archive} lacks {sorted(left)[0]}, which its manifest names")


def _make_older(folder: NodeFolder, genesis: Genesis, name: str) -> None:
    """What was copied becomes a disk that knows how old it may be: of its votes only the wishes are kept."""
    rows = SqliteRows(folder.ledger, read_only=True)
    try:
        voting_key = registered_voting_key(rows, genesis, name)
    finally:
        rows.close()
    wishes = [kept for kept in salvage(folder.votes) if is_wish(kept.record)]
    create_log(folder.votes, [Kept(None, lost_votes_record(voting_key)), *wishes])
    private = PrivateStore(folder.private)
    private.commit([Keep(LACKING, b"")])
    private.close()
    for end in ("-wal", "-shm"):
        folder.private.with_name(folder.private.name + end).unlink(missing_ok=True)


def _put(made: Path, folder: Path) -> None:
    """The whole folder at once, where there is none or an empty one; else file by file, the vote log first: a node that
    finds no other file of an interrupted restoration observes, and fetches all from the others."""
    if not folder.is_dir() or not any(folder.iterdir()):
        made.rename(folder)
    else:
        first = made / "votes.log"
        for path in (first, *(path for path in sorted(made.iterdir()) if path != first)):
            if path.name != "input" or not (folder / "input").exists():
                path.rename(folder / path.name)
    _sync(folder.parent)


# --- both -----------------------------------------------------------------------------------------------------------


def read_genesis_of(run: Path) -> Genesis:
    """Raises UserError."""
    try:
        return decode_genesis((run / "genesis.json").read_bytes())
    except FileNotFoundError:
        raise UserError(f"{run} holds no genesis.json: name the folder of a node in a run, RUN/nodes/NAME") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{run / 'genesis.json'} cannot be read: {error}") from None


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """The tar in a whole archive. Raises UserError, also where a bit of it is not what was written."""
    try:
        with archive.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise UserError(f"{archive} is no backup of a node, or its first bytes are damaged")
            stated = file.read(32)
            if _digest_of(file) != stated:
                raise UserError(f"{archive} is damaged: its checksum does not fit; take another copy of it")
            file.seek(len(MAGIC) + 32)
            try:
                with tarfile.open(fileobj=file, mode="r:") as tar:
                    yield tar
            except tarfile.TarError as error:
                raise UserError(f"{archive} cannot be read: {error}") from None
    except OSError as error:
        raise UserError(f"{archive} cannot be read: {error.strerror}") from None


def _digest_of(file: IO[bytes]) -> bytes:
    """Of all behind the place of the digest."""
    file.flush() if file.writable() else None
    file.seek(len(MAGIC) + 32)
    digest = sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.digest()


@contextlib.contextmanager
def _beside(path: Path, what: str) -> Iterator[Path]:
    """A folder of mode 0700 beside a path, gone afterwards, also when Ctrl-C comes while it goes: keys lie in it. The
    lock in it is held until then, and by the system no longer than this process lives."""
    place = Path(tempfile.mkdtemp(prefix=f".{path.name}.{secrets.token_hex(4)}.", suffix=f".{what}", dir=path.parent))
    try:
        with (place / "unlocked").open("xb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (place / "unlocked").rename(place / LOCK)  # whoever finds it finds it held
            yield place
    finally:
        try:
            _remove(place)
        except KeyboardInterrupt:
            _remove(place)
            raise


def sweep(folder: Path) -> list[Path]:
    """Remove the working folders in here that a backup or a restoration left when it was killed: keys may lie in them.
    Which they were; one that is under way is not touched."""
    swept = []
    for place in sorted(folder.glob(".*")):
        if _WORKING.fullmatch(place.name) and not place.is_symlink():
            with contextlib.suppress(OSError), (place / LOCK).open("rb+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(place)
                swept.append(place)
    return swept


def _remove(place: Path) -> None:
    """The lock goes last: while a key lies there the folder can be swept."""
    shutil.rmtree(place / "files", ignore_errors=True)
    with contextlib.suppress(OSError):
        (place / "archive").unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def archives_of(run: Path, out: Path) -> Mapping[NodeFolder, Path]:
    """For the folder of a run: each of its nodes, with the archive that it gets in the folder `out`."""
    names = sorted(path.name for path in (run / "nodes").iterdir() if (path / "ledger.sqlite").is_file())
    return {NodeFolder(run, name): out / f"{name}.backup" for name in names}
