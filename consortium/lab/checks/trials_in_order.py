"""Trials are in order: data after the approved protocol and before the result, and nobody in them who has withdrawn.

Followed from the receipts' events, and at the end held against the data sets that stand in the state.
"""

from __future__ import annotations

import msgspec

from consortium.core.codec import Decoder
from consortium.core.contract import Event
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.runs.run import Run, blocks

ROW_BYTES_MAX = 1_000_000


class _DataSet(msgspec.Struct, frozen=True):
    subjects: tuple[str, ...]
    stage: str


_DATA_SET: Decoder[_DataSet] = Decoder(_DataSet, ROW_BYTES_MAX)


class _Trials:
    def __init__(self) -> None:
        self._approved: set[str] = set()
        self.published: set[str] = set()
        self.left: set[tuple[str, str]] = set()  # by trial and person, before the result

    def hear(self, height: int, event: Event) -> str:
        """What is wrong with it; "" where nothing is."""
        trial_no, kind = str(event.fields.get("trial_no", "")), event.kind
        if kind == "trial-approved":
            self._approved.add(trial_no)
        elif kind == "result-published":
            self.published.add(trial_no)
        elif kind == "subject-withdrawn" and trial_no not in self.published:
            self.left.add((trial_no, str(event.fields["subject"])))
        elif kind in ("subject-joined", "data-committed") and trial_no not in self._approved:
            return f"height {height}: {kind} in {trial_no}, whose protocol nobody approved"
        elif kind == "data-committed" and trial_no in self.published:
            return f"height {height}: data are committed of {trial_no}, whose result is published"
        return ""


def check_trials_in_order(run: Run) -> list[str]:
    failures = []
    for camp in run.camps:
        trials = _Trials()
        for block in blocks(camp.rows):
            for event in (event for receipt in block.receipts() if receipt.is_ok for event in receipt.events):
                wrong = trials.hear(block.height, event)
                if wrong:
                    failures.append(wrong)
        for key, raw in camp.rows.range("state", b"data_set\x00", b"data_set\x01"):
            trial_no, data = key.decode().partition("\x00")[2].partition("/")[0], _DATA_SET.decode(raw)
            gone = [name for name in data.subjects if (trial_no, name) in trials.left]
            if data.stage != "void" and gone:
                failures.append(f"{camp.label}: {len(gone)} persons that withdrew are in a data set of {trial_no}")
    return failures


def _is_asked(run: Run) -> bool:
    """Whether any trial is registered."""
    return any(camp.rows.range("state", b"trial\x00", b"trial\x01") for camp in run.camps)


CHECK = Claim(
    "trials are in order",
    Kind.SAFETY,
    "Data of trials come after an approved protocol and before the result, and nobody is in them who withdrew before.",
    check_trials_in_order,
    unchecked.no_stored_blocks,
    _is_asked,
    order=46,
)
