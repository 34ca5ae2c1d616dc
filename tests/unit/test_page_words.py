"""The page's own sentences stand in the catalogue, where test_messages.py asks for a translation of each."""

from __future__ import annotations

import pytest

from nodes.page.words import scripts, sentences_of
from tests.messages import ROOT, hidden_from_translators


def test_messages_of_a_script_are_those_that_t_and_mark_are_given() -> None:
    source = (
        'html`<p>${t("one {n}", { n: 1 })}</p>`; const title = mark(\n  "t\\"wo"); at("no"); store.t("no"); t(title);'
    )
    assert sentences_of(source) == ["one {n}", 't"wo']


def test_a_sentence_that_a_translator_would_not_be_given_is_found() -> None:
    source = "t('one'); t(`two`); t(\"three\" + x); mark('four'); t(title); t(\"five\", { x })"
    assert hidden_from_translators(source) == ["t('one'", "t(`two`", 't("three" +', "mark('four'"]


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_every_sentence_of_the_page_is_written_so_that_a_translator_is_given_it(path) -> None:  # type: ignore[no-untyped-def]
    assert hidden_from_translators(path.read_text(encoding="utf-8")) == [], path.relative_to(ROOT)
