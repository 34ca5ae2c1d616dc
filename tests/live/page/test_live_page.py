"""A consortium of seven processes in a real browser: its leader is killed by the button, a claim is handed in by the
form and paid, and the page shows both as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from nodes.deploy.standing import open_standing
from nodes.gateway.settings import GatewayFolder, read_gateway_settings
from nodes.process.settings import NodeFolder
from tests.optional import needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.live, needs("chromium", "playwright"), pytest.mark.xdist_group("page")]

PAID = {"en": "paid", "zh": "支付"}
LEADER = """() => {
  const state = consortium.player.stateAt(consortium.player.end);
  return [state.view, consortium.player.nameOf(state.leader)];
}"""
LEADS = "consortium.store.get().status?.leader"
REACHED = "document.querySelectorAll('.follow .is-reached').length"
OPEN = "document.querySelectorAll('.follow .is-open').length"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("live") / "seven"
    done = CliRunner().invoke(app, ["up", "--dir", str(folder)])
    assert done.exit_code == 0, done.output
    yield folder
    assert CliRunner().invoke(app, ["down", "--dir", str(folder), "--wipe"]).exit_code == 0


def gateway_address(folder: Path, member: str) -> str:
    settings = read_gateway_settings(GatewayFolder(NodeFolder(folder, member)).settings)
    return f"https://127.0.0.1:{settings.port}"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_leader_is_killed_by_the_button_and_a_claim_by_the_form_is_paid(
    browser: Browser, standing: Path, lang: str
) -> None:
    from tests.browser import played, shown

    with (
        played(standing, "--allow-submit", "--allow-chaos") as address,
        shown(browser, f"{address}#lang={lang}&tab=chaos") as page,
    ):
        page.wait(LEADS)
        before = page.js(LEADS)
        page.page.check(f"#panel input[value={before}]")
        page.page.click("#panel .act-kill")
        page.page.click("dialog.confirm .primary")
        page.wait("document.querySelectorAll('.said-list li').length > 0")
        page.js("consortium.store.set({ tab: 'try' })")
        page.page.select_option("#try-member", "hospital-1" if before != "hospital-1" else "hospital-2")
        page.page.fill("#claim-count", "9")  # more than any deductible
        page.page.click("form[aria-labelledby=form-claim] button[type=submit]")
        page.wait(f"{LEADS} && {LEADS} !== {before!r}")
        view, leader = page.js(LEADER)
        assert view >= 1 and leader == page.js(LEADS), "seen in the records as in the answers of the nodes"
        page.wait(f"{REACHED} >= 2")  # settled without it
        page.js("consortium.store.set({ tab: 'chaos' })")
        page.page.check(f"#panel input[value={before}]")
        page.page.click("#panel .act-restart")
        page.page.click("dialog.confirm .primary")
        page.wait(f"consortium.store.get().status.members.find((each) => each.name === {before!r}).state === 'running'")
        page.js("consortium.store.set({ tab: 'try' })")
        page.wait(f"{REACHED} > 0 && {OPEN} === 0", 30)  # the bureau, that was killed first, is who pays
        assert PAID[lang] in page.page.inner_text(".follow")
        assert page.wrong == []
    states = open_standing(standing).running.states()
    assert all(state.state == "running" for state in states.values()), states


def test_a_gateway_that_asks_for_a_token_shows_its_own_view_to_who_has_it(browser: Browser, standing: Path) -> None:
    from tests.browser import opened

    permits = standing / "page.json"
    permits.rename(standing / "page.kept")
    try:
        token = (standing / "nodes" / "hospital-1" / "gateway" / "desk.token").read_text().strip()
        address = gateway_address(standing, "hospital-1")
        with opened(browser, f"{address}/", ignore_https_errors=True) as page:
            page.wait("document.querySelector('#token') !== null")
            page.page.fill("#token", "wrong")
            page.page.click("form.login button")
            page.wait("document.querySelector('#token')?.value === ''")
            page.page.fill("#token", token)
            page.page.click("form.login button")
            page.wait("window.consortium && consortium.store.get().about.source === 'live'")
            page.wait("consortium.store.get().status !== null")
            assert page.js("consortium.store.get().about.eyes") == ["hospital-1"]
            assert token not in page.page.url and not any(token in url for url in page.asked)
    finally:
        (standing / "page.kept").rename(permits)
