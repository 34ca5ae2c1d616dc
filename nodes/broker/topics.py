"""The topics of one run on its broker, and who may use which: said once, for the nodes and for every kind of broker.

`consortium/<chain>/all/<sender>` carries a broadcast, `consortium/<chain>/to/<receiver>/<sender>` what is for one node.
"""

from __future__ import annotations

from typing import NamedTuple

from aiomqtt import Topic

from consortium.core.membership import NodeId


def topic_root(chain: bytes) -> str:
    """What all topics of a run begin with."""
    return f"consortium/{chain.hex()[:16]}"


class Topics(NamedTuple):
    """The topics under one root. `+` stands for any one name, as in MQTT."""

    root: str

    def to_all(self, sender: NodeId) -> str:
        return f"{self.root}/all/{sender}"

    def to_one(self, receiver: NodeId, sender: NodeId) -> str:
        return f"{self.root}/to/{receiver}/{sender}"

    def published_by(self, name: NodeId) -> tuple[str, ...]:
        """A node may publish as itself alone."""
        return self.to_all(name), self.to_one("+", name)

    def heard_by(self, name: NodeId) -> tuple[str, ...]:
        """A node may subscribe to all broadcasts and to what is for itself, and to those of one sender alone."""
        return self.to_all("+"), self.to_one(name, "+")

    def is_permitted(self, user: NodeId, action: str, topic: str) -> bool:
        """Whether `user` may do this. `action` is publish, subscribe or receive; an unknown one is refused."""
        if action == "publish":
            return any(_matches(topic, pattern) for pattern in self.published_by(user))
        if action == "subscribe":
            return any(topic == pattern or _matches(topic, pattern) for pattern in self.heard_by(user))
        return action == "receive"  # what may be subscribed to may be received


def _matches(topic: str, pattern: str) -> bool:
    try:
        return Topic(topic).matches(pattern)
    except ValueError:
        return False  # no topic at all: it is empty, too long, or holds a wildcard
