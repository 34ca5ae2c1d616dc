"""A recorded day in a real browser: what it shows at the end, in both languages, by keyboard, at every width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.optional import needs, node_tools

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser import Shown

pytestmark = [pytest.mark.live, needs("chromium", "playwright"), pytest.mark.xdist_group("page")]

AT_END = """() => {
  const { player } = consortium;
  const state = player.stateAt(player.end);
  return player.about.members.map((_, at) => [state.member(at + 1).height, state.view, state.leader]);
}"""
TABS = "Array.from(document.querySelectorAll('[role=tab]'), (tab) => tab.id.slice(4))"
STILL: dict[str, Any] = {"reduced_motion": "reduce"}
SERIOUS = ("serious", "critical")


def _show_tab(page: Shown, tab: str) -> None:
    page.js(f"consortium.store.set({{ tab: {tab!r} }})")
    page.wait(f"document.querySelector('#tab-{tab}')?.getAttribute('aria-selected') === 'true'")


def _tabs(page: Shown) -> list[str]:
    found: list[str] = page.js(TABS)
    assert len(found) > 5
    return found


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_day_ends_on_the_page_as_it_ended(browser: Browser, day: str, lang: str) -> None:
    from tests.browser import shown

    with shown(browser, f"{day}#lang={lang}", **STILL) as page:
        about = page.js("fetch('page/about.json').then((answer) => answer.json())")
        page.js("consortium.player.seek(consortium.player.end)")
        states = page.js(AT_END)
        assert len(states) == len(about["members"]) == 7
        heights = {height for height, _, _ in states}
        assert heights == {about["height"]} if "height" in about else len(heights) == 1
        assert {view for _, view, _ in states} == {1}, "the leader was killed: one view change"
        assert page.js("document.documentElement.lang") == {"en": "en", "zh": "zh-Hans"}[lang]
        shown_text = page.page.inner_text("#panel")
        assert f"{max(heights):,}" in shown_text
        assert ("leader" in shown_text) == (lang == "en")
        assert page.wrong == []


def test_every_tab_asks_its_own_server_alone_and_finds_no_fault(browser: Browser, day: str) -> None:
    from tests.browser import shown

    with shown(browser, day, **STILL) as page:
        for tab in _tabs(page):
            _show_tab(page, tab)
            page.page.wait_for_timeout(150)
        assert page.wrong == []
        own = urlsplit(day).netloc
        others = [
            url for url in page.asked if urlsplit(url).scheme in ("http", "https") and urlsplit(url).netloc != own
        ]
        assert others == []


def test_a_link_opens_its_moment(browser: Browser, day: str) -> None:
    from tests.browser import shown

    with shown(browser, f"{day}#t=5.2&tab=members&lang=zh", **STILL) as page:
        page.wait("Math.abs(consortium.player.now() - 5200000) < 1000")
        assert page.js("consortium.player.playing") is False
        assert page.js("consortium.store.get().tab") == "members"
        page.js("consortium.player.seek(6000000)")
        page.wait("/t=6(\\.0+)?(&|$)/.test(location.hash)")


def test_the_keyboard_alone_is_enough(browser: Browser, day: str) -> None:
    from tests.browser import shown

    with shown(browser, day, **STILL) as page:
        keys = page.page.keyboard
        page.js("consortium.player.pause(), consortium.player.seek(2000000)")
        before = page.js("consortium.player.heightAt(consortium.player.now())")
        keys.press("Shift+ArrowRight")
        page.wait(f"consortium.player.heightAt(consortium.player.now()) === {before + 1}")
        keys.press("Space")
        page.wait("consortium.player.playing")
        keys.press("Space")
        page.wait("!consortium.player.playing")
        keys.press("2")
        second = _tabs(page)[1]
        page.wait(f"document.querySelector('#tab-{second}').getAttribute('aria-selected') === 'true'")
        keys.press("1")  # of a panel with few links
        reached = set()
        for _ in range(60):
            keys.press("Tab")
            reached.add(page.js("document.activeElement.getAttribute('role') ?? document.activeElement.tagName"))
        assert {"tab", "BUTTON"} <= reached and reached & {"slider", "INPUT"}


@pytest.mark.parametrize("width", [390, 768, 1280, 2560])
def test_nothing_is_wider_than_its_window(browser: Browser, day: str, width: int) -> None:
    from tests.browser import shown

    with shown(browser, day, width, 844, **STILL) as page:
        for tab in _tabs(page):
            _show_tab(page, tab)
            found = page.js("document.scrollingElement.scrollWidth")
            assert found <= width, f"{tab}: {found} pixels"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, day: str, scheme: str) -> None:
    from tests.browser import shown

    axe = (node_tools() / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    with shown(browser, day, color_scheme=scheme, bypass_csp=True, **STILL) as page:
        page.page.evaluate(axe)
        found = []
        for tab in _tabs(page):
            _show_tab(page, tab)
            page.page.wait_for_timeout(150)
            for fault in page.js("axe.run().then((found) => found.violations)"):
                if fault["impact"] in SERIOUS:
                    found.append((tab, fault["id"], [node["html"][:200] for node in fault["nodes"]][:2]))
        assert found == []
        page.js("document.querySelector('[role=tab]').removeAttribute('role')")
        page.page.evaluate("document.body.append(document.createElement('img'))")
        worse = page.js("axe.run().then((found) => found.violations)")
        assert any(fault["impact"] in SERIOUS for fault in worse), "the check can fail"


BOX = """(selector) => {
  const { left, top, right, bottom } = document.querySelector(selector).getBoundingClientRect();
  return [left, top, right, bottom];
}"""


@pytest.mark.parametrize("height", [667, 844])
def test_a_tab_that_is_tapped_is_brought_into_view(browser: Browser, day: str, height: int) -> None:
    from tests.browser import shown

    with shown(browser, day, 390, height, **STILL) as page:
        foot = page.page.evaluate(BOX, ".foot")
        for tab in ("blocks", "findings", "members"):
            page.js("scrollTo(0, 0)")
            page.page.evaluate("(id) => document.getElementById(id).click()", f"tab-{tab}")
            page.wait("Math.abs(document.querySelector('#panels').getBoundingClientRect().top) < 2")
            assert page.page.evaluate(BOX, "#panel")[1] < foot[1] - height / 3, "a third of the window shows the panel"
        page.js("scrollTo(0, 0)")
        page.page.keyboard.press("2")
        page.wait("Math.abs(document.querySelector('#panels').getBoundingClientRect().top) < 2")


@pytest.mark.parametrize("height", [667, 844])
def test_the_tour_leaves_free_what_it_speaks_of(browser: Browser, day: str, height: int) -> None:
    from tests.browser import shown

    with shown(browser, day, 390, height, **STILL) as page:
        page.js("consortium.store.set({ tour: 0 })")
        page.wait("Number(document.querySelector('.tour-head .quiet')?.textContent.split(' ')[2]) > 6")
        at = 0
        while page.js("consortium.store.get().tour") >= 0:
            page.wait(f"document.querySelector('.tour-head .quiet')?.textContent.startsWith('{at + 1} ')")
            page.page.wait_for_timeout(60)
            shows = page.js("document.documentElement.dataset.tour")
            card, foot = page.page.evaluate(BOX, ".tour-card"), page.page.evaluate(BOX, ".foot")
            assert card[3] <= foot[1] and card[0] >= 0 and card[2] <= 390
            if shows == "ring":
                ring = page.page.evaluate(BOX, ".ring")
                assert ring[1] >= -2 and ring[3] <= card[1] + 2, f"stop {at + 1}: the ring is under the card"
            else:
                panel = page.page.evaluate(BOX, "#panel")
                assert panel[1] >= 0 and card[1] - panel[1] > height / 5, f"stop {at + 1}: the card covers the panel"
            for button in page.page.query_selector_all(".tour-card button"):
                box = button.bounding_box()
                assert box and card[1] <= box["y"] and box["y"] + box["height"] <= card[3], f"stop {at + 1}: cut"
            page.page.click(".tour-buttons .primary")
            at += 1
        assert at > 6
