"""What fate can do to a run, one family a file: every fact about an act stands there, and nowhere else."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.core.discovery import offered, offered_together
from consortium.scenario.faults.act import Act, Condition, Drawing
from consortium.scenario.scenario import Fault, Scenario


def load_acts() -> dict[str, Act]:
    """Every act that a file of this folder, or a plug-in, offers in its `ACTS`, by name. Raises NameTaken where two
    share a name."""
    return offered_together(__name__, "ACTS", Act)


def load_drawings() -> list[Drawing]:
    """Every drawing that a file of this folder, or a plug-in, offers in its `DRAWINGS`, in order of their places."""
    offers = [drawing for _, drawings in offered(__name__, "DRAWINGS", tuple) for drawing in drawings]
    return sorted((each for each in offers if isinstance(each, Drawing)), key=lambda drawing: drawing.place)


def find_act(name: str) -> Act | None:
    """The act of this name. None: the record that names it tells of something else, as of a behaviour, or of an act
    that is not there."""
    return load_acts().get(name)


def condition_after(name: str) -> Condition | None:
    """What the act of this name leaves its target: up, down or paused; None where the act alone does not tell."""
    act = find_act(name)
    return None if act is None else act.target_is


def read_options(fault: Fault) -> Any:
    """The options of a fault of a known act, typed. Raises ValueError with a sentence."""
    act = load_acts()[fault.act]
    try:
        return msgspec.convert(fault.options, act.options)
    except msgspec.ValidationError as error:
        known = ", ".join(act.options.__struct_fields__) or "none"
        raise ValueError(f"options of {act.name!r}: {error}; known are {known}") from None


def touches(scenario: Scenario, part: str) -> bool:
    """Whether any fault of the scenario is done to this part of the run (see `Act.touches`)."""
    acts = load_acts()
    return any(acts[fault.act].touches == part for fault in scenario.faults)
