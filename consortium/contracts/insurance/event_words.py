"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "bill-numbered": mark("{fixmedins_code} reserves the number of bill {bill_no}"),
    "bill-issued": mark("bill {bill_no} of {medfee_sumamt} is issued, for {begndate} to {enddate}"),
    "bill-delivered": mark("bill {bill_no} is delivered to the patient"),
    "bill-verified": mark("bill {bill_no} is verified"),
    "bill-collected": mark("bill {bill_no} is collected"),
    "bill-reversed": mark("bill {bill_no} is cancelled by the red-letter bill {red_bill_no}: {reason}"),
    "settled": mark(
        "bill {bill_no} of {medfee_sumamt} is settled as claim {psn_no}/{year}/{sequence}: the funds pay "
        "{fund_pay_sumamt}, the personal account {acct_pay}, the patient {cash_payamt} in cash"
    ),
    "settlement-reversed": mark("the claim on bill {bill_no} is reversed (entry {psn_no}/{year}/{sequence})"),
    "patient-claimed": mark("the patient claims on bill {bill_no}, paid in cash"),
    "patient-claim-declined": mark("the patient's claim on bill {bill_no} is declined: {reason}"),
    "lines-confirmed": mark("{member} confirms the lines of bill {bill_no}"),
    "lines-mismatch": mark("{member} says that the lines of bill {bill_no} differ: {what}"),
    "payable-released": mark("{amount_fen} that waited for {day} become payable to {fixmedins_code}"),
    "movement": mark("{amount_fen} from {source} to {target} ({cause})"),
    "fund-opened": mark("{fund} is opened"),
    "transfer-proposed": mark("{member} proposes the transfer {transfer_id}"),
    "transfer-endorsed": mark("{member} endorses the transfer {transfer_id}"),
    "transfer-withdrawn": mark("{member} withdraws the transfer {transfer_id}"),
    "institution-signed": mark("{fixmedins_code} is a designated institution; {member} acts for it"),
    "institution-suspended": mark("{fixmedins_code} is suspended: {reason}"),
    "institution-resumed": mark("{fixmedins_code} is designated again: {reason}"),
    "institution-terminated": mark("the designation of {fixmedins_code} ends: {reason}"),
    "enrolled": mark("{psn_no} is enrolled"),
    "change-proposed": mark("{proposer} proposes the change {change_id} of the enrolment of {psn_no}"),
    "enrolment-changed": mark("the enrolment of {psn_no} changes by {change_id}: {endorser} endorses {proposer}"),
    "change-withdrawn": mark("the change {change_id} of the enrolment of {psn_no} is withdrawn"),
    "policy-adopted": mark("the policy pack {label} is adopted, from {from_day} on"),
    "items-listed": mark("{items} items are listed in the catalogue, {first} first"),
    "drg-group-set": mark("the DRG group {drg_group} weighs {weight_bp} basis points from {from_day} on"),
    "dip-group-set": mark(
        "a case of the DIP group {dip_group} has {points_hundredths} hundredths of a point from {from_day} on"
    ),
    "dip-rule-set": mark(
        "for cases of {insutype} in {year} the budget is {budget_fen}, a point at most {value_max_fen}"
    ),
    "dip-case-grouped": mark(
        "{psn_no}/{year}/{sequence} of {fixmedins_code} is a case of {dip_group}: {points_millionths} millionths "
        "of a point"
    ),
    "dip-case-regrouped": mark(
        "{psn_no}/{year}/{sequence} of {fixmedins_code} is a case of {dip_group} after all: "
        "{points_millionths} millionths of a point"
    ),
    "dip-case-taken-back": mark("the case {psn_no}/{year}/{sequence} of {fixmedins_code} counts no more"),
    "dip-due": mark("for {period} {fixmedins_code} is due {due_fen} by its points, {more_fen} more than it was owed"),
    "dip-settled": mark("cases of {insutype} in {period} are due {due_fen} in all; a point is worth {point_fen}"),
    "year-closed": mark("the insurance year {year} is closed"),
    "second-policy-registered": mark("{insurer} registers the policy {policy_no} over {psn_no}"),
    "second-claimed": mark(
        "the patient claims on {psn_no}/{year}/{sequence} under the policy {policy_no}: it pays {benefit_fen}"
    ),
    "second-claim-paid": mark("{insurer} pays {benefit_fen} on {psn_no}/{year}/{sequence} under {policy_no}"),
    "second-claim-declined": mark("{insurer} declines {psn_no}/{year}/{sequence} under {policy_no}: {reason}"),
    "second-claim-reversed": mark(
        "the claim on {psn_no}/{year}/{sequence} under {policy_no} falls with its settlement: {benefit_fen} go back"
    ),
    "institution-placed": mark("{fixmedins_code} lies in the region {region}"),
    "person-placed": mark("{psn_no} is at home in the region {region}"),
    "offsite-filed": mark("{psn_no} is filed for the region {region}, for stays from {from_day} to {to_day}: {why}"),
    "offsite-referred": mark("{by} refers {psn_no} to the region {region}, until {to_day}: {why}"),
    "offsite-withdrawn": mark("what {psn_no} was filed for in the region {region} ends before {to_day}"),
    "month-ended": mark("the month {month} of {fixmedins_code} ends: {settled} settled, {owed_fen} owed"),
    "books-agreed": mark("the books of {fixmedins_code} for {month} agree with the ledger: {owed_fen} owed"),
    "books-differ": mark("the books of {fixmedins_code} for {month} differ from the ledger in {figures}"),
    "month-closed": mark("the month {month} of {fixmedins_code} is closed: {reason}"),
    "debt-demanded": mark("{amount_fen} are demanded of {fixmedins_code} by {due_on} (debt {debt_no}): {reason}"),
    "debt-repaid": mark("{amount_fen} of the debt {debt_no} of {fixmedins_code} come back"),
    "debt-settled": mark("the debt {debt_no} of {fixmedins_code} is settled; {amount_fen} came back"),
    "write-off-proposed": mark("{member} proposes to write off {amount_fen} of the debt {debt_no} of {fixmedins_code}"),
    "debt-written-off": mark("{amount_fen} of the debt {debt_no} of {fixmedins_code} are written off"),
    "agreement-offered": mark("an agreement for {year} is offered to {fixmedins_code}"),
    "agreement-accepted": mark("{fixmedins_code} accepts the agreement for {year}"),
    "month-judged": mark("the month {month} of {fixmedins_code} is judged by its agreement: {verdict}"),
    "premium-rule-set": mark("{insutype} care from {from_day} on asks for a premium, up to {months_back} months late"),
    "share-paid": mark("the patient pays {amount_fen} of {psn_no}/{year}/{sequence} to {fixmedins_code}: {channels}"),
    "share-returned": mark("{fixmedins_code} gives {amount_fen} of {psn_no}/{year}/{sequence} back: {channels}"),
    "channel-reconciled": mark(
        "{channel} payments of {fixmedins_code} on {day}: {amount_fen} on the ledger, {stated_fen} stated ({stage})"
    ),
    "year-reopened": mark("the insurance year {year} is open again"),
}
