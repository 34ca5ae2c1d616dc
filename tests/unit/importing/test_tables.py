"""Tables in: by the names of the data standard, and Synthea's. Errors name file, line, column and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consortium.scenario.fhir.records import FOREVER, ImportFault
from consortium.scenario.importing.formats import find_format, import_data
from tests.optional import SYNTHEA_VARIABLE, needs
from tests.unit.test_fhir_import import KEY

WORKED = Path(__file__).parents[3] / "scenarios" / "data" / "worked_cases"
NHSA = {path.stem: path.read_text(encoding="utf-8") for path in WORKED.glob("*.csv")}
SYNTHEA = {
    "patients": "Id,BIRTHDATE,DEATHDATE,SSN,GENDER\np1,1970-01-01,,999-1,F\np2,1980-01-01,2023-02-01,,M\n",
    "organizations": "Id,NAME\no1,GENERAL HOSPITAL\no2,HOSPICE\n",
    "providers": "Id,ORGANIZATION\nd1,o1\nd2,o2\n",
    "payers": "Id,NAME\nm,Medicare\na,Aetna\nn,NO_INSURANCE\n",
    "payer_transitions": (
        "PATIENT,START_YEAR,END_YEAR,PAYER\np1,2019-01-01T00:00:00Z,2030-01-01T00:00:00Z,a\n"
        "p2,2019-01-01T00:00:00Z,2030-01-01T00:00:00Z,m\np2,2018-01-01T00:00:00Z,2019-01-01T00:00:00Z,n\n"
    ),
    "medications": "START,PATIENT,ENCOUNTER,CODE\n2023-01-27T16:17:47Z,p1,e1,665078\n",
    "claims": (
        "Id,PATIENTID,PROVIDERID,PRIMARYPATIENTINSURANCEID,APPOINTMENTID,SERVICEDATE\n"
        "c1,p1,d1,a,e1,2023-01-27T16:17:47Z\nc2,p2,d2,0,e2,2023-01-27T16:17:47Z\n"
        "c3,p2,d2,m,e3,2023-02-08T16:17:47Z\nc4,p1,d1,m,e4,2023-02-08T16:17:47Z\n"
    ),
    "claims_transactions": (
        "CLAIMID,TYPE,AMOUNT,PROCEDURECODE,UNITS\nc1,CHARGE,77.49,185345009,1\nc1,CHARGE,0.00,868187001,1\n"
        "c1,CHARGE,7.24,665078,1\nc1,PAYMENT,77.49,,\nc2,CHARGE,1.00,185345009,1\nc3,CHARGE,5.00,308646001,1\n"
        "c4,CHARGE,5.00,185345009,1\n"
    ),
}


def write(folder: Path, tables: dict[str, str], **changes: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**tables, **changes}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    return folder


def test_the_worked_cases_are_read_as_they_stand() -> None:
    imported = import_data(WORKED, KEY, ends="refused")
    totals = [claim.total_fen for claim in imported.claims]
    assert totals[0] == 11_029_011 and sorted(totals[1:]) == [6_000_000, 6_000_000, 6_000_000, 18_000_000]
    covers = sorted((each.scheme, each.is_retired, each.is_assisted, each.to_day) for each in imported.coverages)
    assert covers == [
        ("employee", False, False, FOREVER),
        ("employee", False, False, FOREVER),
        ("employee", True, False, FOREVER),
        ("resident", False, True, 20270101),
    ]
    items = {item.code: (item.medical_class, item.own_pay_bp, item.ceiling_fen) for item in imported.items}
    assert items["mat-second"] == ("乙", 2_000, 800_000) and items["svc-third"] == ("丙", 0, 0)
    assert {provider.region for provider in imported.providers} == {"", "north"}
    assert sum(person.account_fen for person in imported.persons) == 1_000_000


LINE = "case-c,2,C,H-third,21,2026-03-02,svc-third,1,22000.00,22000.00\n"
PERSON = "A,1,310,11,0,2026-01-01,,,5000.00\n"


@pytest.mark.parametrize(
    ("table", "old", "new", "reason", "where"),
    [
        ("feedetail", LINE, LINE.replace("svc-third,1,", "svc-third,half,"), "bad-quantity", "feedetail.csv:13, cnt"),
        ("feedetail", LINE, LINE.replace("22000.00\n", "22000.001\n"), "bad-amount", "13, det_item_fee_sumamt"),
        ("feedetail", LINE, LINE.replace("22000.00\n", "0\n"), "bad-amount", "13, det_item_fee_sumamt"),
        ("feedetail", LINE, LINE.replace("22000.00\n", "\n"), "no-amount", "13, det_item_fee_sumamt"),
        ("feedetail", LINE, LINE.replace("22000.00\n", "22000.01\n"), "total-mismatch", "13, det_item_fee_sumamt"),
        ("feedetail", LINE, LINE.replace("2026-03-02", "02.03.2026"), "bad-date", "feedetail.csv:13, enddate"),
        ("feedetail", LINE, LINE.replace("2026-03-02", "2026-03-03"), "bill-differs", "feedetail.csv:13, bill_no"),
        ("feedetail", LINE, LINE.replace(",C,", ",D,"), "unknown-patient", "feedetail.csv:13, psn_no"),
        ("feedetail", LINE, LINE.replace("H-third", "H-fourth"), "unknown-provider", "13, fixmedins_code"),
        ("feedetail", LINE, LINE.replace(",21,", ",99,"), "bad-value", "feedetail.csv:13, med_type"),
        ("feedetail", LINE, LINE.replace("svc-third", ""), "no-code", "feedetail.csv:13, med_list_codg"),
        ("feedetail", LINE, LINE.replace("svc-third", "a b"), "bad-code", "feedetail.csv:13, med_list_codg"),
        ("feedetail", LINE, LINE.replace("case-c,2", "case-c,1"), "same-number", "feedetail.csv:13, feedetl_sn"),
        ("feedetail", LINE, LINE.replace("case-c,2", ",2"), "bad-id", "feedetail.csv:13, bill_no"),
        ("feedetail", LINE, LINE.replace("22000.00\n", '"22,000"",x\n'), "", "feedetail.csv:13: this is not CSV"),
        ("feedetail", LINE, LINE.replace(",22000.00\n", ",22,000.00\n"), "wrong-cells", "feedetail.csv:13: "),
        ("psninfo", PERSON, PERSON.replace("310", "320"), "bad-value", "psninfo.csv:2, insutype"),
        ("psninfo", PERSON, PERSON.replace("-01,", "-01,2025-01-01"), "bad-date", "psninfo.csv:2, enddate"),
        ("psninfo", PERSON, PERSON.replace("2026-01-01", ""), "no-period", "psninfo.csv:2, begndate"),
        ("listinfo", "02,0.1000", "02,1.5", "bad-share", "listinfo.csv:3, selfpay_prop"),
        ("listinfo", "03,0.0000", "03,0.1000", "bad-share", "listinfo.csv:5, selfpay_prop"),
        ("medins", "H-second,2", "H-second,4", "bad-value", "medins.csv:2, medinslv"),
        ("medins", "H-third,3", "H-second,3", "duplicate-id", "medins.csv:3, fixmedins_code"),
        ("medins", "fixmedins_code,", "fixmedins_cod,", "", "fixmedins_code is missing (is 'fixmedins_cod' meant?)"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_named_with_file_line_and_column(
    table: str, old: str, new: str, reason: str, where: str, tmp_path: Path
) -> None:
    assert old in NHSA[table]
    folder = write(tmp_path / "data", NHSA, **{table: NHSA[table].replace(old, new, 1)})
    with pytest.raises(ImportFault) as fault:
        import_data(folder, KEY, ends="refused")
    assert where in str(fault.value) and reason in str(fault.value)
    if reason:
        refused = {each.reason: each for each in import_data(folder, KEY).refused}
        assert refused[reason].count == 1 and refused[reason].element in where


def test_a_bill_of_which_one_line_is_refused_is_refused_whole(tmp_path: Path) -> None:
    folder = write(tmp_path / "d", NHSA, feedetail=NHSA["feedetail"].replace("22000.00\n", "-1\n"))
    assert sorted(claim.total_fen for claim in import_data(folder, KEY).claims) == [6_000_000] * 3 + [11_029_011]


def test_a_row_told_twice_and_a_person_under_two_numbers_are_recognised(tmp_path: Path) -> None:
    persons = (
        "psn_no,certno,insutype,psn_type,begndate,enddate\nA,65010X,310,11,2025-01-01,2025-12-31\n"
        "A-new,65010x,310,12,2026-01-01,\nA-new,65010x,310,12,2026-01-01,\n"
    )
    bills = NHSA["feedetail"].splitlines(keepends=True)[:2]
    text = bills[0] + bills[1].replace(",A,", ",A-new,") + bills[1].replace("case-a", "CASE-A")
    imported = import_data(write(tmp_path / "d", NHSA, psninfo=persons, feedetail=text), KEY)
    assert (len(imported.persons), len(imported.coverages), len(imported.claims)) == (1, 2, 1)
    assert [each.kind for each in imported.same] == ["patient", "cover", "line"]
    assert "65010" not in str(imported), "a certificate is compared, and never told"


def test_a_table_in_another_encoding_or_missing_is_a_sentence(tmp_path: Path) -> None:
    folder = write(tmp_path / "gbk", NHSA)
    (folder / "medins.csv").write_bytes("fixmedins_code,medinslv,名称\nH,1,医院\n".encode("gb18030"))
    with pytest.raises(ImportFault, match=r"medins\.csv:1: not UTF-8; save the table as CSV in UTF-8"):
        import_data(folder, KEY)
    (folder / "medins.csv").unlink()
    with pytest.raises(ImportFault, match=r"medins\.csv is missing"):
        import_data(folder, KEY)


def test_syntheas_tables_become_what_its_fhir_would(tmp_path: Path) -> None:
    imported = import_data(write(tmp_path / "data", SYNTHEA), KEY)
    first, second = imported.claims
    assert [(line.code, line.amount_fen) for line in first.lines] == [("sct-185345009", 55_793), ("rx-665078", 5_213)]
    assert second.served_on == 20230201, "a death certification is of the day of death, though written later"
    assert sorted(provider.level for provider in imported.providers) == [1, 3]
    assert {cover.scheme for cover in imported.coverages} == {"employee", "resident"}
    assert len(imported.prescriptions) == 1
    assert {each.reason: each.count for each in imported.refused} == {"no-insurance": 1, "unknown-coverage": 1}
    assert imported.skipped == {"charge-of-nothing": 1, "no-insurance": 1, "not-a-charge": 1}
    assert imported.refused[0].first.endswith("claims.csv:3")


def test_the_format_is_told_by_the_files_and_two_in_one_folder_are_refused(tmp_path: Path) -> None:
    assert find_format(write(tmp_path / "n", NHSA)) == "nhsa"
    assert find_format(write(tmp_path / "s", SYNTHEA)) == "synthea"
    assert find_format(write(tmp_path / "f", {})) == "fhir"
    with pytest.raises(ImportFault, match="say which with --format"):
        find_format(write(tmp_path / "n", SYNTHEA))


@needs("tables of synthea")
def test_twenty_seven_whole_patients_are_read() -> None:
    imported = import_data(Path(os.environ[SYNTHEA_VARIABLE]), KEY)
    assert (len(imported.persons), len(imported.claims), len(imported.prescriptions)) == (27, 1_005, 663)
    assert {each.reason: each.count for each in imported.refused} == {"no-insurance": 216, "no-lines": 46}
