"""What a ledger's database is made of: its tables, its views, and nothing else.

A view, trigger, index, column or table more is no ornament: it may change what the next reader sees, or what the next
commit stores. So the whole schema is compared, word by word, with the one that this version makes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache

from consortium.ledger.rows import TABLES


def _number(blob: str) -> str:
    """SQL for the number that 8 bytes are, the highest first."""
    digits = "instr('0123456789ABCDEF', substr(hex({}), {}, 1)) - 1"
    return " + ".join(f"(({digits.format(blob, place + 1)}) << {4 * (15 - place)})" for place in range(16))


# A header ends with five digests, each two bytes of MessagePack and 32 of its own, and the time, one byte and eight.
_DIGESTS = ", ".join(
    f"lower(hex(substr(value, {-41 - 34 * place}, 32))) AS {name}"
    for place, name in enumerate(("state_root", "receipts_root", "transactions_root", "batch_digest", "parent"))
)
VIEWS = {
    "blocks": f"""SELECT {_number("key")} AS height, {_number("substr(value, -8)")} AS time_us,
        (SELECT length(value) FROM batch WHERE batch.key = block.key) AS batch_bytes,
        (SELECT count(*) FROM receipt WHERE receipt.key >= CAST(block.key || x'00000000' AS BLOB)
            AND receipt.key <= CAST(block.key || x'FFFFFFFF' AS BLOB)) AS transactions,
        EXISTS (SELECT 1 FROM seal WHERE seal.key = block.key) AS is_sealed, {_DIGESTS},
        length(value) AS header_bytes, hex(value) AS header FROM block ORDER BY key""",
    "state_rows": """SELECT CAST(substr(key, 1, instr(key, x'00') - 1) AS TEXT) AS "table",
        CAST(substr(key, instr(key, x'00') + 1) AS TEXT) AS key, hex(value) AS value FROM state ORDER BY state.key""",
}

Schema = Mapping[tuple[str, str], tuple[str, str]]  # (type, name) -> (its table, its SQL)


def statements() -> Iterator[str]:
    """What creates the tables and then the views."""
    for table in TABLES:
        yield f"CREATE TABLE {table} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
    for view, select in VIEWS.items():
        yield f"CREATE VIEW {view} AS {select}"


def read_schema(connection: sqlite3.Connection) -> Schema:
    """Everything that the database says it is made of."""
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return {(str(kind), str(name)): (str(table), str(sql)) for kind, name, table, sql in rows}


@cache
def _wanted() -> Schema:
    connection = sqlite3.connect(":memory:")
    for statement in statements():
        connection.execute(statement)
    wanted = read_schema(connection)
    connection.close()
    return wanted


def foreign_parts(found: Schema, *, are_views_asked: bool = True) -> list[str]:
    """What is missing, other than it should be, or too much: a clause for each. Without its tables no row of a ledger
    can be read; all else changes what else somebody may read, or write."""
    told: list[str] = []
    for part in sorted({*found, *_wanted()}):
        kind, name = part
        have, want = found.get(part), _wanted().get(part)
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
