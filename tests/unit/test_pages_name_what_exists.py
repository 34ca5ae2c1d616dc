"""The pages that a newcomer reads first name rooms and files that exist, and leave no room out."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATH = re.compile(r"`([a-z_]+(?:/[a-z_*]+)*(?:/|\.py|\.md))`")
PAGES = ("architecture.md", "glossary.md")


def named_paths(page: str) -> list[str]:
    return PATH.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = named_paths(page)
    assert len(named) > 20
    missing = [
        path
        for path in named
        if not any((place / path).exists() for place in (ROOT, ROOT / "consortium", ROOT / "docs", ROOT / "tests"))
    ]
    assert missing == []


def test_the_architecture_page_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [path.name for path in (ROOT / "consortium").iterdir() if (path / "__init__.py").is_file()]
    assert [room for room in rooms if f"`consortium/{room}/`" not in text] == []


def test_the_glossary_is_in_order_and_names_each_word_once() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [row.split("|")[1].strip().lower() for row in text.splitlines() if row.startswith("| ")][2:]
    assert words == sorted(set(words))
