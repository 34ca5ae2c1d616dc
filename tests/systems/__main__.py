"""Writes docs/systems.md and docs/systems/*.md anew; pages of contracts that are gone are removed."""

from __future__ import annotations

from tests.systems.pages import DOCS, all_pages


def main() -> None:
    pages = all_pages()
    (DOCS / "systems").mkdir(exist_ok=True)
    for path in (DOCS / "systems").glob("*.md"):
        if path.relative_to(DOCS) not in pages:
            path.unlink()
    for path, text in pages.items():
        (DOCS / path).write_text(text, encoding="utf-8")
    print(f"{len(pages)} pages in {DOCS}")


main()
