"""Every kind of event has a sentence, which names fields that it has; so has none that no contract emits."""

from __future__ import annotations

import ast
from pathlib import Path

from consortium.core.contract import Event
from consortium.core.words import ENGLISH
from consortium.stories.event_words import fields_of, load_event_words, tell_event

CONTRACTS = Path(__file__).resolve().parents[3] / "consortium" / "contracts"


def kinds_emitted() -> set[str]:
    """The constants that reach the first argument of `Event(…)`: there, through a local `kind`, or through a function
    that is given it."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(CONTRACTS.rglob("*.py"))]
    return {kind for tree in trees for kind in _kinds_of(tree, trees)}


def _kinds_of(tree: ast.Module, trees: list[ast.Module]) -> set[str]:
    found: set[str] = set()
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        for call in _calls(function, "Event"):
            first = call.args[0]
            if not isinstance(first, ast.Name):
                found |= _texts(first)
                continue
            names = [argument.arg for argument in function.args.args]
            if first.id in names:
                place = names.index(first.id)
                for other in trees if not function.name.startswith("_") else [tree]:
                    for each in _calls(other, function.name):
                        found |= _texts(each.args[place]) if len(each.args) > place else set()
            elif first.id in constants:
                found |= _texts(constants[first.id])
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == first.id for each in node.targets):
                    found |= _texts(node.value)
    return found


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) == name and call.args]


def _texts(node: ast.expr) -> set[str]:
    """The constants that a value can be; of a condition, not what it asks."""
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_kind_of_event_has_a_sentence_and_no_sentence_is_stale() -> None:
    emitted = kinds_emitted()
    assert {"settled", "bill-verified", "cold-chain-excursion", "transfer-endorsed", "notice"} <= emitted
    missing = sorted(emitted - load_event_words().keys())
    assert not missing, f"write a sentence into EVENT_WORDS of event_words.py beside the contract: {missing}"
    assert sorted(load_event_words().keys() - emitted) == [], "no contract emits these"


def test_a_kind_without_a_sentence_is_found() -> None:
    source = (
        'def _say(kind):\n    return Event(kind, {})\n\ndef _run():\n    return [_say("heard"), Event("seen", {})]\n'
    )
    assert _kinds_of(ast.parse(source), [ast.parse(source)]) == {"heard", "seen"}


def test_a_sentence_tells_amounts_in_yuan_and_days_as_days() -> None:
    fields: dict[str, int | str] = {"order_no": "o-1", "packs": 2, "due_day": 20260501}
    assert tell_event(Event("order-received", fields), ENGLISH).endswith("2 packs; it is to be paid by 2026-05-01")
    paid: dict[str, int | str] = {"source": "a/1", "target": "b/2", "amount_fen": 123456, "cause": "c/3"}
    assert tell_event(Event("movement", paid), ENGLISH) == "1,234.56 yuan from a/1 to b/2 (c/3)"


def test_an_event_that_nobody_wrote_a_sentence_for_tells_its_fields() -> None:
    assert tell_event(Event("mine", {"amount_fen": 5, "day": 20260102}), ENGLISH) == "mine: amount 0.05, day 2026-01-02"
    assert tell_event(Event("settled", {"year": 2026}), ENGLISH) == "settled: year 2026"


def test_a_notice_tells_all_that_it_brings() -> None:
    notice = Event("notice", {"why": "overpaid", "record": "order/o-1", "amount_fen": 8800})
    assert tell_event(notice, ENGLISH) == "notice of order/o-1: overpaid (amount 88.00)"


def test_the_fields_of_a_sentence_are_those_in_braces() -> None:
    assert fields_of("{a} and {b}") == {"a", "b"}
