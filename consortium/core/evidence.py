"""Evidence: two votes of one member that exclude each other. Whoever holds both signatures convinces everybody.

An honest member says one digest for each kind of vote, epoch, view and height, also across crashes, for its votes are
durable before they are said. So a pair proves a lie, and never names an honest member. It is judged by bytes, key and
suite alone: by nodes, by a contract, by a court, without the protocol's rules and at any later time.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder, Digest, Malformed
from consortium.core.crypto import SUITES
from consortium.core.machine import Submit
from consortium.core.messages import Signed, open_statement

STATEMENT_BYTES_MAX = 4_096
HEIGHT_MAX = 1 << 53


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two statements of one sender. In the order of their bodies: a pair has one form."""

    first: Signed
    second: Signed


class VoteSeen(NamedTuple):
    """A vote as anybody can read it. Where it is one a view, `height` is 0 and `digest` that of all it says."""

    epoch: int
    kind: str
    view: int
    height: int
    digest: Digest


class _Shape(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`core.messages.Vote`, of any kind."""

    kind: str
    view: int
    height: int
    digest: Digest


class _ViewShape(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`core.messages.ViewVote`, of any kind."""

    kind: str
    view: int
    digest: Digest
    height: int
    commits: tuple[Digest, ...]


_SHAPE: Decoder[_Shape] = Decoder(_Shape, STATEMENT_BYTES_MAX)
_VIEW_SHAPE: Decoder[_ViewShape] = Decoder(_ViewShape, STATEMENT_BYTES_MAX)


def make_evidence(one: Signed, other: Signed) -> Evidence:
    first, second = sorted((one, other), key=lambda signed: signed.body)
    return Evidence(first, second)


def report_evidence(evidence: Evidence) -> Submit:
    """The wish to have it on the ledger, once a culprit, epoch, view and height, and once for all kinds of vote."""
    seen = open_vote(evidence.first.body)
    place = f"{seen.epoch}/{seen.view}/{seen.height}"
    reference = f"evidence:{evidence.first.sender}/{place}"
    return Submit(reference, (("governance", "report_evidence", evidence),), is_urgent=True)


def open_vote(body: bytes, chain: bytes | None = None, suite: str | None = None) -> VoteSeen:
    """The vote that a statement is, of this chain and key suite. Raises Malformed, with words of our own: they go on
    the ledger, and those of a library change with its version."""
    try:
        if len(body) > STATEMENT_BYTES_MAX:
            raise Malformed("too long")
        opening = open_statement(body)
        vote = _read(opening.message)
    except Malformed:
        raise Malformed("a statement is no vote") from None
    if (chain is not None and opening.chain != chain) or (suite is not None and opening.suite != suite):
        raise Malformed("a statement is of another chain or key suite")
    least = 1 if isinstance(vote, _Shape) else 0
    if opening.epoch < 0 or not 0 <= vote.view < HEIGHT_MAX or not least <= vote.height < HEIGHT_MAX:
        raise Malformed("a statement is no vote: its epoch, view or height is out of bounds")
    if isinstance(vote, _Shape):
        return VoteSeen(opening.epoch, vote.kind, vote.view, vote.height, vote.digest)
    return VoteSeen(opening.epoch, vote.kind, vote.view, 0, sha256(bytes(opening.message)).digest())


def _read(message: msgspec.Raw) -> _Shape | _ViewShape:
    """Raises Malformed."""
    try:
        return _SHAPE.decode_canonical(message)
    except Malformed:
        return _VIEW_SHAPE.decode_canonical(message)


def check_conflict(evidence: Evidence, chain: bytes, suite: str) -> VoteSeen:
    """The first vote, if both are votes of one sender, kind, epoch, view and height for two digests. Signatures are
    the caller's to check, for it knows the keys. Raises Malformed with a sentence."""
    if evidence.first.sender != evidence.second.sender:
        raise Malformed("the two statements have different senders")
    first, second = (open_vote(signed.body, chain, suite) for signed in (evidence.first, evidence.second))
    if first[:4] != second[:4]:
        raise Malformed("the two votes are of different kinds, epochs, views or heights: they exclude nothing")
    if first.digest == second.digest:
        raise Malformed("the two votes are for the same batch: there is no conflict")
    if evidence.first.body > evidence.second.body:
        raise Malformed("the two statements are not in the order of their bytes")
    return first


def is_signed_by(evidence: Evidence, key: bytes, suite: str) -> bool:
    """Whether both signatures hold under this key. Pure, and the same on every node."""
    verify = SUITES[suite]().verify
    return all(verify(key, signed.body, signed.signature) for signed in (evidence.first, evidence.second))
