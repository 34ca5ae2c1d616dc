"""A backup is one archive that is whole; what is restored from it knows that it is an older disk."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.commands import app as cli
from consortium.core.errors import UserError
from consortium.core.machine import Keep
from consortium.core.vault import LACKING
from consortium.node.node import lost_votes_record
from nodes.process import backup
from nodes.process.backup import MAGIC, MANIFEST, make_backup, restore_backup
from nodes.process.private_store import PrivateStore, StoredBoxes
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows
from nodes.process.vote_log import read_log
from tests.damaged_disk import ME, lay_folder
from tests.unit.test_at_work import Terminal, seen


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> NodeFolder:
    """The folder of a node with some blocks, votes and a private record."""
    folder = lay_folder(tmp_path_factory.mktemp("run"), 40)
    store = PrivateStore(folder.private)
    store.commit([Keep("record/r-1", b"a sealed box")])
    store.close()
    return folder


def empty_run(laid: NodeFolder, place: Path) -> NodeFolder:
    """A run of the same chain, in which this member has no files."""
    (place / "nodes").mkdir(parents=True)
    for name in ("genesis.json", "scenario.json"):
        (place / name).write_bytes((laid.run / name).read_bytes())
    return NodeFolder(place, ME)


def test_ctrl_c_while_the_working_folder_goes_leaves_no_keys_beside_the_archive(
    laid: NodeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = shutil.rmtree
    calls: list[Path] = []

    def interrupted(path: Path, **options: bool) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise KeyboardInterrupt
        real(path, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_backup(laid, tmp_path / "me.backup")
    assert [path.name for path in tmp_path.iterdir()] == ["me.backup"]


KILLED = """
import os, sys
from pathlib import Path
from nodes.process import backup
from nodes.process.settings import NodeFolder
setattr(backup, sys.argv[1], lambda *words: os.kill(os.getpid(), 9))
archive, folder = Path(sys.argv[2]), NodeFolder(Path(sys.argv[3]), sys.argv[4])
backup.restore_backup(archive, folder) if archive.exists() else backup.make_backup(folder, archive)
"""


def killed_in(step: str, archive: Path, folder: NodeFolder) -> None:
    words = [sys.executable, "-c", KILLED, step, str(archive), str(folder.run), folder.folder.name]
    assert subprocess.run(words).returncode == -signal.SIGKILL


def keys_beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*/files/keys/*.key"))


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as left:
        cli.main([str(word) for word in words])
    assert not left.value.code
    return capsys.readouterr().err


def test_what_a_killed_backup_or_restoration_left_is_swept_by_the_next_and_told(
    laid: NodeFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the secret keys lay beside the archive for ever."""
    archive, folder = tmp_path / "me.backup", empty_run(laid, tmp_path / "run")
    killed_in("_write_archive", archive, laid)
    assert len(keys_beside(tmp_path)) == 4, "positive control: keys are left"
    assert ".making: removed" in said(capsys, "backup", laid.folder, archive)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    killed_in("_make_older", archive, folder)
    killed_in("_make_older", archive, folder)
    assert len(keys_beside(folder.folder.parent)) == 8
    told = said(capsys, "restore", archive, folder.folder)
    assert told.count(".restoring: removed") == 2 and told.count("\n") == 2
    assert [path.name for path in folder.folder.parent.iterdir()] == [ME]


def test_backup_and_restore_say_on_a_terminal_that_they_work(
    laid: NodeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, folder = tmp_path / "me.backup", empty_run(laid, tmp_path / "run")
    assert f"copying {laid.folder}"[:40] in seen(monkeypatch, Terminal(), "backup", laid.folder, archive)
    assert "reading " in seen(monkeypatch, Terminal(), "restore", archive, folder.folder)


def test_a_backup_that_is_under_way_is_not_swept(
    laid: NodeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Any = backup._write_archive
    found: list[Path] = []

    def beside_another(*words: Any) -> None:
        found.extend(backup.sweep(tmp_path))
        real(*words)

    monkeypatch.setattr(backup, "_write_archive", beside_another)
    made = make_backup(laid, tmp_path / "me.backup")
    assert found == [] and made.has_keys
    for strange in (".mine.making", ".x.0123abcd.making", ".x.0123abcd.more.making"):  # the last holds no lock
        (tmp_path / strange).mkdir()
        assert backup.sweep(tmp_path) == []


def test_a_restored_disk_has_the_same_ledger_and_records_and_says_that_its_votes_are_lost(
    laid: NodeFolder, tmp_path: Path
) -> None:
    archive = tmp_path / "me.backup"
    made = make_backup(laid, archive)
    assert archive.stat().st_mode & 0o777 == 0o600 and made.has_keys and made.height > 3
    folder = empty_run(laid, tmp_path / "run")
    assert restore_backup(archive, folder) == made
    old, new = SqliteRows(laid.ledger, read_only=True), SqliteRows(folder.ledger, read_only=True)
    for table in old.tables():
        assert list(old.all(table)) == list(new.all(table)), table
    kept, _, torn = read_log(folder.votes)
    (lost,) = [one for one in kept if b"votes lost" in one.record]
    assert kept[0] == lost and torn == 0 and lost.record == lost_votes_record(lost.record[-32:])
    assert sum(b"consensus" in one.record for one in kept) == 0, "none of its votes count any more"
    boxes = StoredBoxes(folder.private)
    assert boxes.get("record/r-1") == b"a sealed box" and LACKING in boxes.names(), "it may lack what came since"
    for purpose in ("vote", "submit", "encrypt", "recover"):
        assert (folder.keys / f"{purpose}.key").read_bytes() == (laid.keys / f"{purpose}.key").read_bytes()
    assert {path.stat().st_mode & 0o077 for path in folder.folder.rglob("*")} == {0}
    assert [path.name for path in (tmp_path / "run" / "nodes").iterdir()] == [ME], "nothing else is left"


def test_an_archive_without_keys_asks_for_them(laid: NodeFolder, tmp_path: Path) -> None:
    archive = tmp_path / "me.backup"
    made = make_backup(laid, archive, has_keys=False)
    assert not made.has_keys and not any(name.startswith(("keys", "settings")) for name in made.files)
    key = (laid.keys / "vote.key").read_bytes().strip()
    assert key not in archive.read_bytes() and bytes.fromhex(key.decode()) not in archive.read_bytes()
    folder = empty_run(laid, tmp_path / "run")
    with pytest.raises(UserError, match="holds no keys"):
        restore_backup(archive, folder)
    folder.keys.mkdir(mode=0o700, parents=True)
    restore_backup(archive, folder)
    assert folder.ledger.is_file() and folder.votes.is_file() and folder.private.is_file()


def test_a_target_that_is_not_empty_is_refused_and_stays_as_it_is(laid: NodeFolder, tmp_path: Path) -> None:
    archive = tmp_path / "me.backup"
    make_backup(laid, archive)
    folder = empty_run(laid, tmp_path / "run")
    folder.folder.mkdir()
    (folder.folder / "log.txt").write_text("mine")
    with pytest.raises(UserError, match=r"not empty \(it holds log.txt\)"):
        restore_backup(archive, folder)
    assert [path.name for path in folder.folder.iterdir()] == ["log.txt"]


def test_another_chain_and_another_member_are_refused(laid: NodeFolder, tmp_path: Path) -> None:
    archive = tmp_path / "me.backup"
    make_backup(laid, archive)
    run = empty_run(laid, tmp_path / "run").run
    with pytest.raises(UserError, match="cannot be restored as somebody"):
        restore_backup(archive, NodeFolder(run, "somebody"))
    genesis = msgspec.json.decode((run / "genesis.json").read_bytes())
    (run / "genesis.json").write_bytes(msgspec.json.encode({**genesis, "time_us": genesis["time_us"] + 1}))
    with pytest.raises(UserError, match="of another chain"):
        restore_backup(archive, NodeFolder(run, ME))


def test_every_flipped_bit_and_every_cut_is_noticed(laid: NodeFolder, tmp_path: Path) -> None:
    archive, bent = tmp_path / "me.backup", tmp_path / "bent.backup"
    make_backup(laid, archive)
    folder, data = empty_run(laid, tmp_path / "run"), archive.read_bytes()
    places = [0, 7, 8, 39, 40, 600, len(data) // 3, len(data) // 2, len(data) - 1]
    for at in places:
        bent.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(UserError, match="damaged"):
            restore_backup(bent, folder)
    for length in (0, 20, 4_000, len(data) - 1):
        bent.write_bytes(data[:length])
        with pytest.raises(UserError, match="damaged"):
            restore_backup(bent, folder)
    assert not folder.folder.exists()
    restore_backup(archive, folder)


@pytest.mark.parametrize("bad", ["../escaped", "/tmp/escaped", "unnamed", "a link"])
def test_an_archive_that_names_a_file_elsewhere_is_refused(laid: NodeFolder, tmp_path: Path, bad: str) -> None:
    """Made by somebody who can make checksums."""
    archive, bent = tmp_path / "me.backup", tmp_path / "bent.backup"
    manifest = make_backup(laid, archive)
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        files = {**manifest.files, **({} if bad in ("unnamed", "a link") else {bad: 4})}
        raw = msgspec.json.encode(msgspec.structs.replace(manifest, files=files))
        first = tarfile.TarInfo(MANIFEST)
        first.size = len(raw)
        tar.addfile(first, io.BytesIO(raw))
        entry = tarfile.TarInfo("ledger.sqlite" if bad == "a link" else bad)
        if bad == "a link":
            entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(entry)
        else:
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"evil"))
    body = held.getvalue()
    bent.write_bytes(MAGIC + sha256(body).digest() + body)
    folder = empty_run(laid, tmp_path / "run")
    with pytest.raises(UserError, match="manifest does not name"):
        restore_backup(bent, folder)
    assert not folder.folder.exists() and not Path("/tmp/escaped").exists()


def test_an_archive_replaces_none_and_a_folder_of_something_else_is_no_node(laid: NodeFolder, tmp_path: Path) -> None:
    (tmp_path / "me.backup").write_text("another")
    with pytest.raises(UserError, match="exists already"):
        make_backup(laid, tmp_path / "me.backup")
    with pytest.raises(UserError, match="holds no genesis"):
        make_backup(NodeFolder(tmp_path, ME), tmp_path / "other.backup")
    assert (tmp_path / "me.backup").read_text() == "another"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["me.backup"]
