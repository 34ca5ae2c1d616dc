"""Messages for a person and their translations: `python -m tests.messages` (or `make messages`) renews every catalogue.

A message is the first argument of `words("…")`, `spoken()("…")` or `mark("…")` anywhere in the code, of `t("…")` or
`mark("…")` in the scripts of the page, and the name, the sentence and the words of each check. New ones are added to
every `.po` without a translation, those that are gone are removed, and each `.po` is compiled to the `.mo` that the
command reads.
"""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from consortium.lab.checks.claims import claims
from nodes.page.words import scripts, sentences_of

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ROOT / "consortium" / "locale"
SPEAKERS = {"words", "mark", "spoken"}
PAGE_HIDES = re.compile(r"""(?<![\w.])(?:t|mark)\(\s*(?:['`][^'`\n]*['`]|"[^"\n]*"\s*\+)""")
VERDICT_WORDS = ("holds", "not checked", "not asked")


def messages_of(source: str) -> list[str]:
    """Those of one file, in order."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _speaker(node.func) in SPEAKERS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and first.value:
                found.append(first.value)
    return found


def hidden_from_translators(source: str) -> list[str]:
    """Calls of `t` or `mark` whose sentence no translator is given: in other quotes, or put together on the spot."""
    return PAGE_HIDES.findall(source)


def _speaker(func: ast.expr) -> str:
    if isinstance(func, ast.Call):
        return _speaker(func.func)
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def all_messages() -> dict[str, list[str]]:
    """Each message with the files that say it."""
    found: dict[str, list[str]] = {}
    for folder in ("consortium", "nodes"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for message in messages_of(path.read_text(encoding="utf-8")):
                found.setdefault(message, []).append(path.relative_to(ROOT).as_posix())
    for path in scripts():
        for message in sentences_of(path.read_text(encoding="utf-8")):
            found.setdefault(message, []).append(path.relative_to(ROOT).as_posix())
    for message in (*VERDICT_WORDS, *(text for claim in claims() for text in (claim.name, claim.sentence))):
        found.setdefault(message, []).append("consortium/lab/checks")
    return found


def read_catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name, domain="consortium", charset="utf-8")


def renewed(old: Catalog) -> Catalog:
    """The catalogue of today's messages, with the translations that it had."""
    new = Catalog(locale=old.locale, domain="consortium", project="consortium", charset="utf-8", fuzzy=False)
    new.creation_date = old.creation_date
    for message, places in sorted(all_messages().items()):
        known = old.get(message)
        lines = [(place, 1) for place in sorted(set(places))]
        new.add(message, known.string if known is not None else "", locations=lines)
    return new


def po_bytes(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, width=100, omit_header=False, include_lineno=False)
    return out.getvalue()


def mo_bytes(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> None:
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/consortium.po")):
        catalogue = renewed(read_catalogue(path))
        path.write_bytes(po_bytes(catalogue))
        path.with_suffix(".mo").write_bytes(mo_bytes(catalogue))
        missing = [message.id for message in catalogue if message.id and not message.string]
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} messages, {len(missing)} not translated")
        for message in missing:
            print(f"  {message!r}")


if __name__ == "__main__":
    main()
