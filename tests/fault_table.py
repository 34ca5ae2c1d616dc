"""The table of acts in docs/faults.md, made from the acts themselves. `python -m tests.fault_table` writes it anew."""

from __future__ import annotations

from pathlib import Path

from consortium.scenario.faults import load_acts
from consortium.scenario.faults.act import Act, NoOptions

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
HEAD = "| act | target | what happens | options | ended by |\n| --- | --- | --- | --- | --- |\n"


def options_words(act: Act) -> str:
    """The docstring of the options, which names each of them."""
    return "" if act.options is NoOptions else " ".join((act.options.__doc__ or "").split())


def table() -> str:
    rows = []
    for act in sorted(load_acts().values(), key=lambda act: act.touches):
        target = "a member" if act.has_target else ""
        ends = ", ".join(f"`{name}`" for name in act.mended_by)
        rows.append(f"| `{act.name}` | {target} | {act.sentence} | {options_words(act)} | {ends} |\n")
    return HEAD + "".join(rows)


def with_table(page: str) -> str:
    """The page with its table of acts replaced."""
    before, head, rest = page.partition(HEAD.partition("\n")[0])
    assert head, "the page has a table of acts"
    _, after = rest.split("\n\n", 1)
    return before + table() + "\n" + after


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
