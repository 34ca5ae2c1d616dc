"""`python -m nodes.deploy.witness FOLDER`: an event listener of supervisord that writes down which nodes end, and which
are started again, so that a death which no command of ours caused stands in the trace, too."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from supervisor import childutils

from nodes.conduct.child import adopt_parent
from nodes.deploy.deployment import read_deployment
from nodes.deploy.hands import Hands
from nodes.deploy.supervision import Supervision
from nodes.deploy.tail import tail_lines

EVENTS = ("PROCESS_STATE_EXITED", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_STARTING")
BY_SIGNAL = -1  # in place of the exit code of one that a signal ended
LINES_READ = 1_000  # of the supervisor's log: what happened in between two of its events
_STATUS = re.compile(r"exit status (\d+);")


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


def exit_code(log: Path, name: str) -> int:
    """With what the program ended last, as the supervisor's log says: what it answers of its programs is of the next
    life already."""
    for line in reversed(list(tail_lines(log, LINES_READ))):
        _, is_told, how = line.partition(f" exited: {name} (")
        if is_told:
            status = _STATUS.match(how)
            return int(status[1]) if status else BY_SIGNAL
    return BY_SIGNAL


def main() -> None:
    adopt_parent()
    folder = Path(sys.argv[1])
    supervision = Supervision(folder)
    members = frozenset(read_deployment(folder).members)
    witness = Witness(Hands(folder), members, lambda name: exit_code(supervision.log, name))
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        told = childutils.get_headers(payload.split("\n", 1)[0])
        witness.hear(headers["eventname"], told["processname"])
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main()
