"""No operation and no query walks over a part of the state that grows: its cost and its receipt would grow with it."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3] / "consortium" / "contracts"

UNBOUNDED = {  # function: why it may
    "governance_rules._used_keys": "a key that was ever used is refused; one entry an epoch",
    "inspections._held_by": "a node asks at its boot which records are its own; no operation does",
    "private_lines._held_by": "a node asks at its boot which records are its own; no operation does",
    "record._held_by": "a node asks at its boot which records are its own; no operation does",
    "accesses.accesses_ended": "a vault asks of one patient's records, at its boot of all; no operation does",
    "trial_records.data_held_by": "a node asks at its boot which records are its own; no operation does",
    "trial_records.data_ended": "a vault asks of one trial's data, at its boot of all; no operation does",
    "catalogue.erased_handles": "a node asks at its boot which records are erased; no operation does",
}


def walks_of(name: str, text: str) -> set[str]:
    """Functions of a source that read a range of the state without a limit."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return {f"{name}.{function.name}" for function in functions if any(map(_is_walk, ast.walk(function)))}


def _is_walk(node: ast.AST) -> bool:
    is_range = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "range"
    return is_range and not any(keyword.arg == "limit" for keyword in getattr(node, "keywords", ()))


def test_whoever_reads_a_range_says_how_much_of_it() -> None:
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        found |= walks_of(path.stem, path.read_text("utf-8"))
    assert found == set(UNBOUNDED)


def test_the_check_sees_a_walk() -> None:
    """Positive control: how a tender was closed once."""
    text = "def _close(state):\n    for key, one in state.range(SUBCONTRACTS, 'T/', 'T0'):\n        pass\n"
    assert walks_of("tenders", text) == {"tenders._close"}
    assert walks_of("tenders", text.replace("'T0')", "'T0', limit=5)")) == set()
