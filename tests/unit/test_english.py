"""Comments, docstrings and pages are read by people: their sentences are short, and some phrases are refused.

A sentence ends at a full stop, a colon, a semicolon, a question mark, or where a paragraph, a bullet or a cell of a
table ends. Code between backticks counts as one word.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORDS_MAX = 40
ROOMS = ("consortium", "nodes", "scenarios", "tests")

# A phrase that had to be read three times, and what to write.
REFUSED = {
    r"was waited for, for ever": "it never came",
    r"parts per million of them of": "a share, and of what",
    r"lane that it is of": "its lane",
    r"nobody has said whose": "name the owner",
    r"(?:how|so)-manieth": "the count of",
    r"no leader is to blame that": "the leader is not at fault",
    r"that there is none of": "that does not exist",
    r"only just works": "name the limit",
    r"who was recalled goes on": "a recalled node goes on",
    r"it does nothing but": "it only",
    r"\b(?:utili[sz]e[sd]?|leverage[sd]?|seamless(?:ly)?|robustly)\b": "use a plain word",
    r"\bin order to\b": "to",
    r"\bas of yet\b": "yet",
    r"\bdue to the fact that\b": "because",
    r"\b(?:design|style|house)\.md\b": "a page of this project",
    r"\bplease note that\b": "leave it out",
}
# How many faults a room still has. A number only becomes smaller; a room without faults is not named.
STILL: dict[str, int] = {}


def sentences(text: str) -> Iterator[str]:
    """The sentences of a page or a docstring, white space folded."""
    plain = re.sub(r"`[^`]*`", "code", re.sub(r"```.*?```", "\n\n", text, flags=re.S))
    for block in re.split(r"\n\s*\n|^\s*(?:[-*|>]|#+|\d+\.)\s", plain, flags=re.M):
        for sentence in re.split(r"(?<=[.!?:;])\s|\||(?<=\S) {3,}(?=\S)", block):
            yield " ".join(sentence.split())


def faults_of_text(text: str) -> list[str]:
    """What a reader of this text would stumble over."""
    long = [sentence for sentence in sentences(text) if sum(map(str.isalnum, _initials(sentence))) > WORDS_MAX]
    folded = " ".join(text.split())
    refused = [
        f"{found[0]!r}: {instead}" for phrase, instead in REFUSED.items() for found in re.finditer(phrase, folded)
    ]
    return [f"more than {WORDS_MAX} words: {sentence[:80]}" for sentence in long] + refused


def _initials(sentence: str) -> list[str]:
    return [word.lstrip("([{*_\"'")[:1] for word in sentence.split()]


def texts_of_source(source: str) -> list[str]:
    """Docstrings, and comments with those of neighbouring lines joined."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(("#!", "# type:", "# noqa", "# fmt:")):
            words, is_alone = token.string.lstrip("# "), token.line.lstrip().startswith("#")
            if is_alone and token.start[0] == last + 1:
                texts[-1] += "\n" + words
            else:
                texts.append(words)
            last = token.start[0] if is_alone else -1
    return texts


def found_today() -> dict[str, list[str]]:
    """The faults of every room of code, and of every page."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        if path != Path(__file__).resolve():
            parts = path.relative_to(ROOT).parts
            room = "/".join(parts[: 2 if parts[0] != "scenarios" and len(parts) > 2 else 1])
            for text in texts_of_source(path.read_text(encoding="utf-8")):
                found.setdefault(room, []).extend(f"{path.name}: {fault}" for fault in faults_of_text(text))
    for path in sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]):
        found[path.relative_to(ROOT).as_posix()] = faults_of_text(path.read_text(encoding="utf-8"))
    return found


def test_sentences_are_short_and_no_phrase_is_refused() -> None:
    found = {place: faults for place, faults in found_today().items() if len(faults) != STILL.get(place, 0)}
    assert found == {}, "mend it; a place that has fewer faults than STILL says is taken out of it"


@pytest.mark.parametrize(
    "text",
    [
        "This took was waited for, for ever.",
        "The how-manieth arrival it is.",
        "It is done in order to win.",
        " ".join(["word"] * 41),
        "One is short. " + " ".join(["word"] * 41) + ". One is short.",
    ],
)
def test_each_kind_of_fault_is_found(text: str) -> None:
    assert len(faults_of_text(text)) == 1


def test_bullets_cells_and_code_end_or_shorten_a_sentence() -> None:
    words = " ".join(["word"] * 39)
    assert faults_of_text(f"- {words}\n- {words}\n\n| {words} | {words} |\n\n`{words}` {words}") == []
    source = f'"""{words}"""\n# {words}\n# {words}\nx = 1\n# {words}\n'
    assert [len(text.split()) for text in texts_of_source(source)] == [39, 78, 39]
