"""medins 定点医药机构: the institutions and how their contracts stand."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.exports.nhsa.table import CsvTable, Row, day
from consortium.exports.source import Source

COLUMNS = ("fixmedins_code", "fixmedins_type", "medinslv", "status", "licence_to")


def _rows(source: Source) -> Iterator[Row]:
    for code, each in source.rows(INSTITUTIONS):
        yield code, "1" if each.kind == "hospital" else "2", str(each.level), each.status, day(each.licence_to)


TABLE = CsvTable("medins", COLUMNS, _rows)
