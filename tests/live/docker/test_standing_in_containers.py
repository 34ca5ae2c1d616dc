"""A consortium that stands in containers: up, asked, broken by hand, judged, down, and nothing is left."""

import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from nodes.containers.engine import Engine
from nodes.deploy.compose import LABEL
from nodes.deploy.deployment import read_deployment
from nodes.deploy.standing import open_standing
from tests.optional import needs

pytestmark = [pytest.mark.live, needs("engine", "compose")]

FOUR = "bureau=1,hospital=2,regulator=1"


def consortium(*words: str | Path) -> str:
    result = CliRunner().invoke(app, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result.output


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"after a minute not so: {what}"
        time.sleep(0.2)


def submit(folder: Path, member: str, number: str) -> None:
    """Over HTTPS at the member's gateway, as any application does."""
    place = read_deployment(folder).gateways[member]
    token = (folder / "nodes" / member / "gateway/desk.token").read_text().strip()
    answer = httpx.post(
        f"https://{place.host}:{place.port}/v1/bill/number",
        json={"fixmedins_code": f"i-{member}", "bill_no": f"i-{member}-{number}"},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": number},
        verify=ssl.create_default_context(cafile=str(folder / "ca.crt")),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


def heights(folder: Path) -> dict[str, int]:
    return {each.name: each.height for each in open_standing(folder).look()}


def left_of(engine: Engine, stem: str) -> list[Any]:
    return [*engine.labelled("container", f"{LABEL}={stem}"), *engine.labelled("network", f"{LABEL}={stem}")]


def test_it_comes_up_survives_a_kill_by_hand_and_leaves_nothing(engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "a place with spaces, and so deep that the address of a socket in it is too long for an address"
    try:
        assert "a new consortium is up" in consortium("up", "--docker", "--dir", folder, "--members", FOUR)
        assert "is up already" in consortium("up", "--dir", folder)
        submit(folder, "hospital-1", "1")
        until(lambda: min(heights(folder).values()) >= 1, "every member has executed what was submitted")
        leader = json.loads(consortium("status", "--dir", folder, "--json"))["nodes"][0]["leader"]
        consortium("kill", "leader", "--dir", folder)
        submit(folder, "hospital-2" if leader != "hospital-2" else "hospital-1", "2")
        others = lambda: [height for name, height in heights(folder).items() if name != leader]  # noqa: E731
        until(lambda: min(others()) >= 2, "the others went on")
        consortium("restart", leader, "--dir", folder)
        consortium("pause", "regulator", "--dir", folder)
        consortium("resume", "regulator", "--dir", folder)
        until(lambda: min(heights(folder).values()) >= 2, "the leader is back and level")
        assert "height" in consortium("logs", leader, "--dir", folder)
        assert "All that could be checked holds" in consortium("check", folder)
        stem = f"consortium-{engine.ask('ps', '--format', '{{.Names}}').split('consortium-')[1][:10]}"
    finally:
        consortium("down", "--dir", folder)
    assert left_of(engine, stem) == []
    assert "All that could be checked holds" in consortium("check", folder), "that it went down is no harm"
    assert consortium("logs", leader, "--dir", folder), "what it said is kept in its folder"
    consortium("up", "--dir", folder)
    try:
        until(lambda: min(heights(folder).values()) >= 2, "it goes on where it stopped")
    finally:
        consortium("down", "--dir", folder, "--wipe")
    assert not folder.exists() and left_of(engine, stem) == []
