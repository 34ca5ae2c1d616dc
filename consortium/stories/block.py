"""A block: its header, who decided and who sealed it, and its transactions in words."""

from __future__ import annotations

from typing import Any

from consortium.core.header import Header, decode_header, header_digest
from consortium.core.seals import decode_certificate
from consortium.core.words import mark
from consortium.ledger.rows import height_key
from consortium.stories.finder import first_height, steps_of
from consortium.stories.plain import short_hex
from consortium.stories.story import Section, Seen, Story, Teller, UnknownThing, facts, step_content, tell_steps

DIGESTS = (
    ("parent", mark("parent")),
    ("batch", mark("batch")),
    ("transactions", mark("transactions root")),
    ("receipts", mark("receipts root")),
    ("state", mark("state root")),
    ("next_members", mark("members of the next")),
)


def tell_block(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    height = height_of(seen, identity)
    header = header_at(seen, height)
    steps = steps_of(seen.ledger, height)
    seal, sealed_by = seal_over(seen, height)
    decided_by = _signers(seen, "certificate", height)
    words = seen.words
    heading = words(
        "block {height}, {time} {zone}: {count} transactions",
        height=height,
        time=seen.moment(header.time_us),
        zone=seen.zone,
        count=f"{len(steps):,}",
    )
    rows = [
        (words("epoch"), str(header.epoch)),
        (words("digest"), header_digest(header).hex()),
        *[(words(told), short_hex(getattr(header, name))) for name, told in DIGESTS],
        (words("decided by"), ", ".join(decided_by) or "-"),
        (words("sealed by"), _seal_words(seen, height, seal, sealed_by)),
    ]
    sections: list[Section] = [facts(words("header"), rows)]
    if steps:
        sections.append(tell_steps(seen, words("transactions"), steps))
    notes = () if steps or not height else _why_empty(seen, height)
    content: dict[str, Any] = {
        "kind": "block",
        "id": height,
        "header": {name: _field(header, name) for name in header.__struct_fields__},
        "digest": header_digest(header).hex(),
        "decided_by": decided_by,
        "seal": {"height": seal, "by": sealed_by} if sealed_by else None,
        "steps": [step_content(step) for step in steps],
    }
    return Story(heading, tuple(sections), content, notes)


def height_of(seen: Seen, identity: str) -> int:
    """Raises UnknownThing where there is no such block. `head` is the last."""
    words, head = seen.words, seen.ledger.head_height
    if identity == "head":
        return head
    if not (identity.isascii() and identity.isdigit() and int(identity[:15]) <= head):
        raise UnknownThing(
            words("there is no block {id}: a block is a height from 0 to {head}", id=identity, head=head)
        )
    return int(identity)


def header_at(seen: Seen, height: int) -> Header:
    """Raises UnknownThing where this ledger began above."""
    data = seen.rows.get("block", height_key(height))
    if data is None:
        base = seen.ledger.base_height
        raise UnknownThing(
            seen.words(
                "block {height} is not in this ledger, which began with a snapshot at {base}", height=height, base=base
            )
        )
    return decode_header(data)


def seal_over(seen: Seen, height: int) -> tuple[int, list[str]]:
    """The first seal at or above a height, which seals all below it, and who signed it; nobody where there is none."""
    found = seen.rows.range("seal", height_key(height), height_key(seen.ledger.head_height + 1), limit=1)
    if not found:
        return 0, []
    at = int.from_bytes(found[0][0], "big")
    return at, _signers(seen, "seal", at)


def _signers(seen: Seen, table: str, height: int) -> list[str]:
    data = seen.rows.get(table, height_key(height))
    return [] if not data else sorted(name for name, _ in decode_certificate(data).signatures)


def _seal_words(seen: Seen, height: int, seal: int, by: list[str]) -> str:
    if not by:
        return seen.words("nobody yet")
    if seal == height:
        return ", ".join(by)
    return seen.words("{names}, by the seal of block {height}", names=", ".join(by), height=seal)


def _why_empty(seen: Seen, height: int) -> tuple[str, ...]:
    if height < first_height(seen.ledger):
        return (seen.words("its transactions are not kept by this node: ask the ledger of an archive"),)
    return ()


def _field(header: Header, name: str) -> Any:
    value = getattr(header, name)
    return value.hex() if isinstance(value, bytes) else value


TELLER = Teller("block", "its height, or `head`", tell_block)
