"""Carries out the faults of a scenario in a simulation, one after another, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from consortium.core.machine import Note
from consortium.core.membership import NodeId
from consortium.scenario.faults.acts import LINK_ACTS, link_fields, read_options
from consortium.scenario.faults.storm import spread
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream
from consortium.simulation.bus.transport import Transport
from consortium.simulation.clock import Clock
from consortium.simulation.disk import Disk
from consortium.simulation.simulated_node import SimulatedNode

NEVER = 1 << 62


class Faults:
    """`note(node, note)` writes to the trace; `boot` starts a computer, `resume` lets a paused one go on."""

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        computers: Mapping[str, SimulatedNode],
        transport: Transport,
        note: Callable[[str, Note], None],
        boot: Callable[[SimulatedNode], None],
        resume: Callable[[SimulatedNode], None],
    ) -> None:
        self._waiting = list(spread(scenario))
        self._seed = scenario.seed
        self._clock = clock
        self._computers = computers
        self._transport = transport
        self._note = note
        self._boot = boot
        self._resume = resume
        self._due_us: int | None = None
        self._last_target = ""
        self._met = 0

    @property
    def is_over(self) -> bool:
        return not self._waiting

    @property
    def waits_for_height(self) -> int:
        """The height that the next fault waits for; beyond all heights if it waits for none, or was there already."""
        if self._due_us is not None or not self._waiting:
            return NEVER
        height = self._waiting[0].at_height
        return NEVER if height is None else height

    def carry_out(self, height_max: int) -> int | None:
        """All that are due now. When the next one is, if that is known."""
        now_us = self._clock.now_us
        while self._waiting:
            fault = self._waiting[0]
            if self._due_us is None:
                if fault.at_height is not None and height_max < fault.at_height:
                    return None
                if fault.at_us is not None and now_us < fault.at_us:
                    return fault.at_us
                self._due_us = now_us + fault.after_us
            if now_us < self._due_us:
                return self._due_us
            self._due_us = None
            self._met += 1
            self._carry_out(self._waiting.pop(0))
        return None

    def _carry_out(self, fault: Fault) -> None:
        target = self._target(fault.target)
        fields: dict[str, Any] = {"act": fault.act, "target": target}
        fields.update({key: value for key, value in sorted(fault.options.items()) if isinstance(value, int | str)})
        self._note("", Note("fault", fields))
        options = read_options(fault)
        computer = self._computers.get(target)
        if computer is None:
            self._on_all(fault, options)
        elif fault.act.startswith("disk_"):
            self._on_disk(computer, fault.act, options)
        else:
            self._on_one(computer, fault.act, options)
        if target:
            self._last_target = target

    def _target(self, target: str) -> NodeId:
        if target == "last":
            return self._last_target
        if target != "leader":
            return target
        living = [computer for computer in self._computers.values() if computer.host is not None]
        if not living:
            return self._last_target
        hosts = [computer.host for computer in living if not computer.is_traitor] or [each.host for each in living]
        newest = max((host for host in hosts if host is not None), key=lambda host: (host.epoch, host.view, host.me))
        return newest.leader

    def _on_all(self, fault: Fault, options: Any) -> None:
        transport = self._transport
        match fault.act:
            case "partition":
                transport.partition(fault.groups, fault.links)
            case "heal":
                transport.partition((), ())
            case "broker_kill" | "broker_restart":
                transport.is_broker_up = fault.act == "broker_restart"
                for name, computer in self._computers.items():
                    if computer.host is not None:
                        self._note(name, Note("bus", {"state": "up" if transport.is_broker_up else "down"}))
            case "calm":
                transport.network.calm()
            case act if act in LINK_ACTS:
                transport.network.change(fault.links, link_fields(fault))
            case _:
                pass  # a target that there is none of: nobody was hit before, say

    def _on_one(self, computer: SimulatedNode, act: str, options: Any) -> None:
        now_us = self._clock.now_us
        match act:
            case "kill" if options.outputs and computer.host is not None:
                computer.outputs_left = options.outputs
            case "kill":
                computer.crash()
            case "restart":
                if computer.host is not None:
                    computer.crash()
                self._lay_disk(computer, options.disk)
                self._boot(computer)
            case "pause":
                computer.is_paused = computer.host is not None
            case "resume":
                self._resume(computer)
            case "clock_jump":
                computer.clock.jump(now_us, options.wall_us, options.monotonic_us)
            case "clock_drift":
                computer.clock.drift(now_us, options.wall_ppm, options.monotonic_ppm)
            case _:
                raise AssertionError(act)

    # --- disks --------------------------------------------------------------------------------------------------

    def _lay_disk(self, computer: SimulatedNode, which: str) -> None:
        """The disk that it comes back with."""
        if which == "own":
            return
        older = computer.disk.copy
        fresh = Disk() if which == "empty" or older is None else older.cloned()
        fresh.copy = older  # it may be laid again
        computer.disk = fresh

    def _on_disk(self, computer: SimulatedNode, act: str, options: Any) -> None:
        match act:
            case "disk_copy":
                computer.disk.make_copy()
            case "disk_full":
                computer.disk.is_full = True
            case "disk_free":
                computer.disk.is_full = False
            case _:
                stream = Stream(self._seed, "damage", str(self._met))

                def damage() -> None:
                    disk = computer.disk
                    if act == "disk_tear":
                        what: str | None = f"votes, the last {min(options.blocks, len(disk.votes))} writes"
                        disk.tear(options.blocks)
                    else:
                        what = disk.flip(options.table, stream)
                    if what is not None:
                        self._note(computer.name, Note("damaged", {"what": what}))

                if computer.host is None:
                    damage()
                else:
                    computer.at_crash.append(damage)
