"""What the page says of a ledger: in words, with the eyes that were asked for, and noted where it must be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from consortium.core.errors import UserError
from consortium.ledger.beside import LedgerBeside
from consortium.runs.folder import FORMAT_FILE, HANDS_FILE, encode_format, encode_scenario
from nodes.page.app import make_page
from nodes.page.asked import Page
from nodes.page.serve import open_source
from nodes.process.settings import NodeFolder
from tests.finished_run import bill_of, finished_run
from tests.gateway_kit import SCENARIO, StandIn, make_folder
from tests.page_kit import ADDRESS, Browser, client_of

BILL = bill_of("hospital-1", 1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("page") / "run")


@pytest.fixture(scope="module")
def client(run: Path) -> Iterator[Browser]:
    with client_of(run) as made:
        yield made


def blocks(client: Browser, **words: Any) -> list[dict[str, Any]]:
    response = client.get("/page/blocks", params={"count": 50, **words})
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


def test_blocks_are_told_in_words_with_links_to_what_they_name(client: Browser) -> None:
    found = blocks(client)
    assert [each["height"] for each in found] == list(range(len(found))) and len(found) > 3
    claims = [one for each in found for one in each["transactions"] if one["operation"] == "issue_and_claim"]
    said = claims[0]
    assert said["code"] == "ok" and "yuan" in said["said"]
    assert {"kind": "bill", "id": BILL.lower(), "word": BILL.lower()} in said["links"]
    assert blocks(client, **{"from": found[-1]["height"] + 1}) == []


def test_the_same_is_told_in_chinese(client: Browser) -> None:
    said = [one["said"] for each in blocks(client, lang="zh") for one in each["transactions"] if one["member"]]
    assert any("元" in each for each in said)
    assert blocks(client, lang="xx") == blocks(client, lang="en")


def test_a_member_is_told_its_own_and_a_supervisor_everything(client: Browser) -> None:
    own = [one for each in blocks(client, eyes="hospital-1") for one in each["transactions"] if one["member"]]
    assert {one["member"] for one in own if not one.get("is_hidden")} == {"hospital-1"}
    hidden = [one for one in own if one.get("is_hidden")]
    assert hidden and all(one["said"] == one["sentence"] == "" and not one["links"] for one in hidden)
    every = [one for each in blocks(client, eyes="regulator") for one in each["transactions"]]
    assert not any(one.get("is_hidden") for one in every)


def test_a_story_is_that_of_show_with_links(client: Browser) -> None:
    story = client.get(f"/page/story/bill/{BILL}").json()
    assert story["kind"] == "bill" and story["id"] == story["content"]["id"]
    assert story["sections"][0]["columns"][0].keys() == {"title", "is_number"}
    assert {"kind": "member", "id": "hospital-1", "word": "hospital-1"} in story["links"]
    block = client.get("/page/story/block/head?lang=zh").json()
    assert block["heading"].startswith("区块")


def test_what_is_anothers_is_refused_with_the_sentence_of_its_contract(client: Browser) -> None:
    response = client.get(f"/page/story/bill/{BILL}?eyes=hospital-2")
    assert response.status_code == 403
    assert response.json()["refused"] == "not-yours" and "hospital-2" in response.json()["sentence"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/page/story/bill/none", 404),
        ("/page/story/nothing/x", 404),
        ("/page/story/bill/%00", 400),
        ("/page/story/bill/" + "x" * 300, 400),
        ("/page/story/bill/../../etc", 404),
        ("/page/story/block/99999999999999999999", 404),
        ("/page/story/transaction/1/999999999999", 404),
        ("/page/blocks?from=-1", 400),
        ("/page/blocks?from=1e9", 400),
        ("/page/blocks?count=99999999999999999999", 400),
        ("/page/blocks?eyes=nobody", 404),
        ("/page/blocks?eyes=../..", 404),
        ("/page/find?text=%0a", 400),
        ("/page/blocks?of=1", 404),
    ],
)
def test_what_cannot_be_told_is_a_sentence(client: Browser, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status and response.json()["error"]


def test_what_an_id_begins_is_found(client: Browser) -> None:
    def find(text: str) -> list[tuple[str, str]]:
        found = client.get("/page/find", params={"text": text}).json()
        return [(each["kind"], each["id"]) for each in found]

    assert find(BILL)[0] == ("bill", BILL.lower())
    assert ("bill", BILL.lower()) in find(BILL.lower()[:-1])
    assert find("hosp") == [("member", "hospital-1"), ("member", "hospital-2")]
    assert find("1")[0] == ("block", "1")
    identity = blocks(client)[1]["transactions"][0]["id"]
    assert find(identity[:9]) == [("transaction", identity)]
    assert find("") == find("no such thing") == []


def test_a_trace_alone_has_no_ledger(run: Path) -> None:
    with client_of(run / "trace.jsonl") as alone:
        response = alone.get("/page/blocks")
    assert response.status_code == 404 and "folder" in response.json()["error"]


# --- a ledger that is being written ---------------------------------------------------------------------------------


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, StandIn]]:
    node = make_folder(folder)
    (folder / "scenario.json").write_bytes(encode_scenario(SCENARIO))
    (folder / FORMAT_FILE).write_bytes(encode_format())
    (folder / HANDS_FILE).write_bytes(b"")
    stand = StandIn(NodeFolder(folder, node.folder.name))
    await stand.open()
    source = open_source(folder)
    app = make_page(Page(source))
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ADDRESS) as client:
            yield client, stand
    finally:
        source.close()
        await stand.close()
        stand.rows.close()


async def test_a_ledger_that_is_being_written_is_told_as_it_is_now(tmp_path: Path) -> None:
    async with standing(tmp_path) as (client, stand):
        for height in range(3):
            assert len((await client.get("/page/blocks")).json()) == height + 1
            stand.execute()


async def test_a_record_is_told_once_the_audit_has_it_and_not_otherwise(tmp_path: Path) -> None:
    async with standing(tmp_path) as (client, stand):
        path = "/page/story/account/external?eyes=hospital-1"
        refused = await client.get(path)
        assert refused.status_code == 403 and stand.reads == []
        code = f"/page/story/institution/{SCENARIO.members[1].name}?eyes=hospital-1"
        await client.get(code)
        row = (await client.get("/page/find?text=H65")).json()[0]
        path = f"/page/story/{row['kind']}/{row['id']}?eyes=hospital-1"
        told = await client.get(path)
        assert told.status_code == 200, told.text
        noted = [each for each in stand.reads if each[0] == "hospital-1/page"]
        await stand.close()
        gone = await client.get(path)
        if noted:
            assert row["id"] in noted[0][1] and gone.status_code == 503 and "note" in gone.json()["error"]


def test_a_ledger_beside_its_node_says_what_the_node_says(run: Path) -> None:
    from nodes.past import open_past

    past = open_past(run, "bureau")
    beside = LedgerBeside(past.ledger.genesis, past.rows, past.ledger._contracts, past.ledger._bundles)
    beside.look()
    assert beside.head == past.ledger.head and beside.epochs.newest == past.ledger.epochs.newest
    assert [beside.receipted(height) for height in range(4)] == [past.ledger.receipted(height) for height in range(4)]
    past.rows.close()
    with pytest.raises(UserError):
        open_past(run / "nodes", "bureau")


def test_a_story_says_of_when_it_is_and_what_each_step_did(client: Browser) -> None:
    story = client.get(f"/page/story/bill/{BILL}").json()
    steps = story["content"]["steps"]
    assert story["height"] == client.get("/page/story/block/head").json()["height"] >= steps[-1]["height"]
    said = [step["said"] for step in steps]
    assert steps and all(said) and not any(step["operation"] == step["said"] for step in steps if step["events"])
    assert said[0] in [row[-1] for section in story["sections"] for row in section["rows"]]
