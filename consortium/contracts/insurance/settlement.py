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
from consortium.contracts.insurance.payable import (
    LIFE,
    ConfirmLines,
    ReportMismatch,
    confirm_lines,
    release,
    report_mismatch,
)
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


def _claim(state: State, arguments: Claim, context: Context) -> list[Event]:
    return claim(state, arguments, context, is_joint=False)


def _issue_and_claim(state: State, arguments: IssueAndClaim, context: Context) -> list[Event]:
    return issue_and_claim(state, arguments, context, is_joint=False)


def _claim_jointly(state: State, arguments: Claim, context: Context) -> list[Event]:
    """As version 1 did: what a person used under one scheme counts under the other, too."""
    return claim(state, arguments, context, is_joint=True)


def _issue_and_claim_jointly(state: State, arguments: IssueAndClaim, context: Context) -> list[Event]:
    """As version 1 did: what a person used under one scheme counts under the other, too."""
    return issue_and_claim(state, arguments, context, is_joint=True)


_OTHERS = (
    Operation("reverse", Reverse, BY_PROVIDERS | BY_BUREAU, reverse, OF_PAID),
    Operation("confirm_lines", ConfirmLines, SUPERVISORS, confirm_lines),
    Operation("report_mismatch", ReportMismatch, SUPERVISORS, report_mismatch),
    Operation("release", Ring, SUPERVISORS, release),
    Operation("close_year", CloseYear, BY_BUREAU | {VOTE}, close_year),
    Operation("reopen_year", ReopenYear, frozenset((VOTE,)), reopen_year),
)
JOINT_CAPS = Contract(
    "settlement",
    1,
    (
        Operation("claim", Claim, BY_PROVIDERS, _claim_jointly, OF_ISSUER),
        Operation("issue_and_claim", IssueAndClaim, BY_PROVIDERS, _issue_and_claim_jointly, OF_INSTITUTION),
        *_OTHERS,
    ),
    QUERIES,
    (LIFE,),
)
CONTRACT = Contract(
    "settlement",
    2,  # caps and burdens of each scheme apart
    (
        Operation("claim", Claim, BY_PROVIDERS, _claim, OF_ISSUER),
        Operation("issue_and_claim", IssueAndClaim, BY_PROVIDERS, _issue_and_claim, OF_INSTITUTION),
        *_OTHERS,
    ),
    QUERIES,
    (LIFE,),
    older=(JOINT_CAPS,),
)
