"""The page's own sentences in other languages. Its sources say them in English: `t("…")`, `mark("…")`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from consortium.core.words import Words
from nodes.words import languages, read_words

STATIC = Path(__file__).resolve().parent / "static"
_SAID = re.compile(r"""(?<![\w.])(?:t|mark)\(\s*("(?:[^"\\\n]|\\.)+")""")


def scripts(folder: Path = STATIC) -> list[Path]:
    """The page's own."""
    return sorted(path for path in folder.rglob("*.js") if "vendor" not in path.relative_to(folder).parts)


def sentences_of(source: str) -> list[str]:
    """Those of one script, in order: literals in double quotes, each on one line."""
    return [json.loads(literal) for literal in _SAID.findall(source)]


def page_sentences(folder: Path = STATIC) -> list[str]:
    """Of all scripts, each once."""
    found = (sentence for path in scripts(folder) for sentence in sentences_of(path.read_text(encoding="utf-8")))
    return list(dict.fromkeys(found))


def translated(language: str) -> Mapping[str, str]:
    """The page's sentences in this language; those that have no translation are left out."""
    words = known_words(language)
    pairs = ((sentence, words.translate(sentence)) for sentence in page_sentences())
    return {sentence: said for sentence, said in pairs if said != sentence}


@cache
def known_words(language: str) -> Words:
    """English where the language is none of ours."""
    return read_words(language if language in languages() else "en")
