"""One browser for the tests of a file, one recorded run for all of a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Its driver keeps an event loop running in this thread: it ends with the file, since other tests run their own."""
    from tests.browser import chromium

    with chromium() as made:
        yield made


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page that plays a short claim day."""
    from tests.browser import a_short_day, played

    with played(a_short_day(tmp_path_factory.mktemp("day") / "run")) as address:
        yield address
