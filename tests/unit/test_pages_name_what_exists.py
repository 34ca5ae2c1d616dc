"""Pages name rooms, files, commands and places that exist; those that a newcomer reads first leave no room out."""

import re
from pathlib import Path

import pytest

from consortium.commands.app import find_command

ROOT = Path(__file__).resolve().parents[2]
PATH = re.compile(r"`([a-z_]+(?:/[a-z_*]+)*(?:/|\.py|\.md))`")
PAGES = ("architecture.md", "glossary.md")
ALL_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WHOLE_PATH = re.compile(r"`((?:consortium|nodes|scenarios|tests|docs)/[\w./-]+\.(?:py|md|json|txt))`")


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


def anchors(page: Path) -> set[str]:
    """As a heading is linked to: in small letters, with hyphens for spaces, without signs."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def faults_of(page: Path, text: str) -> list[str]:
    """What a page leads to or names in whole, and is not there."""
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not link.startswith("http") and (not target.exists() or (anchor and anchor not in anchors(target))):
            found.append(link)
    found += [path for path in WHOLE_PATH.findall(text) if not (ROOT / path).exists()]
    found += [name for name in re.findall(r"`consortium ([a-z][a-z-]*)", text) if find_command(name) is None]
    return found


def test_every_link_path_and_command_of_every_page_leads_somewhere() -> None:
    assert len(ALL_PAGES) > 80
    faults = {page.name: faults_of(page, page.read_text(encoding="utf-8")) for page in ALL_PAGES}
    assert {page: found for page, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    "text",
    ["[a](none.md)", "[a](glossary.md#none)", "`consortium/core/none.py`", "`consortium fly RUN`"],
)
def test_what_leads_nowhere_is_found(text: str) -> None:
    """Positive control."""
    assert faults_of(ROOT / "docs" / "here.md", f"so {text}.") != []
