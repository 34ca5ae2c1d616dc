"""The amounts of a settlement in the words of FHIR: categories of HL7 and of CARIN's Blue Button guide, each with the
name of the national data standard beside it.

They add up: submitted = eligible + noncovered; eligible = deductible + coinsurance + benefit; memberliability =
noncovered + deductible + coinsurance = what is paid from the account and in cash.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from consortium.contracts.insurance.amounts import Amounts
from consortium.exports.fhir.resource import HL7, NHSA, Resource, coding, concept, money

ADJUDICATION = f"{HL7}/adjudication"
CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBAdjudication"


class Category(NamedTuple):
    system: str
    code: str
    display: str


SUBMITTED = Category(ADJUDICATION, "submitted", "Submitted Amount")
ELIGIBLE = Category(ADJUDICATION, "eligible", "Eligible Amount")
DEDUCTIBLE = Category(ADJUDICATION, "deductible", "Deductible")
BENEFIT = Category(ADJUDICATION, "benefit", "Benefit Amount")
NONCOVERED = Category(CARIN, "noncovered", "Noncovered")
COINSURANCE = Category(CARIN, "coinsurance", "Co-insurance")
LIABILITY = Category(CARIN, "memberliability", "Member liability")
BY_ACCOUNT = Category(CARIN, "paidbypatientother", "Paid by patient - other")
BY_CASH = Category(CARIN, "paidbypatientcash", "Paid by patient - cash")
TOTALS = {  # which of them is one field of the standard
    "medfee_sumamt": SUBMITTED,
    "inscp_amt": ELIGIBLE,
    "act_pay_dedc": DEDUCTIBLE,
    "fund_pay_sumamt": BENEFIT,
    "psn_pay": LIABILITY,
    "acct_pay": BY_ACCOUNT,
    "cash_payamt": BY_CASH,
}
PARTS = {  # fields of which several make one category
    "fulamt_ownpay_amt": NONCOVERED,
    "overlmt_selfpay": NONCOVERED,
    "preselfpay_amt": NONCOVERED,
    "hifp_pay": BENEFIT,
    "hifob_pay": BENEFIT,
    "hifmi_pay": BENEFIT,
    "maf_pay": BENEFIT,
}

SUMS = ("fund_pay_sumamt", "psn_pay")


def totals_of(amounts: Mapping[str, int]) -> list[Resource]:
    """`total` of the fields that are given."""
    return [_amount(category, amounts[name], name) for name, category in TOTALS.items() if name in amounts]


def all_totals(amounts: Amounts) -> list[Resource]:
    """`total` of a settlement, with the two that are a sum of fields."""
    noncovered = amounts.fulamt_ownpay_amt + amounts.overlmt_selfpay + amounts.preselfpay_amt
    coinsurance = amounts.inscp_amt - amounts.act_pay_dedc - amounts.fund_pay_sumamt
    fields = {name: getattr(amounts, name) for name in TOTALS}
    return [*totals_of(fields), _amount(NONCOVERED, noncovered), _amount(COINSURANCE, coinsurance)]


def adjudications(amounts: Amounts) -> list[Resource]:
    """`adjudication`: every field that is not zero, by its own name, the bill always; what several of them make stands
    in `total` alone, so that nothing counts twice."""
    named = {**TOTALS, **PARTS}
    fields = [name for name in Amounts.__struct_fields__ if name not in SUMS]
    fields = [name for name in fields if name == "medfee_sumamt" or getattr(amounts, name)]
    return [_amount(named[name], getattr(amounts, name), name) for name in fields]


def _amount(category: Category, fen: int, name: str = "") -> Resource:
    codings = [coding(*category), *([coding(NHSA, name)] if name else [])]
    return {"category": concept(*codings), "amount": money(fen)}
