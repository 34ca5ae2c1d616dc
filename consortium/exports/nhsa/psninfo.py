"""psninfo 参保信息: every period of cover, by the pseudonym of its year."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance.enrolment import PERSONS
from consortium.core.calendar import compute_day_after
from consortium.exports.nhsa.codes import INSUTYPE, PSN_TYPE
from consortium.exports.nhsa.table import CsvTable, Row, day
from consortium.exports.source import Source

COLUMNS = ("psn_no", "insutype", "psn_type", "maf_psn_flag", "begndate", "enddate", "die_date")


def _rows(source: Source) -> Iterator[Row]:
    for psn_no, person in source.rows(PERSONS):
        for each in person.periods:
            last = 0 if each.to_day == FOREVER else compute_day_after(each.to_day, -1)
            kinds = (INSUTYPE[each.insutype], PSN_TYPE[each.retired], "1" if each.assisted else "0")
            yield (psn_no, *kinds, day(each.from_day), day(last), day(person.died_on))


TABLE = CsvTable("psninfo", COLUMNS, _rows)
