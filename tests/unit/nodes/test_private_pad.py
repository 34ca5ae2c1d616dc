"""A value of the private store lies in overflow pages alone: of what lies in leaves SQLite leaves copies.

Seldom: of 200,000 small rows erased without the pad four were left. So both are asked: where values lie, in many small
stores, and of the stores in which one was left, that none is.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from consortium.core.machine import Drop, Keep
from nodes.process.private_store import PAGE_BYTES, PrivateStore
from tests.unit.nodes.test_private_store import raw

LEAF = 13  # the first byte of a leaf of a table; of an overflow page it is 0, the highest of the next page's number


def pages_of(data: bytes, piece: bytes) -> list[int]:
    """The first byte of each page in which a piece stands."""
    found, at = [], data.find(piece)
    while at >= 0:
        found.append(data[at // PAGE_BYTES * PAGE_BYTES])
        at = data.find(piece, at + 1)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_value_of_any_size_lies_in_no_leaf_of_a_table(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        values = {f"record/{rng.randbytes(8).hex()}": rng.randbytes(16) * rng.randint(1, 70) for _ in range(12)}
        store = PrivateStore(folder / "private.sqlite")
        store.commit([Keep(name, value) for name, value in values.items()])
        store.close()
        data = raw(folder)
        for name, value in values.items():
            assert set(pages_of(data, value[:16])) == {0}, f"{len(value)} bytes"
            assert LEAF in pages_of(data, name.encode()), "positive control: the name lies there"


@pytest.mark.parametrize(
    ("seed", "first", "rows", "steps", "words", "share"),
    [
        (10, 100, 50, 20, (2, 4), 0.4),
        (22, 0, 50, 20, (1, 1), 0.5),
        (63, 600, 300, 5, (2, 2), 0.5),
        (8, 0, 50, 60, (2, 2), 0.4),
    ],
)
def test_of_stores_that_kept_one_without_the_pad_none_keeps_any(
    tmp_path: Path, seed: int, first: int, rows: int, steps: int, words: tuple[int, int], share: float
) -> None:
    store, rng = PrivateStore(tmp_path / "private.sqlite"), random.Random(seed)
    store._writer.execute("PRAGMA synchronous=OFF")
    held: dict[str, bytes] = {}
    gone: list[bytes] = []

    def fresh() -> Keep:
        name, value = f"record/{rng.random()}", rng.randbytes(16) * rng.randint(*words)
        held[name] = value
        return Keep(name, value)

    def erased() -> Drop:
        name = rng.choice(list(held))
        gone.append(held.pop(name))
        return Drop(name)

    if first:
        store.commit([fresh() for _ in range(first)])
    for _ in range(steps):
        store.commit([erased() if held and rng.random() < share else fresh() for _ in range(rows)])
    store.commit([Drop("none")])
    data = raw(tmp_path)
    store.close()
    assert all(value[:16] in data for value in held.values()), "positive control"
    assert [value for value in gone if value[:16] in data] == [] and len(gone) > 300
