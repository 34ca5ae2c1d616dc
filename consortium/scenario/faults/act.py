"""An act of fate as a value: its options, what it does to a world, what mends it, and how an explorer draws it.

Each file of this folder offers `ACTS`, a tuple, and may offer `DRAWINGS`, a tuple; so may a plug-in.
Whatever speaks of faults (loading, schedule, exploration, measures, figures, docs/faults.md) reads these fields alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from consortium.core.draws import Numbers, Shape
from consortium.core.membership import NodeId
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream

Part = Literal["node", "links", "broker", "clock", "disk"]
Nature = Literal["harm", "repair", "neutral"]
Condition = Literal["up", "down", "paused"]

Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]  # parts per million


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The options of an act that has none."""


class Occurrence(NamedTuple):
    """One act as it is carried out. `target`: the member that is hit, with its own name; empty where the act has no
    target. `options`: those of the fault, typed. `stream`: random numbers for this occurrence alone."""

    fault: Fault
    target: NodeId
    options: Any
    stream: Stream


class Step(NamedTuple):
    """A fault in its turn. `settle_us`: so much of its `after_us` is for the members to come level again; a run that
    sees whether they are waits for that instead. None: the fault does not wait for it."""

    fault: Fault
    settle_us: int | None = None


def _forgets_nothing(options: Any) -> bool:
    return False


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One act. Exactly one of `carry_out` and `steps` is given.

    - `sentence` says what happens, for people.
    - `touches` is the part of the run that it is done to.
    - `carry_out` does it to a `World`; `needs` names the verbs that it uses beyond those of `World`.
    - `steps` gives the faults that it consists of; they are met in its place.
    - `has_target` says whether one member is meant.
    - `nature` says whether it harms, repairs, or does neither.
    - `mended_by` names acts each of which ends the harm (of the same target, where it has one). An act that is mended
      by itself ends the harm when all of its options are 0 or left out.
    - `followed_by` names, in order, acts that belong to it: an explorer draws them, a shrinker leaves them out with it.
    - `target_is` is the condition that it leaves its target in, where the act alone tells.
    - `is_silencing` says whether it keeps members from hearing one another, so that a leader may lose its place by it.
    - `forgets` says whether, with these options, its target can no longer be held to what it promised.
    - `state` tells the harm in few words, while it lasts; if empty, the act's name and its options do."""

    name: str
    sentence: str
    touches: Part
    carry_out: Callable[[Any, Occurrence], None] | None = None
    needs: tuple[str, ...] = ()
    steps: Callable[[Scenario, Fault], Sequence[Step]] | None = None
    options: type[msgspec.Struct] = NoOptions
    has_target: bool = False
    nature: Nature = "harm"
    mended_by: tuple[str, ...] = ()
    followed_by: tuple[str, ...] = ()
    target_is: Condition | None = None
    is_silencing: bool = False
    forgets: Callable[[Any], bool] = _forgets_nothing
    state: str = ""

    def __post_init__(self) -> None:
        assert (self.carry_out is None) != (self.steps is None), f"{self.name}: carry_out or steps, and not both"

    def ends_itself(self, given: Mapping[str, Any]) -> bool:
        """Whether the act, told with these options, ends what an earlier one of it began."""
        fields = self.options.__struct_fields__
        return self.name in self.mended_by and bool(fields) and not any(given.get(field) for field in fields)

    def followers(self, first: Fault) -> tuple[Fault, ...]:
        """What belongs to such a fault, without times: done to the same member where an act has a target."""
        target = "last" if first.target == "leader" else first.target
        return tuple(Fault(name, target if self.has_target else "") for name in self.followed_by)


Episode = tuple[Fault, ...]  # the fault first, then what belongs to it; without times, or so long after the one before


class Drawing(NamedTuple):
    """How an explorer draws one kind of trouble.

    `draw(stream, shape, name)` gives an episode; `name` is a member that it may hit. `weight`: how often it is drawn
    beside the others. `place`: its place among them, by number; one that is added takes the end, so that a seed draws
    the older ones in their order. `is_wound`: it is drawn only for members whose disk may betray them, f at most."""

    draw: Callable[[Numbers, Shape, NodeId], Episode]
    weight: int = 1
    place: int = 1_000
    is_wound: bool = False
