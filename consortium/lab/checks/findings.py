"""Findings: while one holds an institution's money none is paid out, and what comes back is what was decided last.

From the receipts' events, block by block: `finding-…`, `appeal-judged`, `hold-placed`, `hold-lifted` and `movement`. A
ledger that begins with a snapshot is judged from there on."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.contract import Event
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.runs.run import Run, StoredBlock, blocks

WHY = "finding"
DECIDING = ("finding-decided", "appeal-judged", "finding-final")
OVER = ("dismissed", "closed")


class _Watch:
    """What was told so far. `open_holds`: those of findings, by account and record; `due_fen`: of each finding as
    decided last; `over`: findings that came to their end."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.open_holds: set[tuple[str, str]] = set()
        self.due_fen: dict[str, int] = {}
        self.over: set[str] = set()
        self.failures: list[str] = []

    def hear(self, events: Sequence[Event]) -> None:
        """Of one transaction."""
        moved: dict[str, int] = {}
        for event in events:
            fields = event.fields
            if event.kind == "movement":
                self._pay(str(fields["source"]), str(fields["target"]))
                cause = str(fields["cause"])
                moved[cause] = moved.get(cause, 0) + int(fields["amount_fen"])
            elif event.kind in ("hold-placed", "hold-lifted") and fields["why"] == WHY:
                place = str(fields["account"]), str(fields["record"])
                (self.open_holds.add if event.kind == "hold-placed" else self.open_holds.discard)(place)
            elif event.kind in DECIDING:
                self._decide(str(fields["finding_no"]), event)
            elif event.kind == "finding-recovered":
                self._recover(str(fields["finding_no"]), int(fields["recovered_fen"]), moved)
        self._end_holds()

    def _pay(self, source: str, target: str) -> None:
        held = [record for account, record in sorted(self.open_holds) if account == source]
        if held and target.startswith(("paid/", "payout/")):
            self.failures.append(f"{self.where}: {target} is paid from {source}, which {held[0]} holds")

    def _decide(self, number: str, event: Event) -> None:
        self.due_fen[number] = int(event.fields["due_fen"])
        if str(event.fields.get("outcome", "")) in OVER:
            self.over.add(number)

    def _recover(self, number: str, recovered_fen: int, moved: dict[str, int]) -> None:
        due_fen, moved_fen = self.due_fen.get(number), moved.get(f"finding/{number}", 0)
        if due_fen is None or recovered_fen > due_fen:
            self.failures.append(f"{self.where}: {recovered_fen} fen come back by finding {number}, decided: {due_fen}")
        if moved_fen != recovered_fen:
            self.failures.append(f"{self.where}: finding {number} says {recovered_fen} fen and moves {moved_fen}")
        self.over.add(number)

    def _end_holds(self) -> None:
        for account, record in sorted(self.open_holds):
            if record.removeprefix("finding/") in self.over:
                self.failures.append(f"{self.where}: {record} is over and still holds {account}")
                self.open_holds.discard((account, record))


def check_findings(run: Run) -> list[str]:
    """Each payment past a hold of a finding, each recovery of more than was decided or than it moved, and each hold
    that outlives its finding."""
    failures: list[str] = []
    for camp in run.camps:
        watch = _Watch("")
        for block in blocks(camp.rows):
            watch.where = f"{camp.label}, height {block.height}"
            for receipt in block.receipts():
                if receipt.is_ok:
                    watch.hear(receipt.events)
        failures += watch.failures
    return failures


def _is_reported(run: Run) -> bool:
    return any(
        event.kind.startswith("finding-")
        for camp in run.camps
        for block in blocks(camp.rows)
        for event in _events(block)
    )


def _events(block: StoredBlock) -> list[Event]:
    return [event for receipt in block.receipts() if receipt.is_ok for event in receipt.events]


CHECK = Claim(
    "findings bind",
    Kind.SAFETY,
    "While a finding held money none of it was paid out, and what came back was what was decided.",
    check_findings,
    unchecked.no_stored_blocks,
    _is_reported,
    order=47,
)
