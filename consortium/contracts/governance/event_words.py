"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "proposal-made": mark("proposal {proposal_id}: {action} {name}"),
    "proposal-rejected": mark("proposal {proposal_id} is rejected by {no} votes"),
    "call-executed": mark("the call of proposal {proposal_id} is executed, by {yes} votes"),
    "call-refused": mark("the call of proposal {proposal_id} is refused, {code}: {sentence}"),
    "rules-change": mark(
        "{contract} follows its version {version} from height {from_height} on, by {yes} votes for {proposal_id}"
    ),
    "parameters-change": mark("the parameters change by proposal {proposal_id}: {tuning} ({yes} votes)"),
    "members-change": mark("the members change by proposal {proposal_id}: {name} ({yes} votes)"),
    "key-revoked": mark("the {purpose} key of {name} signs nothing any more"),
    "key-recovered": mark("{name} has a new voting key by its recovery key"),
    "application-registered": mark("{member} registers its application {name}, which may {may}"),
    "application-revoked": mark("{member} revokes its application {name}"),
    "shadow-begun": mark("{fixmedins_code} is in shadow from {day} on: the ledger computes and pays nothing"),
    "gone-live": mark(
        "{fixmedins_code} is live from {day} on; {written_off_fen} that the old system paid are written off"
    ),
    "member-convicted": mark("{culprit} lied: two {vote} votes at height {vote_height}, view {view}, epoch {epoch}"),
}
