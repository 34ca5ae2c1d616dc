"""Medical aid on application 医疗救助: what is left of a settlement, granted by rules, paid by tranches on conditions.

A person applies in its own voice, under the pseudonym of the settlement. The hospital attests the diagnosis, the
finance office the means, each with a commitment to a paper that lies elsewhere. Then the bureau has it reviewed: the
rules say what is granted, out of the settlement, what a second payer pays, earlier advances, and what the person was
granted in the year. So aid never pays what somebody else does. Each tranche is paid once its step is attested, out of
gifts that were allocated to it and for the rest out of the fund. Whoever is refused appeals once, to the finance
office. In an emergency a hospital is advanced money at its word; it goes back unless the bureau confirms it in time.
The finance office pays the state's appropriation into the fund, and the hospital tells what came of it.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_BUREAU, HOSPITAL, REGULATOR, SUPERVISORS, among
from consortium.contracts.aid.aid_payments import FINANCE, OfAid, aid_event
from consortium.contracts.aid.aid_payments import OPERATIONS as PAYMENTS
from consortium.contracts.aid.aid_records import (
    AID_YEARS,
    AIDS,
    APPLIED,
    CLOSED,
    EFFECTS,
    GRANTED,
    LIFE,
    MEANS,
    NEEDS,
    ONLY,
    REFUSED,
    RULES,
    STEPS,
    URGENT_LIFE,
    Aid,
    AidRules,
    AidYear,
    compute_left_fen,
    find_treating,
    get_aid,
    get_rules,
    get_standing,
)
from consortium.contracts.aid.aid_rules import compute_grant, cut
from consortium.contracts.checks import (
    BASIS_POINTS,
    check_amount,
    check_choice,
    check_digest,
    check_positive_amount,
    check_range,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.core.calendar import compute_day_after
from consortium.core.contract import (
    GENESIS,
    VOTE,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Whose,
)
from consortium.core.spoken import Speech

LAPSE = "aid.lapse"
NEEDED = ("diagnosis", MEANS)  # before a review
DAYS_MAX = 365
APPEALS = ("means-changed", "figures-wrong", "hardship")


class AdoptRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules from now on; what was granted stays as it was."""

    rules: AidRules


class Apply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says: help me with what is left of this settlement of mine. `need`: low-income | poor-by-illness |
    rare-disease | orphan | disaster."""

    year: int
    sequence: int
    need: str


class Appeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says who was refused. `reason`: means-changed | figures-wrong | hardship."""

    year: int
    sequence: int
    reason: str


class Attest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`what`: diagnosis, treated or followed-up by the hospital, means by the finance office. `evidence`: a commitment,
    32 bytes."""

    psn_no: str
    year: int
    sequence: int
    what: str
    evidence: bytes


class DecideAppeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Grant `amount_fen` after all, or 0: it stays refused."""

    psn_no: str
    year: int
    sequence: int
    amount_fen: int


class ReportEffect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came of it. `effect`: recovered | improved | unchanged | worse | died."""

    psn_no: str
    year: int
    sequence: int
    effect: str


APPLY: Speech[Apply] = Speech("aid", "apply", Apply)
APPEAL: Speech[Appeal] = Speech("aid", "appeal", Appeal)


def _adopt_rules(state: State, arguments: AdoptRules, _context: Context) -> list[Event]:
    rules = arguments.rules
    check_amount(rules.deductible_fen, "deductible_fen")
    check_positive_amount(rules.cap_fen, "cap_fen")
    check_amount(rules.urgent_cap_fen, "urgent_cap_fen")
    check_range(rules.ratio_bp, 1, BASIS_POINTS, "ratio_bp")
    check_range(rules.first_bp, 0, BASIS_POINTS, "first_bp")
    check_range(rules.last_bp, 0, BASIS_POINTS - rules.first_bp, "last_bp")
    check_range(rules.lapse_days, 1, DAYS_MAX, "lapse_days")
    check_range(rules.urgent_days, 1, DAYS_MAX, "urgent_days")
    state.put(RULES, ONLY, rules)
    return [Event("aid-rules-adopted", {"ratio_bp": rules.ratio_bp, "cap_fen": rules.cap_fen})]


def _apply(state: State, said: Apply, pseudonym: str, context: Context) -> list[Event]:
    """Once for a settlement, and again where it lapsed. Refuses `need-covered`."""
    check_choice(said.need, NEEDS, "need")
    key, settlement = get_standing(state, pseudonym, said.year, said.sequence)
    stage = LIFE.move("apply", LIFE.stage_of(state.get(AIDS, key)), f"the application on {key}")
    left_fen = compute_left_fen(state, key, settlement)
    if not left_fen:
        raise Refused("need-covered", f"nothing is left to pay of settlement {key}")
    lapse_on = compute_day_after(context.day, get_rules(state).lapse_days)
    due.put(state, lapse_on, LAPSE, key, context)
    aid = Aid(said.need, stage, context.day, lapse_on, left_fen=left_fen)
    state.put(AIDS, key, aid)
    return [aid_event("aid-applied", _of(key), aid, left_fen=left_fen)]


def _of(key: str) -> OfAid:
    psn_no, year, sequence = key.split("/")
    return OfAid(psn_no, int(year), int(sequence))


def _attest(state: State, arguments: Attest, context: Context) -> list[Event]:
    """Each thing once, as long as it is open. Refuses `not-attestable`, `attested-already`, `application-closed`."""
    key, aid = get_aid(state, arguments.psn_no, arguments.year, arguments.sequence)
    check_choice(arguments.what, (*STEPS, MEANS), "what")
    check_digest(arguments.evidence, "evidence")
    if (arguments.what == MEANS) != (context.role == FINANCE):
        raise Refused("not-attestable", f"a {context.role} does not attest {arguments.what}")
    if aid.stage not in (APPLIED, GRANTED):
        raise Refused("application-closed", f"aid {key} is {aid.stage}")
    if arguments.what in aid.attested:
        raise Refused("attested-already", f"{arguments.what} of aid {key} is attested")
    evidence = (*aid.evidence, arguments.evidence)
    attested = msgspec.structs.replace(aid, attested=(*aid.attested, arguments.what), evidence=evidence)
    state.put(AIDS, key, attested)
    return [aid_event("aid-attested", _of(key), aid, what=arguments.what, member=context.member)]


def _review(state: State, arguments: OfAid, _context: Context) -> list[Event]:
    """The rules decide. Refuses `condition-open` until diagnosis and means are attested, `application-closed`."""
    key, aid = get_aid(state, arguments.psn_no, arguments.year, arguments.sequence)
    LIFE.check("review", aid.stage, f"aid {key}")
    missing = [what for what in NEEDED if what not in aid.attested]
    if missing:
        raise Refused("condition-open", f"{' and '.join(missing)} of aid {key} are not attested")
    left_fen = compute_left_fen(state, *get_standing(state, arguments.psn_no, arguments.year, arguments.sequence))
    before = state.get(AID_YEARS, arguments.psn_no) or AidYear(0)
    grant_fen, reason = compute_grant(left_fen, before.granted_fen, get_rules(state))
    due.clear(state, aid.lapse_on, LAPSE, key)
    after = msgspec.structs.replace(aid, lapse_on=0, left_fen=left_fen, reason=reason)
    if grant_fen:
        return _grant(state, arguments, after, grant_fen, "review")
    stage = LIFE.move("review", aid.stage, f"aid {key}", REFUSED)
    state.put(AIDS, key, msgspec.structs.replace(after, stage=stage))
    return [aid_event("aid-refused", arguments, after, reason=reason)]


def _grant(state: State, of: OfAid, aid: Aid, grant_fen: int, operation: str) -> list[Event]:
    key, settlement = get_standing(state, of.psn_no, of.year, of.sequence)
    assert settlement, "it stands"
    stage = LIFE.move(operation, aid.stage, f"aid {key}", GRANTED)
    before = state.get(AID_YEARS, of.psn_no) or AidYear(0)
    state.put(AID_YEARS, of.psn_no, AidYear(before.granted_fen + grant_fen))
    granted = msgspec.structs.replace(
        aid, stage=stage, granted_fen=grant_fen, tranches=cut(grant_fen, get_rules(state)), reason=""
    )
    state.put(AIDS, key, granted)
    return [aid_event("aid-granted", of, granted, amount_fen=grant_fen, tranches=len(granted.tranches))]


def _appeal(state: State, said: Appeal, pseudonym: str, _context: Context) -> list[Event]:
    key, aid = get_aid(state, pseudonym, said.year, said.sequence)
    check_choice(said.reason, APPEALS, "reason")
    stage = LIFE.move("appeal", aid.stage, f"aid {key}")
    state.put(AIDS, key, msgspec.structs.replace(aid, stage=stage))
    return [aid_event("aid-appealed", _of(key), aid, reason=said.reason)]


def _decide_appeal(state: State, arguments: DecideAppeal, _context: Context) -> list[Event]:
    """By the finance office, which did not review it: up to what is left and the year's cap. Refuses `over-cap`."""
    key, aid = get_aid(state, arguments.psn_no, arguments.year, arguments.sequence)
    LIFE.check("decide_appeal", aid.stage, f"aid {key}")
    check_amount(arguments.amount_fen, "amount_fen")
    of = _of(key)
    if not arguments.amount_fen:
        stage = LIFE.move("decide_appeal", aid.stage, f"aid {key}", CLOSED)
        state.put(AIDS, key, msgspec.structs.replace(aid, stage=stage))
        return [aid_event("aid-appeal-refused", of, aid)]
    left_fen = compute_left_fen(state, *get_standing(state, arguments.psn_no, arguments.year, arguments.sequence))
    before = state.get(AID_YEARS, arguments.psn_no) or AidYear(0)
    room_fen = min(left_fen, get_rules(state).cap_fen - before.granted_fen)
    if arguments.amount_fen > room_fen:
        raise Refused("over-cap", f"at most {max(0, room_fen)} fen can be granted on {key}")
    return _grant(state, of, aid, arguments.amount_fen, "decide_appeal")


def _report_effect(state: State, arguments: ReportEffect, _context: Context) -> list[Event]:
    """The end of an application: everything that is ever paid of it is paid. Refuses `condition-open`."""
    key, aid = get_aid(state, arguments.psn_no, arguments.year, arguments.sequence)
    check_choice(arguments.effect, EFFECTS, "effect")
    stage = LIFE.move("report_effect", aid.stage, f"aid {key}")
    if not all(tranche.paid_on for tranche in aid.tranches):
        raise Refused("condition-open", f"a part of aid {key} is not paid yet")
    state.put(AIDS, key, msgspec.structs.replace(aid, stage=stage, effect=arguments.effect))
    return [aid_event("aid-effect-reported", _of(key), aid, effect=arguments.effect, amount_fen=aid.granted_fen)]


def _lapse(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung when nobody has decided it in time."""
    if not due.take(state, arguments, LAPSE, context):
        return []
    of = _of(arguments.key)
    key, aid = get_aid(state, of.psn_no, of.year, of.sequence)
    stage = LIFE.move("lapse", aid.stage, f"aid {key}")
    state.put(AIDS, key, msgspec.structs.replace(aid, stage=stage, lapse_on=0))
    return [aid_event("aid-lapsed", of, aid)]


def _find_treating(state: StateReader, of: OfAid | Attest | ReportEffect) -> tuple[str, ...]:
    if state.get(AIDS, f"{of.psn_no}/{of.year}/{of.sequence:06d}") is None:
        return ()
    return find_treating(state, of.psn_no, of.year, of.sequence)


def _aid(state: StateReader, asked: OfAid, _reader: Reader) -> Aid:
    return get_aid(state, asked.psn_no, asked.year, asked.sequence)[1]


_OF_TREATING = Whose(_find_treating, owner="who acts for the hospital of the settlement")
_READERS = among(BUREAU, REGULATOR, FINANCE)

CONTRACT = Contract(
    "aid",
    1,
    (
        Operation("adopt_rules", AdoptRules, frozenset((VOTE, GENESIS)), _adopt_rules),
        APPLY.operation(_apply),
        Operation("attest", Attest, among(HOSPITAL, FINANCE), _attest, _OF_TREATING.or_of(FINANCE)),
        Operation("review", OfAid, BY_BUREAU, _review),
        APPEAL.operation(_appeal),
        Operation("decide_appeal", DecideAppeal, among(FINANCE), _decide_appeal),
        Operation("report_effect", ReportEffect, among(HOSPITAL), _report_effect, _OF_TREATING),
        Operation("lapse", Ring, SUPERVISORS, _lapse),
        *PAYMENTS,
    ),
    (
        Query(
            "get",
            OfAid,
            _READERS | {HOSPITAL},
            _aid,
            _OF_TREATING.or_of(*_READERS),
            RowOf(AIDS, lambda asked: f"{asked.psn_no}/{asked.year}/{asked.sequence:06d}", _of),
        ),
    ),
    lives=(LIFE, URGENT_LIFE),
    founding=0,
)
