"""Making the folder of a local run, with its broker running; and joining its traces at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from consortium.core.genesis import Genesis
from consortium.runs.folder import UNDER_WAY, RunFolderError, claim_folder, write_unfinished
from consortium.runs.trace import merge_traces, write_trace
from consortium.scenario.faults import touches
from consortium.scenario.scenario import Scenario
from nodes.broker.broker import Broker
from nodes.conduct.member_files import begin_members, in_the_making, make_plan, write_all_settings, write_inputs
from nodes.conduct.site import Local, Site
from nodes.errors import UserError
from nodes.process.settings import NodeFolder
from nodes.process.trace_file import TraceTail, cut_torn_line


class RunFiles:
    """A run folder that exists, with its broker running."""

    def __init__(self, folder: Path, genesis: Genesis, broker: Broker) -> None:
        self.folder = folder
        self.genesis = genesis
        self.broker = broker


def make_run(
    scenario: Scenario, out: Path, broker_text: str, site: Site | None = None, *, is_recorded: bool = False
) -> RunFiles:
    """Check everything, make keys, genesis and settings, start the broker. Raises UserError; then it leaves nothing."""
    try:
        claim_folder(out)
    except RunFolderError as error:
        raise UserError(str(error)) from None
    site = site or Local()
    site.check_broker(broker_text)
    if "mqtt:" in broker_text and touches(scenario, "broker"):
        raise UserError("this scenario kills the broker, and the one named is not ours: use --broker embedded")
    plan = make_plan(scenario)
    broker: Broker | None = None
    try:
        with in_the_making(out, "--out") as making:
            made = begin_members(making, plan)
            broker = site.make_broker(broker_text, making / "broker", made.genesis.chain, sorted(made.keys))
            write_inputs(made)
            write_all_settings(made, broker.places, is_recorded=is_recorded)
            broker.start()
            write_unfinished(making, scenario.name, UNDER_WAY, shown=out)
    except BaseException:
        if broker is not None:
            broker.stop()
        raise
    broker.moved(out / "broker")
    return RunFiles(out, made.genesis, broker)


def join_traces(folder: Path, names: Iterable[str], own: Iterable[dict[str, Any]]) -> int:
    """Write trace.jsonl out of the nodes' traces and the conductor's own records; how many records."""
    traces: list[Iterable[dict[str, Any]]] = [own]
    for name in names:
        path = NodeFolder(folder, name).trace
        cut_torn_line(path)
        traces.append(_records(path))
    return write_trace(folder / "trace.jsonl", merge_traces(traces))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    tail = TraceTail(path)
    while records := tail.read(bytes_max=1_000_000):
        yield from records
