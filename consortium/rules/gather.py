"""The facts of a ledger, from its state: every accepted claim stands there, also those of blocks that a snapshot took
the place of, so that a node that keeps no archive finds what an archive finds."""

from __future__ import annotations

from collections.abc import Mapping

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, policy
from consortium.contracts.insurance.filings import region_of
from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines.packs import PACKS
from consortium.contracts.medicines.procurement_records import ORDERS, TENDERS
from consortium.contracts.medicines.sales import SECOND_SALES
from consortium.contracts.medicines.stock import UNCODED
from consortium.core.contract import StateReader
from consortium.rules.facts import Claim, Facts, Insured, Place

END = "~"


def gather(
    state: StateReader,
    lines: Mapping[str, tuple[Line, ...]] | None = None,
    insured: Mapping[str, Insured] | None = None,
    diagnoses: Mapping[str, str] | None = None,
) -> Facts:
    """What is known; `lines`, `insured`, `diagnoses`: of whoever holds them, by number of bill, by pseudonym, by number
    of bill."""
    items = {code: entry.versions[-1] for code, entry in state.range(policy.CATALOGUE, "", END)}
    tenders = dict(state.range(TENDERS, "", END))
    claims = _claims(state)
    split = {code for claim in claims for sold in claim.sold if sold.trdn_flag for code in sold.drug_trac_codg}
    packs = [(code, state.get(PACKS, code)) for code in sorted(split)]
    return Facts(
        claims=claims,
        covers=dict(state.range(enrolment.PERSONS, "", END)),
        places={code: Place(one.kind, region_of(state, code)) for code, one in state.range(INSTITUTIONS, "", END)},
        items={code: item.kind for code, item in items.items()},
        code_free=frozenset(code for code, item in items.items() if item.code_free),
        received=_received(state, {number: tender.med_list_codg for number, tender in tenders.items()}),
        tendered=frozenset(tender.med_list_codg for tender in tenders.values()),
        second_sales=dict(state.range(SECOND_SALES, "", END)),
        pack_units={code: pack.units for code, pack in packs if pack is not None},
        weights={group: held.versions[-1].weight_bp for group, held in state.range(policy.DRG_GROUPS, "", END)},
        lines=lines or {},
        insured=insured or {},
        diagnoses=diagnoses or {},
    )


def _claims(state: StateReader) -> tuple[Claim, ...]:
    """Entries of journals that no later entry reverses."""
    found = []
    for key, settlement in state.range(SETTLEMENTS, "", END):
        bill = state.get(bills.BILLS, settlement.bill_no)
        if not settlement.reverses and bill is not None and bill.settlement == key:
            found.append(_claim(key, settlement, bill))
    return tuple(sorted(found, key=lambda claim: (claim.enddate, claim.bill_no)))


def _claim(key: str, settlement: Settlement, bill: bills.Bill) -> Claim:
    amounts = settlement.amounts
    return Claim(
        key=key,
        psn_no=key.partition("/")[0],
        bill_no=settlement.bill_no,
        fixmedins_code=settlement.fixmedins_code,
        med_type=settlement.med_type,
        begndate=settlement.begndate,
        enddate=settlement.enddate,
        medfee_fen=amounts.medfee_sumamt,
        fund_fen=amounts.fund_pay_sumamt - amounts.hifp_pay + settlement.pool_paid_fen,
        drg_group=settlement.drg_group,
        drg_payment_fen=settlement.drg_payment_fen,
        sold=bill.sold,
    )


def _received(state: StateReader, item_of: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Packs that came to an institution and did not go back, and those without codes that the bureau listed."""
    found: dict[tuple[str, str], int] = {}
    for _, order in state.range(ORDERS, "", END):
        place = order.fixmedins_code, item_of.get(order.contract_no, "")
        found[place] = found.get(place, 0) + order.received - order.sent_back
    for key, uncoded in state.range(UNCODED, "", END):
        code, _, item = key.partition("/")
        found[code, item] = found.get((code, item), 0) + uncoded.listed
    return found
