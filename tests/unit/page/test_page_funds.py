"""Where the money went, with the eyes that were asked for; and every message about a height."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.finished_run import finished_run
from tests.page_kit import Browser, client_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with client_of(finished_run(tmp_path_factory.mktemp("page") / "run")) as made:
        yield made


def funds(client: Browser, **words: str) -> dict[str, Any]:
    response = client.get("/page/funds", params=words)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_every_account_holds_what_its_movements_come_to(client: Browser) -> None:
    found = funds(client)
    balances = {each["name"]: each["balance_fen"] for each in found["accounts"]}
    sums = dict.fromkeys(balances, 0)
    for move in found["moves"]:
        sums[move["source"]] -= move["amount_fen"]
        sums[move["target"]] += move["amount_fen"]
    assert sums == balances and sum(balances.values()) == 0 and len(balances) > 3
    assert found["notes"] == []


def test_flows_are_the_movements_between_kinds_of_accounts(client: Browser) -> None:
    found = funds(client)
    assert sum(flow["amount_fen"] for flow in found["flows"]) == sum(move["amount_fen"] for move in found["moves"])
    assert sum(flow["count"] for flow in found["flows"]) == len(found["moves"])
    out_of = {(flow["source"], flow["target"]) for flow in found["flows"]}
    assert any(source == "external" and target.startswith("fund/") for source, target in out_of)
    assert all("/" not in name or name.startswith("fund/") for pair in out_of for name in pair)


def test_movements_of_one_account_alone(client: Browser) -> None:
    name = funds(client)["moves"][-1]["target"]
    moves = funds(client, account=name)["moves"]
    assert moves and all(name in (move["source"], move["target"]) for move in moves)
    assert funds(client, account="nobody/there")["moves"] == []


def test_what_is_withheld_from_a_member_is_counted(client: Browser) -> None:
    every, own = funds(client, eyes="regulator"), funds(client, eyes="hospital-1")
    assert len(own["accounts"]) < len(every["accounts"]) and len(own["moves"]) < len(every["moves"])
    withheld = len(every["accounts"]) - len(own["accounts"])
    assert f"may not ask for {withheld} accounts" in own["notes"][0]
    said = funds(client, eyes="hospital-1", lang="zh")["notes"][0]
    assert str(withheld) in said and "accounts" not in said


def test_every_message_about_a_height_is_told_exactly(client: Browser) -> None:
    response = client.get("/page/sequence/3")
    assert response.status_code == 200, response.text
    told = response.json()
    kinds = {each["kind"] for each in told["messages"]}
    assert told["exact"] and {"PrePrepare", "Prepare", "Commit"} <= kinds
    proposals = [each for each in told["messages"] if each["kind"] == "PrePrepare"]
    assert len({each["from"] for each in proposals}) == 1 and len({each["to"] for each in proposals}) == 3
    assert all(each["got_us"] is None or each["got_us"] > each["sent_us"] for each in told["messages"])
    assert client.get("/page/sequence/3").json() == told


@pytest.mark.parametrize(("height", "status", "said"), [("x", 400, "whole number"), ("99999", 404, "heights 1 to")])
def test_a_height_that_is_none_is_refused_in_a_sentence(client: Browser, height: str, status: int, said: str) -> None:
    response = client.get(f"/page/sequence/{height}")
    assert response.status_code == status and said in response.json()["error"]


def test_of_a_trace_alone_there_is_neither(tmp_path: Path) -> None:
    trace = finished_run(tmp_path / "run", 2) / "trace.jsonl"
    with client_of(trace) as client:
        for path in ("/page/funds", "/page/sequence/1"):
            assert client.get(path).status_code == 404 and "trace alone" in client.get(path).json()["error"]
