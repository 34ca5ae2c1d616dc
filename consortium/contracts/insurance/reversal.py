"""Undo the newest settlement of a person-year: accumulators, funds, bill and trace codes are as they were before it."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, NOBODY
from consortium.contracts.checks import check_reason
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance.accumulators import ACCUMULATORS, accumulate, get_accumulator
from consortium.contracts.insurance.amounts import negate
from consortium.contracts.insurance.bill import INPATIENT
from consortium.contracts.insurance.channels import give_share_back
from consortium.contracts.insurance.dip_cases import take_case_back
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.insurance.journal import (
    SETTLEMENTS,
    entry_event,
    get_settlement,
    next_sequence,
    settlement_key,
)
from consortium.contracts.insurance.payable import give_back
from consortium.contracts.insurance.payout import get_payout_account
from consortium.contracts.insurance.second_claims import follow_reversal
from consortium.contracts.insurance.terms import check_year_open
from consortium.contracts.medicines import packs, sales, stock
from consortium.contracts.oversight.recovered import undo_recovery
from consortium.core.contract import Context, Event, Refused, State, StateReader, Whose


class Reverse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Undo the newest settlement of a person-year."""

    psn_no: str
    year: int
    sequence: int
    reason: str


def _find_paid(state: StateReader, arguments: Reverse) -> tuple[str, ...]:
    key = settlement_key(arguments.psn_no, arguments.year, arguments.sequence)
    settlement = state.get(SETTLEMENTS, key)
    if settlement is None or get_payout_account(state, key):
        return NOBODY
    return find_acting(state, settlement.fixmedins_code)


OF_PAID = Whose(_find_paid, others=frozenset((BUREAU,)), owner="who acts for the institution that was paid")


def reverse(state: State, arguments: Reverse, context: Context) -> list[Event]:
    """The operation `settlement.reverse`."""
    psn_no, year, sequence = arguments.psn_no, arguments.year, arguments.sequence
    check_reason(arguments.reason, bills.REASONS)
    settlement = get_settlement(state, psn_no, year, sequence)
    check_year_open(state, year)
    row = get_accumulator(state, psn_no, year)
    if sequence != row.newest:
        raise Refused("not-newest", f"only the newest settlement, {row.newest}, of {psn_no} in {year} can be reversed")
    entry = next_sequence(row, psn_no, year)

    amounts, is_inpatient = settlement.amounts, settlement.med_type == INPATIENT
    reversal = msgspec.structs.replace(
        settlement,
        amounts=negate(amounts),
        pool_paid_fen=-settlement.pool_paid_fen,
        drg_payment_fen=-settlement.drg_payment_fen,
        previous=0,
        reverses=sequence,
    )
    before = accumulate(row, settlement.insutype, amounts, is_inpatient=is_inpatient, sign=-1)
    restored = msgspec.structs.replace(before, sequence=entry, newest=settlement.previous)
    state.put(ACCUMULATORS, f"{psn_no}/{year}", restored)
    state.put(SETTLEMENTS, settlement_key(psn_no, year, entry), reversal)

    events: list[Event] = []
    key, cause = settlement_key(psn_no, year, sequence), f"reversal/{settlement_key(psn_no, year, entry)}"
    give_back(state, settlement, key, f"person/{psn_no}", cause, events)
    undo_recovery(state, key, cause, events)
    follow_reversal(state, key, cause, events)
    give_share_back(state, key, context, events)
    take_case_back(state, key, context, events)
    _free_bill(state, settlement.bill_no)
    events.append(entry_event("settlement-reversed", psn_no, year, entry, reversal))
    return events


def _free_bill(state: State, number: str) -> None:
    """The bill can be claimed again, and what it took of packs can be sold again."""
    bill = bills.get_bill(state, number)
    for sold in bill.sold:
        for code in sold.drug_trac_codg:
            sales.return_pack(state, code, number, is_claim=True)
        if not sold.drug_trac_codg:
            holder = packs.holder_of_institution(bill.fixmedins_code)
            stock.return_uncoded(state, holder, sold.med_list_codg, sold.cnt)
    bills.mark_reimbursed(state, number, bill, "")
