"""setlinfo 结算信息: every entry of a journal, a settlement or a reversal with its amounts negated."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.journal import SETTLEMENTS, settlement_key
from consortium.exports.nhsa.codes import INSUTYPE, MED_TYPE
from consortium.exports.nhsa.table import CsvTable, Row, day, yuan
from consortium.exports.source import Source

AMOUNTS = Amounts.__struct_fields__
COLUMNS = (
    "setl_id",
    "psn_no",
    "setl_year",
    "bill_no",
    "fixmedins_code",
    "insutype",
    "med_type",
    "begndate",
    "enddate",
    *AMOUNTS,
    "pay_loc",
    "drg_code",
    "init_setl_id",
)


def _rows(source: Source) -> Iterator[Row]:
    for key, entry in source.rows(SETTLEMENTS):
        psn_no, year, _ = key.split("/")
        yield (
            key,
            psn_no,
            year,
            entry.bill_no,
            entry.fixmedins_code,
            INSUTYPE[entry.insutype],
            MED_TYPE[entry.med_type],
            day(entry.begndate),
            day(entry.enddate),
            *(yuan(getattr(entry.amounts, name)) for name in AMOUNTS),
            entry.offsite,
            entry.drg_group,
            settlement_key(psn_no, int(year), entry.reverses) if entry.reverses else "",
        )


TABLE = CsvTable("setlinfo", COLUMNS, _rows)
