"""In real processes: what was erased, while one holder was away, is in no byte of any file of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.commands.folders import open_ledger, open_vault
from consortium.contracts import load_contracts
from consortium.core.crypto import SUITES
from consortium.lab.checks.claims import judge
from consortium.lab.checks.private_records import committed, tombstones
from consortium.ledger.verify import verify_ledger
from consortium.protocols import load_protocols
from consortium.roles.records import make_record
from consortium.runs.folder import load_run
from consortium.scenario.load import load_scenario
from consortium.vault.locksmith import Locksmith
from nodes.conduct.conductor import run_local
from nodes.process.keys import load_keys
from nodes.process.store import SqliteRows

SIZE_BYTES = 1_500
ROOT = Path(__file__).resolve().parents[2]


def traces_of(folder: Path, keeper: str, number: str) -> tuple[bytes, bytes]:
    """A piece of the text of a record, and of its box, as the keeper made them."""
    suite = SUITES["ed25519"]()
    secrets = load_keys(folder / "nodes" / keeper / "keys")
    smith = Locksmith(suite, secrets, keeper)
    record = make_record(smith.salts.key, number, SIZE_BYTES)
    box = smith.lock(f"record/{number}", record, suite.public_key(secrets["encrypt"]))
    return record[300:332], box.cipher[300:332]


@pytest.mark.live
def test_what_was_erased_while_a_holder_was_away_is_in_no_byte_of_any_file(tmp_path: Path) -> None:
    scenario = load_scenario(ROOT / "scenarios" / "systems" / "erasure.py")
    outcome = run_local(scenario, tmp_path / "run", "embedded")
    assert outcome.is_done, outcome.sentence
    run = load_run(outcome.folder, open_ledger, open_vault)
    assert [verdict.name for verdict in judge(run) if verdict.fails] == []
    assert run.fullest is not None
    erased = tombstones(run.fullest.rows)
    assert len(erased) == 6 and set(erased.values()) == {()}
    files = {path: path.read_bytes() for path in sorted(outcome.folder.rglob("*")) if path.is_file()}
    kept = 0
    for record in committed(run.fullest.rows):
        number = record.handle.removeprefix("record/")
        keeper = number.partition(":")[0]
        text, cipher = traces_of(outcome.folder, keeper, number)
        assert [path for path, data in files.items() if text in data] == [], "no record stands in the clear anywhere"
        found = [path.name for path, data in files.items() if cipher in data]
        if record.handle in erased:
            assert found == [], record.handle
        else:
            assert found == ["private.sqlite"] * 3, "positive control: what is held is found so"
            kept += 1
    assert kept == 18
    for name in run.ledgers:
        rows = SqliteRows(outcome.folder / "nodes" / name / "ledger.sqlite", read_only=True)
        assert verify_ledger(run.genesis, rows, load_contracts(), load_protocols()["pbft"]).height > 0, "it verifies"
