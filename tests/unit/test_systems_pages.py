"""The pages of the contracts are made from the code, and what they are made by sees what it should."""

from __future__ import annotations

import functools

from consortium.contracts import load_contracts
from consortium.contracts.insurance import bill, institution
from consortium.core.contract import EVERY_MEMBER, Life, Move, Operation, Query, Whose
from tests.systems.pages import DOCS, all_pages, cell, render_contract, verbs_of
from tests.systems.reading import Found, read

CONTRACTS = load_contracts()


def test_the_pages_are_those_of_the_code() -> None:
    pages = all_pages()
    stale = [str(path) for path, text in pages.items() if _text(DOCS / path) != text]
    gone = [path.name for path in (DOCS / "systems").glob("*.md") if path.relative_to(DOCS) not in pages]
    assert (stale, gone) == ([], []), "`make docs` writes them anew"


def _text(path):  # type: ignore[no-untyped-def]
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def test_every_operation_and_query_stands_on_the_page_of_its_contract_and_in_the_table() -> None:
    pages = {str(path): text for path, text in all_pages().items()}
    for name, contract in CONTRACTS.items():
        for verb in verbs_of(contract):
            assert f"### `{verb.name}` — " in pages[f"systems/{name}.md"]
            assert f"({name}).{verb.name} |".replace("(", "(systems/").replace(")", ".md)", 1) in pages["systems.md"]


def test_whoever_owns_records_is_named_in_words() -> None:
    """The table prints it; a finder alone says nothing to a reader."""
    for name, contract in CONTRACTS.items():
        for verb in verbs_of(contract):
            assert verb.whose is None or verb.whose.owner.startswith("who"), f"{name}.{verb.name}"


def test_codes_are_found_through_calls_constants_patterns_and_partials() -> None:
    assert read(bill._issue).refusals >= {"bill-exists", "bad-identifier", "unknown-institution", "institution-…"}
    assert read(functools.partial(bill._issue)) == read(bill._issue)
    assert read(CONTRACTS["bill"].queries["get"].run).refusals >= {"unknown-bill"}  # a lambda
    assert read(institution._suspend).events == {"institution-suspended": {"fixmedins_code", "reason"}}
    assert "institution" in read(institution._suspend).writes
    assert read(institution._suspend).refusals >= {"wrong-status"}  # of its life
    assert "trace_pack" in read(CONTRACTS["trace_code"].operations["sell"].run).writes


def test_a_code_that_no_function_names_is_told_to_be_missing() -> None:
    found = Found({"bad-date", "institution-…"}, {"told": set()})
    assert found.tells_refusal("bad-date") and found.tells_refusal("institution-suspended")
    assert not found.tells_refusal("institution-") and not found.tells_refusal("bad-dates")
    assert found.tells_event("told") and not found.tells_event("tolds")


def test_a_cell_says_whose_records_a_role_reaches() -> None:
    whose = Whose(lambda state, arguments: (), frozenset(("bureau",)), "who did")
    verb = Operation("act", bill.Step, frozenset(("bureau", "hospital", "genesis")), lambda *_: [], whose)
    assert [cell(verb, role) for role in ("bureau", "hospital", "genesis", "regulator")] == ["all", "own", "all", ""]
    asked = Query("ask", bill.Step, EVERY_MEMBER, lambda *_: None)
    assert [cell(asked, role) for role in ("bureau", "any other", "genesis")] == ["all", "all", ""]


def test_the_life_of_a_record_is_drawn_from_the_moves_that_judge_it() -> None:
    drawn = render_contract(CONTRACTS["institution"])
    life: Life = institution.LIFE
    assert drawn.count(" --> ") == len(life.moves)
    assert Move("", "sign", institution.SIGNED) in life.moves and "[*] --> s0: sign" in drawn
