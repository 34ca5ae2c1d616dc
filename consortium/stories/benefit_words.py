"""A settlement as its patient reads it: one amount a row, what it is, and why it is so much."""

from __future__ import annotations

from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.channels import SHARE_PAYMENTS
from consortium.contracts.insurance.journal import Settlement
from consortium.contracts.insurance.lines import Line, summarise
from consortium.contracts.insurance.policy import item_on
from consortium.contracts.insurance.second_claims import SECOND_CLAIMS
from consortium.core.contract import StateReader
from consortium.core.words import Words, mark
from consortium.stories.plain import yuan
from consortium.stories.reasons import Reason
from consortium.stories.story import Column, Section, Seen

Row = tuple[str, str, str]
OFFSITE = {
    "filed": mark("elsewhere, as filed"),
    "referral": mark("elsewhere, by referral"),
    "unfiled": mark("elsewhere, without a filing"),
}
CLASSES = {"A": "甲", "B": "乙", "C": "丙"}
CHANNELS = {
    "cash": mark("in cash"),
    "bank-card": mark("by card"),
    "mobile": mark("by telephone"),
    "family-account": mark("from a relative's account"),
}


def tell_benefit(seen: Seen, key: str, entry: Settlement, reason: Reason | None) -> Section:
    """From what was billed to what is paid by whom."""
    words, amounts = seen.words, entry.amounts
    rows = [*_scope(words, amounts), *_funds(words, amounts, reason), *_own(seen, key, amounts)]
    columns = (Column(words("what")), Column(words("yuan"), is_number=True), Column(words("why")))
    return Section(words("who pays what of it"), columns, rows)


def _scope(words: Words, amounts: Amounts) -> list[Row]:
    rows = [
        (words("billed"), amounts.medfee_sumamt, ""),
        (words("not insured"), -amounts.fulamt_ownpay_amt, words("class 丙, or in no catalogue: you pay all of it")),
        (
            words("above price limits"),
            -amounts.overlmt_selfpay,
            words("what an item costs more than its limit: you pay"),
        ),
        (
            words("own share of class 乙"),
            -amounts.preselfpay_amt,
            words("a share of class 乙 is yours before all else"),
        ),
        (words("what the insurance counts"), amounts.inscp_amt, ""),
    ]
    return [(what, yuan(fen), why) for what, fen, why in rows if fen]


def _funds(words: Words, amounts: Amounts, reason: Reason | None) -> list[Row]:
    rows = [
        (words("deductible"), -amounts.act_pay_dedc, _deductible(words, reason)),
        (words("pooled fund"), amounts.hifp_pay, _pool(words, reason)),
        (words("large-amount subsidy"), amounts.hifob_pay, _large(words, reason)),
        (
            words("serious-illness insurance"),
            amounts.hifmi_pay,
            words("on what you bore in this year") if reason else "",
        ),
        (words("medical aid"), amounts.maf_pay, _aid(words, reason)),
        (words("all funds together"), amounts.fund_pay_sumamt, ""),
    ]
    return [(what, yuan(fen), why) for what, fen, why in rows if fen]


def _own(seen: Seen, key: str, amounts: Amounts) -> list[Row]:
    words, state = seen.words, seen.ledger.reader
    rows = [(words("you pay"), yuan(amounts.psn_pay), words("billed, less what the funds pay"))]
    if amounts.acct_pay:
        rows.append((words("from your account"), yuan(amounts.acct_pay), words("as much as it holds")))
    if amounts.cash_payamt:
        rows.append((words("by yourself"), yuan(amounts.cash_payamt), _means(words, state, key)))
    second = state.get(SECOND_CLAIMS, key)
    if second is not None:
        told = words("policy {no}: {stage}", no=second.policy_no, stage=second.stage)
        rows.append((words("your insurer gives back"), yuan(second.benefit_fen), told))
    return rows


def _means(words: Words, state: StateReader, key: str) -> str:
    """By which means, where it is recorded."""
    paid = state.get(SHARE_PAYMENTS, key)
    if paid is None:
        return ""
    return ", ".join(f"{yuan(part.amount_fen)} {words(CHANNELS[part.channel])}" for part in paid.parts)


# --- why ------------------------------------------------------------------------------------------------------------


def _deductible(words: Words, reason: Reason | None) -> str:
    if reason is None:
        return ""
    if not reason.terms.is_inpatient:
        return words(
            "the first {yuan} of a visit at level {level}", yuan=yuan(reason.deductible_fen), level=reason.terms.level
        )
    if reason.used.stays:
        return words(
            "the first {yuan} of a stay at level {level}: less from the second of the year on",
            yuan=yuan(reason.deductible_fen),
            level=reason.terms.level,
        )
    return words(
        "the first {yuan} of a stay at level {level}", yuan=yuan(reason.deductible_fen), level=reason.terms.level
    )


def _pool(words: Words, reason: Reason | None) -> str:
    if reason is None:
        return ""
    told = words("{share} of the {yuan} behind the deductible", share=percent(reason.ratio), yuan=yuan(reason.base_fen))
    if reason.terms.is_retired:
        told = words("{told}, with the points of the retired", told=told)
    if reason.terms.offsite:
        told = words("{told}; treated {where}", told=told, where=words(OFFSITE[reason.terms.offsite]))
    return words("{told}; up to the limit of the year", told=told) if reason.is_capped else told


def _large(words: Words, reason: Reason | None) -> str:
    if reason is None:
        return ""
    share = percent(reason.terms.scheme.hifob_ratio_bp * 10_000)
    return words("{share} of what lies above the pool's limit", share=share)


def _aid(words: Words, reason: Reason | None) -> str:
    if reason is None:
        return ""
    return words("{share} of what is left, at most {yuan} a year",
                 share=percent(reason.pack.maf_ratio_bp * 10_000), yuan=yuan(reason.pack.maf_cap_fen))  # fmt: skip


def percent(ratio: int) -> str:
    """`59.5 %` of 59,500,000: nothing is rounded."""
    whole, rest = divmod(ratio, 10**6)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".") + " %"


# --- lines ----------------------------------------------------------------------------------------------------------


def tell_lines(seen: Seen, lines: tuple[Line, ...], day: int) -> Section:
    """Each line with its class, and what of it the insurance counts, by the catalogue of the last day of service."""
    words, state = seen.words, seen.ledger.reader
    columns = (
        Column(words("item")),
        Column(words("class")),
        Column(words("count"), is_number=True),
        Column(words("price"), is_number=True),
        Column(words("yuan"), is_number=True),
        Column(words("not insured"), is_number=True),
        Column(words("above price limits"), is_number=True),
        Column(words("own share"), is_number=True),
        Column(words("counted"), is_number=True),
    )
    rows = []
    for line in lines:
        item, sums = item_on(state, line.med_list_codg, day), summarise(state, (line,), day)[0]
        rows.append(
            (
                line.med_list_codg,
                CLASSES[item.chrgitm_lv] if item is not None else "-",
                str(line.cnt),
                yuan(line.pric),
                *(yuan(fen) for fen in sums.by_class),
            )
        )
    return Section(words("line by line"), columns, rows)
