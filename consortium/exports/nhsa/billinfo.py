"""billinfo 医疗电子票据: every e-bill with its sums by class; its lines are private."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.bill import BILLS
from consortium.exports.nhsa.codes import MED_TYPE
from consortium.exports.nhsa.table import CsvTable, Row, day, yuan
from consortium.exports.source import Source

SUMS = ("medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_amt")
COLUMNS = (
    "bill_no",
    "fixmedins_code",
    "psn_no",
    "med_type",
    "begndate",
    "enddate",
    *SUMS,
    "stage",
    "setl_id",
    "red_bill_no",
)


def _rows(source: Source) -> Iterator[Row]:
    for number, bill in source.rows(BILLS):
        yield (
            number,
            bill.fixmedins_code,
            bill.patient,
            MED_TYPE.get(bill.med_type, ""),
            day(bill.begndate),
            day(bill.enddate),
            *(yuan(getattr(bill.sums, name)) for name in SUMS),
            bill.stage,
            bill.settlement,
            bill.red_letter,
        )


TABLE = CsvTable("billinfo", COLUMNS, _rows)
