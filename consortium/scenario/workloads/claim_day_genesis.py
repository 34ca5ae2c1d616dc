"""What a working day finds on the ledger: funds with money, an illustrative policy, catalogue, institutions, people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from consortium.contracts.insurance import enrolment, funds, institution, policy
from consortium.contracts.insurance.policy_pack import DAYS_MAX, ILLUSTRATIVE_PACK, Pack
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.scenario.fhir.records import Imported, MedicalClass

OPENING_FEN = 5_000_000_000  # of each fund: 50 million yuan
LICENCE_TO = 20991231
ITEMS_A_CALL = 200
CLASSES: Mapping[MedicalClass, str] = {"甲": "A", "乙": "B", "丙": "C"}
POOL_PREMIUM_FEN, ACCOUNT_PREMIUM_FEN = 60_000, 20_000  # of one employee and month, illustrative


def pack_from(day: int, lines_days: int = 0) -> Pack:
    """The illustrative pack, effective from `day`; with an outpatient scheme for residents (theirs is empty), and with
    claims at any time after the service: records reach back over years, and a run happens on any day.
    `lines_days`: see Pack."""
    resident = msgspec.structs.replace(
        ILLUSTRATIVE_PACK.resident,
        outpatient_deductible_fen=(2_000, 5_000, 10_000),
        outpatient_ratio_bp=(6_000, 5_500, 5_000),
        outpatient_cap_fen=80_000,
        outpatient_cap_retiree_fen=80_000,
    )
    return msgspec.structs.replace(
        ILLUSTRATIVE_PACK, from_day=day, resident=resident, claim_days=DAYS_MAX, lines_days=lines_days
    )


def fund_calls(opening_fen: int) -> Iterator[GenesisCall]:
    """All funds, each with so much money."""
    for fund in funds.STANDARD_FUNDS:
        yield genesis_call("funds", "open", funds.Open(fund))
        opening = funds.Contribute(f"fund/{fund}", opening_fen, "opening/genesis")
        yield genesis_call("funds", "contribute", opening)


def genesis_calls(
    imported: Imported,
    operators: Mapping[str, tuple[str, str, int]],
    registers: Iterable[enrolment.Register],
    lines_days: int = 0,
) -> Iterator[GenesisCall]:
    """`operators`: kind, member and level by institution; `registers`: of person-years, as the day begins."""
    yield from fund_calls(OPENING_FEN)
    first_year = min((claim.served_on for claim in imported.claims), default=19900101) // 10_000
    first_day = first_year * 10_000 + 101
    yield genesis_call("policy", "adopt_pack", policy.AdoptPack(pack_from(first_day, lines_days)))
    yield from catalogue_calls(imported, first_day)
    for code, (kind, member, level) in sorted(operators.items()):
        sign = institution.Sign(code, kind, level, member, f"licence-{code}", LICENCE_TO)
        yield genesis_call("institution", "sign", sign)
    for register in registers:
        yield genesis_call("enrolment", "register", register)


def catalogue_calls(imported: Imported, first_day: int) -> Iterator[GenesisCall]:
    """Everything that the data knows a price of, from `first_day` on."""
    items = tuple(
        policy.Item(
            item.code,
            first_day,
            CLASSES[item.medical_class],
            item.kind,
            item.own_pay_bp,
            item.ceiling_fen,
            item.is_code_free,
        )
        for item in imported.items
    )
    for first in range(0, len(items), ITEMS_A_CALL):
        yield genesis_call("policy", "list_items", policy.ListItems(items[first : first + ITEMS_A_CALL]))
