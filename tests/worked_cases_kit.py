"""The worked cases of docs/domain.md: what the ledger holds before them, their claims in FHIR, and what is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from consortium.contracts.insurance import enrolment, funds, institution, offsite, policy
from consortium.contracts.insurance.enrolment import EMPLOYEE, RESIDENT
from consortium.core.genesis import Genesis, GenesisCall, genesis_call
from tests.gateway_kit import SCENARIO, make_genesis

YEAR_BEGINS, YEAR_ENDS = 20260101, 20270101
SECOND, THIRD, AWAY = "H20002", "H30003", "H30009"  # of level 2, of level 3, of level 3 in another region
ITEMS = (
    policy.Item("W-A", 20000101, "A", "service"),
    policy.Item("W-B", 20000101, "B", "service", 1_000),
    policy.Item("W-S", 20000101, "B", "consumable", 2_000, 800_000),
    policy.Item("W-C", 20000101, "C", "service"),
)


class Case(NamedTuple):
    """A stay: who, where, its lines (item and yuan), and by category of its ExplanationOfBenefit the right amounts."""

    name: str
    psn_no: str
    fixmedins_code: str
    begins: str
    lines: tuple[tuple[str, str], ...]
    right: dict[str, str]


LINES_A = (("W-A", "30000.00"), ("W-B", "20000.00"), ("W-S", "8500.00"), ("W-C", "1500.00"))
CASES = (
    Case(
        "A",
        "case-a",
        THIRD,
        "2026-03-02",
        LINES_A,
        {
            "submitted": "60000.00",
            "eligible": "54400.00",
            "noncovered": "5600.00",
            "deductible": "800.00",
            "benefit": "45560.00",
            "coinsurance": "8040.00",
            "memberliability": "14440.00",
            "paidbypatientother": "5000.00",
            "paidbypatientcash": "9440.00",
            "hifp_pay": "45560.00",
        },
    ),
    Case("A'", "case-away", AWAY, "2026-03-02", LINES_A, {"benefit": "31892.00", "hifp_pay": "31892.00"}),
    Case("B before", "case-b", SECOND, "2026-02-02", (("W-A", "110290.11"),), {"hifp_pay": "100000.00"}),
    Case(
        "B",
        "case-b",
        SECOND,
        "2026-03-02",
        (("W-A", "60000.00"),),
        {
            "deductible": "200.00",
            "hifp_pay": "20000.00",
            "hifob_pay": "34039.78",
            "benefit": "54039.78",
            "memberliability": "5960.22",
        },
    ),
    Case(
        "C",
        "case-c",
        THIRD,
        "2026-03-02",
        (("W-A", "158000.00"), ("W-C", "22000.00")),
        {
            "noncovered": "22000.00",
            "hifp_pay": "94320.00",
            "hifmi_pay": "31692.00",
            "maf_pay": "22391.60",
            "benefit": "148403.60",
            "memberliability": "31596.40",
        },
    ),
)


def worked_genesis() -> Genesis:
    """The kit's, with what the cases stand on; care off site by records of the ledger."""
    return make_genesis(*_calls(), scenario=msgspec.structs.replace(SCENARIO, versions={"settlement": 3, "offsite": 1}))


def _calls() -> Iterator[GenesisCall]:
    yield genesis_call("policy", "list_items", policy.ListItems(ITEMS))
    for code, level in ((SECOND, 2), (THIRD, 3), (AWAY, 3)):
        sign = institution.Sign(code, "hospital", level, "hospital-1", f"licence-{code}", 20991231)
        yield genesis_call("institution", "sign", sign)
    yield genesis_call("offsite", "place", offsite.Place(AWAY, "north"))
    for psn_no, kind, retired, assisted in (
        ("case-a", EMPLOYEE, False, False),
        ("case-away", EMPLOYEE, False, False),
        ("case-b", EMPLOYEE, True, False),
        ("case-c", RESIDENT, False, True),
    ):
        period = enrolment.Period(YEAR_BEGINS, YEAR_ENDS, kind, retired, assisted)
        yield genesis_call("enrolment", "register", enrolment.Register(psn_no, (period,)))
    for psn_no in ("case-a", "case-away"):
        yield genesis_call("funds", "contribute", funds.Contribute(f"person/{psn_no}", 500_000, "opening/genesis"))


def claim_of(case: Case) -> bytes:
    """As a hospital's system sends it: a FHIR R4 Claim, amounts as JSON numbers with two decimals."""
    items = [
        {
            "sequence": place,
            "productOrService": {"coding": [{"code": code}]},
            "quantity": {"value": 1},
            "unitPrice": {"value": msgspec.Raw(yuan.encode()), "currency": "CNY"},
        }
        for place, (code, yuan) in enumerate(case.lines, 1)
    ]
    document: dict[str, Any] = {
        "resourceType": "Claim",
        "status": "active",
        "use": "claim",
        "identifier": [{"value": f"{case.fixmedins_code}-{case.name.replace(' ', '').replace(chr(39), '2')}"}],
        "type": {"coding": [{"code": "institutional"}]},
        "patient": {"identifier": {"value": case.psn_no}},
        "provider": {"identifier": {"value": case.fixmedins_code}},
        "billablePeriod": {"start": case.begins, "end": case.begins},
        "item": items,
    }
    return msgspec.json.encode(document)


def amounts_of(benefit: Any) -> dict[str, str]:
    """By category of `total`, and by name of the data standard of `adjudication`: yuan as they are written."""
    found = {each["category"]["coding"][0]["code"]: _text(each) for each in benefit["total"]}
    return found | {each["category"]["coding"][-1]["code"]: _text(each) for each in benefit["adjudication"]}


def _text(each: Any) -> str:
    assert each["amount"]["currency"] == "CNY"
    return f"{each['amount']['value']:.2f}"
