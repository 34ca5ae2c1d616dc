"""Keys under a passphrase: what lies on the disk, what opens it, and what is said where nothing does."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from consortium.scenario.standing_members import parse_members
from nodes.deploy.making import make_consortium
from nodes.deploy.preparing import Changes, prepare
from nodes.deploy.standing import open_standing
from nodes.errors import UserError
from nodes.process import key_lock
from nodes.process.key_lock import from_descriptor, from_person, no_passphrase
from nodes.process.keys import are_locked, create_keys, load_keys, passphrase_of, replace_private, write_private

SECRET = b"correct horse battery"
FOUR = "bureau=1,hospital=2,regulator=1"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an attacker is to pay is no matter here."""
    monkeypatch.setattr(key_lock, "PASSES", 1)
    monkeypatch.setattr(key_lock, "MEMORY_BYTES", 8_192)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_private(tmp_path / "passphrase", SECRET + b"\n")
    return tmp_path / "passphrase"


def test_what_is_locked_is_opened_by_its_passphrase_alone(tmp_path: Path, file: Path) -> None:
    made = create_keys(tmp_path / "keys", SECRET)
    assert are_locked(tmp_path / "keys")
    held = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir())
    assert not any(secret in held or secret.hex().encode() in held for secret in made.values())
    assert load_keys(tmp_path / "keys", passphrase_of(file)) == made
    with pytest.raises(UserError, match="the passphrase does not open"):
        load_keys(tmp_path / "keys", lambda: b"another one")
    with pytest.raises(UserError, match="--passphrase-file"):
        load_keys(tmp_path / "keys")


def test_keys_without_one_ask_for_none(tmp_path: Path) -> None:
    made = create_keys(tmp_path / "keys")
    assert not are_locked(tmp_path / "keys") and load_keys(tmp_path / "keys", no_passphrase) == made


@pytest.mark.parametrize("change", ["short", "costly", "flipped", "cut"])
def test_a_damaged_line_is_told_and_costs_nothing(tmp_path: Path, change: str) -> None:
    create_keys(tmp_path / "keys", SECRET)
    path = tmp_path / "keys" / "vote.key"
    word, salt, passes, memory, box = path.read_text().split()
    lines = {
        "short": f"{word} {salt} {passes} {memory}",
        "costly": f"{word} {salt} {passes} {1 << 40} {box}",
        "flipped": f"{word} {salt} {passes} {memory} {box[:-1]}{'0' if box[-1] != '0' else '1'}",
        "cut": f"{word} {salt} {passes} {memory} {box[:20]}",
    }
    replace_private(path, lines[change].encode())
    with pytest.raises(UserError, match=r"vote.key"):
        load_keys(tmp_path / "keys", lambda: SECRET)


def test_a_file_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path, file: Path) -> None:
    file.chmod(0o644)
    with pytest.raises(UserError, match="can be read by others"):
        passphrase_of(file)()
    replace_private(file, b"1234\n")
    with pytest.raises(UserError, match="at least 8"):
        passphrase_of(file)()


def test_a_descriptor_can_be_read_again_by_the_next_life_of_the_process() -> None:
    again, end = os.pipe()
    os.write(end, SECRET + b"\n")
    os.close(end)
    try:
        read = from_descriptor(again)
        assert [read(), read(), from_descriptor(again)()] == [SECRET] * 3
        assert os.get_inheritable(again)
    finally:
        os.close(again)


def test_nobody_is_asked_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert from_person("bureau") is no_passphrase


def test_a_consortium_is_not_started_whose_keys_do_not_open(tmp_path: Path, file: Path) -> None:
    folder = tmp_path / "c"
    make_consortium(folder, parse_members(FOUR), "embedded", passphrase_file=file)
    standing = open_standing(folder)
    with pytest.raises(UserError, match="keys of bureau, hospital-1, hospital-2, regulator are locked"):
        prepare(standing, Changes())
    write_private(tmp_path / "other", b"another passphrase")
    with pytest.raises(UserError, match="the passphrase does not open"):
        prepare(standing, Changes(passphrase_file=tmp_path / "other"))
    begun = prepare(standing, Changes(passphrase_file=file)).deployment
    assert begun.node_words == ("--passphrase-file", str(file))
    assert prepare(open_standing(folder), Changes()).deployment == begun, "it remembers where, and not what"
    assert all(SECRET not in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_one_whose_keys_have_none_goes_on_so(tmp_path: Path, file: Path) -> None:
    make_consortium(tmp_path / "c", parse_members(FOUR), "embedded")
    with pytest.raises(UserError, match="go on so"):
        prepare(open_standing(tmp_path / "c"), Changes(passphrase_file=file))
    with pytest.raises(UserError, match="local processes"):
        make_consortium(tmp_path / "d", parse_members(FOUR), "mosquitto", "docker", passphrase_file=file)
    assert not (tmp_path / "d").exists()
