"""Evidence against members that lied: two conflicting votes of one, recorded once; a report that proves nothing is
charged to whoever made it."""

from __future__ import annotations

import msgspec

from consortium.core import registry
from consortium.core.codec import Malformed
from consortium.core.contract import Context, Event, Refused, State, Table
from consortium.core.evidence import Evidence, check_conflict, is_signed_by


class Conviction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by culprit and epoch: the first pair that was reported, by whom, and where it stands."""

    kind: str
    view: int
    vote_height: int
    evidence: Evidence
    reported_by: str
    height: int


class Charge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by member: how often it reported what proves nothing, and why the last one did not."""

    count: int
    why: str
    height: int


CONVICTIONS: Table[Conviction] = Table("governance.conviction", Conviction)
CHARGES: Table[Charge] = Table("governance.charge", Charge)


def conviction_key(culprit: str, epoch: int) -> str:
    return f"{culprit}/{epoch:08d}"


def report_evidence(state: State, arguments: Evidence, context: Context) -> list[Event]:
    culprit = arguments.first.sender
    rules = state.get(registry.RULES, registry.ONLY)
    if rules is None:
        raise Refused("no-registry", "this chain has no registry of members")
    try:
        vote = check_conflict(arguments, context.chain, rules.suite)
    except Malformed as error:
        raise _charged(state, context, str(error)) from None
    epoch = state.get(registry.EPOCHS, registry.epoch_key(vote.epoch))
    key = None if epoch is None or not epoch.is_validator(culprit) else epoch.key(culprit, "vote")
    if key is None:
        raise _charged(state, context, "the sender of the statements was no validator in their epoch")
    where = conviction_key(culprit, vote.epoch)
    if state.get(CONVICTIONS, where) is not None:
        raise Refused("evidence-known", "a lie of this member in this epoch is recorded already")
    if not is_signed_by(arguments, key, rules.suite):
        raise _charged(state, context, "a signature is not that of the member named")
    conviction = Conviction(vote.kind, vote.view, vote.height, arguments, context.member, context.height)
    state.put(CONVICTIONS, where, conviction)
    fields: dict[str, int | str] = {"culprit": culprit, "vote": vote.kind, "epoch": vote.epoch, "view": vote.view}
    return [Event("member-convicted", {**fields, "vote_height": vote.height})]


def _charged(state: State, context: Context, why: str) -> Refused:
    """The refusal, with the charge that outlives it."""
    before = state.get(CHARGES, context.member)
    state.put(CHARGES, context.member, Charge(1 if before is None else before.count + 1, why, context.height))
    return Refused("evidence-forged", f"{why}; it is charged to {context.member}", keeps_writes=True)
