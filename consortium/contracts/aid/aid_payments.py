"""The money of medical aid: appropriations, tranches that are paid, urgent advances, and what goes back."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, SUPERVISORS, among
from consortium.contracts.aid.aid_records import (
    ADVANCES,
    AIDS,
    STEPS,
    URGENT_LIFE,
    URGENTS,
    Advance,
    Aid,
    Tranche,
    Urgent,
    compute_left_fen,
    get_aid,
    get_aided_fen,
    get_rules,
    get_standing,
)
from consortium.contracts.aid.gift_records import close_use, gift_account
from consortium.contracts.checks import (
    check_choice,
    check_identifier,
    check_own_number,
    check_positive_amount,
    check_pseudonym,
    check_reference,
)
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.enrolment import get_person
from consortium.contracts.insurance.institution import OF_INSTITUTION, check_open, get_institution
from consortium.contracts.insurance.payout import payout_account
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after
from consortium.core.contract import Context, Event, Operation, Refused, State

FINANCE = "finance"
CHECK_URGENT = "aid.check_urgent"


class Appropriate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The state's money for medical aid, into its fund. `cause`: a reference, as "budget/2026"."""

    amount_fen: int
    cause: str


class OfAid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names an application, which is that of a settlement."""

    psn_no: str
    year: int
    sequence: int


class Disburse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pay what was granted for a step: diagnosis | treated | followed-up."""

    psn_no: str
    year: int
    sequence: int
    step: str


class AdvanceUrgent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An emergency: money for a person's care now, to the institution. The number begins with the hospital's name and a
    colon."""

    urgent_no: str
    fixmedins_code: str
    psn_no: str
    amount_fen: int


class ConfirmUrgent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The advance was for this settlement of the person."""

    urgent_no: str
    year: int
    sequence: int


def _appropriate(state: State, arguments: Appropriate, _context: Context) -> list[Event]:
    check_positive_amount(arguments.amount_fen, "amount_fen")
    check_reference(arguments.cause, "cause")
    events: list[Event] = []
    funds.move(state, funds.EXTERNAL, funds.MEDICAL_AID, arguments.amount_fen, arguments.cause, events)
    return [*events, Event("aid-appropriated", {"amount_fen": arguments.amount_fen, "cause": arguments.cause})]


def is_payable(aid: Aid, tranche: Tranche) -> bool:
    return not tranche.paid_on and tranche.step in aid.attested


def _disburse(state: State, arguments: Disburse, context: Context) -> list[Event]:
    """Pay the part of one step that is attested, its gifts first. Refuses `condition-open`, and `need-covered` where
    the settlement stands no longer or somebody else has paid meanwhile."""
    of = OfAid(arguments.psn_no, arguments.year, arguments.sequence)
    key, aid = get_aid(state, of.psn_no, of.year, of.sequence)
    check_choice(arguments.step, STEPS, "step")
    found = next((one for one in aid.tranches if one.step == arguments.step and is_payable(aid, one)), None)
    if found is None:
        raise Refused("condition-open", f"aid {key} is {aid.stage}: nothing waits to be paid for {arguments.step}")
    _check_still_left(state, of, aid)
    payee = payout_account(of.psn_no)
    funds.open_account(state, payee)
    events: list[Event] = []
    movements = [(gift_account(part.gift_no), payee, part.amount_fen) for part in found.gifts]
    funds.move_all(state, (*movements, (funds.MEDICAL_AID, payee, found.open_fen)), f"aid/{key}", events)
    for part in found.gifts:
        close_use(state, part.gift_no, part.serial, context, events)
    paid = msgspec.structs.replace(found, paid_on=context.day)
    tranches = tuple(paid if one is found else one for one in aid.tranches)
    state.put(AIDS, key, msgspec.structs.replace(aid, tranches=tranches))
    gifts_fen = found.amount_fen - found.open_fen
    events.append(aid_event("aid-disbursed", of, aid, amount_fen=found.amount_fen, gifts_fen=gifts_fen))
    return events


def _check_still_left(state: State, arguments: OfAid, aid: Aid) -> None:
    """Refuses `not-settled`, `need-covered`."""
    key, settlement = get_standing(state, arguments.psn_no, arguments.year, arguments.sequence)
    if compute_left_fen(state, key, settlement) < aid.granted_fen:
        raise Refused(
            "need-covered", f"less is left of settlement {key} than the {aid.granted_fen} fen that were granted"
        )


def _take_back(state: State, arguments: OfAid, _context: Context) -> list[Event]:
    """What was paid and is not left to pay any more, after a reversal or another's payment, goes back to the fund. It
    passes every hold. Refuses `nothing-to-recover`, `account-short`."""
    key, aid = get_aid(state, arguments.psn_no, arguments.year, arguments.sequence)
    try:
        left_fen = compute_left_fen(state, *get_standing(state, arguments.psn_no, arguments.year, arguments.sequence))
    except Refused:
        left_fen = 0
    over_fen = aid.paid_fen - aid.returned_fen - left_fen
    if over_fen <= 0:
        raise Refused("nothing-to-recover", f"aid {key} paid no more than is left")
    events: list[Event] = []
    source = payout_account(arguments.psn_no)
    funds.move(state, source, funds.MEDICAL_AID, over_fen, f"aid/{key}", events, is_return=True)
    state.put(AIDS, key, msgspec.structs.replace(aid, returned_fen=aid.returned_fen + over_fen))
    return [*events, aid_event("aid-taken-back", arguments, aid, amount_fen=over_fen)]


def _advance(state: State, arguments: AdvanceUrgent, context: Context) -> list[Event]:
    """Paid at the hospital's word, up to the cap of the rules."""
    number, code = arguments.urgent_no, arguments.fixmedins_code
    check_own_number(number, context.member, "urgent_no")
    check_pseudonym(arguments.psn_no, "psn_no")
    check_open(get_institution(state, code), code, context.day)
    get_person(state, arguments.psn_no)
    rules = get_rules(state)
    check_positive_amount(arguments.amount_fen, "amount_fen")
    if arguments.amount_fen > rules.urgent_cap_fen:
        raise Refused("over-cap", f"an advance has at most {rules.urgent_cap_fen} fen")
    stage = URGENT_LIFE.move("advance", URGENT_LIFE.stage_of(state.get(URGENTS, number)), f"advance {number}")
    by = compute_day_after(context.day, rules.urgent_days)
    events: list[Event] = []
    funds.move(state, funds.MEDICAL_AID, f"paid/{code}", arguments.amount_fen, f"urgent-aid/{number}", events)
    due.put(state, compute_day_after(by, 1), CHECK_URGENT, number, context)
    state.put(URGENTS, number, Urgent(code, arguments.psn_no, arguments.amount_fen, stage, by))
    fields: dict[str, int | str] = {"urgent_no": number, "fixmedins_code": code, "amount_fen": arguments.amount_fen}
    return [*events, Event("aid-advanced", fields | {"confirm_day": by})]


def _get_urgent(state: State, number: str) -> Urgent:
    check_identifier(number, "urgent_no")
    urgent = state.get(URGENTS, number)
    if urgent is None:
        raise Refused("unknown-urgent", f"there is no advance {number}")
    return urgent


def _confirm_urgent(state: State, arguments: ConfirmUrgent, _context: Context) -> list[Event]:
    """What is more than was left to pay goes back at once. Refuses `institution-differs`, `need-covered`."""
    number = arguments.urgent_no
    urgent = _get_urgent(state, number)
    stage = URGENT_LIFE.move("confirm_urgent", urgent.stage, f"advance {number}")
    key, settlement = get_standing(state, urgent.psn_no, arguments.year, arguments.sequence)
    if settlement.fixmedins_code != urgent.fixmedins_code:
        raise Refused("institution-differs", f"settlement {key} is of {settlement.fixmedins_code}")
    aided_fen = get_aided_fen(state, key)
    known = state.get(ADVANCES, key) or Advance(0)
    kept_fen = min(urgent.amount_fen, max(0, compute_left_fen(state, key, settlement) - aided_fen + known.amount_fen))
    events: list[Event] = []
    back_fen = urgent.amount_fen - kept_fen
    cause, source = f"urgent-aid/{number}", f"paid/{urgent.fixmedins_code}"
    funds.move(state, source, funds.MEDICAL_AID, back_fen, cause, events, is_return=True)
    due.clear(state, compute_day_after(urgent.confirm_by, 1), CHECK_URGENT, number)
    state.put(ADVANCES, key, Advance(known.amount_fen + kept_fen))
    state.put(URGENTS, number, msgspec.structs.replace(urgent, stage=stage, settlement=key))
    fields: dict[str, int | str] = {"urgent_no": number, "amount_fen": kept_fen, "back_fen": back_fen}
    return [*events, Event("aid-advance-confirmed", fields)]


def _check_urgent(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung when nobody has confirmed it in time: as much as the institution still has goes back."""
    if not due.take(state, arguments, CHECK_URGENT, context):
        return []
    number = arguments.key
    urgent = _get_urgent(state, number)
    stage = URGENT_LIFE.move("check_urgent", urgent.stage, f"advance {number}")
    source = f"paid/{urgent.fixmedins_code}"
    back_fen = min(urgent.amount_fen, max(0, funds.get_balance(state, source)))
    events: list[Event] = []
    funds.move(state, source, funds.MEDICAL_AID, back_fen, f"urgent-aid/{number}", events, is_return=True)
    state.put(URGENTS, number, msgspec.structs.replace(urgent, stage=stage))
    missing_fen = urgent.amount_fen - back_fen
    told = notice("emergency-unconfirmed", f"urgent-aid/{number}", due=arguments.day, missing_fen=missing_fen)
    return [*events, told]


def aid_event(kind: str, of: OfAid, aid: Aid, **more: int | str) -> Event:
    fields: dict[str, int | str] = {"psn_no": of.psn_no, "year": of.year, "sequence": of.sequence, "need": aid.need}
    return Event(kind, fields | more)


OPERATIONS = (
    Operation("appropriate", Appropriate, among(FINANCE), _appropriate),
    Operation("disburse", Disburse, BY_BUREAU, _disburse),
    Operation("take_back", OfAid, BY_BUREAU, _take_back),
    Operation("advance", AdvanceUrgent, BY_PROVIDERS, _advance, OF_INSTITUTION),
    Operation("confirm_urgent", ConfirmUrgent, BY_BUREAU, _confirm_urgent),
    Operation("check_urgent", Ring, SUPERVISORS, _check_urgent),
)
