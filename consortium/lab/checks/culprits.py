"""Who is proven to have lied, from the ledgers of honest members alone: what anybody can check again.

Two certificates for one height that certify different things are each signed by a quorum, and two quorums of n members
share f+1 (Sheng et al., BFT protocol forensics, CCS 2021): whoever signed both, in one view, is guilty. Where the two
are of different views, the ledgers do not say who forgot; `lab/checks/evidence.py` does, from all that was said.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from consortium.contracts.governance.convictions import CONVICTIONS, Conviction
from consortium.core.codec import Decoder, Malformed
from consortium.core.crypto import SUITES, KeySuite
from consortium.core.machine import Rows
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import Certificate, open_statement
from consortium.core.quorum import faults_max
from consortium.core.seals import decode_certificate
from consortium.ledger.rows import END, state_key
from consortium.runs.run import ROW_BYTES_MAX, Run, ledger_epochs

_CONVICTION: Decoder[Conviction] = Decoder(Conviction, ROW_BYTES_MAX)


class Fork(NamedTuple):
    """Two certificates, `what` they are ("batches" or "headers") and who signed both, by name."""

    height: int
    what: str
    culprits: tuple[NodeId, ...]
    f: int

    def sentence(self) -> str:
        found = f"two {self.what} are certified at height {self.height}"
        if not self.culprits:
            return f"{found}, in different views: the ledgers alone do not prove who of their signers forgot the first"
        names, count = ", ".join(self.culprits), len(self.culprits)
        return f"{found}; proven to have signed both, as no honest member does: {names} ({count} members, f = {self.f})"


class Accusation(NamedTuple):
    """A conviction that stands on a ledger."""

    culprit: NodeId
    vote: str
    view: int
    vote_height: int
    reporter: NodeId
    height: int


def first_fork(run: Run) -> Fork | None:
    """The lowest height at which two honest ledgers hold certificates that exclude each other, where they name most."""
    forks = [fork for one, other in combinations(run.honest.camps, 2) for fork in _forks(run, one.rows, other.rows)]
    return min(forks, key=lambda fork: (-len(fork.culprits), fork.height, fork.what), default=None)


def _forks(run: Run, one: Rows, other: Rows) -> Iterator[Fork]:
    suite = SUITES[run.genesis.suite]()
    try:
        epochs = ledger_epochs(run.genesis, one)
    except Malformed:
        epochs = Epochs((run.genesis.first_epoch,))
    for table, what in (("certificate", "batches"), ("seal", "headers")):
        theirs = dict(other.range(table, b"", END))
        for key, raw in one.range(table, b"", END):
            held = theirs.get(key)
            if held is None or held == raw:
                continue
            height = int.from_bytes(key, "big")
            epoch = epochs.at(height)
            found = _signed_both(raw, held, epochs, height, suite)
            if found is not None:
                yield Fork(height, what, found, faults_max(epoch.n))


def _signed_both(one: bytes, other: bytes, epochs: Epochs, height: int, suite: KeySuite) -> tuple[NodeId, ...] | None:
    """None where the two do not exclude each other, or one cannot be read."""
    try:
        first, second = decode_certificate(one), decode_certificate(other)
        place, said = _place(first.body)
        other_place, other_said = _place(second.body)
    except Malformed:
        return None
    if said == other_said:
        return None
    if place != other_place:
        return ()
    epoch = epochs.at(height)

    def signers(certificate: Certificate) -> set[NodeId]:
        found = set()
        for name, signature in certificate.signatures:
            key = epoch.key(name, "vote")
            if key is not None and suite.verify(key, certificate.body, signature):
                found.add(name)
        return found

    return tuple(sorted(signers(first) & signers(second)))


def _place(body: bytes) -> tuple[tuple[object, ...], bytes]:
    """Of a statement whose last field is a digest: where it stands (epoch, kind, view, height), and the digest. Raises
    Malformed."""
    opening = open_statement(body)
    fields = _FIELDS.decode(opening.message)
    if len(fields) < 2 or not isinstance(fields[-1], bytes):
        raise Malformed("no vote")
    return (opening.epoch, *fields[:-1]), fields[-1]


_FIELDS: Decoder[list[Any]] = Decoder(list[Any], ROW_BYTES_MAX)


def accusations(run: Run) -> list[Accusation]:
    """The convictions on the fullest honest ledger, by culprit and epoch."""
    fullest = run.honest.fullest
    if fullest is None:
        return []
    found = []
    low, high = state_key(CONVICTIONS.name, ""), state_key(CONVICTIONS.name, "\x7f")
    for key, raw in fullest.rows.range("state", low, high):
        culprit = key.partition(b"\x00")[2].decode().rpartition("/")[0]
        try:
            conviction = _CONVICTION.decode(raw)
        except Malformed:
            continue
        place = (conviction.kind, conviction.view, conviction.vote_height)
        found.append(Accusation(culprit, *place, conviction.reported_by, conviction.height))
    return found
