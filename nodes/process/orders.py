"""Orders that change the world of a running node: faults of a scenario, and those made by hand."""

from __future__ import annotations

from typing import Any

from nodes.errors import UserError
from nodes.process.process import Process

ORDERS = ("cut", "links", "clock", "full", "die_after")


def obey(process: Process, order: dict[str, Any]) -> None:
    """`cut`: members that it does not hear; `links`: see `DelayLine.change`; `clock`: see `NodeClock.bend`; `full`:
    whether its disk takes nothing; `die_after`: so many outputs."""
    if "cut" in order:
        process.delay_line.cut = frozenset(order["cut"])
    if "links" in order:
        process.delay_line.change(order["links"])
    if "clock" in order:
        process.clock.bend(order["clock"])
    if "full" in order:
        process.set_disk_full(is_full=order["full"])
    if "die_after" in order:
        process.carrier.outputs_left = order["die_after"]


def obey_stranger(process: Process, order: dict[str, Any]) -> None:
    """The same for an order that nobody has checked. Raises UserError with a sentence."""
    unknown = sorted(set(order) - set(ORDERS))
    if unknown:
        raise UserError(f"there is no order {unknown[0]!r}; there are {', '.join(ORDERS)}")
    cut = order.get("cut", [])
    if not isinstance(cut, list) or not all(isinstance(name, str) for name in cut):
        raise UserError("cut takes a list of members' names")
    if not isinstance(order.get("full", False), bool) or not isinstance(order.get("die_after", 1), int):
        raise UserError("full takes true or false, die_after a number")
    try:
        obey(process, order)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"the order cannot be carried out: {error}") from None
