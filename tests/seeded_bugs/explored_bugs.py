"""Bugs that an exploration is to find by itself: each by a seed that draws the kind of trouble which shows it."""

from __future__ import annotations

from .bug import BOOT, COMMON, NODE, PBFT, WAITING, SeededBug

TROUBLE = "tests/simulation/test_explore_trouble.py::test_a_seed_meets_this_kind_of_trouble_and_all_checks_hold"
ONCE = "tests/simulation/test_explore_seeds.py::test_what_once_failed_holds_for_good"

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
    SeededBug(
        "explored-heard-in-flight-and-never-told-again",
        "What waits is told to everybody again after half a timer (consortium/node/relays.py).",
        NODE + "pool.py",
        "        if not self._is_relay_set and not self._held.is_empty:",
        "        if not self._is_relay_set and self._held.waiting:",
        (f"{ONCE}[heard_while_in_flight]", WAITING),
    ),
    SeededBug(
        "explored-all-wait-for-a-ledger-that-nobody-has",
        "A log that holds its votes has forgotten none (docs/consensus.md, After a crash).",
        PBFT + "restore.py",
        "        if min(voted, default=sealed + 1) > sealed:",
        "        if sealed:",
        (f"{ONCE}[all_die_before_the_first_seal_is_durable]", BOOT),
    ),
    SeededBug(
        "explored-leader-who-was-not-started-is-missed",
        "Nothing is calm while a member that was voted in has not been started (check *no suspicion*).",
        "consortium/lab/checks/calm.py",
        "                is_trouble = not joining <= booted",
        "                is_trouble = False",
        (f"{ONCE}[voted_in_before_it_was_started]", "tests/unit/lab/test_calm.py"),
    ),
)
