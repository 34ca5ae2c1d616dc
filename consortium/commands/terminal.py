"""What a person sees in the terminal: a live table (or plain lines) while a run goes on, and its outcome at the end."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.core.words import mark
from consortium.lab.checks.claims import Verdict
from consortium.lab.checks.traces import STOPPED_CODES
from consortium.lab.measures.load import fell_short
from consortium.lab.measures.measures import COSTS, Measures
from consortium.lab.measures.series import fault_words, quantile
from consortium.lab.measures.told import FEW_WORDS, MARK, told, told_names, warm_up_words
from consortium.lab.pages.results import outcome_sentence
from consortium.runs.folder import place_of
from consortium.runs.run import Run
from consortium.runs.trace import fingerprint, waited_us
from consortium.scenario.faults import condition_after
from consortium.scenario.scenario import Scenario

Record = dict[str, Any]

RATE_WINDOW_US = 5_000_000
LATENCIES_KEPT = 2_000
FAULTS_SHOWN = 6
FAILURES_TOLD = 5
STATE_STYLES = {"up": "green", "down": "red", "paused": "yellow", "wants a new leader": "yellow"}
STATES = (
    mark("starting"),
    mark("up"),
    mark("down"),
    mark("paused"),
    mark("wants a new leader"),
    mark("catching up"),
    mark("leads"),
)
LIVE_COLUMNS = (
    (mark("node"), False),
    (mark("role"), False),
    (mark("height"), True),
    (mark("sealed"), True),
    (mark("state"), False),
)


class Progress:
    """A run so far, fed with its trace records. Pure: knows no clock but the records' own."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.t_us = 0
        self.view = 0
        validators = sorted(member.name for member in scenario.members if member.kind == "validator")
        self.leader = validators[0] if validators else ""
        self.states: dict[str, str] = {member.name: "starting" for member in scenario.members}
        self.heights: dict[str, int] = {}
        self.sealed: dict[str, int] = {}
        self.transactions = 0
        self.refused = 0
        self.faults: deque[tuple[int, str]] = deque(maxlen=FAULTS_SHOWN)
        self._head = 0
        self._bundles: dict[str, int] = {}  # transactions of each that was submitted: some are submitted again
        self._executions: deque[tuple[int, int]] = deque()
        self._latencies: deque[int] = deque(maxlen=LATENCIES_KEPT)

    def on_record(self, record: Record) -> str | None:
        """Take one record in; a sentence if it is one that a person wants to be told of at once."""
        self.t_us = max(self.t_us, record["t_us"])
        handler = getattr(self, f"_on_{record['kind']}", None)
        told: str | None = handler(record) if handler is not None else None
        if told is not None:
            self.faults.append((record["t_us"], told))
        return told

    @property
    def submitted(self) -> int:
        """Transactions; what a node submits again after a crash, or signs again with a new key, counts once."""
        return sum(self._bundles.values())

    def rate(self) -> float:
        """Committed transactions a second over the last RATE_WINDOW_US."""
        while self._executions and self._executions[0][0] < self.t_us - RATE_WINDOW_US:
            self._executions.popleft()
        window_us = min(RATE_WINDOW_US, max(self.t_us, 1))
        return sum(count for _, count in self._executions) * 1e6 / window_us

    def latency_ms(self, share: float) -> float | None:
        """Of the last LATENCIES_KEPT bundles."""
        return quantile(sorted(self._latencies), share) / 1e3 if self._latencies else None

    def _on_booted(self, record: Record) -> str | None:
        was_down = self.states.get(record["node"]) == "down"
        self.states[record["node"]] = "up"
        return f"{record['node']} is back" if was_down else None

    def _on_executed(self, record: Record) -> None:
        node, height = record["node"], record["height"]
        self.heights[node] = max(self.heights.get(node, 0), height)
        if height > self._head:
            self._head = height
            self.transactions += record["transactions"]
            self.refused += record["refused"]
            self._executions.append((record["t_us"], record["transactions"]))

    def _on_sealed(self, record: Record) -> None:
        self.sealed[record["node"]] = max(self.sealed.get(record["node"], 0), record["height"])

    def _on_submitted(self, record: Record) -> None:
        self._bundles[record["bundle"]] = record["transactions"]
        self._bundles.pop(record.get("replaces", ""), None)

    def _on_included(self, record: Record) -> None:
        self._latencies.append(waited_us(record))

    def _on_proposed(self, record: Record) -> None:
        if record["view"] >= self.view:
            self.view, self.leader = record["view"], record["node"]

    def _on_view_change(self, record: Record) -> None:
        if self.states.get(record["node"]) not in ("down", "paused"):
            self.states[record["node"]] = "wants a new leader"

    def _on_new_view(self, record: Record) -> str | None:
        if self.states.get(record["node"]) not in ("down", "paused"):
            self.states[record["node"]] = "up"
        if record["view"] <= self.view:
            return None
        self.view, self.leader = record["view"], record["leader"]
        return f"{self.leader} leads (view {self.view})"

    def _on_committed(self, record: Record) -> None:
        if self.states.get(record["node"]) == "wants a new leader":
            self.states[record["node"]] = "up"

    def _on_catching_up(self, record: Record) -> None:
        self.states[record["node"]] = "catching up"

    def _on_caught_up(self, record: Record) -> str | None:
        was_catching_up = self.states.get(record["node"]) == "catching up"
        self.states[record["node"]] = "up"
        return f"{record['node']} caught up at height {record['height']}" if was_catching_up else None

    def _on_fault(self, record: Record) -> str:
        act, target = record["act"], record.get("target", "")
        state = condition_after(act)
        if state is not None and target in self.states:
            self.states[target] = state
        return f"FAULT: {fault_words(record)}"

    def _on_exited(self, record: Record) -> str | None:
        if record["code"] in STOPPED_CODES:
            return None
        name = record["node"] or record.get("target", "")
        if name in self.states:
            self.states[name] = "down"
        return f"the process of {name} exited with code {record['code']}"

    def standing(self) -> tuple[object, ...]:
        """What makes another line worth printing: how far they are. Time, rate and latency move by themselves."""
        return self.view, self.leader, self._span(), self.transactions

    def _span(self) -> tuple[int, int]:
        heights = [self.heights.get(member.name, 0) for member in self.scenario.members]
        return min(heights), max(heights)

    def line(self) -> str:
        """The run in one line, for logs."""
        p50, p99 = self.latency_ms(0.5), self.latency_ms(0.99)
        latency = "" if p50 is None or p99 is None else f"  p50 {p50:.1f} ms  p99 {p99:.1f} ms"
        lowest, highest = self._span()
        leads = f"leader {self.leader} (view {self.view})"
        return (
            f"{self.t_us / 1e6:7.1f} s  {leads}  heights {lowest}-{highest}  "
            f"{self.transactions:,} tx  {self.rate():,.0f} tx/s{latency}"
        )


def draw(progress: Progress) -> Group:
    """The live picture: a headline, a row per node, what happened last."""
    p50, p99 = progress.latency_ms(0.5), progress.latency_ms(0.99)
    words = spoken()
    latency = "-" if p50 is None or p99 is None else f"p50 {p50:,.1f} ms, p99 {p99:,.1f} ms"
    executed = words(
        "{executed} of {submitted} transactions executed, {refused} refused",
        executed=f"{progress.transactions:,}",
        submitted=f"{progress.submitted:,}",
        refused=f"{progress.refused:,}",
    )
    head = Text.assemble(
        (progress.scenario.name, "bold"),
        f"  {progress.t_us / 1e6:,.1f} s   {words('leader')} ",
        (progress.leader, "bold cyan"),
        f" ({words('view {view}', view=progress.view)})\n",
        f"{executed}   ",
        (f"{progress.rate():,.0f} tx/s", "bold"),
        f"   {latency}",
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title, is_number in LIVE_COLUMNS:
        table.add_column(words(title), justify="right" if is_number else "left")
    for member in progress.scenario.members:
        state = progress.states.get(member.name, "")
        is_leader = member.name == progress.leader and state not in ("down", "paused")
        table.add_row(
            Text(member.name, "bold cyan" if is_leader else ""),
            Text(member.role, "dim"),
            f"{progress.heights.get(member.name, 0):,}",
            f"{progress.sealed.get(member.name, 0):,}",
            Text(words("leads" if is_leader and state == "up" else state), STATE_STYLES.get(state, "")),
        )
    events = [Text(f"{t_us / 1e6:7.1f} s  {told}", "yellow") for t_us, told in progress.faults]
    return Group(head, table, *events)


@contextmanager
def watching(scenario: Scenario, console: Console) -> Iterator[Callable[[Record], None]]:
    """Give the function that takes records in, and show them meanwhile: live in a terminal, else a line a second while
    something changes."""
    progress = Progress(scenario)
    if not console.is_terminal:
        yield _plain(progress, console)
        return
    lock = threading.Lock()

    def on_record(record: Record) -> None:
        with lock:
            progress.on_record(record)

    def picture() -> Group:
        with lock:
            return draw(progress)

    with Live(get_renderable=picture, console=console, refresh_per_second=8):
        yield on_record


class Stopped(Exception):
    """Ctrl-C: the run goes no further, and what there is of it is whole."""


@contextmanager
def stoppable(on_record: Callable[[Record], None]) -> Iterator[Callable[[Record], None]]:
    """Give `on_record`, which after a Ctrl-C raises Stopped at the next record: no node is in the middle of a step
    then. A Ctrl-C before the first record, and any second one, is a KeyboardInterrupt at once."""
    is_asked = has_begun = False

    def ask(number: int, frame: object) -> None:
        nonlocal is_asked
        if is_asked or not has_begun:
            raise KeyboardInterrupt
        is_asked = True

    def hear(record: Record) -> None:
        nonlocal has_begun
        has_begun = True
        on_record(record)
        if is_asked:
            raise Stopped

    older = signal.signal(signal.SIGINT, ask)
    try:
        yield hear
    finally:
        signal.signal(signal.SIGINT, older)


def _plain(progress: Progress, console: Console) -> Callable[[Record], None]:
    next_line_s = time.monotonic() + 1.0
    printed = progress.standing()

    def on_record(record: Record) -> None:
        nonlocal next_line_s, printed
        told = progress.on_record(record)
        if told is not None:
            console.print(f"{record['t_us'] / 1e6:7.1f} s  {told}", markup=False, highlight=False, soft_wrap=True)
        if time.monotonic() >= next_line_s and progress.standing() != printed:
            next_line_s, printed = time.monotonic() + 1.0, progress.standing()
            console.print(progress.line(), markup=False, highlight=False, soft_wrap=True)

    return on_record


FIGURES_TOLD = (
    ("transactions", mark("transactions executed")),
    ("transactions_refused", mark("of them refused with a reason")),
    ("throughput", mark("mean throughput")),
    ("latency_p50", mark("latency, median")),
    ("latency_p95", mark("latency, 95 in 100")),
    ("latency_p99", mark("latency, 99 in 100")),
    ("latency_p999", mark("latency, 999 in 1,000")),
    ("load_asked", mark("load asked for")),
    ("load_offered", mark("load offered in time")),
    ("load_accepted", mark("of it found room in a pool")),
    ("load_executed", mark("executed in that time")),
    ("late_max", mark("latest submission of what was due")),
    ("view_changes", mark("leader changes")),
    ("service_gap_max", mark("longest time without service")),
    *((f"cpu_{cost}", f"CPU, {cost}") for cost in COSTS),
    ("cpu_all", mark("CPU, all that the nodes used")),
    ("ceiling", mark("ceiling by those costs")),
)


def tell_run(console: Console, folder: Path, result: Run, verdicts: Sequence[Verdict], measures: Measures) -> None:
    """The end of a run for a person: verdicts, figures, where everything lies, the fingerprint of a simulation."""
    words = spoken()
    tell_verdicts(console, verdicts)
    _tell_figures(console, measures)
    tell_outcome(console, result, verdicts)
    short = fell_short(measures, words)
    if short:
        console.print(short, style="yellow", markup=False, soft_wrap=True)
    lines = [
        words("report: {path}", path=folder / "report.html"),
        words("folder: {folder} (README.md explains every file)", folder=folder),
    ]
    if place_of(result) == "simulator" and not result.is_partial:
        lines.append(words("fingerprint: {digits}", digits=fingerprint(result.trace)))
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _tell_figures(console: Console, measures: Measures) -> None:
    """Without warm-up where the rule could judge it, as everywhere; and a line that says so."""
    words = spoken()
    units = {figure.name: figure.unit for figure in measures.figures}
    names = told_names((name for name, _ in FIGURES_TOLD), units)
    rows = [(words(label), told(measures, names[name], units[names[name]]))
            for name, label in FIGURES_TOLD if names[name] in units]  # fmt: skip
    show_table(console, (Column(""), Column("", is_number=True)), rows)
    notes = [warm_up_words(measures, words)]
    if any(value.endswith(MARK) for _, value in rows):
        notes.append(words(FEW_WORDS))
    for note in filter(None, notes):
        console.print(note, style="dim", markup=False, soft_wrap=True)


def tell_outcome(console: Console, result: Run, verdicts: Sequence[Verdict]) -> None:
    """One line: did it go well?"""
    console.print(f"\n{outcome_sentence(result, verdicts, spoken())}", style="bold", markup=False, soft_wrap=True)


VERDICT_STYLES = {"holds": "green", "fails": "bold red", "not checked": "yellow"}


def tell_verdicts(console: Console, verdicts: Sequence[Verdict]) -> None:
    """A row per check, and below the first few sentences of what is wrong."""
    words = spoken()
    rows = []
    for verdict in verdicts:
        told = words("FAILS ({count})", count=verdict.failed) if verdict.fails else words(verdict.word)
        excuse = f" ({words(verdict.unchecked)})" if verdict.unchecked and not verdict.fails else ""
        style = VERDICT_STYLES.get(verdict.word, "dim")
        rows.append((words(verdict.name), Text(told, style), words(verdict.sentence) + excuse))
    columns = (Column(words("check")), Column(words("verdict")), Column(words("what it claims")))
    show_table(console, columns, rows)
    for verdict in verdicts:
        failures = list(verdict.failures[:FAILURES_TOLD])
        if verdict.failed > len(failures) > 0:
            failures.append(words("and {count} more", count=f"{verdict.failed - len(failures):,}"))
        for failure in failures:
            console.print(f"  {words(verdict.name)}: {failure}", style="red", markup=False, soft_wrap=True)
