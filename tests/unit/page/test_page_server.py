"""The page's server gives out its own files alone, under headers that let nothing else in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from nodes.page.app import ROUTES, file_answer
from nodes.page.guard import CSP
from nodes.page.serve import listen
from nodes.page.words import page_sentences, translated
from nodes.page.wrong import Wrong
from tests.finished_run import finished_run
from tests.page_kit import Browser, client_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with client_of(finished_run(tmp_path_factory.mktemp("page") / "run")) as made:
        yield made


ASKED = [path.replace("{path:path}", "index.html") for method, path, _ in ROUTES if method == "GET"]


@pytest.mark.parametrize("path", [*ASKED, "/nothing", "/page/static/none.js", "/page/static/../app.py"])
def test_every_answer_forbids_what_is_from_elsewhere(client: Browser, path: str) -> None:
    for response in (client.get(path), client.post(path), client.get(path, headers={"Host": "evil.example"})):
        assert response.headers["content-security-policy"] == CSP
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "'unsafe" not in response.headers["content-security-policy"]


def test_the_page_is_there_and_is_not_sent_twice(client: Browser) -> None:
    first = client.get("/")
    assert first.status_code == 200 and first.headers["content-type"].startswith("text/html")
    again = client.get("/page/static/index.html", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""


@pytest.mark.parametrize(
    "path",
    ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "....//app.py", "/etc/passwd", "%2fetc%2fpasswd", "..\\app.py",
     "a%00.js", "", ".", "vendor", "index.html/", "../static/../pack.py", "%c0%ae%c0%ae/app.py"],
)  # fmt: skip
def test_no_path_leads_out_of_the_pages_files(client: Browser, path: str) -> None:
    response = client.get(f"/page/static/{path}")
    assert response.status_code == 404 and b"import" not in response.content


def test_a_link_does_not_lead_out_either_and_a_page_without_files_says_so(tmp_path: Path) -> None:
    inside = tmp_path / "static"
    inside.mkdir()
    (tmp_path / "secret.js").write_text("key")
    (inside / "link.js").symlink_to(tmp_path / "secret.js")
    for name in ("link.js", "../secret.js", "index.html", "a\0.js"):
        with pytest.raises(Wrong) as wrong:
            file_answer(name, "", inside)
        assert wrong.value.status == 404


def test_only_who_asks_by_our_own_name_is_answered(client: Browser) -> None:
    for host in ("evil.example", "evil.example:8800", "127.0.0.1.evil.example", "", "localhost.", "[::2]:80"):
        assert client.get("/page/about.json", headers={"Host": host}).status_code == 421
    for host in ("localhost:9", "127.0.0.1", "LOCALHOST:8800", "[::1]:8800"):
        assert client.get("/page/about.json", headers={"Host": host}).status_code == 200


def test_nothing_comes_live_of_a_run_that_is_over(client: Browser) -> None:
    assert client.get("/page/live").status_code == 204
    assert client.get("/page/records?of=1").status_code == 404


def test_the_pages_sentences_are_collected_and_told_in_both_languages(client: Browser, tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "other.js").write_text('t("not ours")')
    (tmp_path / "main.js").write_text('import("x"); t("height {height}", {height}); mark("a \\"word\\""); at("no")')
    assert page_sentences(tmp_path) == ["height {height}", 'a "word"']
    assert client.get("/page/words.json?lang=en").json() == {} == client.get("/page/words.json?lang=../../x").json()
    assert client.get("/page/words.json?lang=zh").json() == translated("zh")


def test_a_wrong_run_or_port_is_one_sentence(tmp_path: Path) -> None:
    from consortium.core.errors import UserError

    result = CliRunner().invoke(app, ["play", str(tmp_path / "none")])
    assert isinstance(result.exception, UserError) and "none" in str(result.exception)
    with listen("127.0.0.1", 0) as taken, pytest.raises(UserError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("held", "told"),
    [(b"", "no record"), (b"\x00\xff\n", "line 1"), (b'{"a": [1]}\n', "line 1"), (b'{"t_us": 1, "no', "no record")],
)
def test_a_trace_that_is_none_is_told_before_an_address_is_shown(tmp_path: Path, held: bytes, told: str) -> None:
    (tmp_path / "bad.jsonl").write_bytes(held)
    result = CliRunner().invoke(app, ["play", str(tmp_path / "bad.jsonl")])
    assert told in str(result.exception) and "http://" not in result.output
