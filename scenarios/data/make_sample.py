"""Makes the sample of this folder from what `synthea` wrote. See README.md here; run from the top of the repository:

synthea generate -p 40 -s 20260101 -r 20260101 -o /tmp/synthea_40
python scenarios/data/make_sample.py /tmp/synthea_40 scenarios/data/synthea_40
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

CLAIMS_FROM = "2020-01-01"
KEPT: dict[str, tuple[str, ...]] = {  # the elements that the importer reads; no names, addresses, phones
    "Patient": ("gender", "birthDate", "deceasedDateTime"),
    "Organization": ("active", "identifier", "type"),
    "Coverage": ("status", "beneficiary", "period", "type", "payor"),
    "Claim": ("status", "type", "use", "patient", "created", "provider", "priority", "item", "total", "insurance"),
    "MedicationRequest": (
        "status",
        "intent",
        "medicationCodeableConcept",
        "subject",
        "authoredOn",
        "encounter",
        "dispenseRequest",
    ),
}


def read_bundles(folder: Path) -> dict[str, dict[str, Any]]:
    """All resources of the kept types of all bundles, by type and id."""
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KEPT}
    for path in sorted((folder / "fhir").glob("*.json")):
        for entry in json.loads(path.read_text())["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] in KEPT:
                found[resource["resourceType"]][resource["id"]] = resource
    return found


def trim(found: dict[str, dict[str, Any]]) -> None:
    """Keep the claims from CLAIMS_FROM on and the prescriptions of their encounters."""
    found["Claim"] = {key: claim for key, claim in found["Claim"].items() if claim["created"] >= CLAIMS_FROM}
    encounters = {
        reference["reference"]
        for claim in found["Claim"].values()
        for item in claim["item"]
        for reference in item.get("encounter", ())
    }
    found["MedicationRequest"] = {
        key: request
        for key, request in found["MedicationRequest"].items()
        if request["encounter"]["reference"] in encounters
    }


def write(found: dict[str, dict[str, Any]], folder: Path) -> None:
    """One file a type, lines in order of id; no time in the gzip header, so that a repetition is byte-identical."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, resources in found.items():
        lines = []
        for key in sorted(resources):
            resource = resources[key]
            kept = {name: resource[name] for name in KEPT[kind] if name in resource}
            lines.append(json.dumps({"resourceType": kind, "id": key, **kept}, separators=(",", ":")) + "\n")
        data = gzip.compress("".join(lines).encode(), 9, mtime=0)
        (folder / f"{kind}.ndjson.gz").write_bytes(data)
        print(f"{kind}: {len(lines)} resources, {len(data)} bytes")


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: make_sample.py SYNTHEA_OUTPUT TARGET_FOLDER (see the README beside this file)")
    found = read_bundles(Path(sys.argv[1]))
    if not found["Claim"]:
        raise SystemExit(f"{sys.argv[1]}: no claims under fhir/*.json; did synthea write there?")
    trim(found)
    write(found, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
