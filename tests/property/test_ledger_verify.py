"""Whatever single thing is changed in a stored ledger, `verify_ledger` refuses it and names height and record."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.ledger.rows import DictRows
from consortium.ledger.verify import Fault, verify_ledger
from tests.unit.ledger.ledger_kit import CONTRACTS, PROTOCOL, Chain

CHAIN = Chain()
CHAIN.grow(9)
CHAIN.decide_nothing()
CHAIN.seal()
ROWS = [(table, key, value) for table in CHAIN.rows.tables() for key, value in CHAIN.rows.all(table)]
BYTES = [(index, at) for index, (_, key, value) in enumerate(ROWS) for at in range(len(key) + len(value))]


def _check(rows: DictRows) -> None:
    verify_ledger(CHAIN.genesis, rows, CONTRACTS, PROTOCOL)


def _changed(index: int, key: bytes, value: bytes | None) -> DictRows:
    rows = CHAIN.rows.copy()
    table, old_key, _ = ROWS[index]
    rows.stage([(table, old_key, None), (table, key, value)])
    return rows


def _expected(index: int) -> tuple[str, int | None]:
    """The table, and the height where the row says it itself."""
    table, key, _ = ROWS[index]
    return table, None if table in ("state", "meta", "epoch") else int.from_bytes(key[:8], "big")


def test_the_untouched_ledger_is_accepted() -> None:
    _check(CHAIN.rows.copy())


@settings(max_examples=400, deadline=None)
@given(place=st.sampled_from(BYTES), flip=st.integers(1, 255))
def test_any_single_changed_byte_is_refused_with_height_and_record(place: tuple[int, int], flip: int) -> None:
    index, at = place
    _, key, value = ROWS[index]
    both = bytearray(key + value)
    both[at] ^= flip
    rows = _changed(index, bytes(both[: len(key)]), bytes(both[len(key) :]))
    with pytest.raises(Fault) as fault:
        _check(rows)
    wanted_table, wanted_height = _expected(index)
    if at >= len(key):  # a changed value is named exactly; a changed key is missing here or too much there
        assert fault.value.record.startswith(wanted_table)
        assert wanted_height is None or fault.value.height == wanted_height
    assert fault.value.why


@pytest.mark.parametrize("index", range(len(ROWS)), ids=lambda index: f"{ROWS[index][0]}-{index}")
def test_any_lost_row_is_refused(index: int) -> None:
    with pytest.raises(Fault):
        _check(_changed(index, ROWS[index][1], None))


@settings(max_examples=60, deadline=None)
@given(
    table=st.sampled_from(["block", "batch", "certificate", "receipt", "seal", "state", "epoch", "meta", "base", "x"]),
    key=st.one_of(st.binary(max_size=14), st.integers(0, 40).map(lambda height: height.to_bytes(8, "big"))),
    value=st.binary(max_size=40),
)
def test_any_added_row_is_refused(table: str, key: bytes, value: bytes) -> None:
    if CHAIN.rows.get(table, key) is not None:
        return
    rows = CHAIN.rows.copy()
    rows.stage([(table, key, value)])
    with pytest.raises(Fault):
        _check(rows)


def test_two_rows_exchanged_are_refused() -> None:
    for table in ("certificate", "batch", "receipt", "block"):
        found = [(index, row) for index, row in enumerate(ROWS) if row[0] == table][3:5]
        (_, one), (_, other) = found
        rows = CHAIN.rows.copy()
        rows.stage([(table, one[1], other[2]), (table, other[1], one[2])])
        with pytest.raises(Fault):
            _check(rows)
