"""Plug-ins as a user would write them, as texts for a temporary folder: nothing of this lies in the package."""

from __future__ import annotations

from pathlib import Path

CONTRACT = '''
"""Parking permits."""
import msgspec

from consortium.core.contract import EVERY_MEMBER, Contract, Event, Operation, Refused, Table


class Permit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    member: str


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plate: str


PERMITS = Table("parking.permit", Permit)


def _grant(state, arguments, context):
    if state.get(PERMITS, arguments.plate) is not None:
        raise Refused("permit-exists", "this car has one")
    state.put(PERMITS, arguments.plate, Permit(context.member))
    return [Event("permit-granted", {"plate": arguments.plate, "role": context.role})]


CONTRACT = Contract("parking", 1, (Operation("grant", Grant, EVERY_MEMBER, _grant),))
'''

ROLE = '''
"""An attendant: grants permits, and proposes how the consortium is tuned, though no file of the package knows it."""
import msgspec

from consortium.contracts.governance.governance import Propose
from consortium.core.machine import Note
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings

from .parking import Grant


class AttendantTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    plates: tuple[str, ...] = ()
    batch_delay_us: int = 0


class AttendantConduct(Conduct):
    def plan(self, work, agenda):
        tasks = work.of(AttendantTasks)
        for plate in tasks.plates:
            agenda.wish(f"grant:{plate}", (("parking", "grant", Grant(plate)),))
        if tasks.batch_delay_us:
            tuning = {"batch_delay_us": tasks.batch_delay_us}
            propose = Propose("slower", "tune", work.member, tuning=tuning)
            agenda.wish("tune", (("governance", "propose", propose),))

    def on_outcome(self, outcome, agenda):
        granted = [event for event in outcome.receipt.events if event.kind == "permit-granted"]
        return [Note("permit", {"plate": text(event, "plate"), "role": text(event, "role")}) for event in granted]


ROLE = RoleSpec("attendant", Settings, lambda settings, work, state: Organisation(
    "attendant", settings, work, AttendantConduct(state)))
'''

WORKLOAD = '''
"""Every attendant grants one permit; the first of them proposes a tuning."""
from consortium.roles.work import Work
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

from .attendant import AttendantTasks


def _prepare(scenario, pseudonym_key):
    names = [member.name for member in scenario.members if member.role == "attendant"]
    tasks = {name: AttendantTasks((f"car-of-{name}",), 7_000 if name == names[0] else 0) for name in names}
    return Prepared((), {name: Work(name, (own,)) for name, own in tasks.items()})


WORKLOAD = WorkloadSpec("permits", _prepare)
'''

SCENARIO = '''
"""Does a consortium of a role that the package does not know grant permits, and vote?"""
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="car_park",
    members=tuple(MemberSpec(f"gate-{index}", "attendant", settings={"hosts": ["steward"]}) for index in range(1, 5)),
    parameters=Parameters(idle_seal_us=200_000, timer_base_us=500_000),
    workload=Workload("permits"),
    stop=Stop(limit_us=30_000_000),
)
'''

BEHAVIOUR = '''
"""A member that tells the others nothing."""
import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind
from consortium.core.machine import Broadcast, Send


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Mute(Behaviour):
    def bend(self, now, effect):
        if isinstance(effect, Broadcast):
            return [self.to_self(effect)]
        return [effect] if isinstance(effect, Send) and effect.to == self.me else []


BEHAVIOUR = BehaviourKind(Options, Mute, "tells the others nothing")
'''

DISTRIBUTION = '''
"""Two delays by turns of a coin."""
from consortium.scenario.network.distributions.distribution import Distribution

DISTRIBUTION = Distribution("coin", lambda link, stream: link.mean_us + link.deviation_us * stream.below(2))
'''

PROTOCOL = '''
"""The trusted sequencer under another name: a protocol's timers begin with its own."""
from consortium.core.machine import CancelTimer, Expired, SetTimer
from consortium.protocols.solo import PROTOCOL as SOLO


class Renamed:
    def __init__(self, machine):
        self._machine = machine

    def __getattr__(self, name):
        return getattr(self._machine, name)

    def step(self, now, event):
        if isinstance(event, Expired):
            event = event._replace(timer=("solo", *event.timer[1:]))
        return [self._renamed(effect) for effect in self._machine.step(now, event)]

    def _renamed(self, effect):
        is_timer = isinstance(effect, SetTimer | CancelTimer)
        return effect._replace(name=("sequencer", *effect.name[1:])) if is_timer else effect


PROTOCOL = SOLO._replace(name="sequencer", build=lambda context: Renamed(SOLO.build(context)))
'''

ACT = '''
"""A nap: a member stands still for a while, by two verbs of the world."""
from consortium.scenario.faults.act import Act

ACTS = (
    Act(name="nap", sentence="it stands still", touches="node", has_target=True, mended_by=("wake_up",), state="naps",
        carry_out=lambda world, hit: world.pause(hit.target)),
    Act(name="wake_up", sentence="it goes on", touches="node", has_target=True, nature="repair",
        carry_out=lambda world, hit: world.resume(hit.target)),
)
'''

CHECK = '''
"""Every gate has its car."""
from consortium.lab.checks.claims import Claim, Kind


def _check(run):
    plates = {record["plate"] for record in run.trace if record["kind"] == "permit"}
    return [f"no permit was granted by {member.name}" for member in run.scenario.members
            if f"car-of-{member.name}" not in plates]


CHECK = Claim("a permit a gate", Kind.LIVENESS, "Every gate granted a permit to its car.", _check)
'''

MEASURE = '''
"""How many permits were seen."""
from consortium.lab.measures.catalogue import Figure, Measure


def _take(trace, found):
    yield "permits_seen", len(trace.of_kind("permit"))


MEASURE = Measure("permits", (Figure("permits_seen", "1", "permits that nodes noted"),), _take)
'''

FIGURE = '''
"""An empty picture."""
from consortium.lab.figures.drawing import Drawing
from consortium.lab.figures.paper import Picture

FIGURE = Drawing(
    "emptiness", lambda runs, source: [Picture("emptiness", "Nothing", "Nothing.", source, 1.0, lambda _: None)]
)
'''

COMMAND = '''
"""`consortium greet NAME`."""
import typer

from consortium.commands.command import Command


def greet(name: str) -> None:
    typer.echo(f"hello {name}")


COMMAND = Command("greet", "Greet somebody.", greet)
'''

FILES = {
    "parking": CONTRACT,
    "attendant": ROLE,
    "permits": WORKLOAD,
    "car_park": SCENARIO,
    "mute": BEHAVIOUR,
    "coin": DISTRIBUTION,
    "sequencer": PROTOCOL,
    "nap": ACT,
    "permit_a_gate": CHECK,
    "permits_seen": MEASURE,
    "emptiness": FIGURE,
    "greet": COMMAND,
}


def write_plugins(folder: Path, *names: str) -> Path:
    """The plug-ins of these names (all, where none is named) in a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or FILES:
        (folder / f"{name}.py").write_text(FILES[name].lstrip(), "utf-8")
    return folder
