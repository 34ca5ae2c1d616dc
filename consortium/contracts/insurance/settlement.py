"""Settlement 费用结算: adjudicate a bill with no hands, pay it from the right fund, reverse strictly
last-in-first-out.

The journal of a person-year is append-only (journal.py). A reversal negates the stored amounts and restores
accumulators, funds, bill and trace codes. The order of claims changes money; the invariants
`medfee_sumamt` = `fund_pay_sumamt` + `psn_pay` and `psn_pay` = `acct_pay` + `cash_payamt` hold in any order.
"""

from __future__ import annotations

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.insurance.bill import OF_ISSUER
from consortium.contracts.insurance.claim import Claim, IssueAndClaim, claim, issue_and_claim
from consortium.contracts.insurance.institution import OF_INSTITUTION
from consortium.contracts.insurance.insurance_year import CloseYear, ReopenYear, close_year, reopen_year
from consortium.contracts.insurance.journal import settlement_key
from consortium.contracts.insurance.month_totals import count_month
from consortium.contracts.insurance.payable import (
    LIFE,
    ConfirmLines,
    ReportMismatch,
    confirm_lines,
    release,
    report_mismatch,
)
from consortium.contracts.insurance.payout import get_payout_account
from consortium.contracts.insurance.reversal import OF_PAID, Reverse, reverse
from consortium.contracts.insurance.settlement_queries import QUERIES
from consortium.contracts.oversight.due import Ring
from consortium.core.contract import VOTE, Context, Contract, Event, Operation, State, StateReader
from consortium.core.versions import get_versions

__all__ = [
    "CONTRACT",
    "Claim",
    "CloseYear",
    "ConfirmLines",
    "IssueAndClaim",
    "ReopenYear",
    "ReportMismatch",
    "Reverse",
]


def are_caps_joint(state: StateReader, context: Context) -> bool:
    """Whether this height pays claims by version 1: for other contracts that settle, so that all claims of a block are
    paid by one rule."""
    return get_versions(state).at("settlement", context.height) == 1


def are_records_read(state: StateReader, context: Context) -> bool:
    """Whether at this height records of the ledger tell what is off site, and months are counted: from version 3 on."""
    return get_versions(state).at("settlement", context.height) >= 3


def _claim(state: State, arguments: Claim, context: Context) -> list[Event]:
    events = claim(state, arguments, context, is_joint=False, by_records=True)
    count_month(state, events, context)
    return events


def _issue_and_claim(state: State, arguments: IssueAndClaim, context: Context) -> list[Event]:
    events = issue_and_claim(state, arguments, context, is_joint=False, by_records=True)
    count_month(state, events, context)
    return events


def _reverse(state: State, arguments: Reverse, context: Context) -> list[Event]:
    events = reverse(state, arguments, context)
    if not get_payout_account(state, settlement_key(arguments.psn_no, arguments.year, arguments.sequence)):
        count_month(state, events, context)
    return events


def _report_mismatch(state: State, arguments: ReportMismatch, context: Context) -> list[Event]:
    events = report_mismatch(state, arguments, context)
    count_month(state, events, context)
    return events


def _claim_by_word(state: State, arguments: Claim, context: Context) -> list[Event]:
    """As version 2 did: that care is off site is the claimant's word."""
    return claim(state, arguments, context, is_joint=False, by_records=False)


def _issue_and_claim_by_word(state: State, arguments: IssueAndClaim, context: Context) -> list[Event]:
    """As version 2 did: that care is off site is the claimant's word."""
    return issue_and_claim(state, arguments, context, is_joint=False, by_records=False)


def _claim_jointly(state: State, arguments: Claim, context: Context) -> list[Event]:
    """As version 1 did: what a person used under one scheme counts under the other, too."""
    return claim(state, arguments, context, is_joint=True, by_records=False)


def _issue_and_claim_jointly(state: State, arguments: IssueAndClaim, context: Context) -> list[Event]:
    """As version 1 did: what a person used under one scheme counts under the other, too."""
    return issue_and_claim(state, arguments, context, is_joint=True, by_records=False)


_ALWAYS = (
    Operation("confirm_lines", ConfirmLines, SUPERVISORS, confirm_lines),
    Operation("release", Ring, SUPERVISORS, release),
    Operation("close_year", CloseYear, BY_BUREAU | {VOTE}, close_year),
    Operation("reopen_year", ReopenYear, frozenset((VOTE,)), reopen_year),
)
_UNCOUNTED = (
    Operation("reverse", Reverse, BY_PROVIDERS | BY_BUREAU, reverse, OF_PAID),
    Operation("report_mismatch", ReportMismatch, SUPERVISORS, report_mismatch),
    *_ALWAYS,
)
JOINT_CAPS = Contract(
    "settlement",
    1,
    (
        Operation("claim", Claim, BY_PROVIDERS, _claim_jointly, OF_ISSUER),
        Operation("issue_and_claim", IssueAndClaim, BY_PROVIDERS, _issue_and_claim_jointly, OF_INSTITUTION),
        *_UNCOUNTED,
    ),
    QUERIES,
    (LIFE,),
)
BY_WORD = Contract(
    "settlement",
    2,  # caps and burdens of each scheme apart
    (
        Operation("claim", Claim, BY_PROVIDERS, _claim_by_word, OF_ISSUER),
        Operation("issue_and_claim", IssueAndClaim, BY_PROVIDERS, _issue_and_claim_by_word, OF_INSTITUTION),
        *_UNCOUNTED,
    ),
    QUERIES,
    (LIFE,),
)
CONTRACT = Contract(
    "settlement",
    3,  # off site by filings and referrals of the ledger; the months of institutions are counted
    (
        Operation("claim", Claim, BY_PROVIDERS, _claim, OF_ISSUER),
        Operation("issue_and_claim", IssueAndClaim, BY_PROVIDERS, _issue_and_claim, OF_INSTITUTION),
        Operation("reverse", Reverse, BY_PROVIDERS | BY_BUREAU, _reverse, OF_PAID),
        Operation("report_mismatch", ReportMismatch, SUPERVISORS, _report_mismatch),
        *_ALWAYS,
    ),
    QUERIES,
    (LIFE,),
    older=(JOINT_CAPS, BY_WORD),
    founding=2,
)
