"""Settings, keys, genesis and scenario of a node: what a disk made of them is refused in a sentence, and never used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.core.crypto import SUITES
from nodes.broker.address import BrokerAddress
from nodes.broker.tls_files import TlsFiles
from nodes.errors import UserError
from nodes.process.settings import FORMAT, Settings, check_digest, read_settings, write_settings

MADE = Settings(FORMAT, "a", "127.0.0.1", 1883, "a", "secret", 7, newcomers={"b": {"vote": "cd" * 32}})


def test_no_flipped_bit_of_the_settings_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write_settings(path, MADE)
    assert read_settings(path) == msgspec.structs.replace(MADE, checksum=read_settings(path).checksum)
    whole = path.read_bytes()
    passed = set[bytes]()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        try:
            assert read_settings(path) == msgspec.structs.replace(MADE, checksum=read_settings(path).checksum)
            passed.add(whole[at : at + 1])
        except UserError as error:
            assert str(path) in str(error)
    assert passed <= {b" ", b"\n"}, "other white space between the words changes nothing"


def test_settings_that_a_person_wrote_have_no_checksum_and_hold(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write_settings(path, MADE)
    changed = path.read_text().replace("127.0.0.1", "10.0.0.7")
    path.write_text(changed)
    with pytest.raises(UserError, match="take the line with the checksum out"):
        read_settings(path)
    path.write_text("\n".join(line for line in changed.split("\n") if "checksum" not in line).replace("},\n}", "}\n}"))
    assert read_settings(path).broker_host == "10.0.0.7"


def test_several_brokers_are_settings_and_one_is_written_as_it_always_was(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write_settings(path, MADE)
    assert b"brokers" not in path.read_bytes()
    assert [str(each) for each in read_settings(path).addresses(tmp_path)] == ["mqtt://127.0.0.1:1883"]
    several = tuple(
        BrokerAddress(
            "127.0.0.1", port, tls=TlsFiles("tls/ca.crt", "/elsewhere/bus.crt", "tls/bus.key", f"broker-{port}")
        )
        for port in (8883, 8884)
    )
    path.unlink()
    write_settings(path, Settings(FORMAT, "a", brokers=several))
    read = read_settings(path).addresses(tmp_path)
    assert [str(each) for each in read] == ["mqtts://127.0.0.1:8883", "mqtts://127.0.0.1:8884"]
    assert read[1].tls == TlsFiles(
        f"{tmp_path}/tls/ca.crt", "/elsewhere/bus.crt", f"{tmp_path}/tls/bus.key", "broker-8884"
    )
    path.write_text(path.read_text().replace("8884", "8885"))
    with pytest.raises(UserError, match="checksum does not fit"):
        read_settings(path)


@pytest.mark.parametrize("place", [{}, {"broker_host": "localhost", "brokers": (BrokerAddress("localhost", 1),)}])
def test_settings_without_a_broker_or_with_two_words_for_it_are_refused(tmp_path: Path, place: dict[str, Any]) -> None:
    write_settings(tmp_path / "settings.json", Settings(FORMAT, "a", **place))
    with pytest.raises(UserError, match="must name one broker"):
        read_settings(tmp_path / "settings.json")


def test_a_key_in_the_settings_that_is_no_key_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write_settings(path, msgspec.structs.replace(MADE, newcomers={"b": {"vote": "zz"}}))
    with pytest.raises(UserError, match="cannot be read"):
        read_settings(path)


def test_a_file_of_the_run_that_is_not_the_one_it_was_made_with_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "genesis.json"
    with pytest.raises(UserError, match="is missing"):
        check_digest(MADE, path)
    path.write_bytes(b"{}")
    check_digest(MADE, path)
    with pytest.raises(UserError, match="not the file with which this run was made"):
        check_digest(msgspec.structs.replace(MADE, digests={"genesis.json": "00" * 32}), path)


def test_every_suite_tells_a_key_from_one_with_a_flipped_bit() -> None:
    for suite in SUITES.values():
        assert suite().public_key(bytes(32)) != suite().public_key(bytes(31) + b"\x01")
