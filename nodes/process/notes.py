"""What one node's process writes into its trace, and says in its log, besides what its host notes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from consortium.core.traffic import Traffic
from nodes.process.costs import Costs
from nodes.process.status import Origin
from nodes.process.trace_file import TraceWriter

COST_EVERY_S = 5.0
TRAFFIC_EVERY_S = 10.0
QUEUES_EVERY_S = 0.5
TRACE_S = 0.01

_WORDS = {  # notes that whoever runs this node wants to read in its log
    "observing": "this node does not vote: %(why)s (shown by %(shown_by)s)",
    "bound": "the others have told how far this node may have voted: up to a window above height %(height)d",
    "votes_again": "this node votes again: nothing that its lost votes said binds it from height %(height)d on",
    "catching_up": "this node is behind: it fetches heights %(from_height)d to %(to_height)d from the others",
    "caught_up": "this node has caught up, at height %(height)d",
    "snapshot": "this node begins anew with a verified snapshot of height %(height)d",
    "unheard": "no findings on heights %(from_height)d to %(to_height)d: they came as a snapshot; others saw them",
}

ALARMS = {  # notes that somebody who watches over a consortium wants counted, and what each counts
    "rejected": "frames and records that were no good",
    "shut_out": "publishers that were not listened to for a while",
    "convicted": "members that were proven to have lied",
    "withheld": "records that somebody asked for and was not given",
    "diverged": "ledgers of others that differ from ours",
    "damaged": "rows of our disk that were bent",
}

_log = logging.getLogger("node")


class NodeNotes:
    """Writes nothing before `begin`. `ledger_costs_ns` is what the ledger itself measures, in nanoseconds by name;
    `queues` tells how much waits where, by name."""

    def __init__(
        self,
        trace: TraceWriter,
        costs: Costs,
        ledger_costs_ns: Mapping[str, int],
        queues: Callable[[], Mapping[str, int]],
    ) -> None:
        self._trace = trace
        self._costs = costs
        self._ledger_costs_ns = ledger_costs_ns
        self._queues = queues
        self._queues_told: Mapping[str, int] = {}
        self._origin: Origin | None = None
        self._transactions = 0
        self.alarms = dict.fromkeys(ALARMS, 0)  # since this boot
        self._cost_s = self._traffic_s = self._queues_s = 0.0
        self.traffic = Traffic(time.time_ns() // 1_000)

    def begin(self, origin: Origin) -> None:
        """The run began at `origin`: times in the trace, and costs, count from here."""
        self._origin = origin
        self._costs.begin()
        self._cost_s = time.monotonic() + COST_EVERY_S
        self._traffic_s = time.monotonic() + TRAFFIC_EVERY_S

    @property
    def transactions(self) -> int:
        """How many were executed since this boot."""
        return self._transactions

    def now_us(self) -> int:
        """Since the run began."""
        return 0 if self._origin is None else time.monotonic_ns() // 1_000 - self._origin.monotonic_us

    def note(self, kind: str, fields: dict[str, Any], at_us: int | None = None) -> None:
        """One record into the trace, of this moment or of an earlier one; some are also said in the log."""
        if kind in self.alarms:
            self.alarms[kind] += 1
        if self._origin is None:
            return
        self._trace.add(self.now_us() if at_us is None else at_us, kind, fields)
        if kind == "executed":
            self._transactions += fields.get("transactions", 0)
        elif kind in _WORDS:
            _log.log(logging.WARNING if kind == "observing" else logging.INFO, _WORDS[kind], fields)

    def note_due(self) -> None:
        """Costs, traffic and queues, each in its rhythm. To be called again and again; it mostly does nothing."""
        moment_s = time.monotonic()
        if moment_s >= self._cost_s:
            self._cost_s += COST_EVERY_S
            self.note_cost()
        if moment_s >= self._traffic_s:
            self._traffic_s += TRAFFIC_EVERY_S
            self.note("traffic", self.traffic.fields())
        if moment_s >= self._queues_s:
            self._queues_s = moment_s + QUEUES_EVERY_S
            self._note_queues()

    def note_cost(self) -> None:
        """CPU spent since this boot."""
        self._costs.ns.update(self._ledger_costs_ns)
        self.note("cost", self._costs.fields(self._transactions))

    def note_last(self, ledger_bytes: int, votes_bytes: int) -> None:
        """The last records of a life: what was said since this boot, and how much is kept on the disk."""
        self.note_cost()
        self._note_queues()
        self.note("traffic", self.traffic.fields())
        self.note("storage", {"ledger_bytes": ledger_bytes, "votes_bytes": votes_bytes})

    def _note_queues(self) -> None:
        """Only where they changed: an idle node writes nothing."""
        queues = self._queues()
        if queues != self._queues_told:
            self._queues_told = queues
            self.note("queues", dict(queues))

    def flush(self, *, is_lazy: bool = False) -> None:
        """Hand what waits to the file; if lazy, unless that was done a moment ago. Raises OSError."""
        self._trace.flush(older_than_s=TRACE_S if is_lazy else 0.0)

    def close(self) -> None:
        self._trace.close()
