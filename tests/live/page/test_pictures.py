"""The page looks as it did when somebody looked at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.optional import needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.live,
    needs("chromium", "playwright", "fonts of the pictures"),
    pytest.mark.xdist_group("page"),
]
NAMES = (
    "members-390-light",
    "members-390-dark",
    "blocks-1280-light",
    "blocks-1280-dark",
    "members-1920-light",
    "members-1920-dark",
    "blocks-1280-zh",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_looks_as_it_did(browser: Browser, day: str, name: str) -> None:
    from tests.page_pictures import SHARE_MAX, SHOTS, golden, share_that_differs, take

    assert {shot.name for shot in SHOTS} == set(NAMES)
    shot = next(each for each in SHOTS if each.name == name)
    differs = share_that_differs(take(browser, day, shot), golden(shot))
    assert differs <= SHARE_MAX, (
        f"{differs:.1%} of it differs: look, and renew by python -m tests.page_pictures --write"
    )


def test_another_panel_is_seen_to_differ() -> None:
    from tests.page_pictures import SHARE_MAX, SHOTS, golden, share_that_differs

    pictures = {shot.name: golden(shot) for shot in SHOTS}
    assert share_that_differs(pictures["blocks-1280-light"], pictures["blocks-1280-zh"]) > SHARE_MAX
    assert share_that_differs(pictures["members-390-light"], pictures["members-390-dark"]) > SHARE_MAX
    assert share_that_differs(pictures["members-390-light"], pictures["members-1920-light"]) == 1.0
