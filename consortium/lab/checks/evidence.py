"""Who broke the rules of ordering, and what proves it: two signed statements that no honest member makes both.

double vote  two PRE-PREPAREs, PREPAREs or COMMITs of one epoch, view and height with different digests; in HotStuff two
             different proposals or ballots of one epoch and view
two faces    two NEW-VIEWs of one view, or two CHECKPOINTs of one height with different headers
amnesia      a COMMIT at a height, and a VIEW-CHANGE for a later view whose stable height is below it, without a
             certificate for that height of the COMMIT's view or a later one

If two batches were committed at one height, at least f+1 members did one of these (Sheng et al., BFT protocol
forensics, CCS 2021): two commit certificates of one view share f+1 double voters; of different views, f+1 members of
the first certificate took part in a view change that forgot it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.membership import NodeId
from consortium.core.messages import MessageCodec, Signed, ViewVote
from consortium.core.replies import Reply
from consortium.core.seals import Checkpoint
from consortium.lab.checks.statements import Statement
from consortium.protocols.pbft.messages import Commit, NewView, Prepare, PrePrepare, ViewChange


class Evidence(NamedTuple):
    """`first` and `second` are both signed by `culprit`; `rule` as above."""

    culprit: NodeId
    rule: str
    first: Signed
    second: Signed


def find_evidence(statements: Iterable[Statement], codec: MessageCodec) -> list[Evidence]:
    """At most one piece a member and rule, in order of the culprits' names. The order of the statements is nothing."""
    found: dict[tuple[NodeId, str], Evidence] = {}
    unique: dict[tuple[object, ...], Statement] = {}
    commits: dict[NodeId, list[Statement]] = {}
    changes: dict[NodeId, list[Statement]] = {}
    for statement in statements:
        message, sender = statement.message, statement.signed.sender
        if isinstance(message, Commit):
            commits.setdefault(sender, []).append(statement)
        elif isinstance(message, ViewChange):
            changes.setdefault(sender, []).append(statement)
        place = _place(statement)
        if place is None:
            continue
        first = unique.setdefault((sender, *place), statement)
        if first.signed.body != statement.signed.body:
            rule = "two faces" if isinstance(message, NewView | Checkpoint | Reply) else "double vote"
            found.setdefault((sender, rule), Evidence(sender, rule, first.signed, statement.signed))
    for sender, said in changes.items():
        for change in said:
            forgotten = _forgotten(change, commits.get(sender, ()), codec)
            if forgotten is not None:
                evidence = Evidence(sender, "amnesia", forgotten.signed, change.signed)
                found.setdefault((sender, "amnesia"), evidence)
    return [found[key] for key in sorted(found)]


def _place(statement: Statement) -> tuple[object, ...] | None:
    """Where an honest member speaks once; None for what it may say twice."""
    message, epoch = statement.message, statement.epoch
    if isinstance(message, PrePrepare | Prepare | Commit):
        return (type(message).__name__, epoch, message.view, message.height)
    if isinstance(message, ViewVote):
        return (type(message).__name__, epoch, message.view)
    if isinstance(message, NewView):
        return ("NewView", epoch, message.view)
    if isinstance(message, Checkpoint | Reply):
        return (type(message).__name__, epoch, message.height)
    return None


def _forgotten(change: Statement, commits: Iterable[Statement], codec: MessageCodec) -> Statement | None:
    """A COMMIT of the same member and epoch that this VIEW-CHANGE must carry a certificate for and does not."""
    message = change.message
    assert isinstance(message, ViewChange)
    views: dict[int, int] = {}
    for claim in message.claims:
        try:
            vote = codec.decode(claim.votes.body, change.epoch)
        except Malformed:
            continue
        if isinstance(vote, Prepare | Commit):
            views[vote.height] = max(vote.view, views.get(vote.height, -1))
    for commit in commits:
        vote = commit.message
        assert isinstance(vote, Commit)
        if commit.epoch != change.epoch or vote.view >= message.view or vote.height <= message.stable_height:
            continue
        if views.get(vote.height, -1) < vote.view:
            return commit
    return None


def culprits(evidence: Iterable[Evidence]) -> list[NodeId]:
    return sorted({piece.culprit for piece in evidence})
