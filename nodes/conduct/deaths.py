"""Nodes of a run that ended though the scenario did not end them: by their own fault, or by somebody's hand."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from consortium.core.membership import NodeId
from nodes.conduct.node_process import NodeProcess
from nodes.errors import EXIT_STORE

SAME_DISK_S = 0.5
BY_HAND = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def disk_sentence(names: Sequence[NodeId]) -> str:
    of = f"node {names[0]}" if len(names) == 1 else f"nodes {', '.join(names)}"
    return (
        f"the disk of {of} is full or failing: it refused a write, and a node that cannot store must stop "
        f"(exit code {EXIT_STORE}; its log.txt says more). Make room there and run it again."
    )


def is_from_outside(code: int) -> bool:
    """Whether a process that ended with this code was ended by somebody else: a signal that no program sends itself,
    or the orderly end (0) that only SIGTERM and SIGINT ask of a node."""
    return code == 0 or -code in BY_HAND


class Deaths:
    """`note(name, kind, fields)` writes to the trace; name "" is the run."""

    def __init__(
        self, nodes: Mapping[NodeId, NodeProcess], note: Callable[[NodeId, str, dict[str, Any]], None]
    ) -> None:
        self._nodes = nodes
        self._note = note
        self.is_disk_refusing = False
        self._killed: dict[NodeId, int] = {}  # by somebody's hand: exit codes

    def look(self) -> str:
        """Note those that have ended since. A sentence where one ended by itself, which ends the run; a node that was
        killed from outside is a fault like one of the scenario's, and the run goes on."""
        codes = self._codes()
        if EXIT_STORE in codes.values():
            time.sleep(SAME_DISK_S)  # others that share the disk fail with it
            codes.update(self._codes())
            self.is_disk_refusing = True
            return disk_sentence([name for name, code in codes.items() if code == EXIT_STORE])
        for name, code in codes.items():
            if not is_from_outside(code):
                return f"node {name} ended by itself (code {code}): its log is {self._nodes[name].folder.log}"
            self._killed[name] = code
            self._note("", "fault", {"act": "kill", "target": name, "by": "hand"})
        return ""

    def words(self) -> str:
        """A sentence about those that were killed from outside; empty if none was."""
        if not self._killed:
            return ""
        hits = ", ".join(f"{name} ({_how(code)})" for name, code in self._killed.items())
        return (
            f"killed from outside, by a person or by a machine without memory: {hits}. The run took it for a fault and "
            "went on with the others"
        )

    @property
    def killed(self) -> Sequence[NodeId]:
        """Those that were killed from outside and do not run."""
        return [name for name in self._killed if not self._nodes[name].is_alive]

    def _codes(self) -> dict[NodeId, int]:
        """Exit codes of those that nobody of ours killed, each told once. What a drill expects is noted alone."""
        codes: dict[NodeId, int] = {}
        for node in self._nodes.values():
            if node.is_alive or node.is_killed or node.process is None:
                continue
            code = node.process.wait()
            if code != node.may_end_with:
                self._note(node.name, "exited", {"code": code})  # also of a drill's: to the checks it is a fault
                node.is_killed = True
                if not node.may_die:
                    codes[node.name] = code
        return codes


def _how(code: int) -> str:
    return "asked to stop" if code == 0 else signal.Signals(-code).name
