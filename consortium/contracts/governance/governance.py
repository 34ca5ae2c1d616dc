"""Who belongs to the consortium, by which parameters it runs and by which rules it settles: proposals, votes, recovery
of lost votes; and evidence against members that lied.

The validators of a height decide: a proposal passes with a quorum of their voices, one a member. It becomes a change in
the registry (core/registry.py), active from the next activation on; or a rule that changes (`rule_changes.py`). Whoever
can show two conflicting votes of a member has it recorded, once; who shows what proves nothing is charged with it.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import (
    check_choice,
    check_identifier,
    check_range,
    check_reason,
)
from consortium.contracts.governance.convictions import report_evidence
from consortium.contracts.governance.governance_rules import (
    ADMIT,
    APPOINT,
    REKEY,
    REMOVE,
    TUNE,
    check_fit,
    check_fresh_keys,
    check_recovery,
    check_strength,
    check_tuning,
    future_members,
    sorted_keys,
)
from consortium.contracts.governance.rule_changes import (
    CALL,
    UPGRADE,
    carry_out,
    check_call,
    check_upgrade,
    decide_upgrade,
)
from consortium.core import registry
from consortium.core.contract import (
    EVERY_MEMBER,
    CanonicalCall,
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Table,
)
from consortium.core.evidence import Evidence
from consortium.core.identity import KINDS, name_fault, needed_fault, role_fault
from consortium.core.membership import Epoch, Member, Purpose

DAY_US = 86_400_000_000
OPEN, PASSED, REJECTED, EXPIRED, FAILED = "open", "passed", "rejected", "expired", "failed"
ACTIONS = (ADMIT, APPOINT, CALL, REKEY, REMOVE, TUNE, UPGRADE)
REASONS = ("", "joins", "leaves", "lost-keys", "renewed-keys", "convicted", "rule-changed", "load")  # of a proposal
_BY_PROPOSER = (CALL, TUNE, UPGRADE)  # what is about no member: `name` is the proposer's


class Propose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of members or rules; who proposes it votes for it. `action` says which fields count.

    admit: `role`, `kind`, `keys` of a name that is no member. appoint: another `kind` for a member. rekey: `keys` that
    take the place of those of the same purposes. remove: nothing more. tune: `tuning`, parameters by name, see
    `core.genesis.TUNABLE`. call: `call`, an operation that permits the role `vote`. upgrade: `version` of `contract`,
    from the next activation on or from `from_height`, whichever is later. Of these three `name` is the proposer's.
    `lowers_f`: the proposer knows that the consortium will survive fewer traitors than now."""

    proposal_id: str
    action: str
    name: str
    role: str = ""
    kind: str = ""
    keys: dict[Purpose, bytes] = {}
    lowers_f: bool = False
    days: int = 7  # until it expires
    reason: str = ""
    tuning: dict[str, int] = {}
    call: CanonicalCall | None = None
    contract: str = ""
    version: int = 0
    from_height: int = 0


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The voice of the member that signs this; it cannot be taken back."""

    proposal_id: str
    approve: bool


class OfProposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks what was proposed, and who has voted."""

    proposal_id: str


class RecoverKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new voting key for the member that signs this, whose votes are lost. `signature`: by its recovery key, over
    `governance_rules.recovery_statement`."""

    vote_key: bytes
    signature: bytes


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its id. `voices`: who said yes or no, in the order in which they said it."""

    proposed: Propose
    proposer: str
    expires_us: int
    voices: tuple[tuple[str, bool], ...]
    status: str


PROPOSALS: Table[Proposal] = Table("governance.proposal", Proposal, told_as="proposal")
LIFE = Life(
    PROPOSALS,
    (
        *(Move("", "propose", status) for status in (OPEN, PASSED, FAILED)),
        *(Move(OPEN, "vote", status) for status in (OPEN, PASSED, REJECTED, EXPIRED, FAILED)),
    ),
    stage="status",
    code="proposal-closed",
)


def _epochs(state: State, context: Context) -> tuple[Epoch, Epoch]:
    """The epoch that decides this height, and the newest."""
    current, newest = registry.epoch_at(state, context.height), registry.newest_epoch(state)
    if current is None or newest is None:
        raise Refused("no-registry", "this chain has no registry of members")
    return current, newest


def _check_validator(epoch: Epoch, context: Context) -> None:
    if not epoch.is_validator(context.member):
        raise Refused("not-a-validator", f"{context.member} is no validator now: only validators decide on members")


# --- proposals and votes --------------------------------------------------------------------------------------------


def _propose(state: State, arguments: Propose, context: Context) -> list[Event]:
    check_identifier(arguments.proposal_id, "proposal_id")
    check_choice(arguments.action, ACTIONS, "action")
    check_fit(name_fault(arguments.name))
    check_range(arguments.days, 1, 90, "days")
    check_reason(arguments.reason, REASONS)
    current, _ = _epochs(state, context)
    _check_validator(current, context)
    known = state.get(PROPOSALS, arguments.proposal_id)
    if known is not None:
        raise Refused("proposal-exists", f"proposal {arguments.proposal_id} is {known.status}; take another id")
    _check_proposed(state, arguments, context)
    expires_us = context.time_us + arguments.days * DAY_US
    event = Event(
        "proposal-made",
        {"proposal_id": arguments.proposal_id, "action": arguments.action, "name": arguments.name},
    )
    proposal = Proposal(arguments, context.member, expires_us, ((context.member, True),), OPEN)
    return [event, *_count(state, proposal, "propose", current, context)]


def _vote(state: State, arguments: Vote, context: Context) -> list[Event]:
    check_identifier(arguments.proposal_id, "proposal_id")
    current, _ = _epochs(state, context)
    _check_validator(current, context)
    proposal = state.get(PROPOSALS, arguments.proposal_id)
    if proposal is None:
        raise Refused("unknown-proposal", f"there is no proposal {arguments.proposal_id}")
    if proposal.status == OPEN and context.time_us > proposal.expires_us:
        state.put(PROPOSALS, arguments.proposal_id, msgspec.structs.replace(proposal, status=EXPIRED))
        raise Refused("proposal-expired", "nobody passed it in time; propose it anew", keeps_writes=True)
    LIFE.check("vote", proposal.status, f"proposal {arguments.proposal_id}")
    if any(name == context.member for name, _ in proposal.voices):
        raise Refused("already-voted", f"{context.member} has voted on {arguments.proposal_id}; a voice is given once")
    voices = (*proposal.voices, (context.member, arguments.approve))
    return _count(state, msgspec.structs.replace(proposal, voices=voices), "vote", current, context)


def _count(state: State, proposal: Proposal, operation: str, current: Epoch, context: Context) -> list[Event]:
    """Passed with a quorum of today's validators; rejected when no quorum can come any more; failed where what passed
    is a call that is refused by now."""
    yes = sum(approve for name, approve in proposal.voices if current.is_validator(name))
    no = sum(not approve for name, approve in proposal.voices if current.is_validator(name))
    identity, status = proposal.proposed.proposal_id, OPEN
    events: list[Event] = []
    if yes >= current.quorum:
        status, events = _carry_out(state, proposal.proposed, yes, context)
    elif no > current.n - current.quorum:
        status = REJECTED
        events = [Event("proposal-rejected", {"proposal_id": identity, "no": no})]
    before = "" if operation == "propose" else OPEN
    after = LIFE.move(operation, before, f"proposal {identity}", status)
    state.put(PROPOSALS, identity, msgspec.structs.replace(proposal, status=after))
    return events


def _check_proposed(state: State, wanted: Propose, context: Context) -> None:
    """Refuses what could not be decided now."""
    if wanted.action in _BY_PROPOSER and wanted.name != context.member:
        raise Refused("bad-name", "whoever proposes other parameters or rules gives its own name")
    if wanted.action == TUNE:
        check_tuning(state, wanted.tuning)
    elif wanted.action == CALL:
        check_call(state, wanted.call, context)
    elif wanted.action == UPGRADE:
        check_upgrade(state, wanted.contract, wanted.version, wanted.from_height, context)
    else:
        _compute_change(state, wanted)


def _carry_out(state: State, wanted: Propose, yes: int, context: Context) -> tuple[str, list[Event]]:
    """A quorum wants it: the proposal's status, and what happened. Members' changes refuse what cannot be any more."""
    identity = wanted.proposal_id
    if wanted.action == CALL:
        try:
            events = carry_out(state, wanted.call, context)
        except Refused as refusal:
            fields: dict[str, int | str] = {"code": refusal.code, "sentence": refusal.sentence, "yes": yes}
            return FAILED, [Event("call-refused", {"proposal_id": identity, **fields})]
        return PASSED, [Event("call-executed", {"proposal_id": identity, "yes": yes}), *events]
    if wanted.action == UPGRADE:
        height = decide_upgrade(state, wanted.contract, wanted.version, wanted.from_height, context)
        where: dict[str, int | str] = {"contract": wanted.contract, "version": wanted.version, "from_height": height}
        return PASSED, [Event("rules-change", {"proposal_id": identity, **where, "yes": yes})]
    return PASSED, _decide(state, wanted, yes)


def _decide(state: State, wanted: Propose, yes: int) -> list[Event]:
    """A quorum wants it: it is active from the next activation on; a submit key that it replaces signs nothing from the
    next block on. Refuses what cannot be any more."""
    if wanted.action == TUNE:
        check_tuning(state, wanted.tuning)
        registry.decide_tuning(state, wanted.tuning)
        names = ", ".join(f"{name}={value}" for name, value in sorted(wanted.tuning.items()))
        return [Event("parameters-change", {"proposal_id": wanted.proposal_id, "tuning": names, "yes": yes})]
    change = _compute_change(state, wanted)
    registry.decide_change(state, change)
    event = Event("members-change", {"proposal_id": wanted.proposal_id, "name": change.name, "yes": yes})
    is_revoked = wanted.action == REKEY and "submit" in wanted.keys
    return [event, *([Event("key-revoked", {"name": change.name, "purpose": "submit"})] if is_revoked else [])]


def _compute_change(state: State, wanted: Propose) -> registry.Change:
    """What the proposal would do to the members as they will be; refuses what cannot be."""
    members = future_members(state)
    member = {each.name: each for each in members}.get(wanted.name)
    if wanted.action == ADMIT:
        change = registry.Change(wanted.name, _newcomer(state, wanted, member))
    elif member is None:
        raise Refused("unknown-member", f"{wanted.name} is no member")
    elif any(waiting.name == wanted.name for waiting in registry.pending_changes(state)):
        raise Refused("change-pending", f"a change of {wanted.name} waits for its activation; propose again after it")
    elif wanted.action == REMOVE:
        change = registry.Change(wanted.name, None)
    elif wanted.action == APPOINT:
        check_choice(wanted.kind, KINDS, "kind")
        if wanted.kind == member.kind:
            raise Refused("no-change", f"{wanted.name} is a {member.kind} already")
        change = registry.Change(wanted.name, _made(member, wanted.kind, member.keys))
    else:
        check_fresh_keys(state, wanted.keys)
        change = registry.Change(wanted.name, _made(member, member.kind, {**member.keys, **wanted.keys}))
    check_strength(members, change, wanted.lowers_f)
    return change


def _newcomer(state: State, wanted: Propose, known: Member | None) -> Member:
    if known is not None:
        raise Refused("member-exists", f"{wanted.name} is a {known.kind} already, or will be; appoint it to be another")
    check_choice(wanted.kind, KINDS, "kind")
    check_fit(role_fault(wanted.role))  # any role: which there are is not the ledger's to know
    check_fresh_keys(state, wanted.keys)
    return _made(Member(wanted.name, wanted.role, "client", {}), wanted.kind, wanted.keys)


def _made(member: Member, kind: str, keys: dict[Purpose, bytes]) -> Member:
    """The member with this kind and these keys, which must be enough for it."""
    check_fit(needed_fault(kind, keys))
    return msgspec.structs.replace(member, kind=kind, keys=sorted_keys(keys))


# --- recovery -------------------------------------------------------------------------------------------------------


def _recover_key(state: State, arguments: RecoverKey, context: Context) -> list[Event]:
    """No vote is asked: the member had said at its admission who may do this. Its bundle's signature is one key, the
    recovery key another, and both are not the one that was lost."""
    member = {each.name: each for each in future_members(state)}.get(context.member)
    if member is None:
        raise Refused("unknown-member", f"{context.member} is no member any more")
    rules = state.get(registry.RULES, registry.ONLY)
    assert rules is not None
    check_recovery(member, context.chain, rules.suite, arguments.vote_key, arguments.signature)
    check_fresh_keys(state, {"vote": arguments.vote_key})
    keys = sorted_keys({**member.keys, "vote": arguments.vote_key})
    registry.decide_change(state, registry.Change(member.name, msgspec.structs.replace(member, keys=keys)))
    return [Event("key-recovered", {"name": member.name})]


def _proposal(state: StateReader, asked: OfProposal, reader: Reader) -> Proposal:
    check_identifier(asked.proposal_id, "proposal_id")
    proposal = state.get(PROPOSALS, asked.proposal_id)
    if proposal is None:
        raise Refused("unknown-proposal", f"there is no proposal {asked.proposal_id}")
    return proposal


CONTRACT = Contract(
    "governance",
    1,
    (
        Operation("propose", Propose, EVERY_MEMBER, _propose),
        Operation("vote", Vote, EVERY_MEMBER, _vote),
        Operation("recover_key", RecoverKey, EVERY_MEMBER, _recover_key),
        Operation("report_evidence", Evidence, EVERY_MEMBER, report_evidence),
    ),
    (Query("proposal", OfProposal, EVERY_MEMBER, _proposal),),
    (LIFE,),
)
