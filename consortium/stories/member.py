"""A member: its role and keys from epoch to epoch, where it votes and signs, what it said lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from consortium.contracts.governance.convictions import CONVICTIONS
from consortium.core.applications import APPLICATIONS, Application
from consortium.core.membership import Epoch, Member
from consortium.core.seals import decode_certificate
from consortium.ledger.numbers import used_numbers
from consortium.ledger.rows import height_key
from consortium.stories.finder import first_height, steps_of
from consortium.stories.lookup import rows_of
from consortium.stories.plain import short_hex
from consortium.stories.story import Column, Section, Seen, Story, Teller, UnknownThing, facts

VOTES_TOLD = 64  # blocks and seals that are looked through for its votes
SAID_MAX = 2_000  # transactions


class Votes(NamedTuple):
    """Of the newest certificates of a table: how many hold its signature, of how many, and the highest of them."""

    signed: int
    looked: int
    newest: int


def tell_member(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    words = seen.words
    terms = list(_terms(seen, identity))
    if not terms:
        names = ", ".join(each.name for each in seen.ledger.epochs.newest.members)
        raise UnknownThing(words("there is no member {id}; members are {names}", id=identity, names=names))
    newest = terms[-1][1]
    votes, seals = _votes(seen, "certificate", identity), _votes(seen, "seal", identity)
    convictions = [key for key, _ in rows_of(seen.ledger.reader, CONVICTIONS, f"{identity}/")]
    said, looked = _said(seen, identity)
    rows = [
        (words("votes in certificates"), _told(seen, votes)),
        (words("signatures under seals"), _told(seen, seals)),
        (words("transactions so far"), f"{len(used_numbers(seen.ledger.reader, identity)):,}"),
        (words("convicted of lies in epoch"), ", ".join(key.rpartition("/")[2] for key in convictions) or "-"),
    ]
    sections = [facts("", rows), _tell_terms(seen, terms)]
    applications = list(rows_of(seen.ledger.reader, APPLICATIONS, f"{identity}/"))
    if applications:
        sections.append(_tell_applications(seen, applications))
    if said:
        title = words("what it said in the last {count} blocks", count=looked)
        columns = (Column(words("operation")), Column(words("times"), is_number=True))
        sections.append(Section(title, columns, [(call, f"{count:,}") for call, count in said.most_common()]))
    return Story(
        _heading(seen, identity, newest), tuple(sections), _content(identity, terms, votes, seals, convictions, said)
    )


def _terms(seen: Seen, name: str) -> Iterator[tuple[Epoch, Member | None]]:
    """The epochs at which something of it changed; None: a member no more."""
    before: Member | None = None
    for epoch in seen.ledger.epochs:
        member = epoch.by_name.get(name)
        if member != before:
            yield epoch, member
        before = member


def _heading(seen: Seen, name: str, newest: Member | None) -> str:
    words, height = seen.words, seen.ledger.head_height
    if newest is None:
        return words("{name} is a member no more, as of block {height}", name=name, height=height)
    return words(
        "member {name}: {role}, {kind}, as of block {height}",
        name=name,
        role=newest.role,
        kind=newest.kind,
        height=height,
    )


def _tell_terms(seen: Seen, terms: list[tuple[Epoch, Member | None]]) -> Section:
    words = seen.words
    columns = (
        Column(words("epoch"), is_number=True),
        Column(words("from block"), is_number=True),
        Column(words("role")),
        Column(words("kind")),
        Column(words("keys")),
    )
    return Section(words("role and keys"), columns, [_term(epoch, member) for epoch, member in terms])


def _term(epoch: Epoch, member: Member | None) -> tuple[str, ...]:
    if member is None:
        return str(epoch.number), str(epoch.first_height), "-", "-", "-"
    keys = ", ".join(f"{purpose} {short_hex(key)}" for purpose, key in member.keys.items())
    return str(epoch.number), str(epoch.first_height), member.role, member.kind, keys


def _tell_applications(seen: Seen, applications: list[tuple[str, Application]]) -> Section:
    words = seen.words
    columns = (Column(words("application")), Column(words("key")), Column(words("state")), Column(words("may")))
    rows = [
        (
            each.name,
            f"{key.partition('/')[2][:16]}…",
            words("revoked in block {height}", height=each.revoked_at) if each.revoked_at else words("holds"),
            ", ".join(each.may),
        )
        for key, each in applications
    ]
    return Section(words("its applications"), columns, rows)


def _votes(seen: Seen, table: str, name: str) -> Votes:
    """Among the newest VOTES_TOLD certificates."""
    low = max(0, seen.ledger.head_height - VOTES_TOLD * (16 if table == "seal" else 1))
    found = seen.rows.range(table, height_key(low + 1), height_key(seen.ledger.head_height + 1))[-VOTES_TOLD:]
    signed = [key for key, data in found if data and name in dict(decode_certificate(data).signatures)]
    return Votes(len(signed), len(found), int.from_bytes(signed[-1][:8], "big") if signed else -1)


def _told(seen: Seen, votes: Votes) -> str:
    told = seen.words("{signed} of the newest {looked}", signed=votes.signed, looked=votes.looked)
    return told if votes.newest < 0 else seen.words("{told}, last at block {height}", told=told, height=votes.newest)


def _said(seen: Seen, name: str) -> tuple[Counter[str], int]:
    """Its operations in the newest blocks, and how many blocks those are."""
    counted, transactions, looked = Counter[str](), 0, 0
    for height in range(seen.ledger.head_height, first_height(seen.ledger) - 1, -1):
        steps = steps_of(seen.ledger, height)
        transactions, looked = transactions + len(steps), looked + 1
        for step in steps:
            if step.outcome.member == name:
                counted[f"{step.outcome.contract}.{step.outcome.operation}"] += 1
        if transactions >= SAID_MAX:
            break
    return counted, looked


def _content(
    name: str,
    terms: list[tuple[Epoch, Member | None]],
    votes: Votes,
    seals: Votes,
    convictions: list[str],
    said: Counter[str],
) -> dict[str, Any]:
    return {
        "kind": "member",
        "id": name,
        "terms": [
            {
                "epoch": epoch.number,
                "first_height": epoch.first_height,
                "role": member.role if member else "",
                "kind": member.kind if member else "",
                "keys": {purpose: key.hex() for purpose, key in member.keys.items()} if member else {},
            }
            for epoch, member in terms
        ],
        "votes": votes._asdict(),
        "seals": seals._asdict(),
        "convictions": convictions,
        "said": dict(said.most_common()),
    }


TELLER = Teller("member", "its name", tell_member)
