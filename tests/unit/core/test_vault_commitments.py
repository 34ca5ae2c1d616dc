"""A commitment is of one whole record under one salt, and tells nothing without the salt."""

import pytest

from consortium.core.vault import Salts, commit


def test_a_commitment_changes_with_every_byte_of_record_and_salt() -> None:
    salt, record = bytes(16), b"record"
    told = {
        commit(salt, record),
        commit(salt, b"Record"),
        commit(b"\x01" + bytes(15), record),
        commit(bytes(17), record),
    }
    assert len(told) == 4


def test_no_bytes_move_between_salt_and_record() -> None:
    assert commit(bytes(16) + b"a", b"b") != commit(bytes(16), b"ab")


def test_a_commitment_with_a_short_salt_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="salt"):
        commit(bytes(15), b"record")


def test_salts_are_of_a_key_and_a_handle_and_the_same_after_a_boot() -> None:
    own = Salts(b"k" * 32)
    assert own.salt("lines/h1-1") == Salts(b"k" * 32).salt("lines/h1-1")
    assert len({own.salt("lines/h1-1"), own.salt("lines/h1-2"), Salts(b"j" * 32).salt("lines/h1-1")}) == 3
    assert own.commit("lines/h1-1", b"record") == commit(own.salt("lines/h1-1"), b"record")
