"""What a folder of input holds, by the files in it: FHIR R4 (NDJSON), NHSA-named tables, or those of Synthea (CSV)."""

from __future__ import annotations

from pathlib import Path

from consortium.scenario.fhir.importer import import_fhir
from consortium.scenario.fhir.records import Imported, ImportFault
from consortium.scenario.importing.book import Ends
from consortium.scenario.importing.files import find_parts
from consortium.scenario.nhsa.importer import import_nhsa
from consortium.scenario.synthea.importer import import_synthea

FORMATS = {"fhir": import_fhir, "nhsa": import_nhsa, "synthea": import_synthea}
MARKS = {"nhsa": ("psninfo", "csv"), "synthea": ("payer_transitions", "csv")}  # a file that no other format has


def find_format(folder: Path) -> str:
    """`fhir` where nothing says otherwise. Raises ImportFault where there is no such folder, or two formats in one."""
    if not folder.is_dir():
        raise ImportFault(
            f"{folder}: no such folder; name one that holds Patient.ndjson.gz, psninfo.csv or patients.csv, …"
        )
    found = [form for form, (kind, ending) in MARKS.items() if find_parts(folder, kind, ending)]
    if len(found) > 1:
        raise ImportFault(f"{folder}: tables of {' and of '.join(found)} are there; say which with --format")
    return found[0] if found else "fhir"


def import_data(
    folder: Path, key: bytes, *, form: str = "", ends: Ends = "never", kept: dict[str, bytes] | None = None
) -> Imported:
    """Records of whatever the folder holds. Raises ImportFault."""
    return FORMATS[form or find_format(folder)](folder, key, ends=ends, kept=kept)
