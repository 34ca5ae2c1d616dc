"""A real browser before the page: Debian's Chromium driven by Playwright, and the pages that it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace
from playwright.sync_api import Browser, Page, sync_playwright

from consortium.commands.folders import save_ledger
from consortium.runs.folder import write_simulated
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault, Workload
from scenarios.bench_page import SWITCHES, served
from tests.optional import chromium_program
from tests.simulated_runs import simulated

SAME_LETTERS = "--font-render-hinting=none"  # on every machine, for pictures
ROOT = Path(__file__).resolve().parents[1]
TOLD_S = 30
IS_LIVE = "consortium.store.get().about.source === 'live'"
IS_WHOLE = "consortium.store.get().end > 0 && consortium.player.records.length >= consortium.store.get().about.records"
SLOW_MS = 120_000  # on a machine that does much else


@contextmanager
def chromium() -> Iterator[Browser]:
    """Where none is installed the test has skipped itself before (tests/optional.py)."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=[*SWITCHES, SAME_LETTERS])
        yield browser
        browser.close()


def a_short_day(folder: Path) -> Path:
    """The folder of a claim day of twelve seconds, in the simulator; its leader is killed in the middle."""
    scenario = load_scenario(ROOT / "scenarios" / "claim_day.py")
    workload = Workload(scenario.workload.source, {**scenario.workload.options, "duration_us": 12_000_000})
    faults = (Fault("kill", "leader", at_us=5_000_000), Fault("restart", "last", after_us=3_000_000))
    short = replace(scenario, suite="keyed-hash", workload=workload, faults=faults)
    write_simulated(folder, simulated(short), save_ledger)
    return folder


@contextmanager
def played(*words: str | Path) -> Iterator[str]:
    """The address of what `consortium play WORDS` serves while the block runs."""
    with served(*words) as (address, _):
        yield address


class Shown(NamedTuple):
    """A page with what went wrong on it, and what it asked of whom."""

    page: Page
    wrong: list[str]
    asked: list[str]

    def js(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.page.evaluate(script)

    def wait(self, script: str, seconds: float = TOLD_S) -> None:
        """Until an expression in the page is true. It is asked again and again: the page's policy lets no script in."""
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(script):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not within {seconds:g} s: {script}; the panel says {self.page.inner_text('#panel')}"
                )
            self.page.wait_for_timeout(20)


@contextmanager
def opened(browser: Browser, address: str, width: int = 1280, height: int = 800, **more: Any) -> Iterator[Shown]:
    """A fresh window at this address. `more`: of Playwright's contexts."""
    context = browser.new_context(viewport={"width": width, "height": height}, **more)
    context.set_default_timeout(SLOW_MS)
    page = context.new_page()
    made = Shown(page, [], [])
    page.on("console", lambda said: made.wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: made.wrong.append(str(error)))
    page.on("request", lambda request: made.asked.append(request.url))
    page.goto(address)
    yield made
    context.close()


@contextmanager
def shown(browser: Browser, address: str, width: int = 1280, height: int = 800, **more: Any) -> Iterator[Shown]:
    """A fresh window that has the page, with its records read."""
    with opened(browser, address, width, height, **more) as made:
        made.wait(f"window.consortium && ({IS_LIVE} || {IS_WHOLE})")
        yield made
