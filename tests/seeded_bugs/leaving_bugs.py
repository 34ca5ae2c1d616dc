"""Bugs in suspecting and leaving: whoever leaves a view is followed by all (docs/consensus.md, Nobody leaves alone)."""

from __future__ import annotations

from .bug import PBFT, SUSPICION, SeededBug

LEAVING = "tests/unit/pbft/test_pbft_leaving_together.py"
NEW_VIEW_KEPT = "tests/unit/pbft/test_pbft_new_view_kept.py"
DURABLE = "tests/unit/pbft/test_pbft_durable_first.py"
CONDITIONS = "tests/unit/pbft/test_pbft_one_condition.py"
SUSPICION_FILE = PBFT + "suspicion.py"

LEAVING_BUGS = (
    SeededBug(
        "one-member-deposes-a-leader",
        "A leader is suspected when f+1 others suspect it (OSDI'99 §4.5.2).",
        SUSPICION_FILE,
        "        shared = others[state.epoch.weak - 1] if len(others) >= state.epoch.weak else -1",
        "        shared = others[0] if len(others) >= state.epoch.weak else -1",
        (LEAVING,),
    ),
    SeededBug(
        "f-others-make-a-member-suspect",
        "A leader is suspected when f+1 others suspect it, not f (OSDI'99 §4.5.2).",
        SUSPICION_FILE,
        "        shared = others[state.epoch.weak - 1] if len(others) >= state.epoch.weak else -1",
        "        shared = others[state.epoch.weak - 2] if len(others) >= state.epoch.weak else -1",
        (LEAVING,),
    ),
    SeededBug(
        "left-by-f-plus-one",
        "A view is left when a quorum suspects (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "        agreed = sorted([*others, state.suspected], reverse=True)[state.epoch.quorum - 1]",
        "        agreed = sorted([*others, state.suspected], reverse=True)[state.epoch.weak - 1]",
        (LEAVING,),
    ),
    SeededBug(
        "left-alone",
        "A view is left when a quorum suspects, not when we do (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "        agreed = sorted([*others, state.suspected], reverse=True)[state.epoch.quorum - 1]",
        "        agreed = state.suspected",
        (LEAVING,),
    ),
    SeededBug(
        "suspicion-not-durable",
        "A suspicion is durable before it is said (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "            persist(SuspectRecord(FORMAT, state.epoch.number, view), None),\n",
        "",
        (DURABLE, LEAVING),
    ),
    SeededBug(
        "suspicion-not-read-back",
        "A boot takes no suspicion back (docs/consensus.md, Nobody leaves alone).",
        PBFT + "restore.py",
        "                state.suspected = max(state.suspected, view)\n",
        "                pass\n",
        (LEAVING,),
    ),
    SeededBug(
        "suspicions-counted-and-not-members",
        "A member counts once, however often it says that it suspects (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "        if message.view <= self._heard.get(event.sender, -1):\n            return []\n"
        "        self._heard[event.sender] = message.view\n        return self.try_follow(now)",
        "        self._heard[event.sender] = max(message.view, self._heard.get(event.sender, -1))\n"
        "        self._words = [*getattr(self, '_words', []), message.view]\n"
        "        is_shared = len(self._words) >= self._state.epoch.weak and message.view > self._state.suspected\n"
        "        effects = self._say(message.view, 'joined') if is_shared else []\n"
        "        return [*effects, *self.try_follow(now)]",
        (LEAVING,),
    ),
    SeededBug(
        "view-change-no-suspicion",
        "A VIEW-CHANGE counts as suspicion of the view before (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "        return max(self._heard.get(member, -1), self._view_changes.wanted_by(member) - 1)",
        "        return self._heard.get(member, -1)",
        (LEAVING,),
    ),
    SeededBug(
        "view-change-suspects-its-own-view",
        "A VIEW-CHANGE for w suspects w−1, not w (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "self._view_changes.wanted_by(member) - 1)",
        "self._view_changes.wanted_by(member) or -1)",
        (LEAVING,),
    ),
    SeededBug(
        "suspicion-ends-the-vote",
        "Who suspects goes on voting (docs/consensus.md, Nobody leaves alone).",
        PBFT + "replica_state.py",
        "        return self.is_voter and self.wanted == self.view",
        "        return self.is_voter and self.wanted == self.view and self.suspected < self.view",
        (LEAVING,),
    ),
    SeededBug(
        "nobody-answers-one-who-has-left",
        "Who suspects says so again to one who has left (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "        return [state.say(Suspect(state.suspected))]\n\n    def try_follow",
        "        return []\n\n    def try_follow",
        (LEAVING,),
    ),
    SeededBug(
        "called-without-ration",
        "Who suspects says so again to one who has left once in T/8 (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        " and self._calls_left.spend(now, event.sender)):",
        "):",
        (LEAVING,),
    ),
    SeededBug(
        "stale-suspicion-told",
        "A suspicion after which something moved is told to nobody (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "        return self._fresh_at == self._place() and self._state.suspected >= self._state.wanted",
        "        return self._fresh_at is not None and self._state.suspected >= self._state.wanted",
        (LEAVING,),
    ),
    SeededBug(
        "who-left-calls-nobody",
        "Who has left says so while the others go on without it (docs/consensus.md, Nobody leaves alone).",
        PBFT + "retransmit.py",
        "        moves = state.suspected if state.is_changing else state.decided",
        "        moves = state.decided",
        (LEAVING,),
    ),
    SeededBug(
        "who-left-calls-for-ever",
        "Who has left calls more and more rarely where nothing waits (docs/consensus.md, Nobody leaves alone).",
        PBFT + "retransmit.py",
        "        if own is None or (count >= CALLS_MAX and is_quiet):",
        "        if own is None:",
        (LEAVING,),
    ),
    SeededBug(
        "who-lags-suspects",
        "Who lags behind what others have executed suspects no leader for it (docs/consensus.md, Changing the leader).",
        PBFT + "progress.py",
        "            if self._lags():\n                return timer.watch(now)\n",
        "",
        (SUSPICION,),
    ),
    SeededBug(
        "a-decision-above-a-gap-excuses-its-leader",
        "Only what others have executed excuses a leader (docs/consensus.md, Changing the leader).",
        PBFT + "retransmit.py",
        "        return self._lag.shown(self._voted) > 0",
        "        return self._behind() > 0",
        (SUSPICION,),
    ),
    SeededBug(
        "joined-in-an-epoch-that-has-not-begun",
        "No view is left in an epoch before its predecessor's last block is sealed (docs/decisions/020).",
        SUSPICION_FILE,
        "        if not state.is_voter:",
        "        if not state.is_recalled or not state.epoch.is_validator(state.me):",
        (CONDITIONS,),
    ),
    SeededBug(
        "suspected-before-the-recall",
        "Who has yet to be told of its votes suspects nobody (docs/consensus.md, Nobody leaves alone).",
        SUSPICION_FILE,
        "        if not state.is_voter:",
        "        if not state.epoch.is_validator(state.me) or not state.is_begun:",
        (LEAVING,),
    ),
    SeededBug(
        "suspicions-kept-over-epochs",
        "Suspicions end with their epoch (docs/consensus.md, Nobody leaves alone).",
        PBFT + "replica.py",
        "        self._suspicions.clear()\n",
        "",
        (LEAVING,),
    ),
    SeededBug(
        "new-view-forgotten",
        "The NEW-VIEW of our view stays in our log (docs/consensus.md, Nobody leaves alone).",
        PBFT + "replica.py",
        "*self._view_changes.on_stable(), ",
        "",
        (NEW_VIEW_KEPT,),
    ),
)
