"""`up` returns when applications can use the gateways, whatever was there while nodes were starting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nodes.deploy import standing
from nodes.deploy.look import NodeLook


def test_a_gateway_that_was_there_before_its_node_is_asked_again_when_the_node_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Was: a look at a node that was starting counted its gateway as ready, and the first requests were 503."""
    starting = NodeLook("a", "bureau", "starting", 1, 0, -1, -1, gateway="127.0.0.1:1")
    serving = starting._replace(state="running", bus="up", height=0)
    stopped = NodeLook("b", "hospital", "stopped", 0, 0, 3, 0, gateway="127.0.0.1:2")
    looks, answers = [starting, serving, serving, serving], [False, True]
    asked: list[NodeLook] = []

    class Stands:
        folder = tmp_path
        deployment: Any = type("D", (), {"gateways": {"a": "the gateway of a"}})

        def look(self) -> list[NodeLook]:
            asked.append(looks[len(asked)])
            return [asked[-1], stopped]

    monkeypatch.setattr(standing, "POLL_S", 0.0)
    monkeypatch.setattr(standing, "is_ready", lambda folder, place: answers.pop(0))
    found = standing._wait(Stands(), lambda _: None)  # type: ignore[arg-type]
    assert [each.name for each in found] == ["a", "b"]
    assert asked == [starting, serving, serving] and not answers
