"""Tender contracts and sub-contracts: who supplies what at which price, and how much of it an institution takes.

A tender never changes after its first sub-contract, a sub-contract never after its first order. A tender closes when
its last day is over, and then each volume that was agreed and did not arrive is told in a notice.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import BASIS_POINTS, check_identifier, check_period, check_positive_amount, check_range
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.institution import OF_INSTITUTION
from consortium.contracts.medicines.procurement_records import (
    CHECK_VOLUME,
    CLOSE_TENDER,
    PREPAYMENT_MIN_BP,
    QUANTITY_MAX,
    SUBCONTRACTS,
    TENDER_LIFE,
    TENDERS,
    AwardTender,
    SignSubcontract,
    Subcontract,
    Tender,
    get_subcontract,
    get_tender,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.contract import Context, Event, Operation, Refused, State

TERM_DAYS_MAX = 365


def _tender_of(arguments: AwardTender) -> Tender:
    check_identifier(arguments.contract_no, "contract_no")
    check_identifier(arguments.med_list_codg, "med_list_codg")
    check_identifier(arguments.producer, "producer")
    check_identifier(arguments.supplier, "supplier")
    check_positive_amount(arguments.price_fen, "price_fen")
    check_range(arguments.volume, 1, QUANTITY_MAX, "volume")
    check_period(arguments.from_day, arguments.to_day, "the tender's")
    check_range(arguments.term_days, 1, TERM_DAYS_MAX, "term_days")
    if arguments.prepay_bp:
        check_range(arguments.prepay_bp, PREPAYMENT_MIN_BP, BASIS_POINTS, "prepay_bp")
    return Tender(
        med_list_codg=arguments.med_list_codg,
        producer=arguments.producer,
        supplier=arguments.supplier,
        price_fen=arguments.price_fen,
        volume=arguments.volume,
        from_day=arguments.from_day,
        to_day=arguments.to_day,
        term_days=arguments.term_days,
        prepay_bp=arguments.prepay_bp,
    )


def _put_tender(state: State, contract_no: str, tender: Tender, context: Context) -> None:
    state.put(TENDERS, contract_no, tender)
    due.put(state, tender.to_day, CLOSE_TENDER, contract_no, context)
    funds.open_account(state, f"supplier/{tender.supplier}")


def _award_tender(state: State, arguments: AwardTender, context: Context) -> list[Event]:
    tender = _tender_of(arguments)
    if state.get(TENDERS, arguments.contract_no) is not None:
        raise Refused("tender-exists", f"tender contract {arguments.contract_no} is awarded already")
    _put_tender(state, arguments.contract_no, tender, context)
    return [Event("tender-awarded", {"contract_no": arguments.contract_no, "supplier": tender.supplier})]


def _amend_tender(state: State, arguments: AwardTender, context: Context) -> list[Event]:
    tender = _tender_of(arguments)
    known = get_tender(state, arguments.contract_no)
    TENDER_LIFE.move("amend_tender", known.stage, f"tender contract {arguments.contract_no}")
    due.clear(state, known.to_day, CLOSE_TENDER, arguments.contract_no)
    _put_tender(state, arguments.contract_no, tender, context)
    return [Event("tender-amended", {"contract_no": arguments.contract_no, "supplier": tender.supplier})]


def _sign_subcontract(state: State, arguments: SignSubcontract, context: Context) -> list[Event]:
    code, contract_no = arguments.fixmedins_code, arguments.contract_no
    tender = get_tender(state, contract_no)
    check_range(arguments.volume, 1, QUANTITY_MAX, "volume")
    stage = TENDER_LIFE.move("sign_subcontract", tender.stage, f"tender contract {contract_no}")
    key = f"{contract_no}/{code}"
    known = state.get(SUBCONTRACTS, key)
    if known is not None and known.ordered:
        raise Refused("step-closed", f"sub-contract {key} has orders: it never changes")
    agreed = tender.agreed + arguments.volume - (known.volume if known is not None else 0)
    if agreed > tender.volume:
        raise Refused("volume-exceeded", f"{contract_no} has {tender.volume - tender.agreed} packs left to agree")
    state.put(TENDERS, contract_no, msgspec.structs.replace(tender, stage=stage, agreed=agreed))
    state.put(SUBCONTRACTS, key, Subcontract(arguments.volume))
    due.put(state, tender.to_day, CHECK_VOLUME, key, context)
    kind = "subcontract-signed" if known is None else "subcontract-amended"
    return [Event(kind, {"contract_no": contract_no, "fixmedins_code": code, "volume": arguments.volume})]


def _close_tender(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung when its last day is over."""
    if not due.take(state, arguments, CLOSE_TENDER, context):
        return []
    contract_no = arguments.key
    tender = get_tender(state, contract_no)
    stage = TENDER_LIFE.move("close_tender", tender.stage, f"tender contract {contract_no}")
    state.put(TENDERS, contract_no, msgspec.structs.replace(tender, stage=stage))
    return [Event("tender-closed", {"contract_no": contract_no})]


def _check_volume(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung when the tender's last day is over, for a sub-contract whose agreed volume was not received."""
    if not due.take(state, arguments, CHECK_VOLUME, context):
        return []
    subcontract = get_subcontract(state, *arguments.key.split("/", 1))
    missing = subcontract.volume - subcontract.received
    return [
        notice(
            "volume-unmet",
            f"subcontract/{arguments.key}",
            due=arguments.day,
            agreed=subcontract.volume,
            missing=missing,
        )
    ]


OPERATIONS = (
    Operation("award_tender", AwardTender, BY_BUREAU, _award_tender),
    Operation("amend_tender", AwardTender, BY_BUREAU, _amend_tender),
    Operation("sign_subcontract", SignSubcontract, BY_PROVIDERS, _sign_subcontract, OF_INSTITUTION),
    Operation("close_tender", Ring, SUPERVISORS, _close_tender),
    Operation("check_volume", Ring, SUPERVISORS, _check_volume),
)
