"""The catalogues of translated messages that the package brings: consortium/locale."""

from __future__ import annotations

import gettext
from pathlib import Path

import consortium
from consortium.core.words import ENGLISH, Words

LOCALES = Path(consortium.__file__).resolve().parent / "locale"


def languages() -> list[str]:
    """Those that there is a catalogue of, and English."""
    return sorted({"en", *(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/consortium.mo"))})


def read_words(language: str) -> Words:
    """Of one of `languages()`."""
    if language == "en":
        return ENGLISH
    with (LOCALES / language / "LC_MESSAGES" / "consortium.mo").open("rb") as file:
        return Words(language, gettext.GNUTranslations(file).gettext)
