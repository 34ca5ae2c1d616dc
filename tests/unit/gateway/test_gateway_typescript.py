"""The client in TypeScript, generated from the OpenAPI document. A change waits for it: each contract is part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node_tools import run_tool
from tests.optional import node_tools
from tests.typescript import generated, main, program_of_the_page

PROGRAM = program_of_the_page()

WRONG = {  # what is written → what cannot be meant
    "claim.bill_no}`": "claim.bil_no}`",
    '"/v1/settlement/issue_and_claim"': '"/v1/settlement/issue_and_clam"',
    "data.acknowledged_by.join": "data.acknowledged_by.toFixed",
    "{ id: claim.bill_no }": "{ id: 7 }",
}


def test_the_program_of_the_page_compiles_and_each_mistake_in_it_is_found(tmp_path: Path) -> None:
    wrong = {f"wrong{number}": PROGRAM.replace(*each) for number, each in enumerate(WRONG.items())}
    assert all(text != PROGRAM for text in wrong.values())
    folder = generated(tmp_path / "w", claim=PROGRAM, **wrong)
    told = run_tool(folder, "tsc", "--strict", "--noEmit", seconds=250).stdout
    faulty = {line.partition("(")[0] for line in told.splitlines() if "error TS" in line}
    assert faulty == {f"{name}.ts" for name in wrong}, told


@pytest.mark.nightly
def test_the_command_leaves_types_and_the_document_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node_tools()
    main(tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {"openapi.json", "schema.ts"}
    assert '"/v1/views/statement"' in (tmp_path / "made" / "schema.ts").read_text(encoding="utf-8")
    assert "schema.ts" in capsys.readouterr().out
