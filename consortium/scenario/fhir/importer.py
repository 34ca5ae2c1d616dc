"""FHIR R4 NDJSON in, our records out, by the mapping of docs/mapping.md. Bytes in, records out; nothing is guessed.

What cannot be used is counted by reason, with the places; whether it ends an import is the caller's to say (`ends`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from consortium.scenario.fhir import source
from consortium.scenario.fhir.intake import Intake
from consortium.scenario.fhir.parts import day_of
from consortium.scenario.fhir.records import RATES_FEN_PER_10K, Imported, ImportFault, Unfit
from consortium.scenario.importing.book import Ends
from consortium.scenario.importing.files import LINE_BYTES_MAX, Source, find_parts, read_lines

__all__ = ["Source", "day_of", "import_fhir", "import_lines"]

KINDS: dict[str, Any] = {  # in the order in which they are read
    "Patient": source.Patient,
    "Organization": source.Organization,
    "Coverage": source.CoverageSource,
    "Claim": source.Claim,
    "MedicationRequest": source.MedicationRequest,
}
REQUIRED = ("Patient", "Organization", "Coverage", "Claim")
ENDING = "ndjson"


def import_lines(
    sources: Mapping[str, Source | list[Source]],
    key: bytes,
    *,
    ends: Ends = "never",
    rates_fen_per_10k: Mapping[str, int] = RATES_FEN_PER_10K,
    kept: dict[str, bytes] | None = None,
    left_out: tuple[str, ...] = (),
) -> Imported:
    """Records of the resources in `sources` (by resource type). Deterministic: same bytes, key and rates, same records.

    `ends`: whether a line that cannot be read, or anything that is refused, is an ImportFault that names it; otherwise
    it is counted. `kept`, if given, is filled: by the name of a person, claim or prescription its line as it stands,
    behind its patient's. That is what the organisation knows that brought it, names and all.
    """
    intake = Intake(key, rates_fen_per_10k, ends, kept)
    for kind in KINDS:
        parts = sources.get(kind, [])
        for part in [parts] if isinstance(parts, Source) else parts:
            _take(intake, kind, part)
    return intake.result(left_out)


def _take(intake: Intake, kind: str, part: Source) -> None:
    """All lines of one file."""
    decode = msgspec.json.Decoder(KINDS[kind])
    book = intake.book
    book.read.setdefault(kind, 0)
    for number, line in enumerate(part.lines, 1):
        if not line.strip():
            continue
        book.read[kind] += 1
        place = f"{part.name}:{number}"
        try:
            resource = _decode(decode, kind, line, place, book.ends)
        except Unfit as unfit:
            book.refuse(unfit, place)
            continue
        intake.take(kind, resource, place, line)


def _decode(decoder: msgspec.json.Decoder[Any], kind: str, line: bytes, place: str, ends: Ends) -> Any:
    """Raises Unfit, or ImportFault where that ends the import."""
    try:
        if len(line) > LINE_BYTES_MAX:
            raise msgspec.DecodeError(f"a line of {len(line)} bytes, at most {LINE_BYTES_MAX}")
        resource = decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = "wrong-shape" if isinstance(error, msgspec.ValidationError) else "unparsable-line"
        if ends != "never":
            what = f"is not a FHIR R4 {kind}" if reason == "wrong-shape" else "is not JSON"
            raise ImportFault(f"{place}: this line {what} ({error}); mend or remove it") from None
        raise Unfit(reason) from None
    if resource.resource_type != kind:
        if ends != "never":
            found = resource.resource_type or "no resourceType"
            raise ImportFault(f"{place}: expected a {kind}, found {found[:40]!r}; is the file named rightly?")
        raise Unfit("wrong-resource-type", "resourceType")
    return resource


def import_fhir(
    folder: Path,
    key: bytes,
    *,
    ends: Ends = "never",
    rates_fen_per_10k: Mapping[str, int] = RATES_FEN_PER_10K,
    kept: dict[str, bytes] | None = None,
) -> Imported:
    """Import `Patient`, `Organization`, `Coverage`, `Claim` and (where there is one) `MedicationRequest` of a folder.

    Each is `KIND.ndjson`, or parts `KIND.0.ndjson`, …; any of them may be packed (`.gz`). Raises ImportFault, also
    where a file is missing or not gzip.
    """
    if not folder.is_dir():
        raise ImportFault(f"{folder}: no such folder; name one that holds Patient.ndjson.gz, Claim.ndjson.gz, …")
    sources: dict[str, Source | list[Source]] = {}
    taken: set[Path] = set()
    for kind in KINDS:
        parts = find_parts(folder, kind, ENDING)
        taken |= set(parts)
        if not parts and kind in REQUIRED:
            raise ImportFault(f"{folder}: {kind}.ndjson or {kind}.ndjson.gz is missing; export it beside the others")
        sources[kind] = [Source(str(path), read_lines(path)) for path in parts]
    left_out = tuple(path.name for path in _others(folder, taken))
    return import_lines(sources, key, ends=ends, rates_fen_per_10k=rates_fen_per_10k, kept=kept, left_out=left_out)


def _others(folder: Path, taken: set[Path]) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.is_file() and path not in taken)
