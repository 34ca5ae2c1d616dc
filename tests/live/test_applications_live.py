"""Applications before a consortium in real processes: the program in TypeScript, as its page has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from nodes.deploy.standing import bring_down, bring_up
from tests.node_tools import run_tool
from tests.optional import node_tools
from tests.typescript import generated, program_of_the_page

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Four members and their gateways, up."""
    folder = tmp_path_factory.mktemp("applied") / "consortium-data"
    bring_up(folder, "bureau=1,hospital=2,regulator=1")
    try:
        yield folder
    finally:
        bring_down(folder, is_wiped=True)


def _sampled(folder: Path) -> str:
    result = CliRunner().invoke(app, ["sample", "claim", "--dir", str(folder)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_program_in_typescript_claims_and_reads_the_bill_back(folder: Path, tmp_path: Path) -> None:
    node_tools()
    claim = _sampled(folder)
    workshop = generated(tmp_path / "w", claim=program_of_the_page())
    compiled = run_tool(workshop, "tsc", "--strict", seconds=250)
    assert compiled.returncode == 0, compiled.stdout
    (workshop / "claim.json").write_text(claim, encoding="utf-8")
    (workshop / "consortium-data").symlink_to(folder)
    told = [run_tool(workshop, "node", "dist/claim.js", NODE_EXTRA_CA_CERTS=str(folder / "ca.crt")) for _ in range(2)]
    for ran in told:
        assert ran.returncode == 0 and "acknowledged by" in ran.stdout, ran.stderr
        assert json.loads(claim)["psn_no"] in ran.stdout or json.loads(claim)["fixmedins_code"] in ran.stdout
    assert told[0].stdout.split(",")[0] == told[1].stdout.split(",")[0], "the same key is the same block"
