"""How large a file, a function and a class may be. Those that are too large today are named; the lists only shrink."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
CLASS_ATTRIBUTES_MAX = 19
LONG_FUNCTION_LINES = 40
LONG_FUNCTIONS_MAX = 3  # functions of more than LONG_FUNCTION_LINES; lower it when there are fewer, never raise it

LARGE_FILES: set[str] = set()
LARGE_FUNCTIONS: set[str] = set()
LARGE_CLASSES: set[str] = set()


def functions(tree: ast.AST) -> dict[str, int]:
    """Lines of each function with its decorators left out, the longest where a name stands twice."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found[node.name] = max(lines, found.get(node.name, 0))
    return found


def class_attributes(tree: ast.AST) -> dict[str, int]:
    """How many attributes the methods of each class assign to `self`."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            stores = [
                each for each in ast.walk(node) if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
            ]
            names = {each.attr for each in stores if isinstance(each.value, ast.Name) and each.value.id == "self"}
            found[node.name] = len(names)
    return found


def too_large(path: str, text: str) -> tuple[set[str], set[str], set[str], int]:
    """The file, its functions and its classes that are above the limits, and how many functions are long."""
    tree = ast.parse(text)
    lines = functions(tree)
    files = {path} if text.count("\n") > FILE_LINES_MAX else set()
    large = {f"{path} {name}" for name, count in lines.items() if count > FUNCTION_LINES_MAX}
    classes = {f"{path} {name}" for name, count in class_attributes(tree).items() if count > CLASS_ATTRIBUTES_MAX}
    return files, large, classes, sum(count > LONG_FUNCTION_LINES for count in lines.values())


@pytest.fixture(scope="module")
def today() -> tuple[set[str], set[str], set[str], int]:
    files, large, classes, long = set[str](), set[str](), set[str](), 0
    for room in ("consortium", "nodes"):
        for path in sorted((ROOT / room).rglob("*.py")):
            found = too_large(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
            files, large, classes, long = files | found[0], large | found[1], classes | found[2], long + found[3]
    return files, large, classes, long


def test_a_file_is_one_noun_of_at_most_400_lines(today: tuple[set[str], set[str], set[str], int]) -> None:
    assert today[0] == LARGE_FILES, "a name that is no longer needed is taken out"


def test_a_function_is_one_thought_of_at_most_50_lines(today: tuple[set[str], set[str], set[str], int]) -> None:
    assert today[1] == LARGE_FUNCTIONS, "a name that is no longer needed is taken out"


def test_a_class_has_fewer_than_20_attributes(today: tuple[set[str], set[str], set[str], int]) -> None:
    assert today[2] == LARGE_CLASSES, "a name that is no longer needed is taken out"


def test_functions_over_40_lines_only_become_fewer(today: tuple[set[str], set[str], set[str], int]) -> None:
    assert today[3] == LONG_FUNCTIONS_MAX, "lower the number when there are fewer"


def test_the_limits_find_what_is_above_them() -> None:
    body = "".join(f"        self.a{number} = {number}\n" for number in range(20))
    text = f"class Wide:\n    def __init__(self):\n{body}\ndef long():\n" + "    x = 1\n" * 51 + "# more\n" * 400
    assert too_large("a.py", text) == ({"a.py"}, {"a.py long"}, {"a.py Wide"}, 1)
    smaller = text.replace("        self.a7 = 7\n", "").replace("    x = 1\n", "", 2).removesuffix("# more\n" * 100)
    assert too_large("a.py", smaller) == (set(), set(), set(), 1)
