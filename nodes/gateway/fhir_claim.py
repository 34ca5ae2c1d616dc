"""A FHIR R4 Claim as this door takes it: what makes a bill and a claim of it, and nothing that would be dropped unsaid.

An element that is not named here is refused, for it may change the meaning of the others. Numbers are read as decimals
from their text; a float never exists.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from consortium.contracts.checks import check_day
from consortium.contracts.insurance.bill import normalise
from consortium.contracts.insurance.lines import LINES_MAX, Line, check_lines
from consortium.core.contract import Refused

FEN = Decimal(100)
Text = Annotated[str, Meta(min_length=1, max_length=128)]
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T.{1,40})?")
Kept = dict[str, Any] | None  # of a narrative or a coverage: taken, and not read


class WrongElement(ValueError):
    """An element that cannot be used; `path` as `Claim.item[0].quantity`."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(why)
        self.path = path


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """Every element may have an id."""


class Coding(Part, frozen=True, rename="camel"):
    code: Text
    system: str = ""
    display: str = ""


class Concept(Part, frozen=True, rename="camel"):
    coding: Annotated[tuple[Coding, ...], Meta(min_length=1)]
    text: str = ""

    @property
    def code(self) -> str:
        return self.coding[0].code


class Identifier(Part, frozen=True, rename="camel"):
    value: Text
    system: str = ""
    use: str = ""


class Reference(Part, frozen=True, rename="camel"):
    """By identifier: pseudonyms and codes are no addresses of resources."""

    identifier: Identifier
    type: str = ""
    display: str = ""


class Money(Part, frozen=True, rename="camel"):
    value: Decimal
    currency: Literal["CNY"]


class Quantity(Part, frozen=True, rename="camel"):
    value: Decimal
    unit: str = ""
    system: str = ""
    code: str = ""


class Period(Part, frozen=True, rename="camel"):
    start: str
    end: str


class Item(Part, frozen=True, rename="camel"):
    """`product_or_service`: the code of the national catalogue. `udi`: a drug's trace codes, one a pack."""

    sequence: Annotated[int, Meta(ge=1)]
    product_or_service: Concept
    unit_price: Money
    quantity: Quantity | None = None
    net: Money | None = None
    udi: tuple[Reference, ...] = ()


class Claim(Part, frozen=True, rename="camel"):
    """`identifier`: the bill's number. `type` institutional: an inpatient's; any other an outpatient's. `patient`: the
    settlement pseudonym. `provider`: the code of the designated institution."""

    resource_type: Literal["Claim"]
    status: Literal["active"]
    use: Literal["claim"]
    type: Concept
    patient: Reference
    provider: Reference
    billable_period: Period
    identifier: Annotated[tuple[Identifier, ...], Meta(min_length=1, max_length=1)]
    item: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=LINES_MAX)]
    total: Money | None = None
    created: str = ""
    id: str = ""
    meta: Kept = None
    text: Kept = None
    priority: Kept = None
    insurer: Kept = None
    insurance: tuple[dict[str, Any], ...] = ()


class Billed(NamedTuple):
    """What a Claim says in our words. `number`: normalised."""

    bill_no: str
    number: str
    fixmedins_code: str
    psn_no: str
    med_type: str
    begndate: int
    enddate: int
    lines: tuple[Line, ...]


_DECODER = msgspec.json.Decoder(Claim)
_PLACE = re.compile(r" - at `\$\.?(.*)`$")


def read_claim(body: bytes) -> Claim:
    """Raises msgspec.DecodeError where it is no JSON, WrongElement."""
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        found = _PLACE.search(str(error))
        path = f"Claim.{found[1]}" if found is not None and found[1] else "Claim"
        raise WrongElement(path, _PLACE.sub("", str(error))) from None


def billed_of(claim: Claim) -> Billed:
    """Raises WrongElement."""
    bill_no = claim.identifier[0].value
    lines = tuple(_line(f"Claim.item[{at}]", each) for at, each in enumerate(claim.item))
    try:
        check_lines(lines)
    except Refused as refused:
        raise WrongElement("Claim.item", refused.sentence) from None
    total = sum(line.cnt * line.pric for line in lines)
    if claim.total is not None and _fen(claim.total, "Claim.total") != total:
        raise WrongElement("Claim.total", f"the items add up to {total} fen")
    try:
        number = normalise(bill_no)
    except Refused as refused:
        raise WrongElement("Claim.identifier[0].value", refused.sentence) from None
    period = claim.billable_period
    return Billed(
        bill_no,
        number,
        claim.provider.identifier.value,
        claim.patient.identifier.value,
        "inpatient" if claim.type.code == "institutional" else "outpatient",
        _day(period.start, "Claim.billablePeriod.start"),
        _day(period.end, "Claim.billablePeriod.end"),
        lines,
    )


def _line(path: str, item: Item) -> Line:
    count = Decimal(1) if item.quantity is None else item.quantity.value
    if not (count.is_finite() and 1 <= count <= 1_000_000 and count == count.to_integral_value()):
        raise WrongElement(f"{path}.quantity.value", "a whole number, 1 to 1000000")
    price = _fen(item.unit_price, f"{path}.unitPrice")
    if item.net is not None and _fen(item.net, f"{path}.net") != price * int(count):
        raise WrongElement(f"{path}.net", "quantity times unitPrice is something else")
    codes = tuple(each.identifier.value for each in item.udi)
    return Line(item.product_or_service.code, int(count), price, codes)


def _fen(money: Money, path: str) -> int:
    fen = money.value * FEN if money.value.is_finite() and abs(money.value) < 10**13 else Decimal("NaN")
    if not fen.is_finite() or fen != fen.to_integral_value() or fen < 0:
        raise WrongElement(f"{path}.value", "an amount in yuan, with two decimals at most")
    return int(fen)


def _day(text: str, path: str) -> int:
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise Refused("bad-day", "no date")
        day = int("".join(found.groups()))
        check_day(day, "day")
    except Refused:
        raise WrongElement(path, "a date, as 2026-03-02") from None
    return day
