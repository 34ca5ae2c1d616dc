"""A real SQLite file whose pages are damaged: `verify` says NOT SOUND in a sentence, or the damage changed nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.core.machine import Apply
from consortium.ledger.rows import TABLES
from consortium.ledger.verify import Fault, Verified, verify_ledger
from nodes.errors import Damaged
from nodes.process.store import SqliteRows
from tests.unit.ledger.ledger_kit import CONTRACTS, PROTOCOL, Chain, Scatter

PAGE = 8_192
INTERIOR_INDEX, LEAF_INDEX = 2, 10  # the kinds of page that a table WITHOUT ROWID has


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Chain, bytes]:
    """A chain, and the bytes of its file: large enough that tables have interior pages."""
    chain = Chain()
    for _ in range(4):
        chain.decide(chain.bundle("bob", chain.transaction("bob", "scatter", Scatter("many", 400))))
    chain.grow(40)
    path = tmp_path_factory.mktemp("sound") / "ledger.sqlite"
    rows = SqliteRows(path)
    held = [(table, key, value) for table in TABLES for key, value in chain.rows.all(table)]
    rows.commit([Apply(44, tuple(held))])
    rows._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    rows.close()
    return chain, path.read_bytes()


def _verify(chain: Chain, data: bytes, folder: Path) -> Verified | str:
    path = folder / "ledger.sqlite"
    path.write_bytes(data)
    rows = None
    try:
        rows = SqliteRows(path, read_only=True)
        return verify_ledger(chain.genesis, rows, CONTRACTS, PROTOCOL)
    except (Fault, Damaged) as damage:
        return str(damage)
    finally:
        if rows is not None:
            rows.close()


def _pages(data: bytes, kind: int) -> list[int]:
    return [at for at in range(PAGE, len(data), PAGE) if data[at] == kind]


def test_a_sound_file_is_sound(sound: tuple[Chain, bytes], tmp_path: Path) -> None:
    chain, data = sound
    assert isinstance(_verify(chain, data, tmp_path), Verified)
    assert len(_pages(data, INTERIOR_INDEX)) >= 1 and len(_pages(data, LEAF_INDEX)) > 10


@pytest.mark.parametrize("child", [0, 1, 2**31, 7])
def test_an_interior_page_that_points_elsewhere_is_told(sound: tuple[Chain, bytes], tmp_path: Path, child: int) -> None:
    """Breaker's case 9b: a damaged tree, not a damaged row. Every pointer of every interior page, in turn."""
    chain, data = sound
    for page in _pages(data, INTERIOR_INDEX):
        cells = int.from_bytes(data[page + 3 : page + 5], "big")
        places = [page + 8] + [
            page + int.from_bytes(data[page + 12 + 2 * cell : page + 14 + 2 * cell], "big") for cell in range(cells)
        ]
        for place in places[:: max(1, len(places) // 3)]:
            damaged = data[:place] + child.to_bytes(4, "big") + data[place + 4 :]
            verdict = _verify(chain, damaged, tmp_path)
            assert isinstance(verdict, str) and len(verdict) > 10, f"page {page // PAGE + 1}, offset {place - page}"


@pytest.mark.parametrize("offset", [0, 1, 3, 5, 8, 9])
def test_a_damaged_head_of_a_leaf_page_is_told_or_changes_nothing(
    sound: tuple[Chain, bytes], tmp_path: Path, offset: int
) -> None:
    """Kind, free block, number of cells, where they begin, the first cell's place."""
    chain, data = sound
    told = 0
    for page in _pages(data, LEAF_INDEX)[::3]:
        damaged = bytearray(data)
        damaged[page + offset] ^= 0x15
        verdict = _verify(chain, bytes(damaged), tmp_path)
        told += isinstance(verdict, str)
    assert told or offset in (1, 5), "SQLite alone reads where free space lies"
