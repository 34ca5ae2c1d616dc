"""When a run stands still, and what became of nodes that ended though no fault of the scenario ended them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from nodes.conduct.deaths import Deaths, is_from_outside
from nodes.conduct.node_process import NodeProcess
from nodes.conduct.stalls import StallClock, has_work
from nodes.errors import EXIT_DAMAGED, EXIT_INTERNAL, EXIT_STORE
from nodes.process.settings import NodeFolder
from nodes.process.status import Status

QUIET = Status(False, 9, 9, 0, "a")


def test_nothing_waits_where_nodes_are_level_and_their_queues_are_empty() -> None:
    assert not has_work([QUIET, QUIET._replace(is_done=True)]), "work that is still to come does not wait"
    for other in (
        QUIET._replace(has_work=True),
        QUIET._replace(head_height=10),
        QUIET._replace(stable_height=8),
        None,
    ):
        assert has_work([QUIET, other]), other
    assert not has_work([QUIET, QUIET._replace(head_height=3, is_member=False)]), "who was removed waits for nothing"
    assert has_work([QUIET._replace(stable_height=8)] * 4), "all of them wait for the seal"


def test_a_quiet_run_never_stalls_and_one_whose_work_waits_does() -> None:
    """Regression: an idle consortium was stopped after a minute, though nothing waited."""
    clock = StallClock()
    assert [clock.look(t_us, is_work_waiting=False) for t_us in (0, 60, 600)] == [0, 0, 0]
    assert [clock.look(t_us, is_work_waiting=True) for t_us in (610, 700)] == [10, 100]
    clock.executed(690)
    assert clock.look(750, is_work_waiting=True) == 60
    clock.executed(5)
    assert clock.look(760, is_work_waiting=True) == 70, "a record that comes late puts nothing back"


def test_a_signal_from_outside_is_told_from_a_death_by_ones_own_fault() -> None:
    assert all(map(is_from_outside, (0, -9, -15, -2, -1)))
    assert not any(map(is_from_outside, (EXIT_INTERNAL, EXIT_STORE, EXIT_DAMAGED, 1, 2, -11, -6)))


def ended(tmp_path: Path, name: str, code: int) -> NodeProcess:
    node = NodeProcess(NodeFolder(tmp_path, name), name)
    how = f"import os, sys; os.kill(os.getpid(), {-code})" if code < 0 else f"import sys; sys.exit({code})"
    node.process = subprocess.Popen([sys.executable, "-c", how])
    node.process.wait()
    return node


def test_a_death_is_noted_once_and_the_first_by_its_own_fault_ends_the_run(tmp_path: Path) -> None:
    nodes = {"a": ended(tmp_path, "a", -signal.SIGKILL)}
    noted: list[tuple[str, str, dict[str, Any]]] = []
    deaths = Deaths(nodes, lambda name, kind, fields: noted.append((name, kind, fields)))
    assert (deaths.look(), deaths.look()) == ("", "")
    assert noted == [("a", "exited", {"code": -9}), ("", "fault", {"act": "kill", "target": "a", "by": "hand"})]
    assert "a (SIGKILL)" in deaths.words() and deaths.killed == ["a"]
    nodes["b"] = ended(tmp_path, "b", EXIT_INTERNAL)
    assert "node b ended by itself (code 70)" in deaths.look()
    expected = ended(tmp_path, "c", -signal.SIGKILL)
    expected.may_end_with = -signal.SIGKILL
    nodes["c"] = expected
    assert deaths.look() == "" and len(noted) == 3, "what the scenario does is its own to tell"


def test_a_death_that_a_drill_expects_is_noted_and_ends_nothing(tmp_path: Path) -> None:
    """Was: not noted, so a check asked why the leader of a drill was suspected."""
    node = ended(tmp_path, "a", -signal.SIGKILL)
    node.may_die = True
    noted: list[tuple[str, str, dict[str, Any]]] = []
    deaths = Deaths({"a": node}, lambda name, kind, fields: noted.append((name, kind, fields)))
    assert (deaths.look(), deaths.look(), deaths.words()) == ("", "", "")
    assert noted == [("a", "exited", {"code": -9})]
