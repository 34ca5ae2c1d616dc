"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "hold-placed": mark("{member} holds {account}: {why} of {record}"),
    "hold-lift-asked": mark("{member} asks for the end of the hold on {account}: {why} of {record}"),
    "hold-lifted": mark("the hold on {account} for {why} of {record} ends; {holds_left} are left"),
    "finding-reported": mark(
        "{member} reports {rule} of {fixmedins_code} (finding {finding_no}, {amount_fen}); answer by {term_on}"
    ),
    "finding-answered": mark("{fixmedins_code} answers the finding {finding_no} ({rule}): {stance}, {reason}"),
    "finding-decided": mark(
        "the finding {finding_no} on {fixmedins_code} ({rule}) is decided: {outcome}, {due_fen} to come back; {ground}"
    ),
    "finding-appealed": mark("{member} appeals for {fixmedins_code} against the finding {finding_no} ({rule})"),
    "appeal-judged": mark(
        "the appeal of {fixmedins_code} on {finding_no} ({rule}) is judged: {outcome}, {due_fen} to come back; {ground}"
    ),
    "finding-final": mark(
        "nobody appealed: the finding {finding_no} on {fixmedins_code} is final, {due_fen} come back"
    ),
    "finding-recovered": mark("{recovered_fen} come back from {fixmedins_code} by the finding {finding_no} ({rule})"),
    "incident-reported": mark(
        "{member} reports the incident {incident_no} ({what}, severity {severity}); it is told to others by {term_on}"
    ),
    "incident-notified": mark("{member} tells {audience} of the incident {incident_no}: {told} were told"),
    "incident-extended": mark("{member} gives the incident {incident_no} time until {term_on}"),
    "incident-closed": mark("{member} closes the incident {incident_no}: {outcome}"),
    "notice": mark("notice of {record}: {why}"),
}
