"""`python -m nodes.deploy.witness FOLDER`: an event listener of supervisord that writes down which nodes end, and which
are started again, so that a death which no command of ours caused stands in the trace, too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from supervisor import childutils

from nodes.conduct.child import adopt_parent
from nodes.deploy.deployment import read_deployment
from nodes.deploy.hands import Hands
from nodes.deploy.supervision import Supervision

EVENTS = ("PROCESS_STATE_EXITED", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_STARTING")
BY_SIGNAL = -1  # what supervisord says in place of the exit code of one that a signal ended


class Witness:
    """`exit_code(name)`: of a program that has ended."""

    def __init__(self, hands: Hands, members: frozenset[str], exit_code: Any) -> None:
        self._hands = hands
        self._members = members
        self._exit_code = exit_code
        self._killed: set[str] = set()

    def hear(self, event: str, name: str) -> None:
        """A node that a signal ended, or that was asked to stop, was killed by somebody; another ended by itself."""
        if name not in self._members:
            return
        if event == "PROCESS_STATE_STARTING":
            if name in self._killed:
                self._killed.discard(name)
                self._hands.fault("restart", name, by="supervisor")
            return
        code = self._exit_code(name)
        if code in (0, BY_SIGNAL):
            self._killed.add(name)
            self._hands.fault("kill", name, by="hand")
        else:
            self._hands.note(name, "exited", {"code": code})


def main() -> None:
    adopt_parent()
    folder = Path(sys.argv[1])
    supervision = Supervision(folder)
    members = frozenset(read_deployment(folder).members)
    witness = Witness(Hands(folder), members, lambda name: supervision.states()[name].exit_code)
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        told = childutils.get_headers(payload.split("\n", 1)[0])
        witness.hear(headers["eventname"], told["processname"])
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
