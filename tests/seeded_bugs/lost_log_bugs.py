"""Bugs of the boot rule where the log of votes is missing, damaged, or lacks votes."""

from __future__ import annotations

from .bug import COMMON, EPOCHS, LOST_LOG, PBFT, SeededBug

LOST_LOG_BUGS = (
    SeededBug(
        "damaged-log-votes-on",
        "Who lost its log is not told by the others' silence that it may vote (docs/decisions/060).",
        PBFT + "replica.py",
        "        self._lost.is_lost = lost_key is not None",
        "        self._lost.is_lost = False",
        (LOST_LOG,),
    ),
    SeededBug(
        "bound-by-too-few",
        "n − q + f + 1 others name how far lost votes may reach (docs/decisions/060).",
        COMMON + "lost_log.py",
        "        if len(self._named) < epoch.n - epoch.quorum + epoch.weak:",
        "        if len(self._named) < epoch.n - epoch.quorum + epoch.f:",
        (LOST_LOG,),
    ),
    SeededBug(
        "bound-without-proof",
        "A height is named with a seal near it, or a liar keeps us out for ever (docs/decisions/060).",
        COMMON + "lost_log.py",
        " or height > sealed + state.span:",
        ":",
        (LOST_LOG,),
    ),
    SeededBug(
        "who-lost-its-log-names-a-bound",
        "Who lost its log does not know how far it signed (docs/decisions/060).",
        COMMON + "recall.py",
        "        if self._lost.is_lost or state.epoch.number < self.logged_epoch:\n            return None",
        "        if state.epoch.number < self.logged_epoch:\n            return None",
        (LOST_LOG,),
    ),
    SeededBug(
        "rolled-back-disk-forgotten-at-the-next-boot",
        "That a log lacks votes is durable once it is known (docs/decisions/060).",
        COMMON + "recall.py",
        "            return [self._lost.lose(), *effects, *self._ask(now)]",
        "            self._lost.lose()\n            return [*effects, *self._ask(now)]",
        (LOST_LOG,),
    ),
    SeededBug(
        "votes-again-too-low",
        "Lost votes reach a window above what was sealed, and an old VIEW-CHANGE a span (docs/decisions/060).",
        PBFT + "recall.py",
        "state.log.above(bound.height + state.span)",
        "state.log.above(bound.height)",
        (LOST_LOG,),
    ),
    SeededBug(
        "votes-again-in-a-view-that-is-over",
        "What is decided beyond must be of our view or an earlier one (docs/decisions/060).",
        PBFT + "recall.py",
        "slot.height <= state.stable and slot.certificate_view <= state.view",
        "slot.height <= state.stable",
        (LOST_LOG,),
    ),
    SeededBug(
        "new-view-on-a-view-change-that-is-too-old",
        "A VIEW-CHANGE has no say beyond a span above its seal (docs/decisions/060).",
        PBFT + "certificates.py",
        " if top > oldest + span else None",
        " if top < oldest else None",
        (LOST_LOG,),
    ),
    SeededBug(
        "epoch-of-the-lost-votes-taken-for-a-clean-one",
        "In an epoch that begins above all that anybody had signed we cannot have voted (docs/decisions/060).",
        COMMON + "lost_log.py",
        "following.first_height > bound.height + 1",
        "following.first_height >= bound.height + 1",
        (EPOCHS,),
    ),
    SeededBug(
        "votes-where-nobody-remembers",
        "After a boot no vote where the others have sealed, unless a NEW-VIEW orders it (docs/decisions/060).",
        PBFT + "ordering.py",
        "        if slot.height <= state.sealed_elsewhere and not is_ordered:\n            return []",
        "        if slot.height <= 0 and not is_ordered:\n            return []",
        (LOST_LOG,),
    ),
)
