"""What became of every bill of a day, from receipts alone; and what was to be expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import settlement
from consortium.core.contract import NOT_YOURS, Receipt
from consortium.core.machine import Outcome
from consortium.roles.claimant import number_of
from consortium.roles.hospital import HospitalTasks
from consortium.roles.organisation import typed
from consortium.roles.pharmacy import PharmacyTasks
from consortium.roles.work import Work


class DayExpectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Counts that depend on the work alone, not on pseudonyms or order."""

    bills: int
    second_claims: int
    reused_packs: int
    after_change: int


class DayReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`refused`: bills never settled, by the code of their last refusal. `second_refused`: claims on settled bills,
    by code. `undecided`: numbers of bills issued and never claimed."""

    bills: int
    settled: int
    refused: dict[str, int]
    second_refused: dict[str, int]
    undecided: tuple[str, ...]
    medfee_fen: int
    fund_pay_fen: int
    psn_pay_fen: int


def compute_expectation(work: Mapping[str, Work]) -> DayExpectation:
    """Of `Prepared.work`; any pseudonym key gives the same counts."""
    hospitals = [one.of(HospitalTasks) for one in work.values()]
    dispensings = [each for one in work.values() for each in one.of(PharmacyTasks).dispensings]
    visits = [each for tasks in hospitals for each in tasks.visits]
    return DayExpectation(
        bills=len(visits) + len(dispensings),
        second_claims=sum(len(tasks.second_claims) for tasks in hospitals),
        reused_packs=sum(bool(each.after_bill) for each in dispensings),
        after_change=sum(bool(each.after_change) for each in visits),
    )


def day_report(outcomes: Iterable[Outcome]) -> DayReport:
    """Of all executed transactions in ledger order, from height 1 on (genesis has no bills)."""
    last: dict[str, str] = {}  # by bill: "" issued, "settled", or a refusal's code
    second_refused: dict[str, int] = {}
    sums = dict.fromkeys(("medfee_sumamt", "fund_pay_sumamt", "psn_pay"), 0)
    for outcome in outcomes:
        number, is_claim = _bill_of(outcome)
        if not number:
            continue
        code = outcome.receipt.code
        if not is_claim:
            if outcome.receipt.is_ok:
                last[number] = ""
            else:
                last.setdefault(number, code)
        elif outcome.receipt.is_ok:
            last[number] = "settled"
            _add(sums, outcome.receipt)
        elif code == NOT_YOURS or last.get(number) == "settled":  # by a stranger, or once more
            second_refused[code] = second_refused.get(code, 0) + 1
        else:
            last[number] = code
    refused: dict[str, int] = {}
    for state in last.values():
        if state not in ("", "settled"):
            refused[state] = refused.get(state, 0) + 1
    return DayReport(
        bills=len(last),
        settled=sum(state == "settled" for state in last.values()),
        refused=dict(sorted(refused.items())),
        second_refused=dict(sorted(second_refused.items())),
        undecided=tuple(sorted(number for number, state in last.items() if not state)),
        medfee_fen=sums["medfee_sumamt"],
        fund_pay_fen=sums["fund_pay_sumamt"],
        psn_pay_fen=sums["psn_pay"],
    )


def day_faults(report: DayReport, expected: DayExpectation) -> list[str]:
    """Why not every claim of the workload was settled or refused with a reason; empty = all were."""
    faults: list[str] = []
    if report.bills != expected.bills:
        faults.append(f"{report.bills} bills were brought to the ledger, the work list has {expected.bills}")
    if report.undecided:
        more = ", ".join(report.undecided[:3])
        faults.append(f"{len(report.undecided)} bills were neither settled nor refused: {more}, …")
    second = sum(report.second_refused.values())
    if second != expected.second_claims:
        faults.append(f"{second} second claims were refused, {expected.second_claims} were made")
    reused = report.refused.get("trace-code-sold", 0)
    if reused != expected.reused_packs:
        faults.append(f"{reused} reused packs were refused, {expected.reused_packs} were scanned again")
    if report.medfee_fen != report.fund_pay_fen + report.psn_pay_fen:
        faults.append(f"paid {report.fund_pay_fen} + {report.psn_pay_fen} fen on bills of {report.medfee_fen} fen")
    return faults


def _bill_of(outcome: Outcome) -> tuple[str, bool]:
    """The normalised number of the bill that an issue or a claim is about, and whether it is a claim."""
    match outcome.contract, outcome.operation:
        case "bill", "issue":
            issue = typed(outcome, bills.Issue)
            return ("" if issue is None else number_of(issue.bill_no)), False
        case "settlement", "claim":
            claim = typed(outcome, settlement.Claim)
            return ("" if claim is None else number_of(claim.bill_no)), True
        case "settlement", "issue_and_claim":
            both = typed(outcome, settlement.IssueAndClaim)
            return ("" if both is None else number_of(both.bill_no)), True
        case _:
            return "", False


def _add(sums: dict[str, int], receipt: Receipt) -> None:
    for event in receipt.events:
        if event.kind == "settled":
            for name in sums:
                value = event.fields.get(name, 0)
                sums[name] += value if isinstance(value, int) else 0
