"""Every message about one height, exactly: a run of the simulator is repeated, a recorded one is read again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any

from consortium.lab.figures.sequence import Diagram, SequenceError, from_recordings, is_recorded
from consortium.runs.folder import load_run, place_of
from consortium.runs.run import Run
from nodes.process.store import SqliteRows

KEPT = 32


class ExactDiagrams:
    """Of one run's folder, one at a time; the newest are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._kept: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def at(self, height: int) -> dict[str, Any]:
        """Raises SequenceError, RecordingError, RunFolderError with a sentence."""
        with self._lock:
            if height not in self._kept:
                self._kept[height] = diagram_content(self._drawn(height))
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return self._kept[height]

    def _drawn(self, height: int) -> Diagram:
        if self._run is None:
            self._run = load_run(self.folder, lambda path: SqliteRows(path, read_only=True))
        run = self._run
        if place_of(run) == "simulator":
            return _repeated(run, height)
        if is_recorded(run, self.folder):
            return from_recordings(run, height, self.folder)
        raise SequenceError(
            "this run's processes did not record what they heard: run it with --record, or in the simulator, to see "
            "every message exactly"
        )


def _repeated(run: Run, height: int) -> Diagram:
    """By the simulator, which an installation without the laboratory lacks. Raises SequenceError."""
    try:
        from consortium.lab.figures.overheard import overhear
    except ModuleNotFoundError as missing:
        raise SequenceError(
            f"the run would be repeated by the laboratory, which is not installed here (no {missing.name}): "
            "pip install 'consortium[lab]'"
        ) from None
    return overhear(run, height, None)


@lru_cache(4)
def diagrams_of(folder: Path) -> ExactDiagrams:
    """The same for each question about a folder."""
    return ExactDiagrams(folder)


def diagram_content(diagram: Diagram) -> dict[str, Any]:
    """As the page draws it."""
    return {
        "height": diagram.height,
        "exact": True,
        "said": diagram.how,
        "members": list(diagram.nodes),
        "messages": [
            {
                "kind": each.kind,
                "from": each.sender,
                "to": each.receiver,
                "sent_us": each.said_us,
                "got_us": each.heard_us,
            }
            for each in diagram.arrows
        ],
        "notes": [{"member": each.node, "t_us": each.t_us, "kind": each.kind} for each in diagram.marks],
    }
