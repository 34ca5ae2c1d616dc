"""Every message for a person has its translation, and no translation is stale or loses a word."""

from __future__ import annotations

import re

import pytest

from consortium.commands.language import choose, spoken
from consortium.core.errors import UserError
from consortium.core.words import ENGLISH
from nodes.words import languages, read_words
from tests.messages import LOCALES, all_messages, messages_of, mo_bytes, po_bytes, read_catalogue, renewed

CATALOGUES = sorted(LOCALES.glob("*/LC_MESSAGES/consortium.po"))


def faults_of(translations: dict[str, str], messages: set[str]) -> list[str]:
    """What is wrong with a catalogue."""
    found = [f"not translated: {message}" for message in sorted(messages) if not translations.get(message)]
    found += [f"stale: {message}" for message in sorted(set(translations) - messages)]
    for message, translation in translations.items():
        if translation and sorted(re.findall(r"\{\w+\}", message)) != sorted(re.findall(r"\{\w+\}", translation)):
            found.append(f"other fields: {message}")
    return found


def test_there_is_a_catalogue() -> None:
    assert [path.parents[1].name for path in CATALOGUES] == ["zh"]
    assert languages() == ["en", "zh"]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parents[1].name)
def test_every_message_is_translated_and_no_entry_is_stale(path) -> None:  # type: ignore[no-untyped-def]
    catalogue = read_catalogue(path)
    translations = {str(message.id): str(message.string) for message in catalogue if message.id}
    assert faults_of(translations, set(all_messages())) == [], "`make messages` renews the catalogue"
    assert not catalogue.obsolete and not any(message.fuzzy for message in catalogue if message.id)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parents[1].name)
def test_what_the_command_reads_is_made_of_what_a_translator_wrote(path) -> None:  # type: ignore[no-untyped-def]
    assert path.with_suffix(".mo").read_bytes() == mo_bytes(read_catalogue(path)), "run `make messages`"


def test_a_missing_a_stale_and_a_maimed_translation_are_found() -> None:
    messages = {"one", "two {count}"}
    assert faults_of({"one": "", "two {count}": "二"}, messages) == ["not translated: one", "other fields: two {count}"]
    assert faults_of({"one": "一", "two {count}": "{count}", "three": "三"}, messages) == ["stale: three"]


def test_messages_are_found_where_they_are_said() -> None:
    source = 'x = words("one")\ny = spoken()("two {n}", n=1)\nz = ((mark("three"), 1),)\nprint("not this")\n'
    assert sorted(messages_of(source)) == ["one", "three", "two {n}"]


def test_a_renewed_catalogue_keeps_its_translations() -> None:
    old = read_catalogue(CATALOGUES[0])
    assert po_bytes(renewed(old)) == CATALOGUES[0].read_bytes()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "C"}, "zh"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_environment_names_the_language(environment: dict[str, str], language: str) -> None:
    try:
        choose(None, environment)
        assert spoken().language == language
    finally:
        choose("en")


def test_a_language_that_we_do_not_have_is_refused_with_those_that_we_have() -> None:
    with pytest.raises(UserError, match="known are en, zh"):
        choose("tlh")
    assert spoken() == ENGLISH


def test_words_fill_in_what_they_are_given() -> None:
    assert ENGLISH("view {view}", view=3) == "view 3"
    assert read_words("zh")("view {view}", view=3) == "视图 3"
    assert read_words("zh")("a message that nobody translated") == "a message that nobody translated"
