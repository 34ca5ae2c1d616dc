"""A consortium that stands, in real processes: up, seen, broken by hand, down."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from nodes.deploy.deployment import read_deployment
from nodes.deploy.supervision import Supervision

pytestmark = pytest.mark.live

FOUR = "bureau=1,hospital=2,regulator=1"


def _consortium(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, words)))
    return result.exit_code, result.output


def _pids(folder: Path) -> list[int]:
    return [state.pid for state in Supervision(folder).states().values() if state.pid]


def test_it_comes_up_is_up_already_and_goes_down_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "a place ;with #much %in it"
    code, told = _consortium("up", "--dir", folder, "--members", FOUR)
    try:
        assert code == 0, told
        assert "a new consortium is up" in told
        pids = _pids(folder)
        assert len(pids) == 5
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
