"""A whole consortium that stands on one broker, which drops, doubles, holds back, replays, bends and lies about who
spoke: what members wish is executed once, everywhere, and nobody believes what nobody signed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest

from consortium.commands.folders import load_told
from consortium.contracts.insurance.bill import Number
from consortium.core.codec import encode
from consortium.core.crypto import SUITES
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks.claims import Kind, judge
from consortium.lab.checks.ledgers import executed_in
from consortium.runs.run import blocks
from consortium.scenario.standing_members import parse_members
from nodes.deploy import local
from nodes.deploy.making import make_consortium
from nodes.deploy.standing import bring_down, bring_up, open_standing
from nodes.process.door_client import ask_door
from nodes.process.door_frames import door_path
from nodes.process.settings import NodeFolder
from tests.live.hostile_broker import SHARES

pytestmark = pytest.mark.live

WISHES = 12


def _wish(folder: Path, number: int) -> None:
    member = ("hospital-1", "hospital-2")[number % 2]
    call = ["bill", "number", encode(Number(f"i-{member}", f"i-{member}-{number}"))]
    ask_door(door_path(NodeFolder(folder, member)), "wish", reference=f"number:{number}", calls=[call])


def _wait(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


def _executed(folder: Path) -> int:
    """How many numbers of bills every member's ledger holds: of the one that holds the fewest."""
    run = load_told(folder)
    bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
    counts = []
    for rows in run.ledgers.values():
        found = [
            bytes(call.arguments)
            for block in blocks(rows)
            for each in (executed_in(block, bundles, is_trusted=True) if block.height else ())
            if (call := decode_call(each.transaction)).contract == "bill" and each.receipt.is_ok
        ]
        assert len(found) == len(set(found)), "once"
        counts.append(len(found))
    return min(counts)


def test_an_enemy_between_all_of_them_can_delay_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def arguments(folder: PurePath, kind: str) -> list[str]:
        return ["-m", "tests.live.hostile_broker", str(folder / "settings.json")]

    monkeypatch.setattr(local, "broker_arguments", arguments)
    folder = tmp_path / "c"
    make_consortium(folder, parse_members("bureau=1,hospital=2,regulator=1"), "embedded")
    bring_up(folder)
    try:
        for number in range(WISHES):
            _wish(folder, number)
            time.sleep(0.1)
        _wait(lambda: _executed(folder) == WISHES, 90)
        _wait(lambda: len({each.height for each in open_standing(folder).look()}) == 1)
    finally:
        bring_down(folder)
    did = json.loads((folder / "broker-1" / "did.json").read_text())
    assert set(did) == {*SHARES, "pass"}, "it did all of it"
    run = load_told(folder)
    wrong = {verdict.name: verdict.failures for verdict in judge(run) if verdict.fails and verdict.kind is Kind.SAFETY}
    assert wrong == {}
    told = " ".join(str(record["why"]) for record in run.records.of_kind("rejected"))
    assert "in the name of" in told, "what it put into other mouths was refused"
    assert not run.records.of_kind("diverged", "observing", "damaged")
