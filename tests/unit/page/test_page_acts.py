"""Acts are taken from the page itself, where they were allowed, and from nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.core.errors import UserError
from consortium.core.words import ENGLISH
from consortium.runs.folder import HANDS_FILE
from consortium.scenario.workloads.standing import SampleItem, SamplePerson, Samples
from nodes.deploy.samples import Trial
from nodes.page import routes_acts
from nodes.page.acts import Act, carry_out
from nodes.page.asked import May
from nodes.page.forms import filled, submitter
from nodes.page.routes_acts import BODY_MAX
from tests.finished_run import finished_run
from tests.page_kit import ADDRESS, Browser, client_of

OURS = {"Origin": ADDRESS, "X-Consortium": "page", "Content-Type": "application/json"}
KILL = b'{"act":"kill","targets":["hospital-1"]}'
CLAIM = b'{"kind":"claim","fields":{}}'


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that looks like one that stands."""
    run = finished_run(tmp_path_factory.mktemp("page") / "run")
    (run / HANDS_FILE).write_bytes(b"")
    return run


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Act]:
    """What would have been done."""
    found: list[Act] = []

    def note(folder: Path, asked: Act, words: Any) -> str:
        found.append(asked)
        return "done"

    monkeypatch.setattr(routes_acts, "carry_out", note)
    return found


@pytest.fixture
def client(stand: Path) -> Iterator[Browser]:
    with client_of(stand, may=May(submit=True, chaos=True)) as made:
        yield made


def test_what_the_page_itself_asks_is_done(client: Browser, done: list[Act]) -> None:
    response = client.post("/page/act", content=KILL, headers=OURS)
    assert response.status_code == 200 and response.json() == {"said": "done"}
    assert done == [Act("kill", ["hospital-1"])]
    assert client.get("/page/about.json").json()["may"] == {"submit": True, "chaos": True}


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "https://evil.example"},
        {"Origin": ADDRESS + "0"},
        {"Origin": ADDRESS.replace("http:", "https:")},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": None},
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"X-Consortium": None},
        {"X-Consortium": "other"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": None},
    ],
)
@pytest.mark.parametrize(("path", "body"), [("/page/act", KILL), ("/page/submit", CLAIM)])
def test_nothing_is_done_for_another_page(
    client: Browser, done: list[Act], changed: dict[str, str | None], path: str, body: bytes
) -> None:
    headers = {name: value for name, value in {**OURS, **changed}.items() if value is not None}
    response = client.post(path, content=body, headers=headers)
    assert response.status_code in (403, 421) and done == []
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["/page/act", "/page/submit"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_no_other_method_does_anything(client: Browser, done: list[Act], path: str, method: str) -> None:
    assert client.ask(method, path, headers=OURS).status_code == 405 and done == []


def test_nothing_is_done_where_it_was_not_allowed(stand: Path, done: list[Act]) -> None:
    with client_of(stand) as client:
        for path, body, flag in (("act", KILL, "--allow-chaos"), ("submit", CLAIM, "--allow-submit")):
            response = client.post(f"/page/{path}", content=body, headers=OURS)
            assert response.status_code == 403 and flag in response.json()["error"]
        assert client.get("/page/forms").status_code == 403
    assert done == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b"[]", 400),
        (b'{"act":1}', 400),
        (b'{"act":"kill","targets":"all"}', 400),
        (b'{"act":"kill","more":1}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 10_000, 400),
        (b" " * (BODY_MAX + 1), 413),
    ],
)
def test_a_body_that_is_no_act_is_refused(client: Browser, done: list[Act], body: bytes, status: int) -> None:
    response = client.post("/page/act", content=body, headers=OURS)
    assert response.status_code == status and response.json()["error"] and done == []


def test_a_run_that_is_over_takes_nothing(stand: Path, tmp_path: Path, done: list[Act]) -> None:
    run = finished_run(tmp_path / "run", transactions=1)
    with client_of(run, may=May(submit=True, chaos=True)) as client:
        assert client.post("/page/act", content=KILL, headers=OURS).status_code == 404
        assert client.get("/page/forms").status_code == 404
    for words in (["--allow-chaos"], ["--allow-submit", "--port", "0"]):
        result = CliRunner().invoke(app, ["play", str(run), *words])
        assert isinstance(result.exception, UserError) and "is over" in str(result.exception)
    result = CliRunner().invoke(app, ["play", str(stand), "--allow-chaos", "--host", "0.0.0.0"])
    assert isinstance(result.exception, UserError) and "this machine alone" in str(result.exception)
    assert done == []


def test_an_act_that_is_none_names_those_there_are(stand: Path) -> None:
    with pytest.raises(UserError, match="no consortium"):
        carry_out(stand, Act("kill", ["hospital-1"]), ENGLISH)
    with pytest.raises(UserError, match="at most"):
        carry_out(stand, Act("kill", ["x"] * 65), ENGLISH)


# --- forms ----------------------------------------------------------------------------------------------------------

OWN = Samples(1, "h", "hospital", "H1", (SamplePerson(2026, "p", "s"),), (SampleItem("x1", 500),))
TRIAL = Trial(OWN, 20260101, None, lambda handle, record: b"")  # type: ignore[arg-type]
GOOD = {"person": "s", "item": "x1", "count": "1", "price": "5.00"}


@pytest.mark.parametrize(
    "changed",
    [
        {"person": ""},
        {"person": 1},
        {"person": "x" * 101},
        {"person": "a\nb"},
        {"item": "x2"},
        {"count": "0"},
        {"count": "100"},
        {"count": "1.5"},
        {"count": "٣"},
        {"price": "5.001"},
        {"price": "-5"},
        {"price": "1e3"},
        {"price": "9999999999"},
        {"wish": "x"},
    ],
)
def test_a_form_that_cannot_be_handed_in_says_which_field(changed: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=next(iter(changed))):
        filled(TRIAL, "claim", {**GOOD, **changed})


def test_a_pack_is_sold_by_its_code() -> None:
    sample = filled(TRIAL, "dispense", {"code": " 0123 "})
    assert (sample.contract, sample.operation) == ("trace_code", "sell")
    assert "0123" in msgspec.to_builtins(sample.arguments).values()


def test_who_hands_in_is_one_who_may(stand: Path) -> None:
    from nodes.page.facts import read_facts

    facts = read_facts(stand)
    assert submitter(facts, "claim", "") == "hospital-1" and submitter(facts, "claim", "hospital-2") == "hospital-2"
    for kind, member in (("claim", "bureau"), ("dispense", ""), ("claim", "nobody"), ("money", "")):
        with pytest.raises(UserError):
            submitter(facts, kind, member)
