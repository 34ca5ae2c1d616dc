"""What a supervisor knows beyond the ledger of the claims that it looks into, as it lies in its own input.

Lines come with the sheets that institutions hand in; links and diagnoses are the bureau's alone. It stays in the
member's folder: rules read it there, findings name records of the ledger.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance.lines import Line
from consortium.rules.facts import Insured


class DossierTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`insured` by settlement pseudonym; `diagnoses` (ICD-10, the main one) and `lines` by number of bill."""

    insured: dict[str, Insured] = {}
    diagnoses: dict[str, str] = {}
    lines: dict[str, tuple[Line, ...]] = {}
