"""What a ledger's database is made of: its tables, its views, and nothing else.

A view, trigger, index, column or table more is no ornament: it may change what the next reader sees, or what the next
commit stores. So the whole schema is compared, word by word, with the one that this version makes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache

from consortium.core.format import FORMAT
from consortium.ledger.rows import TABLES


def _number(blob: str, count: int = 8) -> str:
    """SQL for the number that so many bytes are, the highest first."""
    digits, last = "instr('0123456789ABCDEF', substr(hex({}), {}, 1)) - 1", 2 * count - 1
    return " + ".join(f"(({digits.format(blob, place + 1)}) << {4 * (last - place)})" for place in range(last + 1))


# A header ends with five digests, each two bytes of MessagePack and 32 of its own, and the time, one byte and eight.
_DIGESTS = ", ".join(
    f"lower(hex(substr(value, {-41 - 34 * place}, 32))) AS {name}"
    for place, name in enumerate(("state_root", "receipts_root", "transactions_root", "batch_digest", "parent"))
)
# A MessagePack array begins with its length: in four bits, in two bytes or in four.
_LENGTH = f"""CASE hex(substr(receipt.value, 1, 1)) WHEN 'DC' THEN {_number("substr(receipt.value, 2, 2)", 2)}
        WHEN 'DD' THEN {_number("substr(receipt.value, 2, 4)", 4)}
        ELSE {_number("substr(receipt.value, 1, 1)", 1)} - 144 END"""
VIEWS = {
    "blocks": f"""SELECT {_number("key")} AS height, {_number("substr(value, -8)")} AS time_us,
        (SELECT length(value) FROM batch WHERE batch.key = block.key) AS batch_bytes,
        coalesce((SELECT {_LENGTH} FROM receipt WHERE receipt.key = block.key), 0) AS transactions,
        EXISTS (SELECT 1 FROM seal WHERE seal.key = block.key) AS is_sealed, {_DIGESTS},
        length(value) AS header_bytes, hex(value) AS header FROM block ORDER BY key""",
    "state_rows": """SELECT CAST(substr(key, 1, instr(key, x'00') - 1) AS TEXT) AS "table",
        CAST(substr(key, instr(key, x'00') + 1) AS TEXT) AS key, hex(value) AS value FROM state""",
}

Schema = Mapping[tuple[str, str], tuple[str, str]]  # (type, name) -> (its table, its SQL)


_STATE = "CREATE TABLE state (id INTEGER PRIMARY KEY, key BLOB NOT NULL, value BLOB NOT NULL)"


def statements(version: int = FORMAT) -> Iterator[str]:
    """What creates the tables and then the views. Of an older format the tables alone: it is only read."""
    for table in TABLES:
        keyed = f"CREATE TABLE {table} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
        yield _STATE if table == "state" and version == FORMAT else keyed
    if version == FORMAT:
        for view, select in VIEWS.items():
            yield f"CREATE VIEW {view} AS {select}"


def read_schema(connection: sqlite3.Connection) -> Schema:
    """Everything that the database says it is made of."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return {(str(kind), str(name)): (str(table), str(sql)) for kind, name, table, sql in rows}


@cache
def _wanted(version: int) -> Schema:
    connection = sqlite3.connect(":memory:")
    for statement in statements(version):
        connection.execute(statement)
    wanted = read_schema(connection)
    connection.close()
    return wanted


def foreign_parts(found: Schema, version: int = FORMAT, *, are_views_asked: bool = True) -> list[str]:
    """What is missing, other than it should be, or too much: a clause for each. Without its tables no row of a ledger
    can be read; all else changes what else somebody may read, or write."""
    told, wanted = list[str](), _wanted(version)
    are_views_asked = are_views_asked and version == FORMAT
    for part in sorted({*found, *wanted}):
        kind, name = part
        have, want = found.get(part), wanted.get(part)
        if have == want or not (are_views_asked or name in TABLES):
            continue
        if have is None:
            told.append(f"its {kind} {name} is missing")
        elif want is None:
            on = f" on table {have[0]}" if have[0] != name else ""
            told.append(f"no ledger has a {kind} {name}{on}")
        else:
            told.append(f"its {kind} {name} is not the one that a ledger has")
    return told
