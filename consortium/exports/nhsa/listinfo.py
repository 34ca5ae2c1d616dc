"""listinfo 医保目录: every version of every item of the catalogue, by the day from which it holds."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.policy import CATALOGUE
from consortium.exports.nhsa.codes import CHRGITM_LV, LIST_TYPE
from consortium.exports.nhsa.table import CsvTable, Row, day, share, yuan
from consortium.exports.source import LAST, Source

COLUMNS = ("med_list_codg", "begndate", "list_type", "chrgitm_lv", "selfpay_prop", "pric_uplmt_amt", "trac_free_flag")


def _rows(source: Source) -> Iterator[Row]:
    """Everybody may ask for items."""
    for code, entry in source.state.range(CATALOGUE, "", LAST):
        for each in entry.versions:
            words = (LIST_TYPE[each.kind], CHRGITM_LV[each.chrgitm_lv], share(each.selfpay_prop_bp))
            ceiling = yuan(each.ceiling_fen) if each.ceiling_fen else ""
            yield code, day(each.from_day), *words, ceiling, "1" if each.code_free else "0"


TABLE = CsvTable("listinfo", COLUMNS, _rows)
