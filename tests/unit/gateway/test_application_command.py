"""`consortium application`: an application is added, shown and removed, at gateways and on the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from nodes.gateway import registering
from tests.gateway_kit import Served, claim, make_folder, served


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(make_folder(tmp_path / "run")) as made:
        yield made


async def _run(at: Served, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    def call() -> int:
        with pytest.raises(SystemExit) as left:
            cli.main(["application", *words, "--dir", str(at.node.folder.run)])
        return int(left.value.code or 0)

    status = await asyncio.to_thread(call)
    said = capsys.readouterr()
    return status, said.out, said.err


async def _claim(at: Served, token: str, serial: int) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return await at.client.post("/v1/settlement/issue_and_claim", json=claim(serial), headers=headers)


async def test_what_was_added_can_be_used_and_removed(at: Served, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = await _run(at, capsys, "add", "billing", "--member", "hospital-1", "--json")
    added = json.loads(out)
    assert status == 0 and added["may"] and added["at"] == ["hospital-1"]
    assert (await _claim(at, added["token"], 1)).json()["code"] == "ok"
    _, out, _ = await _run(at, capsys, "list")
    assert "billing" in out and "desk" in out and added["token"] not in out
    assert added["token"] not in at.gateway.folder.applications.read_text()
    status, out, _ = await _run(at, capsys, "remove", "billing", "--member", "hospital-1")
    assert status == 0 and "no more" in out
    assert (await _claim(at, added["token"], 2)).status_code == 401


async def test_its_scopes_are_those_of_the_token_and_of_the_ledger(
    at: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--member", "hospital-1", "--may", "settlement.claim", "--may", "bill.get", "--json")
    _, out, _ = await _run(at, capsys, "add", "narrow", *words)
    added = json.loads(out)
    assert added["may"] == ["settlement.claim"]  # a query is nothing that the ledger lets a key do
    assert (await _claim(at, added["token"], 1)).json()["code"] == "out-of-scope"


async def test_a_key_that_the_ledger_knows_no_more_signs_nothing(
    at: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a gateway was forgotten, the ledger refuses."""
    _, out, _ = await _run(at, capsys, "add", "billing", "--member", "hospital-1", "--json")
    token, place = json.loads(out)["token"], at.gateway.folder
    held, key = place.applications.read_bytes(), place.key("billing").read_bytes()
    await _run(at, capsys, "remove", "billing", "--member", "hospital-1")
    place.applications.write_bytes(held)
    place.key("billing").touch(0o600)
    place.key("billing").write_bytes(key)
    assert (await _claim(at, token, 1)).json()["code"] == "unknown-key"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("lend",), "there are add, list, remove"),
        (("add",), "name the application"),
        (("add", "billing"), "and its member"),
        (("add", "Billing", "--member", "hospital-1"), "a-z"),
        (("add", "desk", "--member", "hospital-1"), "already"),
        (("add", "new", "--member", "hospital-9"), "has no node"),
        (("add", "new", "--member", "hospital-1", "--may", "bill.lend"), "no such operation"),
        (("remove", "new", "--member", "hospital-1"), "has no application"),
    ],
)
async def test_a_mistake_is_one_sentence(
    at: Served, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    status, out, error = await _run(at, capsys, *words)
    assert (status, out) == (2, "") and why in error and error.count("\n") == 1
    assert at.node.ledger.head_height == 0


async def test_where_the_ledger_does_not_take_it_nothing_is_left(
    at: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registering, "WAIT_S", 0.2)
    monkeypatch.setattr(at.node, "execute", lambda *bundles: None)
    status, _, error = await _run(at, capsys, "add", "billing", "--member", "hospital-1")
    assert status == 2 and "has not taken it" in error and not at.gateway.folder.key("billing").exists()
