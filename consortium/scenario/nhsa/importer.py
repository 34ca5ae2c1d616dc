"""NHSA-named CSV in, our records out: who is covered, where, by which catalogue, and the lines of bills.

Nothing is derived that the tables do not say: classes, shares, ceilings and schemes are theirs. docs/mapping.md 9 names
the columns. A bill of which one line cannot be used is refused whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, cast

from consortium.contracts.checks import check_identifier
from consortium.contracts.insurance.bill import try_normalise
from consortium.core.calendar import compute_day_after
from consortium.core.contract import Refused
from consortium.exports.nhsa.codes import CHRGITM_LV, INSUTYPE, LIST_TYPE, MED_TYPE
from consortium.scenario.fhir.parts import day_of, end_of
from consortium.scenario.fhir.records import (
    FOREVER,
    ClaimLine,
    ClaimRecord,
    Coverage,
    Imported,
    Item,
    MedicalClass,
    Person,
    Provider,
    Pseudonyms,
    ReplicaContext,
    Scheme,
    Unfit,
)
from consortium.scenario.importing.book import Book, Ends
from consortium.scenario.importing.csv_file import (
    Row,
    choice_of,
    count_of,
    inverted,
    needed,
    others_of,
    read_table,
    share_of,
    yuan_of,
)

COLUMNS = {  # of each table, those that it must have, in the order in which they are read
    "psninfo": ("psn_no", "insutype", "psn_type", "begndate", "enddate"),
    "medins": ("fixmedins_code", "medinslv"),
    "listinfo": ("med_list_codg", "list_type", "chrgitm_lv", "selfpay_prop", "pric_uplmt_amt"),
    "feedetail": (
        "bill_no",
        "feedetl_sn",
        "psn_no",
        "fixmedins_code",
        "med_type",
        "enddate",
        "med_list_codg",
        "cnt",
        "det_item_fee_sumamt",
    ),
}
_CLASSES: Mapping[str, MedicalClass] = {"A": "甲", "B": "乙", "C": "丙"}
_SEXES = {"1": "male", "2": "female"}
_RETIRED = "12"


class _Bill(NamedTuple):
    """What all lines of a bill agree on. `lines`: by their numbers."""

    place: str
    person: str
    institution: str
    setting: str
    served_on: int
    lines: dict[str, ClaimLine]


class _Import:
    def __init__(self, key: bytes, ends: Ends, kept: dict[str, bytes] | None) -> None:
        self.book = Book(ends)
        self.pseudonyms = Pseudonyms(key)
        self.kept = kept
        self.persons: dict[str, Person] = {}
        self.same: dict[str, str] = {}  # another number of a person, and that under which it was told first
        self.by_certificate: dict[str, tuple[str, str]] = {}
        self.covers: list[Coverage] = []
        self.providers: dict[str, Provider] = {}
        self.items: dict[str, Item] = {}
        self.bills: dict[str, _Bill] = {}
        self.spoilt: set[str] = set()

    def take(self, name: str, row: Row) -> None:
        try:
            getattr(self, f"_on_{name}")(row)
        except Unfit as unfit:
            self.spoilt.add(_number(row))
            self.book.refuse(unfit, row.place)

    # --- tables -----------------------------------------------------------------------------------------------------

    def _on_psninfo(self, row: Row) -> None:
        psn_no = self._identify(needed(row, "psn_no", "bad-id"), row)
        scheme = cast(Scheme, choice_of(row, "insutype", inverted(INSUTYPE)))
        first = day_of(needed(row, "begndate", "no-period"), "begndate")
        last = end_of(row.text("enddate"), "enddate")
        if last and last < first:
            raise Unfit("bad-date", "enddate")
        died_on = day_of(row.text("die_date"), "die_date") if row.text("die_date") else 0
        name = self.pseudonyms.of("p", psn_no)
        known = self.persons.get(psn_no)
        if known is not None and known.died_on and died_on and known.died_on != died_on:
            raise Unfit("identity-conflict", "die_date")
        died_on = died_on or (known.died_on if known else 0)
        account_fen = yuan_of(row, "acct_balc") if row.text("acct_balc") else 0
        account_fen = max(account_fen, known.account_fen if known else 0)
        self.persons[psn_no] = Person(name, _SEXES.get(row.text("gend"), "unknown"), died_on, account_fen)
        if self.kept is not None:
            self.kept[name] = self.kept.get(name, b"") + row.bytes
        to_day = compute_day_after(last, 1) if last else FOREVER
        is_retired, is_assisted = row.text("psn_type") == _RETIRED, row.text("maf_psn_flag") == "1"
        cover = Coverage(name, scheme, is_retired, first, to_day, is_assisted)
        if cover in self.covers:
            self.book.recognise("cover", "same-content", "", row.place)
            return
        self.covers.append(cover)

    def _identify(self, psn_no: str, row: Row) -> str:
        """The number under which this person was told first: one certificate is one person."""
        certificate = row.text("certno").upper()
        if certificate:
            first = self.by_certificate.setdefault(certificate, (psn_no, row.place))
            if first[0] != psn_no and psn_no not in self.same:
                self.same[psn_no] = first[0]
                self.book.recognise("patient", "same-identifier", first[1], row.place)
        return self.same.get(psn_no, psn_no)

    def _on_medins(self, row: Row) -> None:
        code = needed(row, "fixmedins_code", "bad-id")
        if code in self.providers:
            raise Unfit("duplicate-id", "fixmedins_code")
        level = row.text("medinslv")
        if level not in ("1", "2", "3"):
            raise Unfit("bad-value", "medinslv")
        region = row.text("admdvs")
        if region:
            _check_code(region, "admdvs")
        self.providers[code] = Provider(self.pseudonyms.of("i", code), int(level), region)

    def _on_listinfo(self, row: Row) -> None:
        code = needed(row, "med_list_codg", "no-code")
        _check_code(code)
        chrgitm_lv = choice_of(row, "chrgitm_lv", inverted(CHRGITM_LV))
        kind = choice_of(row, "list_type", inverted(LIST_TYPE))
        ceiling_fen = yuan_of(row, "pric_uplmt_amt") if row.text("pric_uplmt_amt") else 0
        own_pay_bp = share_of(row, "selfpay_prop")
        if own_pay_bp and chrgitm_lv != "B":
            raise Unfit("bad-share", "selfpay_prop")
        is_free = row.text("trac_free_flag") == "1"
        self.items[code] = Item(code, kind, _CLASSES[chrgitm_lv], own_pay_bp, ceiling_fen, 0, is_free)  # type: ignore[arg-type]

    def _on_feedetail(self, row: Row) -> None:
        number = _number(row)
        if not number:
            raise Unfit("bad-id", "bill_no")
        line_number = needed(row, "feedetl_sn", "bad-id")
        bill, line = self._bill_of(row), self._line_of(row)
        known = self.bills.setdefault(number, bill)
        if known._replace(place="", lines={}) != bill._replace(place="", lines={}):
            raise Unfit("bill-differs", "bill_no")
        if line_number in known.lines:
            if known.lines[line_number] != line:
                raise Unfit("same-number", "feedetl_sn")
            self.book.recognise("line", "same-content", known.place, row.place)
            return
        known.lines[line_number] = line
        self.book.convert("amount-CNY", line.amount_fen)

    def _bill_of(self, row: Row) -> _Bill:
        psn_no = needed(row, "psn_no", "unknown-patient")
        person = self.persons.get(self.same.get(psn_no, psn_no))
        if person is None:
            raise Unfit("unknown-patient", "psn_no")
        provider = self.providers.get(row.text("fixmedins_code"))
        if provider is None:
            raise Unfit("unknown-provider", "fixmedins_code")
        setting = choice_of(row, "med_type", inverted(MED_TYPE))
        served_on = day_of(needed(row, "enddate", "no-date"), "enddate")
        return _Bill(row.place, person.person, provider.institution, setting, served_on, {})

    def _line_of(self, row: Row) -> ClaimLine:
        code = needed(row, "med_list_codg", "no-code")
        _check_code(code)
        count, amount_fen = count_of(row, "cnt"), yuan_of(row, "det_item_fee_sumamt")
        if amount_fen == 0:
            raise Unfit("bad-amount", "det_item_fee_sumamt")
        if row.text("pric") and yuan_of(row, "pric") * count != amount_fen:
            raise Unfit("total-mismatch", "det_item_fee_sumamt")
        return ClaimLine(code, count, amount_fen)

    # --- what came of it --------------------------------------------------------------------------------------------

    def result(self, left_out: tuple[str, ...]) -> Imported:
        claims = [self._claim(number, bill) for number, bill in self.bills.items() if number not in self.spoilt]
        return Imported(
            persons=tuple(sorted(self.persons.values(), key=lambda person: person.person)),
            coverages=tuple(sorted(self.covers, key=lambda cover: (cover.person, cover.from_day))),
            providers=tuple(sorted(self.providers.values(), key=lambda provider: provider.institution)),
            items=tuple(item for _, item in sorted(self.items.items())),
            claims=tuple(sorted(claims, key=lambda claim: (claim.served_on, claim.claim))),
            prescriptions=(),
            refused=self.book.refused,
            read=self.book.read,
            skipped=self.book.skipped,
            same=self.book.same,
            converted=self.book.converted,
            left_out=left_out,
        )

    def _claim(self, number: str, bill: _Bill) -> ClaimRecord:
        name, lines = self.pseudonyms.of("c", number), tuple(bill.lines.values())
        if self.kept is not None:
            self.kept[name] = self.kept.get(bill.person, b"") + number.encode()
        total_fen = sum(line.amount_fen for line in lines)
        setting = cast(ReplicaContext, bill.setting)
        return ClaimRecord(name, bill.person, bill.institution, "", bill.served_on, setting, lines, total_fen)


def _number(row: Row) -> str:
    """The bill's, in its one spelling; "" of a row of another table, or where it is none."""
    return try_normalise(row.text("bill_no")) or "" if row.text("bill_no") else ""


def _check_code(code: str, column: str = "med_list_codg") -> None:
    try:
        check_identifier(code, column)
    except Refused:
        raise Unfit("bad-code", column) from None


def import_nhsa(folder: Path, key: bytes, *, ends: Ends = "never", kept: dict[str, bytes] | None = None) -> Imported:
    """The tables `psninfo`, `medins`, `listinfo` and `feedetail` of a folder. Raises ImportFault."""
    under_way = _Import(key, ends, kept)
    for name, columns in COLUMNS.items():
        for row in read_table(folder, name, columns, under_way.book):
            under_way.take(name, row)
    return under_way.result(others_of(folder, COLUMNS))
