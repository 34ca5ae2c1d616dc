"""Bugs that an exploration is to find by itself: each by a seed that draws the kind of trouble which shows it."""

from __future__ import annotations

from .bug import COMMON, PBFT, SeededBug

TROUBLE = "tests/simulation/test_explore_trouble.py::test_a_seed_meets_this_kind_of_trouble_and_all_checks_hold"

EXPLORED_BUGS = (
    SeededBug(
        "explored-idle-load-costs-a-leader",
        "Nobody is suspected before work has waited T (docs/decisions/059, found by check *no suspicion*).",
        COMMON + "leader_timer.py",
        "        return max(self._since_us, owed_us) + self.timeout_us - now.monotonic_us",
        "        return self._since_us + self.timeout_us - now.monotonic_us",
        (f"{TROUBLE}[nothing was wrong]",),
    ),
    SeededBug(
        "explored-everybody-reboots-and-forgets",
        "Votes that were durable bind after a boot (docs/consensus.md, After a crash).",
        PBFT + "restore.py",
        "        slot.view = slot.prepare_view = record.view",
        "        slot.view = record.view",
        (f"{TROUBLE}[everybody was down at once]",),
    ),
    SeededBug(
        "explored-several-die-before-their-votes-are-durable",
        "PREPARE is said after its record (docs/consensus.md, The normal case).",
        PBFT + "ordering.py",
        "        return [record, state.say(Prepare(slot.view, slot.height, slot.digest))]",
        "        return [state.say(Prepare(slot.view, slot.height, slot.digest)), record]",
        (f"{TROUBLE}[several were down at once]",),
    ),
)
