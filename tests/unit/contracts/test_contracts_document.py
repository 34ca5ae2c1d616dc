"""docs/contracts.md is not stale: it names every operation and every refusal of the base contracts."""

import re
from pathlib import Path

from consortium.contracts import load_contracts
from tests.unit.contracts.test_contract_roles import TABLE

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "consortium" / "contracts").rglob("*.py"))


def test_the_reference_names_every_operation_with_its_fields_and_every_refusal() -> None:
    text = (ROOT / "docs" / "contracts.md").read_text("utf-8")
    for name, contract in load_contracts().items():
        if name in TABLE:
            for operation in contract.operations.values():
                row = re.search(rf"^\| `{operation.name}` \| `{operation.arguments.__name__}\(.*$", text, re.MULTILINE)
                assert row is not None, f"{name}.{operation.name} is not documented"
                assert all(field in text for field in operation.arguments.__struct_fields__)
    for source in SOURCES:
        code = source.read_text("utf-8")
        for refusal in re.findall(r'Refused\(\s*"([a-z-]+)"', code):
            assert f"`{refusal}`" in text, f"{source.name} refuses {refusal}, which is not documented"
