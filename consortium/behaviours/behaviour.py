"""A behaviour wraps a machine: it filters what the machine hears, bends what it says, and may speak by itself.

It lies with its own key only: what it says is signed by the host like everything else of this member. Of others it can
repeat what they signed, or send bytes that are no valid statement at all.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from itertools import count
from typing import Any, NamedTuple

import msgspec

from consortium.core.codec import Malformed
from consortium.core.draws import Numbers, Shape
from consortium.core.genesis import Parameters
from consortium.core.machine import (
    Broadcast,
    Effect,
    Event,
    Expired,
    Machine,
    Mangled,
    Now,
    Rebroadcast,
    Received,
    Send,
    SetTimer,
    Started,
    Utter,
)
from consortium.core.membership import Epochs, NodeId
from consortium.core.message_forge import SILENCE, MessageForge, Place
from consortium.core.messages import Message, MessageCodec, Signed
from consortium.node.run_start import RunStart

Spoken = Send | Broadcast | Rebroadcast


class Surroundings(NamedTuple):
    """What a behaviour knows of its place. `draw(limit)`: a random number of its own stream, 0 ≤ result < limit."""

    me: NodeId
    epochs: Epochs
    parameters: Parameters
    codec: MessageCodec
    draw: Callable[[int], int]
    forge: MessageForge = SILENCE  # the words of the protocol that this run has


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to choose."""


class Behaviour:
    """The base: changes nothing. `every_us` > 0: `acts` is asked so often while it lasts."""

    every_us = 0

    def __init__(self, around: Surroundings, options: Any) -> None:
        self.around = around

    def hears(self, event: Event) -> bool:
        """Whether the machine hears this."""
        return True

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        """What is said and done instead of this effect of the machine."""
        return [effect]

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        """What it says of itself on hearing this, after what the machine answered."""
        return []

    def acts(self, now: Now) -> list[Effect]:
        """What it says of itself, every `every_us`."""
        return []

    # --- for all of them ----------------------------------------------------------------------------------------

    @property
    def me(self) -> NodeId:
        return self.around.me

    @property
    def others(self) -> list[NodeId]:
        """All members but this one, in order of name."""
        return [member.name for member in self.around.epochs.newest.members if member.name != self.me]

    def halves(self) -> tuple[tuple[NodeId, ...], ...]:
        """The others, in two halves."""
        others = self.others
        middle = (len(others) + 1) // 2
        return tuple(others[:middle]), tuple(others[middle:])

    def leader(self, view: int) -> NodeId:
        return self.around.forge.leader(self.around.epochs.newest, view)

    @property
    def forge(self) -> MessageForge:
        return self.around.forge

    def place(self, event: Event, kinds: Container[str]) -> Place | None:
        """Where the proposal or vote stands that this event brings, if it is of these kinds."""
        if not isinstance(event, Received) or type(event.message).__name__ not in kinds:
            return None
        return self.forge.place(event.message)

    def open(self, signed: Signed) -> Message | None:
        """The message of a statement of the newest epoch; None where it is none."""
        try:
            return self.around.codec.decode(signed.body, self.around.epochs.newest.number)
        except Malformed:
            return None

    def kind(self, effect: Spoken) -> str:
        """The class name of the message that an effect says."""
        if isinstance(effect, Rebroadcast):
            return type(self.open(effect.signed)).__name__
        return type(effect.message).__name__

    def to_each(self, effect: Broadcast, names: Sequence[NodeId]) -> list[Effect]:
        """The same to these members, one by one."""
        return [Send(name, effect.message, effect.attachment, effect.epoch) for name in names]

    def to_self(self, effect: Broadcast) -> Send:
        """Only this machine itself hears that it said so."""
        return Send(self.me, effect.message, effect.attachment, effect.epoch)

    def random_bytes(self, size: int) -> bytes:
        return b"".join(self.around.draw(1 << 48).to_bytes(6, "big") for _ in range(-(-size // 6)))[:size]


class Later(NamedTuple):
    """Of a behaviour: carry these out after a while. They are not bent by it again."""

    delay_us: int
    effects: tuple[Effect, ...]


class Occasion(NamedTuple):
    """What an explorer knows when it draws a behaviour. `honest`: members that keep to the protocol. `victims`: some of
    them, for a behaviour that treats members differently."""

    stream: Numbers
    shape: Shape
    honest: tuple[NodeId, ...]
    victims: tuple[NodeId, ...]


class Drawing(NamedTuple):
    """How an explorer draws the options of a behaviour. `place`: its place among the others, by number; one that is
    added takes the end, so that a seed draws the older ones in their order."""

    draw: Callable[[Occasion], dict[str, Any]]
    place: int = 1_000


class BehaviourKind(NamedTuple):
    """`build` makes one behaviour for one host. `is_twin`: the simulator runs a second host of this identity.
    `drawings`: how an explorer draws it, once for each; without any it never does."""

    options: type[msgspec.Struct]
    build: Callable[[Surroundings, Any], Behaviour]
    sentence: str
    is_twin: bool = False
    drawings: tuple[Drawing, ...] = ()


class Bent:
    """A machine with one behaviour around it, from `from_us` to `to_us` of the run."""

    def __init__(
        self, machine: Machine, behaviour: Behaviour, label: str, start: RunStart, from_us: int, to_us: int | None
    ) -> None:
        self.behaviour = behaviour
        self._machine = machine
        self._label = label
        self._start = start
        self._from_us = from_us
        self._to_us = to_us
        self._held: dict[str, tuple[Effect, ...]] = {}
        self._numbers = count(1)

    def is_active(self, now: Now) -> bool:
        passed_us = self._start.passed_us(now)
        return passed_us >= self._from_us and (self._to_us is None or passed_us < self._to_us)

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        if isinstance(event, Expired) and event.timer[:2] == ("behaviour", self._label):
            return self._on_timer(now, event.timer[2])
        is_active = self.is_active(now)
        if is_active and not self.behaviour.hears(event):
            return self._settled(self.behaviour.reacts(now, event))
        effects = self._machine.step(now, event)
        if is_active:
            bent: list[Effect] = []
            for effect in effects:
                is_speech = isinstance(effect, Send | Broadcast | Rebroadcast | Mangled | Utter)
                bent.extend(self.behaviour.bend(now, effect) if is_speech else (effect,))
            effects = self._settled([*bent, *self.behaviour.reacts(now, event)])
        if isinstance(event, Started):
            wait_us = self._from_us - self._start.passed_us(now)
            return [*effects, SetTimer(self._timer("tick"), max(0, wait_us))] if self.behaviour.every_us else effects
        return effects

    def _on_timer(self, now: Now, name: str) -> Sequence[Effect]:
        if name != "tick":
            return self._held.pop(name, ())
        if self._to_us is not None and self._start.passed_us(now) >= self._to_us:
            return []
        effects = self._settled(self.behaviour.acts(now)) if self.is_active(now) else []
        return [*effects, SetTimer(self._timer("tick"), self.behaviour.every_us)]

    def _settled(self, effects: Sequence[Any]) -> list[Effect]:
        """What is for later waits behind a timer."""
        settled: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Later):
                name = str(next(self._numbers))
                self._held[name] = effect.effects
                settled.append(SetTimer(self._timer(name), effect.delay_us))
            else:
                settled.append(effect)
        return settled

    def _timer(self, name: str) -> tuple[str, ...]:
        return ("behaviour", self._label, name)
