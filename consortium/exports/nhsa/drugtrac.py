"""drugtrac 追溯码销售: what bills sold by trace code, a row a code; a line without one has one row."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.bill import BILLS
from consortium.exports.nhsa.table import CsvTable, Row, day
from consortium.exports.source import Source

COLUMNS = ("bill_no", "feedetl_sn", "med_list_codg", "cnt", "drug_trac_codg", "trdn_flag", "fixmedins_code", "begndate")


def _rows(source: Source) -> Iterator[Row]:
    for number, bill in source.rows(BILLS):
        for sold in bill.sold:
            what = (number, str(sold.feedetl_sn), sold.med_list_codg, str(sold.cnt))
            where = ("1" if sold.trdn_flag else "0", bill.fixmedins_code, day(bill.begndate))
            yield from ((*what, code, *where) for code in sold.drug_trac_codg or ("",))


TABLE = CsvTable("drugtrac", COLUMNS, _rows)
