"""The node routes and decides nothing: who hears what, in which order, and what a boot tells whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consortium.core.codec import encode
from consortium.core.crypto import KeyedHash
from consortium.core.machine import (
    Available,
    Behind,
    Expired,
    Note,
    Now,
    Persist,
    Receipted,
    Received,
    Skipped,
    Started,
    Submitted,
)
from consortium.core.messages import Signed
from consortium.core.transaction import Bundles
from consortium.node.node import Node, lost_votes_record
from consortium.node.outbox import Outbox
from consortium.node.parts import NodeParts
from consortium.node.submission import Busy

NOW = Now(1, 2)


class Ear:
    """A sibling that writes down what it hears, and answers by its script."""

    def __init__(self, name: str, log: list[tuple[str, Any]], script: dict[type, list[Any]]) -> None:
        self.name, self._log, self._script = name, log, script

    wants_history = True
    is_done = True
    head_height = 3
    told_above = 1

    def step(self, now: Now, event: Any) -> Sequence[Any]:
        self._log.append((self.name, event))
        return self._script.get(type(event), [])

    def receipted(self, height: int) -> Receipted | None:
        """One block is not here."""
        return Receipted(height, 1, (), True) if height > 2 else None


def house(**scripts: dict[type, list[Any]]) -> tuple[Node, NodeParts, list[tuple[str, Any]]]:
    log: list[tuple[str, Any]] = []
    names = ("pool", "consensus", "ledger", "sealer", "catch_up", "vault", "role", "hand_ins", "replies")
    ears = {name: Ear(name, log, scripts.get(name, {})) for name in names}
    outbox = Outbox("a", Bundles(b"c" * 32, KeyedHash()))
    siblings: Any = {**ears, "outbox": outbox}
    parts = NodeParts(**siblings)
    return Node(parts, {Busy: "pool"}, {"sealer": "sealer"}), parts, log


def test_a_message_and_a_timer_are_heard_by_their_owner_alone() -> None:
    node, _, log = house()
    received = Received("b", Busy(b"d" * 32, 1), Signed("b", b"", b""), 0, b"")
    for event in (received, Expired(("sealer", "idle")), Submitted(()), Available()):
        assert node.step(NOW, event) == []
    assert log == [
        ("pool", received),
        ("sealer", Expired(("sealer", "idle"))),
        ("pool", Submitted(())),
        ("consensus", Available()),
    ]


def test_what_one_says_to_another_is_heard_after_its_step_and_leaves_nothing_outside() -> None:
    told: list[Any] = [Note("first", {}), Behind(7), Persist(b"vote", 7), Skipped(1, ())]
    node, _, log = house(consensus={Available: told})
    out = node.step(NOW, Available())
    assert [type(effect) for effect in out] == [Note, Persist], "in order, and only what is for the host"
    assert [name for name, _ in log] == ["consensus", "catch_up", "role"]
    assert out[1] == Persist(encode(("consensus", b"vote")), 7), "a record says whose it is"


def test_a_boot_tells_each_its_own_records_the_past_first_and_a_bad_record_is_only_noted() -> None:
    node, _, log = house()
    records = (encode(("consensus", b"vote")), encode(("nobody", b"x")), b"junk", encode(("pool", b"bundle")))
    out = node.step(NOW, Started((*records, lost_votes_record(b"key"))))
    assert [effect.fields["why"] for effect in out if isinstance(effect, Note)] == ["unreadable record"] * 2
    others = ["pool", "consensus", "sealer", "catch_up", "vault", "hand_ins"]
    assert [name for name, _ in log] == ["ledger", "role", *others, "role"]
    heard = {name: event for name, event in log if isinstance(event, Started)}
    assert heard["consensus"] == Started((b"vote",), b"key") and heard["pool"].records == (b"bundle",)
    assert [event.height for name, event in log if isinstance(event, Receipted)] == [3], "what is not here is not told"


def test_a_role_that_wants_no_history_hears_none() -> None:
    node, parts, log = house()
    parts.role.wants_history = False
    node.step(NOW, Started(()))
    assert not any(isinstance(event, Receipted) for _, event in log)
