"""Erasure in virtual time: with a holder away, with all stores lost, with an older disk laid back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.core.codec import encode
from consortium.core.machine import Rows
from consortium.lab.checks.private_records import committed, kept_handles, tombstones
from consortium.roles.records import make_record
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault
from consortium.simulation.run import secrets_of
from consortium.vault.locksmith import Locksmith
from tests.simulated_runs import failures, simulated

ROOT = Path(__file__).resolve().parents[2]
AWAY = (Fault("kill", "hospital-2", at_us=5_000_000), Fault("restart", "hospital-2", after_us=6_000_000))


def erasing(*faults: Fault) -> Run:
    scenario = msgspec.structs.replace(load_scenario(ROOT / "scenarios" / "systems" / "erasure.py"), faults=faults)
    return simulated(scenario)


def reason_of(rows: Rows, handle: str) -> str:
    raw = rows.get("state", f"tombstone\x00{handle}".encode())
    assert raw is not None
    return str(msgspec.msgpack.decode(raw)["reason"])


@pytest.mark.parametrize(
    "faults",
    [
        (),
        AWAY,
        (Fault("disk_copy", "hospital-2", at_us=5_000_000), Fault("kill", "hospital-2", at_us=9_000_000),
         Fault("restart", "hospital-2", after_us=2_000_000, options={"disk": "copy"})),
        (Fault("kill", "hospital-2", at_us=5_000_000),
         Fault("restart", "hospital-2", after_us=6_000_000, options={"disk": "empty"})),
    ],
    ids=["nobody away", "one away", "an older disk", "an empty disk"],
)  # fmt: skip
def test_nothing_erased_stays_and_everything_else_is_kept(faults: tuple[Fault, ...]) -> None:
    run = erasing(*faults)
    assert failures(run) == []
    assert run.fullest is not None
    erased = tombstones(run.fullest.rows)
    assert len(erased) == 6 and set(erased.values()) == {()}
    reasons = [reason_of(run.fullest.rows, f"record/hospital-{serial % 2 + 1}:r-{serial:05d}") for serial in range(6)]
    assert reasons == ["said-by-patient"] * 5 + ["term-over"]
    held = {record.handle for record in committed(run.fullest.rows)} - set(erased)
    for name in ("bureau", "hospital-1", "hospital-2"):
        assert set(kept_handles(run, name)) == held, name


def test_no_word_of_a_record_is_in_trace_or_ledger_or_store() -> None:
    run = erasing(*AWAY)
    key = Locksmith.salts_of(secrets_of(run.scenario, "hospital-1"), "hospital-1").key
    word = make_record(key, "hospital-1:r-00000", 1_500)[100:132]
    everything: list[Any] = [list(run.trace)]
    everything += [[value for table in rows.tables() for _, value in rows.all(table)] for rows in run.ledgers.values()]  # type: ignore[attr-defined]
    everything += [[boxes.get(name) for name in boxes.names()] for boxes in run.vaults.values()]
    assert word not in encode(everything)
