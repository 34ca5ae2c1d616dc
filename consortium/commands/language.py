"""The language in which this process speaks to a person: by `--lang`, or by the environment as other programs do."""

from __future__ import annotations

import os
from collections.abc import Mapping

from consortium.core.errors import UserError
from consortium.core.words import ENGLISH, Words
from nodes.words import languages, read_words

VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides

NATIVE = {"zh": "中文"}  # the languages whose own letters are not all ASCII

_chosen = ENGLISH


def choose(language: str | None, environment: Mapping[str, str] = os.environ) -> None:
    """From now on `spoken()` is this language; None: the one that the environment names, if it is ours. Raises
    UserError for a language that we do not have."""
    global _chosen
    known = languages()
    if language is None:
        wanted = next((value for name in VARIABLES if (value := environment.get(name))), "")
        _chosen = read_words(next((each for each in map(_short, wanted.split(":")) if each in known), "en"))
        return
    if _short(language) not in known:
        raise UserError(f"--lang {language}: known are {', '.join(known)}")
    _chosen = read_words(_short(language))


def spoken() -> Words:
    return _chosen


def is_written_in(encoding: str | None) -> bool:
    """Whether the name of the language that was chosen can be written in this encoding; None can write everything."""
    try:
        NATIVE.get(_chosen.language, _chosen.language).encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _short(name: str) -> str:
    """`zh` of zh_CN.UTF-8."""
    return name.partition(".")[0].partition("@")[0].replace("-", "_").partition("_")[0].casefold()
