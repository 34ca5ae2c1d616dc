"""The behaviours of a seed's traitors. Each behaviour itself says how its options are drawn."""

from __future__ import annotations

from typing import Any

from consortium.behaviours import load_drawings
from consortium.behaviours.behaviour import Occasion
from consortium.core.draws import Shape, between, chance, choose, some
from consortium.exploration.faults import Cast
from consortium.scenario.scenario import BehaviourSpec
from consortium.scenario.streams import Stream


def draw_behaviours(stream: Stream, shape: Shape, cast: Cast) -> tuple[BehaviourSpec, ...]:
    """One or two behaviours for each traitor, from a time on, some to the end."""
    found = []
    for name in cast.traitors:
        for _ in range(choose(stream, (1, 1, 2))):
            kind, options = _behaviour(stream, shape, cast)
            from_us = choose(stream, (0, 0, shape.timer_us, 5 * shape.timer_us))
            to_us = None if chance(stream, 50) else from_us + shape.timer_us * between(stream, 1, 20)
            found.append(BehaviourSpec(kind, name, from_us, to_us, options))
    return tuple(found)


def draw_replays(stream: Stream, cast: Cast) -> tuple[BehaviourSpec, ...]:
    """One traitor in five sends old bundles again besides, to the end."""
    options = {"kind": "Submission", "every_us": 300_000, "count": 8}
    return tuple(
        BehaviourSpec("replayed_messages", name, options=options) for name in cast.traitors if chance(stream, 20)
    )


def _behaviour(stream: Stream, shape: Shape, cast: Cast) -> tuple[str, dict[str, Any]]:
    """The options of all are drawn, so that what is drawn next does not depend on which is chosen."""
    victims = some(stream, cast.honest, between(stream, 1, len(cast.honest)))
    occasion = Occasion(stream, shape, cast.honest, victims)
    return choose(stream, [(name, drawing.draw(occasion)) for name, drawing in load_drawings()])
