"""A consortium that stands, in real processes: up, seen, broken by hand, down."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.commands.past import opened
from consortium.contracts import load_contracts
from consortium.contracts.insurance.bill import Number
from consortium.core.codec import encode
from consortium.core.crypto import SUITES
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks.ledgers import executed_in
from consortium.runs.run import blocks
from consortium.scenario.standing_members import parse_members
from nodes.deploy.deployment import read_deployment
from nodes.deploy.hands import Hands
from nodes.deploy.making import make_consortium
from nodes.deploy.standing import open_standing
from nodes.deploy.supervision import Supervision
from nodes.errors import UserError
from nodes.process.door_client import ask_door
from nodes.process.door_frames import door_path
from nodes.process.settings import NodeFolder
from tests.optional import needs

pytestmark = pytest.mark.live

FOUR = "bureau=1,hospital=2,regulator=1"


def _consortium(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, words)))
    return result.exit_code, result.output


def _refused(*words: str | Path) -> str:
    """The sentence with which it is refused."""
    error = CliRunner().invoke(app, list(map(str, words))).exception
    assert isinstance(error, UserError)
    return str(error)


def _pids(folder: Path) -> list[int]:
    return [state.pid for state in Supervision(folder).states().values() if state.pid]


def _wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _wish_number(folder: Path, member: str, bill_no: str) -> None:
    """An operation that the member's own role may do."""
    arguments = encode(Number(f"i-{member}", f"i-{member}-{bill_no}"))
    door = door_path(NodeFolder(folder, member))
    ask_door(door, "wish", reference=f"number:{bill_no}", calls=[["bill", "number", arguments]])


def _sampled(folder: Path, kind: str, contract: str, operation: str, member: str) -> None:
    """What `consortium sample` prints, submitted as it is."""
    result = CliRunner().invoke(app, ["sample", kind, "--dir", str(folder)])
    assert result.exit_code == 0, result.output
    told = msgspec.json.decode(result.stdout, type=dict[str, Any])
    read = {key: bytes.fromhex(value) if key in ("lines", "commitment") else value for key, value in told.items()}
    kind_of = load_contracts()[contract].operations[operation].arguments
    call = [contract, operation, encode(msgspec.convert(read, kind_of, builtin_types=(bytes,)))]
    ask_door(door_path(NodeFolder(folder, member)), "wish", reference=f"sample:{kind}", calls=[call])


def _heights(folder: Path) -> dict[str, int]:
    return {each.name: each.height for each in open_standing(folder).look()}


def test_it_comes_up_is_up_already_and_goes_down_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "a place ;with #much %in it"
    code, told = _consortium("up", "--dir", folder, "--members", FOUR)
    try:
        assert code == 0, told
        assert "a new consortium is up" in told
        pids = _pids(folder)
        assert len(pids) == 10  # nodes and gateways, a broker, and who writes down what ends
        code, told = _consortium("up", "--dir", folder)
        assert (code, "is up already" in told) == (0, True)
        assert _pids(folder) == pids
        assert _consortium("status", "--dir", folder)[0] == 0
    finally:
        assert _consortium("down", "--dir", folder)[0] == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", read_deployment(folder).brokers[0].port))
    assert not [path for path in folder.rglob("*") if path.is_socket()]
    assert os.listdir(tmp_path) == [folder.name]  # noqa: PTH208
    code, told = _consortium("down", "--dir", folder, "--wipe")
    assert (code, "was down already" in told, folder.exists()) == (0, True, False)


def test_the_leader_is_killed_by_hand_and_others_go_on_and_all_of_it_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    assert _consortium("up", "--dir", folder, "--members", FOUR)[0] == 0
    try:
        _wish_number(folder, "hospital-2", "1")
        assert _wait_until(lambda: set(_heights(folder).values()) == {1})
        code, told = _consortium("kill", "leader", "--dir", folder)
        assert (code, told.split()[0]) == (0, "bureau")
        assert _consortium("status", "--dir", folder)[0] == 1
        _wish_number(folder, "hospital-2", "2")  # the others choose another leader
        assert _wait_until(lambda: sorted(_heights(folder).values()) == [1, 2, 2, 2])
        assert _heights(folder)["bureau"] == 1  # nobody starts it but `restart`
        assert _consortium("restart", "bureau", "--dir", folder)[0] == 0
        assert _wait_until(lambda: set(_heights(folder).values()) == {2})
        pid = Supervision(folder).states()["hospital-1"].pid
        os.kill(pid, 9)  # nobody's command: it is started again, and written down
        assert _wait_until(lambda: Supervision(folder).states()["hospital-1"].pid not in (0, pid))
        code, told = _consortium("partition", "regulator", "--dir", folder)
        assert (code, "regulator | bureau, hospital-1, hospital-2" in told) == (0, True)
        assert "regulator: hears nothing of bureau, hospital-1, hospital-2" in _consortium("status", "--dir", folder)[1]
        assert _consortium("heal", "--dir", folder)[0] == 0
        assert _wait_until(lambda: _consortium("status", "--dir", folder)[0] == 0)
        code, told = _consortium("check", folder, "--json")
        assert code == 0, told
        os.kill(_supervisor(folder), 9)
        assert _wait_until(lambda: _consortium("status", "--dir", folder)[0] == 1)
        assert _consortium("up", "--dir", folder)[0] == 0
        assert set(_heights(folder).values()) == {2}
    finally:
        assert _consortium("down", "--dir", folder)[0] == 0
    faults = [
        (each["act"], each["target"], each.get("by")) for each in Hands(folder).records() if each["kind"] == "fault"
    ]
    assert faults[:6] == [
        ("kill", "bureau", None),
        ("restart", "bureau", None),
        ("kill", "hospital-1", "hand"),
        ("restart", "hospital-1", "supervisor"),
        ("partition", "", None),
        ("heal", "", None),
    ]


def _supervisor(folder: Path) -> int:
    return int((folder / "supervisor" / "supervisord.pid").read_text())


def test_samples_are_executed_as_they_are_printed_and_a_report_is_written_while_it_stands(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    members = "bureau=1,hospital=1,pharmacy=1,regulator=1,supplier=1"
    assert _consortium("up", "--dir", folder, "--members", members)[0] == 0
    try:
        in_stock = lambda: _consortium("sample", "sale", "--dir", folder)[0] == 0  # noqa: E731
        assert _wait_until(in_stock), "the first order came"
        _sampled(folder, "sale", "trace_code", "sell", "pharmacy-1")
        _sampled(folder, "claim", "settlement", "issue_and_claim", "hospital-1")
        _sampled(folder, "bill", "bill", "issue", "hospital-1")
        _sampled(folder, "premium", "enrolment", "record_contribution", "bureau")
        assert _wait_until(lambda: len(_codes(folder)) == 4)
        assert _codes(folder) == dict.fromkeys(("sell", "issue_and_claim", "issue", "record_contribution"), "ok")
        assert _consortium("doctor", "--dir", folder)[0] == 0
        code, told = _consortium("check", folder)
        assert code == 0, told
        readme = (folder / "README.md").read_text()
        assert _consortium("report", folder)[0] == 0
        assert (folder / "report.html").is_file()
        assert (folder / "README.md").read_text() == readme
        assert (folder / "trace.jsonl").read_bytes().count(b"\n") > 10
        code, told = _consortium("view", folder, "payables", "--member", "bureau")
        assert code == 0, told
        code, told = _consortium("logs", "bureau", "--dir", folder)
        assert (code, "starting at height 0" in told) == (0, True)
        assert _consortium("reset", "--dir", folder, "--yes")[0] == 0
        assert not (folder / "report.html").exists()
    finally:
        assert _consortium("down", "--dir", folder)[0] == 0


def _codes(folder: Path) -> dict[str, str]:
    """What became of what was wished at doors, by operation."""
    with opened(folder, "bureau") as past:
        bundles = Bundles(past.ledger.chain, SUITES[past.ledger.genesis.suite]())
        wished = ("sell", "issue_and_claim", "issue", "record_contribution")
        return {
            decode_call(executed.transaction).operation: executed.receipt.code
            for block in blocks(past.rows)
            if block.height
            for executed in executed_in(block, bundles, is_trusted=True)
            if decode_call(executed.transaction).operation in wished
        }


def test_it_moves_to_other_ports_and_writes_its_logs_as_json(tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    assert _consortium("up", "--dir", folder, "--members", FOUR)[0] == 0
    try:
        _wish_number(folder, "hospital-2", "1")
        assert _wait_until(lambda: set(_heights(folder).values()) == {1})
        assert "`consortium down`, then this again" in _refused("up", "--dir", folder, "--log-format", "json")
        assert _consortium("down", "--dir", folder)[0] == 0
        before = read_deployment(folder)
        taken = (before.brokers[0].port, before.gateways["bureau"].port)
        with socket.create_server(("127.0.0.1", taken[0])), socket.create_server(("127.0.0.1", taken[1])):
            assert "consortium up --new-ports" in _refused("up", "--dir", folder)
            code, told = _consortium("up", "--dir", folder, "--new-ports", "--log-format", "json")
            assert code == 0, told
            _wish_number(folder, "hospital-2", "2")
            assert _wait_until(lambda: set(_heights(folder).values()) == {2})
        last = (folder / "nodes" / "bureau" / "log.txt").read_text().splitlines()[-1]
        assert msgspec.json.decode(last, type=dict[str, Any])["node"] == "bureau"
        assert _consortium("check", folder)[0] == 0
    finally:
        _consortium("down", "--dir", folder)


def test_links_disks_clocks_and_brokers_are_hit_by_hand_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "struck"

    def fault(*words: str) -> None:
        code, told = _consortium("fault", *words, "--dir", folder)
        assert code == 0, told

    def settled(bill_no: str, height: int) -> None:
        _wish_number(folder, "hospital-2", bill_no)
        assert _wait_until(lambda: set(_heights(folder).values()) == {height}, 60), _heights(folder)

    assert _consortium("up", "--dir", folder, "--members", FOUR)[0] == 0
    try:
        fault("loss", "ppm=300000", "--link", "regulator>*")
        settled("1", 1)
        fault("calm")
        fault("clock_jump", "regulator", "wall_us=700000")
        fault("disk_full", "hospital-1")
        _wish_number(folder, "hospital-2", "2")
        ended = [("hospital-1", 74)]
        assert _wait_until(lambda: [(r["node"], r["code"]) for r in _told(folder, "exited")][:1] == ended)
        fault("disk_free", "hospital-1")  # nobody starts it: it is started again until there is room
        assert _wait_until(lambda: set(_heights(folder).values()) == {2}, 60), _heights(folder)
        fault("broker_kill", "number=1")
        fault("broker_restart", "number=1")
        settled("3", 3)
        assert _consortium("check", folder)[0] == 0
        acts = [record["act"] for record in _told(folder, "fault")]
        assert acts == ["loss", "calm", "clock_jump", "disk_full", "disk_free", "broker_kill", "broker_restart"]
    finally:
        _consortium("down", "--dir", folder)


def _told(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [record for record in Hands(folder).records() if record["kind"] == kind and record.get("by") != "down"]


@needs("small disk")
def test_a_node_whose_disk_is_full_says_so_waits_and_comes_back_by_itself(tmp_path: Path) -> None:
    folder, kept = tmp_path / "full", tmp_path / "kept"
    make_consortium(folder, parse_members(FOUR), "embedded")
    own = folder / "nodes" / "hospital-1"
    own.rename(kept)
    own.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=700", "tmpfs", str(own)], check=True)
    try:
        shutil.copytree(kept, own, dirs_exist_ok=True)
        assert _consortium("up", "--dir", folder)[0] == 0
        ballast = own / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            while True:
                file.write(bytes(4_096))
                file.flush()
        _wish_number(folder, "hospital-2", "1")
        assert _wait_until(lambda: _consortium("doctor", "--json", "--dir", folder)[1].count("MB are free") == 2)
        log = own / "log.txt"
        assert _wait_until(lambda: "waits for room" in log.read_text() or "the disk refuses" in log.read_text())
        time.sleep(6)
        lives = (folder / "supervisor" / "log.txt").read_text().count("spawned: 'hospital-1'")
        assert lives <= 2, "it waits, and is not started again and again"
        heights = _heights(folder)
        assert (heights["bureau"], heights["hospital-1"]) == (1, 0), "the others go on"
        ballast.unlink()
        assert _wait_until(lambda: set(_heights(folder).values()) == {1}, 60), _heights(folder)
        assert _consortium("check", folder)[0] == 0
    finally:
        _consortium("down", "--dir", folder)
        subprocess.run(["umount", str(own)], check=False)
