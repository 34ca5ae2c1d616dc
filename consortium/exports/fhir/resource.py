"""What a kind of resource is, and the elements that all of them are made of.

Amounts are yuan with two decimals, exactly. A reference to a person or an organisation is by identifier: pseudonyms and
codes are no addresses of resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from consortium.contracts.checks import FOREVER
from consortium.core.calendar import compute_day
from consortium.core.contract import Table
from consortium.core.discovery import offered_by_name
from consortium.exports.source import Source

Resource = dict[str, Any]
HL7 = "http://terminology.hl7.org/CodeSystem"
CODES = "urn:consortium:code"
NHSA = "urn:consortium:nhsa"  # names of the national data standard, as the contracts use them
CATALOGUE = "urn:consortium:med_list_codg"
BUREAU = "bureau"
ID_MAX = 64
_ESCAPED = {"/": "..", ".": ".d", ":": ".c", "_": ".u"}
_PLAIN = {escape: letter for letter, escape in _ESCAPED.items()}


class Kind(NamedTuple):
    """A kind of resource: the value `RESOURCE` of a file. `table`: whose rows become such resources; `make(source, key,
    row)`: those of one row. `roles`: who may have them all, where no query of a contract answers with such a row."""

    name: str
    table: Table[Any]
    make: Callable[[Source, str, Any], Iterator[Resource]]
    roles: frozenset[str] = frozenset()

    def collect(self, source: Source) -> Iterator[Resource]:
        """All that the reader may have."""
        for key, row in source.rows(self.table, self.roles):
            yield from self.make(source, key, row)


def load_kinds() -> dict[str, Kind]:
    return offered_by_name("consortium.exports.fhir", "RESOURCE", Kind)


# --- ids ------------------------------------------------------------------------------------------------------------


def id_of(key: str) -> str:
    """The id of what the ledger knows by this key: `key_of` gives the key again, save of one that is too long."""
    made = "".join(_ESCAPED.get(letter, letter) for letter in key)
    return made if len(made) <= ID_MAX else sha256(key.encode()).hexdigest()


def key_of(identity: str) -> str:
    """The key behind an id; of an id that `id_of` never made, some text."""
    found, at = [], 0
    while at < len(identity):
        escape = identity[at : at + 2]
        found.append(_PLAIN.get(escape, identity[at]))
        at += 2 if escape in _PLAIN else 1
    return "".join(found)


# --- elements -------------------------------------------------------------------------------------------------------


def yuan(fen: int) -> Any:
    """A JSON number with two decimals."""
    return msgspec.Raw(f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}".encode())


def money(fen: int) -> Resource:
    return {"value": yuan(fen), "currency": "CNY"}


def coding(system: str, code: str, display: str = "") -> Resource:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(*codings: Resource, text: str = "") -> Resource:
    return {"coding": list(codings), **({"text": text} if text else {})}


def identifier(name: str, value: str) -> Resource:
    """`name`: of the field that the value is of, as in psn_no."""
    return {"system": f"urn:consortium:{name}", "value": value}


def patient(pseudonym: str) -> Resource:
    return {"type": "Patient", "identifier": identifier("psn_no", pseudonym)}


def organisation(name: str, value: str) -> Resource:
    return {"type": "Organization", "identifier": identifier(name, value)}


def day(value: int) -> str:
    """`2026-05-01` of 20260501."""
    return f"{value // 10_000:04d}-{value // 100 % 100:02d}-{value % 100:02d}"


def period(first: int, last: int) -> Resource:
    """Both days within it; FOREVER or 0: it is open."""
    return {"start": day(first), **({"end": day(last)} if last not in (0, FOREVER) else {})}


def moment(time_us: int) -> str:
    """`2026-05-01T01:30:05Z` of a chain time."""
    seconds = time_us // 1_000_000 % 86_400
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{day(compute_day(time_us, 0))}T{clock}Z"


def created(time_us: int | None) -> Resource:
    """The element `created`; None: this ledger does not tell when, which FHIR wants said so."""
    if time_us is not None:
        return {"created": moment(time_us)}
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    return {"_created": {"extension": [reason]}}


def without_empty(resource: Mapping[str, Any]) -> Resource:
    """No element of FHIR is an empty list or text."""
    return {name: value for name, value in resource.items() if value not in ("", [], {}, None)}
