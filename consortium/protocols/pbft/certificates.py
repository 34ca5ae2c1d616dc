"""Pure judgements over PBFT's certificates: what a Certificate, a VIEW-CHANGE and a NEW-VIEW prove, and to whom.

Everything here raises `Malformed` and nothing else. A proof is judged under one epoch, by distinct validators of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.membership import Epoch, Epochs, NodeId
from consortium.core.messages import Certificate, Signed
from consortium.core.transaction import NULL_DIGEST
from consortium.core.verifier import Verifier
from consortium.protocols.common.shapes import INTEGER_MAX
from consortium.protocols.pbft.messages import (
    Claim,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    ViewChange,
    vote_fault,
)

SealCheck = Callable[[Certificate], int]


class Proven(NamedTuple):
    """What a claim proves: `digest` was prepared (or committed) at `height` in `view`; `holders` signed for it, and an
    honest one among them holds the batch."""

    height: int
    view: int
    digest: bytes
    holders: tuple[NodeId, ...]


class Change(NamedTuple):
    """A VIEW-CHANGE that was found valid."""

    sender: NodeId
    signed: Signed
    view: int
    stable_height: int
    proven: tuple[Proven, ...]

    @property
    def top(self) -> int:
        """The highest height that it has to do with."""
        return self.proven[-1].height if self.proven else self.stable_height


class Order(NamedTuple):
    """What a new view must order at a height; `view` is that of its certificate, -1 for a gap."""

    digest: bytes
    view: int
    holders: tuple[NodeId, ...]


class Plan(NamedTuple):
    """The paper's O: `orders` for every height above `stable_height` (min-s) up to the highest claim (max-s)."""

    stable_height: int
    orders: dict[int, Order]

    @property
    def last_height(self) -> int:
        return self.stable_height + len(self.orders)


def open_decision(certificate: Certificate, epochs: Epochs, height: int, verifier: Verifier) -> Commit:
    """The COMMIT that a quorum of the validators of `height`'s epoch signed. Raises Malformed."""
    epoch = epochs.at(height)
    message = verifier.check_certificate(certificate, epoch, epoch.quorum)
    if not isinstance(message, Commit) or message.height != height:
        raise Malformed(f"not a commit certificate of height {height}")
    if (fault := vote_fault(message)) is not None:
        raise Malformed(fault)
    return message


def check_decision(certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier) -> None:
    """Raises Malformed unless a quorum of one view signed COMMITs for `digest` at `height` (paper 4.2)."""
    if open_decision(certificate, epochs, height, verifier).digest != digest:
        raise Malformed(f"the certificate of height {height} is for another batch")


def check_claim(claim: Claim, epoch: Epoch, epochs: Epochs, verifier: Verifier) -> Proven:
    """A prepared certificate: the PRE-PREPARE of the leader of its view, and PREPAREs of quorum−1 validators other than
    that leader, all for one view, height and digest (paper 4.4, P). Or a commit certificate. Raises Malformed."""
    votes = claim.votes
    if claim.pre_prepare is None:
        message = verifier.check_certificate(votes, epoch, epoch.quorum)
        if not isinstance(message, Commit):
            raise Malformed("a claim without PRE-PREPARE must be of COMMITs")
    else:
        message = verifier.check_certificate(votes, epoch, epoch.quorum - 1)
        if not isinstance(message, Prepare):
            raise Malformed("a claim with PRE-PREPARE must be of PREPAREs")
    if (fault := vote_fault(message)) is not None:
        raise Malformed(fault)
    if epochs.at(message.height).number != epoch.number:
        raise Malformed("a claim for a height of another epoch")
    holders = [name for name, _ in votes.signatures]
    if claim.pre_prepare is not None:
        leader = epoch.leader(message.view)
        if leader in holders:
            raise Malformed("a leader's PREPARE does not count")
        opened = verifier.open(claim.pre_prepare, epochs)
        if claim.pre_prepare.sender != leader or opened.epoch != epoch.number:
            raise Malformed("the PRE-PREPARE is not of that view's leader")
        if opened.message != PrePrepare(message.view, message.height, message.digest):
            raise Malformed("PRE-PREPARE and PREPAREs do not match")
        holders.append(leader)
    return Proven(message.height, message.view, message.digest, tuple(holders))


def check_view_change(
    signed: Signed,
    message: ViewChange,
    epoch: Epoch,
    epochs: Epochs,
    verifier: Verifier,
    check_seal: SealCheck,
    span: int,
) -> Change:
    """Paper 4.4: valid iff the sender is a validator, the stable height is what the seal proves and not below the last
    block before the epoch, and every claim is valid. Claims are of views below the wanted one, at heights within `span`
    above the stable one, ascending, one a height.

    The caller has checked the sender's signature and the epoch of the statement. Raises Malformed.
    """
    if not epoch.is_validator(signed.sender):
        raise Malformed(f"{signed.sender!r} is no validator")
    if not 0 < message.view < INTEGER_MAX or not 0 <= message.stable_height < INTEGER_MAX:
        raise Malformed("view or height out of bounds")
    if len(message.claims) > span:
        raise Malformed("too many claims")
    sealed = 0 if message.seal is None else check_seal(message.seal)
    if sealed != message.stable_height:
        raise Malformed("the seal is not of the stable height")
    if sealed < epoch.first_height - 1:
        raise Malformed("of an epoch that has not begun for its sender")
    proven: list[Proven] = []
    before = sealed
    for claim in message.claims:
        fact = check_claim(claim, epoch, epochs, verifier)
        if fact.view >= message.view:
            raise Malformed("a claim of a view that has not ended")
        if not before < fact.height <= sealed + span:
            raise Malformed("claims must ascend, within the window above the stable height")
        before = fact.height
        proven.append(fact)
    return Change(signed.sender, signed, message.view, sealed, tuple(proven))


def plan(changes: Sequence[Change]) -> Plan:
    """The paper's min-s, max-s and O (4.4): at each height the digest of the claim of the highest view, and a null
    request where nobody claims anything. Depends on the changes alone, not on their order."""
    stable_height = max(change.stable_height for change in changes)
    best: dict[int, Order] = {}
    for change in sorted(changes, key=lambda each: each.sender):
        for fact in change.proven:
            known = best.get(fact.height)
            if fact.height <= stable_height:
                continue
            if known is None or (fact.view, fact.digest) > (known.view, known.digest):
                best[fact.height] = Order(fact.digest, fact.view, fact.holders)
    gap = Order(NULL_DIGEST, -1, ())
    last = max(best, default=stable_height)
    return Plan(stable_height, {height: best.get(height, gap) for height in range(stable_height + 1, last + 1)})


def span_fault(changes: Sequence[Change], span: int) -> str | None:
    """Why these may not stand in one NEW-VIEW; None = they may. A VIEW-CHANGE speaks of the heights up to `span` above
    its stable one, and has no say where others know of greater heights. So an old one of a member that has lost its log
    since, and votes again far above it, cannot hide those votes."""
    top = max(change.top for change in changes)
    oldest = min(change.stable_height for change in changes)
    return "a VIEW-CHANGE that is too old for the others" if top > oldest + span else None


def choose_changes(mine: Change, others: Sequence[Change], count: int, span: int) -> list[Change] | None:
    """`mine` and `count` of the others that may stand in one NEW-VIEW, by sender; of the others the first by name that
    fit the most advanced. None where there are not so many."""
    for top in sorted({change.top for change in (mine, *others)}, reverse=True):
        fit = [each for each in (mine, *others) if each.top <= top <= each.stable_height + span]
        if mine in fit and len(fit) > count:
            first = sorted((each for each in fit if each is not mine), key=lambda each: each.sender)[:count]
            return sorted([mine, *first], key=lambda each: each.sender)
    return None


def check_new_view(
    message: NewView,
    sender: NodeId,
    epoch: Epoch,
    open_change: Callable[[Signed], Change],
    span: int,
) -> Plan:
    """Paper 4.4: valid iff said by the leader of its view, with valid VIEW-CHANGEs for exactly that view from a
    quorum of distinct members in order of name, and orders equal to what we compute from them. Beyond the paper, no
    VIEW-CHANGE may be too old for the others (`span_fault`). Raises Malformed."""
    if not 0 < message.view < INTEGER_MAX or sender != epoch.leader(message.view):
        raise Malformed("NEW-VIEW of a member that does not lead the view")
    senders = [signed.sender for signed in message.changes]
    if senders != sorted(set(senders)) or not epoch.quorum <= len(senders) <= epoch.n:
        raise Malformed("NEW-VIEW needs the VIEW-CHANGEs of a quorum, in order of name")
    changes: list[Change] = []
    for signed in message.changes:
        change = open_change(signed)
        if change.view != message.view:
            raise Malformed("a VIEW-CHANGE for another view")
        changes.append(change)
    if (fault := span_fault(changes, span)) is not None:
        raise Malformed(fault)
    result = plan(changes)
    if message.orders != orders_of(result):
        raise Malformed("the orders do not follow from the VIEW-CHANGEs")
    return result


def orders_of(result: Plan) -> tuple[tuple[int, bytes], ...]:
    return tuple((height, order.digest) for height, order in result.orders.items())
