"""The stated rules that make a Chinese catalogue out of foreign codes (docs/mapping.md 4). Illustrative, deterministic.

Class, own-pay share and drug price come from SHA-256 of the catalogue code: anybody can recompute them, nobody chose
them.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

from consortium.scenario.fhir.records import Item, MedicalClass
from consortium.scenario.fhir.source import Quantity

CEILING_FEN = 80_000  # of one class-乙 service: 800.00 yuan
_OWN_PAY_BP = (500, 1_000, 2_000)
_SUPPLY_DAYS = {"d": 1, "wk": 7, "mo": 30, "a": 365}
_INPATIENT = frozenset(
    f"sct-{code}"
    for code in (
        "1505002",  # hospital admission for isolation
        "32485007",  # hospital admission
        "56876005",  # drug rehabilitation and detoxification
        "183452005",  # emergency hospital admission
        "183460006",  # obstetric emergency hospital admission
        "183478001",  # emergency hospital admission for asthma
        "183495009",  # non-urgent orthopaedic admission
        "305336008",  # admission to hospice
        "305342007",  # admission to ward
        "397821002",  # transfer to intensive care unit
    )
)


def is_inpatient(code: str) -> bool:
    """Whether a service of this code is a stay: one of the listed SNOMED CT admissions."""
    return code in _INPATIENT


def compute_item(code: str, kind: Literal["service", "drug"]) -> Item:
    """First byte modulo 10: 0–5 甲, 6–8 乙, 9 丙. Second byte modulo 3: 乙's own-pay share of 5, 10 or 20 %.
    Third byte: a drug's price, 5.00 to 132.50 yuan in steps of 0.50."""
    digest = sha256(code.encode()).digest()
    step = digest[0] % 10
    medical_class: MedicalClass = "甲" if step < 6 else "乙" if step < 9 else "丙"
    return Item(
        code=code,
        kind=kind,
        medical_class=medical_class,
        own_pay_bp=_OWN_PAY_BP[digest[1] % 3] if medical_class == "乙" else 0,
        ceiling_fen=CEILING_FEN if medical_class == "乙" and kind == "service" else 0,
        price_fen=500 + 50 * digest[2] if kind == "drug" else 0,
    )


def compute_packs(supply: Quantity | None) -> int:
    """One pack for each 30 days of supply begun, at least 1, at most 3. Repeats are later dispensings, not these."""
    if supply is None or supply.code not in _SUPPLY_DAYS:
        return 1
    if not supply.value.is_finite() or not 0 < supply.value < 10_000:
        return 1
    days = int(supply.value) * _SUPPLY_DAYS[supply.code]
    return max(1, min(3, -(-days // 30)))
