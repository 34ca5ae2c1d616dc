"""Golden pictures of the page, and those of the documentation: `python -m tests.page_pictures --write` takes them anew.

A test holds the golden ones against the page as it is, with a tolerance: both are made a quarter as wide, and few of
their pixels may differ much. So another version of the browser or of a font passes, and a panel that is gone does not.
Look at each before you keep it.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageChops
from playwright.sync_api import Browser

from tests.browser import ROOT, a_short_day, chromium, played, shown

GOLDEN = ROOT / "tests" / "golden" / "page"
IMAGES = ROOT / "docs" / "images"
COLOURS = 200
SHRUNK = 4  # so many times
MUCH = 40  # of 255, in the channel that differs most
SHARE_MAX = 0.02
SETTLED_MS = 500  # what came is drawn


class Shot(NamedTuple):
    """What is taken: of the short claim day, at this moment."""

    name: str
    width: int
    height: int
    scheme: str
    hash: str


MOMENT = "t=7.003"  # the second leader says NEW-VIEW
PANELS = ((390, 844, "members"), (1280, 800, "blocks"), (1920, 1080, "members"))
SHOTS = (
    *(
        Shot(f"{tab}-{width}-{scheme}", width, height, scheme, f"{MOMENT}&tab={tab}&lang=en")
        for width, height, tab in PANELS
        for scheme in ("light", "dark")
    ),
    Shot("blocks-1280-zh", 1280, 800, "light", f"{MOMENT}&tab=blocks&lang=zh"),
)
PICTURES = tuple(
    Shot(f"page-{scheme}", 1440, 860, scheme, "t=7.0042&tab=blocks&lang=en") for scheme in ("light", "dark")
)


def take(browser: Browser, address: str, shot: Shot) -> Image.Image:
    size, scheme = (shot.width, shot.height), shot.scheme
    with shown(browser, f"{address}#{shot.hash}", *size, color_scheme=scheme, reduced_motion="reduce") as page:
        page.page.wait_for_load_state("networkidle")
        page.page.wait_for_timeout(SETTLED_MS)
        return Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")


def share_that_differs(one: Image.Image, other: Image.Image) -> float:
    """Of the pixels of both, made smaller; 1 where they are not of one size."""
    if one.size != other.size:
        return 1.0
    size = (one.width // SHRUNK, one.height // SHRUNK)
    apart = ImageChops.difference(one.convert("RGB").resize(size), other.convert("RGB").resize(size))
    most = max_channel(apart)
    much = sum(count for value, count in enumerate(most.histogram()) if value > MUCH)
    return much / (size[0] * size[1])


def max_channel(picture: Image.Image) -> Image.Image:
    red, green, blue = picture.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def golden(shot: Shot) -> Image.Image:
    return Image.open(GOLDEN / f"{shot.name}.png").convert("RGB")


def keep(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(COLOURS).save(path, optimize=True)


def main() -> None:
    if sys.argv[1:] != ["--write"]:
        raise SystemExit("python -m tests.page_pictures --write")
    taken = [(shot, GOLDEN) for shot in SHOTS] + [(shot, IMAGES) for shot in PICTURES]
    with (
        tempfile.TemporaryDirectory() as made,
        chromium() as browser,
        played(a_short_day(Path(made) / "run")) as address,
    ):
        for shot, folder in taken:
            keep(take(browser, address, shot), folder / f"{shot.name}.png")
    print(f"{len(SHOTS)} golden pictures in {GOLDEN}, {len(PICTURES)} in {IMAGES}: look at each")


if __name__ == "__main__":
    main()
