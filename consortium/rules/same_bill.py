"""The same bill twice 重复报销: typed with another case, width or spaces, with other marks between, or with letters
for digits.

The ledger takes a number once, whatever its case, width and spaces. What it cannot tell are numbers that a person would
read as one: "1-0O7" and "1_007". Two accepted claims of one person at one institution are the same where their numbers
are, for such an eye, and days and amount are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from consortium.contracts.insurance.bill import try_normalise
from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.rule import Finding, Rule, about

_MARKS = re.compile(r"[^0-9a-z]+")


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`lookalikes`: a letter and the digit that it is taken for, each. `same_amount`: whether the amounts must
    agree."""

    lookalikes: tuple[str, ...] = ("o0", "l1", "i1", "s5", "b8")
    same_amount: bool = True


def read_number(bill_no: str, fixmedins_code: str, parameters: Parameters) -> str:
    """The serial behind the institution's code as a person reads it: marks between and zeros before are nothing, a
    letter is the digit that it looks like."""
    plain = try_normalise(bill_no) or bill_no.lower()
    serial = _MARKS.sub("", plain.removeprefix(f"{fixmedins_code.lower()}-"))
    return serial.translate({ord(pair[0]): pair[1] for pair in parameters.lookalikes}).lstrip("0")


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    same: dict[tuple[object, ...], list[Claim]] = {}
    for claim in facts.claims:
        number = read_number(claim.bill_no, claim.fixmedins_code, parameters)
        amount = claim.medfee_fen if parameters.same_amount else 0
        place = (facts.person_of(claim), claim.fixmedins_code, claim.begndate, claim.enddate, amount, number)
        same.setdefault(place, []).append(claim)
    for claims in same.values():
        if len(claims) > 1:
            fen = sum(claim.fund_fen for claim in claims[1:])
            yield about(claims, fen, f"{len(claims)} numbers that read as one, of the same days and amount")


RULE = Rule(
    "same_bill", mark("The same bill was reimbursed twice, under numbers that read alike."), Parameters(), _find
)
