from __future__ import annotations

from nodes.conduct.waiting import describe_waiting
from nodes.process.status import Status


def status(is_done: bool, head: int, sealed: int, view: int = 0) -> Status:
    return Status(is_done, head, sealed, view, "a" if view == 0 else "b", has_work=not is_done)


def test_each_node_that_is_not_done_is_named_with_what_it_waits_for() -> None:
    statuses = {
        "a": status(True, 9, 9),
        "b": status(False, 9, 9, view=3),
        "c": status(True, 9, 8),
        "d": status(True, 5, 4),
        "e": None,
    }
    assert describe_waiting(statuses, {"f": None}) == (
        "b: at height 9, waits for a block with work of its own; c: waits for the seal of height 9 (the last is of 8); "
        "d: waits for the blocks from height 6 to 9; e: nothing heard since its start; the newest view is 3, led by b; "
        "not running: f"
    )


def test_of_nodes_that_are_all_done_nothing_is_told() -> None:
    assert describe_waiting({"a": status(True, 9, 9), "b": status(True, 9, 9)}) == ""
    assert describe_waiting({"a": status(True, 9, 9), "b": status(False, 5, 4)._replace(is_member=False)}) == ""
