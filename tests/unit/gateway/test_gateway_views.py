"""Views over HTTP: who is shown which rows, what the audit keeps, and a file that one process writes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest

from consortium.contracts.medicines.stock import ListUncoded
from consortium.scenario.workloads.settlement_load import claim_of, person_of
from consortium.views import load_views
from nodes.gateway import views as made_views
from nodes.gateway.openapi import document
from nodes.gateway.routes_views import WORDS
from tests.gateway_kit import Served, bearer, claim, make_folder, served

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document()))


async def _look(at: Served, path: str, name: str = "desk") -> httpx.Response:
    return await at.client.get(f"/v1/views/{path}", headers=bearer(name))


async def _tables(at: Served, path: str) -> dict[str, Any]:
    answer = await _look(at, path)
    assert answer.status_code == 200, answer.text
    view = path.partition("?")[0]
    schema = DOCUMENT["paths"][f"/v1/views/{view}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(answer.json())
    assert answer.json()["height"] == at.gateway.feed.height and answer.json()["first_height"] == 0
    tables: dict[str, Any] = answer.json()["tables"]
    return tables


async def _executed(at: Served, member: str, *calls: tuple[str, str, Any]) -> None:
    at.node.execute(at.node.sign(*calls, member=member))
    await at.until(lambda: at.gateway.feed.height == at.node.ledger.head_height)


async def _claims(at: Served, *serials: int) -> None:
    """Of both persons, by hospital-1, in a block each."""
    for serial in serials:
        await _executed(
            at, "hospital-1", ("settlement", "issue_and_claim", claim_of(0, serial, person_of(0, serial % 2))[2])
        )


async def test_the_statement_of_a_patient_is_shown_to_the_bureau_and_noted(tmp_path: Path) -> None:
    async with served(make_folder(tmp_path / "run", "bureau")) as at:
        await _claims(at, 1, 2, 3)
        psn_no = claim(1)["psn_no"]
        tables = await _tables(at, f"statement?psn_no={psn_no}")
        assert [row["bill_no"] for row in tables["entry"]["rows"]] == [claim(s)["bill_no"].lower() for s in (1, 3)]
        (year,) = tables["year"]["rows"]
        assert year["settled"] == 2 and year["psn_no"] == psn_no and "next" not in tables["year"]
        assert year["medfee_sumamt"] == sum(row["medfee_sumamt"] for row in tables["entry"]["rows"]) > 0
        ((reader, handle, purpose),) = at.node.reads
        assert reader == "bureau/desk" and handle == f'views.statement {{"psn_no":"{psn_no}"}}' and purpose == "query"


async def test_a_role_that_may_not_look_is_refused_and_nothing_is_noted(tmp_path: Path) -> None:
    async with served(make_folder(tmp_path / "run")) as at:
        for path, name, code in (
            ("statement", "desk", "not-permitted"),
            ("payables?table=institution", "desk", "not-permitted"),
            ("stock", "scanner", "out-of-scope"),
        ):
            answer = await _look(at, path, name)
            assert (answer.status_code, answer.json()["code"]) == (403, code)
        assert (await at.client.get("/v1/views/stock")).status_code == 401
        assert at.node.reads == []


async def test_who_holds_stock_is_shown_its_own_and_a_supervisor_everybodys(tmp_path: Path) -> None:
    listed = [
        ListUncoded(claim(1, place)["fixmedins_code"], f"item-{number}", 5) for place in (0, 1) for number in (1, 2)
    ]
    for member, seen in (("hospital-1", {"hospital-1"}), ("bureau", {"hospital-1", "hospital-2"})):
        async with served(make_folder(tmp_path / member, member)) as at:
            for each, owner in zip(listed, ("hospital-1", "hospital-1", "hospital-2", "hospital-2"), strict=True):
                await _executed(at, owner, ("stock", "list_uncoded", each))
            await _executed(at, "bureau", *(("stock", "endorse_uncoded", each) for each in listed))
            rows = (await _tables(at, "stock"))["stock"]["rows"]
            codes = {f"institution/{claim(1, int(name[-1]) - 1)['fixmedins_code']}" for name in seen}
            assert {row["holder"] for row in rows} == codes and len(rows) == 2 * len(seen)
            assert all(row["uncoded"] == 5 for row in rows)


async def test_pages_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    async with served(make_folder(tmp_path / "run", "regulator")) as at:
        await _claims(at, 1, 2, 3, 4, 5)
        whole = (await _tables(at, "statement"))["entry"]["rows"]
        found, words = [], "table=entry&count=2"
        for _ in range(3):
            page = (await _tables(at, f"statement?{words}"))["entry"]
            found += page["rows"]
            words = str(httpx.QueryParams({"table": "entry", "count": 2, "after": page.get("next", "")}))
        assert found == whole and len(whole) == 5 and "next" not in page


@pytest.mark.parametrize(
    "words",
    [
        "table=pack", "table=lot", "count=0", "count=1001", "after=[]", "table=entry&after=7", "code=1", "year=x",
        "table=entry&after=%5B%22a%22,1%5D", "table=year&bill_no=1", "year=1&year=2", f"year={2**63}",
        'table=year&after=["a",99999999999999999999]',
    ],
)  # fmt: skip
async def test_words_that_a_view_does_not_take_are_told(tmp_path: Path, words: str) -> None:
    async with served(make_folder(tmp_path / "run", "bureau")) as at:
        answer = await _look(at, f"statement?{words}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-parameter")
        assert (await _look(at, "statements")).status_code == 404


async def test_a_gateway_that_ends_keeps_its_views_and_one_that_meets_another_ledger_makes_them_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make_folder(tmp_path / "run", "bureau")
    async with served(node) as at:
        await _claims(at, 1, 2)
        before = await _tables(at, "payables")
    read: list[int] = []
    reading = made_views.read_receipted

    def noted(moment: Any, height: int) -> Any:
        read.append(height)
        return reading(moment, height)

    monkeypatch.setattr(made_views, "read_receipted", noted)
    async with served(node) as at:
        assert await _tables(at, "payables") == before and read == []
    (node.folder / "ledger.sqlite").unlink()
    for more in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (node.folder / more).unlink(missing_ok=True)
    async with served(node) as at:
        await _claims(at, 3, 5)
        after = await _tables(at, "payables")
        assert after != before and sorted(read) == [0, 1, 2]
        assert sum(row["earned_fen"] for row in after["institution"]["rows"]) > 0


async def test_a_file_of_views_that_cannot_be_read_is_made_anew(tmp_path: Path) -> None:
    node = make_folder(tmp_path / "run", "bureau")
    (node.folder / "gateway" / "view-statement.sqlite").write_bytes(b"no database" * 1000)
    async with served(node) as at:
        await _claims(at, 1)
        refused = await _look(at, "statement")
        assert (refused.status_code, refused.json()["code"]) == (503, "being-made") and "Retry-After" in refused.headers
        assert len((await _tables(at, "statement"))["entry"]["rows"]) == 1


async def test_a_view_that_takes_long_is_told_to_come_again_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_views, "SLICE", 1)
    go_on = asyncio.Event()
    async with served(make_folder(tmp_path / "run", "bureau")) as at:
        await _claims(at, 1, 2, 3)
        whole = at.gateway.readers.answer

        async def slow(ask: Any, *, is_ours: bool = False) -> Any:
            if is_ours and at.gateway.views._height(load_views()["statement"]) >= 1:
                await go_on.wait()
            return await whole(ask, is_ours=is_ours)

        monkeypatch.setattr(at.gateway.readers, "answer", slow)
        monkeypatch.setattr(at.gateway.views, "_seconds_max", 0.2)
        refused = await _look(at, "statement")
        assert refused.status_code == 503 and "up to 1 of 3" in refused.json()["detail"] and at.node.reads == []
        go_on.set()
        monkeypatch.setattr(at.gateway.views, "_seconds_max", 10.0)
        assert len((await _tables(at, "statement"))["entry"]["rows"]) == 3


async def test_many_that_look_at_once_are_told_the_same(tmp_path: Path) -> None:
    async with served(make_folder(tmp_path / "run", "bureau")) as at:
        await _claims(at, 1, 2, 3)
        answers = await asyncio.gather(*(_look(at, "statement") for _ in range(made_views.WAITING_MAX + 6)))
        told = [answer for answer in answers if answer.status_code == 200]
        assert len(told) == made_views.WAITING_MAX and {answer.text for answer in told} == {told[0].text}
        assert {answer.status_code for answer in answers} == {200, 429}


def test_no_column_is_called_like_a_word_of_ours() -> None:
    assert all(view.columns.keys().isdisjoint(WORDS) for view in load_views().values())
    assert {f"/v1/views/{name}" for name in load_views()} <= set(DOCUMENT["paths"])
    assert json.loads(json.dumps(DOCUMENT["paths"]["/v1/views/stock"]["get"]["responses"])).keys() >= {"200", "403"}
