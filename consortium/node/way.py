"""Which way a member's frames came, where there are several brokers.

A broker can claim that a member published what it made up itself. With several, that must not silence the member on the
others: whatever is wrong with a frame is charged to the publisher *by this way*. Such a source is written `name@way`;
where there is one broker it is the name alone. Names hold no `@` (`core/identity.py`).
"""

from __future__ import annotations

from consortium.core.membership import NodeId

Source = str


def source_of(publisher: NodeId, way: str) -> Source:
    return f"{publisher}@{way}" if way else publisher


def publisher_of(source: Source) -> NodeId:
    return source.partition("@")[0] if "@" in source else source


def words_of(source: Source) -> dict[str, str]:
    """As a note tells it."""
    publisher, _, way = source.partition("@")
    return {"publisher": publisher[:64], "way": way} if way else {"publisher": publisher[:64]}


def way_of(source: Source) -> str:
    return source.partition("@")[2]
