"""What comes out of the FHIR importer: frozen records without names, phones, addresses or birth dates.

docs/mapping.md is the contract between these records and their source. All money is fen, all days are integers
YYYYMMDD, all ids are pseudonyms: a keyed hash of the source's id.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Final, Literal

import msgspec

from consortium.core.errors import UserError
from consortium.core.vault import commit, derive_secret

Scheme = Literal["employee", "resident"]
MedicalClass = Literal["甲", "乙", "丙"]
ReplicaContext = Literal["inpatient", "outpatient"]
PLACES_MAX: Final = 20  # of refused records of one reason that are named
PLACES: Final = 18  # decimal places of an amount that we can read
FOREVER = 99991231  # the `to_day` of a coverage that is open

RATES_FEN_PER_10K: dict[str, int] = {"CNY": 1_000_000, "USD": 7_200_000}  # 7.2000 yuan a dollar, illustrative


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An insured person. `sex`: male, female, other or unknown. `died_on` 0 while alive. `account_fen`: what its
    account holds, where the source tells."""

    person: str
    sex: str
    died_on: int
    account_fen: int = 0


class Coverage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person under one scheme: the days of [from_day, to_day), FOREVER = open. Out of FHIR whole premium years,
    because there the first cover of a child begins on its birth date."""

    person: str
    scheme: Scheme
    is_retired: bool
    from_day: int
    to_day: int
    is_assisted: bool = False  # on medical assistance, where the source tells


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A designated institution of level 1, 2 or 3. `region`: empty at home, and where the source does not tell."""

    institution: str
    level: int
    region: str = ""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A catalogue entry. `own_pay_bp` in basis points; `ceiling_fen` of one unit, 0 = none; `price_fen` of one unit."""

    code: str
    kind: Literal["service", "drug", "consumable"]
    medical_class: MedicalClass
    own_pay_bp: int
    ceiling_fen: int
    price_fen: int
    is_code_free: bool = False  # a drug that is settled without trace codes, where the source tells


class ClaimLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    quantity: int
    amount_fen: int


class ClaimRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One visit as it was billed. `setting`: inpatient or outpatient."""

    claim: str
    person: str
    institution: str
    encounter: str
    served_on: int
    setting: ReplicaContext
    lines: tuple[ClaimLine, ...]
    total_fen: int


class Prescription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ordered drug; `packs` by the rule of docs/mapping.md."""

    prescription: str
    person: str
    encounter: str
    code: str
    written_on: int
    packs: int


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why records were left out, how many, and where they stood (`file:line`): the first, and the first PLACES_MAX.
    `element`: which of the first was at fault; empty where it was all of it."""

    reason: str
    count: int
    first: str
    element: str = ""
    places: tuple[str, ...] = ()


class Same(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that is another one told again: `kind` patient or claim; where the first stands, and where the other."""

    kind: str
    why: str
    first: str
    again: str


class Converted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was made into something of ours by a rule: how often, and for amounts what came out of it."""

    rule: str
    count: int
    fen: int = 0


class Imported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All records, each tuple in order of its key (claims and prescriptions by day, then id). `read` counts lines by
    file, `skipped` the lines that are no business of this importer (insurers among the organizations)."""

    persons: tuple[Person, ...]
    coverages: tuple[Coverage, ...]
    providers: tuple[Provider, ...]
    items: tuple[Item, ...]
    claims: tuple[ClaimRecord, ...]
    prescriptions: tuple[Prescription, ...]
    refused: tuple[Refusal, ...]
    read: dict[str, int]
    skipped: dict[str, int]
    same: tuple[Same, ...] = ()
    converted: tuple[Converted, ...] = ()
    left_out: tuple[str, ...] = ()  # files of the folder that were not read


class ImportFault(UserError, ValueError):
    """The user's input is wrong. The text names the place and says what to do."""


class Unfit(Exception):
    """One record cannot be used; `reason` is stable (lower case, hyphens), `element` says which part of it is at
    fault."""

    def __init__(self, reason: str, element: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.element = element

    def at(self, element: str) -> Unfit:
        """The same, of this element."""
        self.element = element
        return self


class Pseudonyms:
    """Keyed hashes of source ids: the same id and key give the same pseudonym, and nobody without the key can tell."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ImportFault("the pseudonym key is shorter than 16 bytes; hand in 16 random bytes or more")
        self._key = key

    def of(self, kind: str, source: str) -> str:
        """`kind` and 20 hexadecimal characters, e.g. `p-3f2a…`: 80 bits, collisions are no concern."""
        return f"{kind}-{hmac.new(self._key, f'{kind}:{source}'.encode(), sha256).hexdigest()[:20]}"

    def commitment(self, handle: str, record: bytes) -> bytes:
        """The commitment to a whole record of whoever has the key; it tells nothing to those without it."""
        return commit(derive_secret(self._key, "salt", handle), record)


def scaled_of(value: Decimal) -> int:
    """The decimal times 10**PLACES, exact, from its digits. Raises Unfit: negative, not finite, too long."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or sign or len(digits) > 24 or not -PLACES <= exponent <= 9:
        raise Unfit("bad-amount")
    number = 0
    for digit in digits:
        number = number * 10 + digit
    scale: int = 10 ** (PLACES + exponent)
    return number * scale


def fen_of(value: Decimal, currency: str, rates_fen_per_10k: Mapping[str, int]) -> int:
    """Integer arithmetic on the decimal's digits, rounded half up once. Raises Unfit."""
    return fen_of_scaled(scaled_of(value), currency, rates_fen_per_10k)


def fen_of_scaled(scaled: int, currency: str, rates_fen_per_10k: Mapping[str, int]) -> int:
    """The same of what `scaled_of` gives. Raises Unfit."""
    rate = rates_fen_per_10k.get(currency)
    if rate is None:
        raise Unfit("unknown-currency")
    top, bottom = scaled * rate, 10_000 * 10**PLACES
    fen: int = (2 * top + bottom) // (2 * bottom)
    if fen >= 10**12:
        raise Unfit("bad-amount")
    return fen
