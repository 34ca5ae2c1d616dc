"""What a gateway refuses before it does anything, one condition at a time; and what it never tells."""

from __future__ import annotations

import logging
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nodes.errors import UserError
from nodes.gateway.applications import (
    Application,
    Applications,
    add_application,
    make_token,
    read_applications,
    remove_application,
    token_digest,
)
from nodes.gateway.errors import Problem
from nodes.gateway.serve import server_config
from nodes.gateway.settings import GatewayFolder, GatewaySettings, read_gateway_settings, write_gateway_settings
from nodes.process.settings import NodeFolder
from tests.gateway_kit import TOKENS, Served, bearer, claim, make_folder, served

PATH = "/v1/settlement/issue_and_claim"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    settings = GatewaySettings(plain_http=True, body_bytes_max=20_000)
    async with served(make_folder(tmp_path / "run"), settings=settings) as made:
        yield made


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic token-of-desk", "Bearer token-of-des"])
async def test_without_a_token_that_is_known_it_is_401(at: Served, authorization: str) -> None:
    answer = await at.client.post(PATH, json=claim(1), headers={"Authorization": authorization})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert at.node.submitted == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (PATH, 200),
        ("/v1/settlement/claim", 403),
        ("/v1/settlement/lend", 404),
        ("/v1/nothing/lend", 404),
        ("/v1/queries/bill/get", 403),
        ("/v1/queries/bill/lend", 404),
    ],
)
async def test_a_token_is_good_for_its_scopes_alone(at: Served, path: str, status: int) -> None:
    answer = await at.client.post(path, json=claim(1), headers=bearer("scanner"))
    assert answer.status_code == status


async def test_records_and_blocks_are_within_scopes_too(at: Served) -> None:
    transaction = (await at.claim(1, "first")).json()["transaction"]
    assert (await at.client.get("/v1/bills/B-1", headers=bearer("scanner"))).status_code == 403
    assert (await at.client.get("/v1/blocks/1", headers=bearer("scanner"))).json()["transactions"] != []
    assert (await at.client.get("/v1/blocks/1", headers=bearer("other"))).json()["transactions"] != []
    assert (await at.client.get(f"/v1/transactions/{transaction}", headers=bearer("scanner"))).status_code == 200


@pytest.mark.parametrize(
    ("headers", "content", "status", "code"),
    [
        ({}, b"{", 400, "not-json"),
        ({}, b"[]", 422, "bad-arguments"),
        ({}, b"", 422, "bad-arguments"),
        ({"Content-Type": "text/plain"}, b"{}", 415, "not-json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"{}", 415, "not-json"),
        ({}, b" " * 20_001, 413, "too-large"),
        ({"Content-Length": "x"}, b"{}", 400, "bad-content-length"),
        ({"Idempotency-Key": "a b"}, b"{}", 400, "bad-idempotency-key"),
        ({"Idempotency-Key": "k" * 129}, b"{}", 400, "bad-idempotency-key"),
    ],
)
async def test_a_body_or_header_that_is_wrong_is_refused(
    at: Served, headers: dict[str, str], content: bytes, status: int, code: str
) -> None:
    given = {**bearer(), "Content-Type": "application/json", **headers}
    answer = await at.client.post(PATH, content=content, headers=given)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json" and at.node.submitted == 0


async def test_a_body_that_says_no_length_is_cut_at_the_limit(at: Served) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1_000

    given = {**bearer(), "Content-Type": "application/json"}
    answer = await at.client.post(PATH, content=endless(), headers=given)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "words", ["?wait=soon", "?timeout_s=-1", "?timeout_s=61", "?timeout_s=x", "?wiat=none", "?wait=none&wait=none"]
)
async def test_a_word_behind_the_question_mark_that_is_wrong_is_400(at: Served, words: str) -> None:
    answer = await at.claim(1, "first", words)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-parameter") and at.node.submitted == 0


async def test_a_gateway_that_lags_behind_takes_nothing(at: Served) -> None:
    at.gateway.lag.now_ms = 5_000.0
    answer = await at.claim(1, "first")
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1 and at.node.submitted == 0
    given = {**bearer(), "Content-Type": "application/json"}
    for path in (PATH, "/v1/transactions"):  # turned away before the body is looked at
        assert (await at.client.post(path, content=b"{", headers=given)).status_code == 429


async def test_neither_tokens_nor_arguments_nor_keys_are_logged(at: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await at.claim(1, "secret-key")
        await at.client.post(
            PATH, content=b'{"bill_no": "B-SECRET"}', headers={**bearer(), "Content-Type": "application/json"}
        )
    said = caplog.text
    assert all(word not in said for word in (*TOKENS.values(), "secret-key", "B-SECRET", claim(1)["bill_no"]))


async def test_no_other_site_is_allowed(at: Served) -> None:
    answer = await at.client.options(
        PATH, headers={"Origin": "https://elsewhere", "Access-Control-Request-Method": "POST"}
    )
    assert answer.status_code == 405 and not [name for name in answer.headers if name.startswith("access-control")]


async def test_an_application_that_is_removed_is_unknown_at_once(at: Served) -> None:
    assert (await at.claim(1, "first")).status_code == 200
    assert remove_application(at.gateway.folder, "desk") and not remove_application(at.gateway.folder, "desk")
    assert (await at.claim(1, "first")).status_code == 401
    assert not at.gateway.folder.key("desk").exists()


# --- what lies in the folder ----------------------------------------------------------------------------------------


def test_tokens_lie_hashed_and_keys_private(tmp_path: Path) -> None:
    folder = GatewayFolder(make_folder(tmp_path / "run"))
    held = folder.applications.read_text()
    assert TOKENS["desk"] not in held and token_digest(TOKENS["desk"]) in held
    for path in (folder.applications, folder.key("desk")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700
    assert len({make_token() for _ in range(100)}) == 100 and len(make_token()) >= 43


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    folder = GatewayFolder(make_folder(tmp_path / "run"))
    for path, read in (
        (folder.applications, lambda: read_applications(folder.applications)),
        (folder.key("desk"), lambda: Applications(folder).secret(Application("desk", "hospital-1", "", ()))),
    ):
        path.chmod(0o644)
        with pytest.raises(UserError, match="chmod 600"):
            read()
        path.chmod(0o600)
    folder.key("desk").write_text("no key")
    with pytest.raises(UserError, match="is no key"):
        Applications(folder).secret(Application("desk", "hospital-1", "", ()))


@pytest.mark.parametrize(
    ("name", "scope", "why"),
    [
        ("desk", "*", "already"),
        ("Desk", "*", "a-z"),
        ("-", "*", "a-z"),
        ("new", "claim", "CONTRACT"),
        ("new", "a.b.c", "CONTRACT"),
    ],
)
def test_an_application_that_cannot_be_is_refused(tmp_path: Path, name: str, scope: str, why: str) -> None:
    folder = GatewayFolder(make_folder(tmp_path / "run"))
    with pytest.raises(UserError, match=why):
        add_application(folder, name, "hospital-1", (scope,), "token", bytes(32))


@pytest.mark.parametrize(
    ("scopes", "contract", "name", "may"),
    [
        (("*",), "bill", "get", True),
        (("bill.*",), "bill", "get", True),
        (("bill.get",), "bill", "get", True),
        (("bill.get",), "bill", "issue", False),
        (("bill.*",), "billing", "get", False),
        ((), "bill", "get", False),
    ],
)
def test_a_scope_is_what_it_says(scopes: tuple[str, ...], contract: str, name: str, may: bool) -> None:
    application = Application("a", "m", "", scopes)
    assert application.may(contract, name) is may
    if not may:
        with pytest.raises(Problem, match="out-of-scope"):
            application.check(contract, name)


# --- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (GatewaySettings(plain_http=True, host="0.0.0.0"), "loopback"),
        (GatewaySettings(plain_http=True, host="example.org"), "loopback"),
        (GatewaySettings(port=70_000), "port"),
        (GatewaySettings(readers=0), "readers"),
        (GatewaySettings(answer_s=0), "answer_s"),
        (GatewaySettings(format=2), "format"),
    ],
)
def test_settings_that_cannot_be_served_by_are_refused(tmp_path: Path, settings: GatewaySettings, why: str) -> None:
    with pytest.raises(UserError, match=why):
        write_gateway_settings(tmp_path / "settings.json", settings)


def test_settings_are_read_back_and_misspelt_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    assert read_gateway_settings(path) == GatewaySettings()
    write_gateway_settings(path, GatewaySettings(plain_http=True, host="::1"))
    assert read_gateway_settings(path) == GatewaySettings(plain_http=True, host="::1")
    path.write_text('{"prot": 1}')
    with pytest.raises(UserError, match="prot"):
        read_gateway_settings(path)


async def test_without_a_certificate_it_does_not_serve_but_on_loopback_when_told(at: Served) -> None:
    folder = GatewayFolder(NodeFolder(at.gateway.folder.node.run, "hospital-1"))
    with pytest.raises(UserError, match=r"gateway\.crt is missing"):
        server_config(at.gateway, folder, GatewaySettings())
    assert server_config(at.gateway, folder, GatewaySettings(plain_http=True)).ssl is None
