"""Key files are private, whole, and refused when they are not."""

import os
from pathlib import Path

import pytest

from nodes.errors import UserError
from nodes.process.keys import PURPOSES, create_keys, load_keys, write_private


def test_keys_come_back_as_they_were_made_and_are_private(tmp_path: Path) -> None:
    made = create_keys(tmp_path / "keys")
    assert load_keys(tmp_path / "keys") == made
    assert set(made) == set(PURPOSES) and len(set(made.values())) == len(PURPOSES)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == sorted(f"{use}.key" for use in PURPOSES)


def test_a_key_that_others_can_read_is_refused_by_name_with_the_remedy(tmp_path: Path) -> None:
    create_keys(tmp_path)
    (tmp_path / "vote.key").chmod(0o640)
    with pytest.raises(UserError, match=r"vote\.key can be read by others.*chmod 600"):
        load_keys(tmp_path)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o710, 0o777])
def test_a_folder_of_keys_that_others_can_enter_is_refused_by_name_with_the_remedy(tmp_path: Path, mode: int) -> None:
    made = create_keys(tmp_path / "keys")
    (tmp_path / "keys").chmod(mode)
    for use in (load_keys, create_keys):
        with pytest.raises(UserError, match=r"/keys can be read by others.*chmod 700 \S*/keys"):
            use(tmp_path / "keys")
    (tmp_path / "keys").chmod(0o700)
    assert load_keys(tmp_path / "keys") == made


@pytest.mark.parametrize("content", [b"", b"zz" * 32, b"ab" * 31, b"\xff\xfe"])
def test_a_malformed_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    create_keys(tmp_path)
    (tmp_path / "submit.key").write_bytes(content)
    with pytest.raises(UserError, match=r"submit\.key is no key"):
        load_keys(tmp_path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    create_keys(tmp_path)
    (tmp_path / "encrypt.key").unlink()
    with pytest.raises(UserError, match=r"encrypt\.key is missing"):
        load_keys(tmp_path)


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    made = create_keys(tmp_path)
    with pytest.raises(UserError, match="exists already"):
        create_keys(tmp_path)
    assert load_keys(tmp_path) == made


def test_a_private_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_private(tmp_path / "x", b"secret")
    assert list(tmp_path.iterdir()) == []
