"""The figure of a sweep over the number of members: messages of a block, measured and by the closed formulas."""

from __future__ import annotations

from consortium.lab.figures.drawing import Drawing
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.scaling import Counted, messages
from consortium.lab.figures.sweep_points import lines_of
from consortium.lab.sweeps.plan import MEMBERS
from consortium.lab.sweeps.results import SweepResults


def _messages(results: SweepResults, source: str) -> list[Picture]:
    if MEMBERS not in results.axes or len(results.values(MEMBERS)) < 2:
        return []
    counted = []
    for label, points in lines_of(results, MEMBERS):
        known = [(point.validators, point.ordering) for point in points if point.ordering is not None]
        protocol = points[0].scenario.protocol
        if known:
            counted.append(Counted(label or protocol, protocol, known))
    caption = (
        "Marks: deliveries of the messages of the normal case (PBFT: PRE-PREPARE, PREPARE, COMMIT; HotStuff: proposals "
        "and votes; solo: orders and their answers) by block, measured. Lines: what the closed formulas say for one "
        "height with an honest leader, nothing lost, and for HotStuff every block carrying a height. Log scale."
    )
    return [messages(counted, source, caption)] if counted else []


FIGURE = Drawing("messages by members", of_sweep=_messages, order=20)
