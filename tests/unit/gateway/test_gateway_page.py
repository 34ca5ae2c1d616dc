"""Who sees the page at a gateway: everybody on this machine where `up` said so, else an application that may do all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from consortium.runs.folder import FORMAT_FILE, HANDS_FILE, encode_format, encode_scenario
from nodes.gateway.settings import GatewaySettings
from nodes.page.asked import May
from nodes.page.guard import CSP
from nodes.page.permits import FILE, read_permits, write_permits
from tests.gateway_kit import SCENARIO, bearer, make_folder, served

OURS = {"Host": "localhost:8443"}


@asynccontextmanager
async def page(folder: Path, host: str = "127.0.0.1", *, is_whole: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    node = make_folder(folder)
    (folder / FORMAT_FILE).write_bytes(encode_format())
    (folder / HANDS_FILE).write_bytes(b"")
    if is_whole:
        (folder / "scenario.json").write_bytes(encode_scenario(SCENARIO))
    async with served(node, settings=GatewaySettings(host=host, wait_s=5.0)) as gateway:
        yield gateway.client


async def test_without_a_word_of_up_only_an_application_that_may_do_everything_sees_it(tmp_path: Path) -> None:
    async with page(tmp_path) as client:
        for path in ("/", "/page/static/index.html", "/page/words.json"):
            assert (await client.get(path, headers=OURS)).status_code == 200
        for path in ("/page/about.json", "/page/records", "/page/live", "/page/blocks", "/page/find?text=H65"):
            assert (await client.get(path, headers=OURS)).status_code == 401
            wrong = {**OURS, "Authorization": "Bearer no"}
            assert (await client.get(path, headers=wrong)).status_code == 401
            assert (await client.get(path, headers={**OURS, **bearer("scanner")})).status_code == 403
        about = (await client.get("/page/about.json", headers={**OURS, **bearer()})).json()
        assert about["eyes"] == ["hospital-1"] and about["may"] == {"submit": False, "chaos": False}
        as_other = "/page/blocks?eyes=regulator"
        told = (await client.get(as_other, headers={**OURS, **bearer()})).json()
        assert told == (await client.get("/page/blocks?eyes=hospital-1", headers={**OURS, **bearer()})).json()


async def test_where_up_said_so_everybody_on_this_machine_sees_it(tmp_path: Path) -> None:
    write_permits(tmp_path, May(chaos=True))
    async with page(tmp_path) as client:
        about = (await client.get("/page/about.json", headers=OURS)).json()
        assert about["may"] == {"submit": False, "chaos": True} and "regulator" in about["eyes"]
        (tmp_path / FILE).chmod(0o666)  # somebody else may have written it
        assert (await client.get("/page/about.json", headers=OURS)).status_code == 401


async def test_a_gateway_for_others_asks_for_a_token_whatever_up_said(tmp_path: Path) -> None:
    write_permits(tmp_path, May(True, True))
    async with page(tmp_path, "0.0.0.0") as client:
        assert (await client.get("/page/about.json")).status_code == 401
        about = (await client.get("/page/about.json", headers=bearer())).json()
        assert about["may"] == {"submit": False, "chaos": False}


async def test_the_page_leaves_the_gateway_as_it_is(tmp_path: Path) -> None:
    async with page(tmp_path) as client:
        unknown = await client.get("/nothing")
        assert unknown.status_code == 404 and unknown.json()["code"] == "unknown-path"
        assert (await client.get("/health")).json() == {"status": "ok"}
        foreign = await client.get("/", headers={"Host": "evil.example"})
        assert foreign.status_code == 421 and foreign.headers["content-security-policy"] == CSP


async def test_a_folder_without_what_the_page_needs_says_so(tmp_path: Path) -> None:
    async with page(tmp_path, is_whole=False) as client:
        response = await client.get("/page/about.json", headers={**OURS, **bearer()})
    assert response.status_code == 404 and "scenario.json" in response.json()["error"]


def test_a_permit_that_is_not_understood_permits_nothing(tmp_path: Path) -> None:
    assert read_permits(tmp_path) is None
    write_permits(tmp_path, May(submit=True))
    assert read_permits(tmp_path) == May(submit=True)
    for text in ("", "{}", '{"format":2}', '{"format":1,"more":true}', '{"format":1,"chaos":1}', "\xff"):
        (tmp_path / FILE).write_text(text, encoding="latin-1")
        assert read_permits(tmp_path) is None
