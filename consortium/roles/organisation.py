"""What all roles share: an agenda, history told again after a crash, and the order of hearing, reacting, submitting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from consortium.core import contract
from consortium.core.contract import OK, Receipt, StateReader
from consortium.core.machine import Effect, Event, Expired, Note, Now, Opened, Outcome, Receipted, Skipped, Started
from consortium.roles.agenda import Agenda, Key, Settled
from consortium.roles.executed_effects import is_held
from consortium.roles.role import Settings
from consortium.roles.work import Work

T = TypeVar("T")


class Conduct:
    """How an organisation acts. Must not depend on anything but work list and ledger: it is replayed."""

    def __init__(self, state: StateReader) -> None:
        self.state = state

    @property
    def is_done(self) -> bool:
        """Whether it waits for nothing but its own agenda."""
        return True

    def plan(self, work: Work, agenda: Agenda) -> None:
        """Wish for what is known from the start."""

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        """One of our own calls was executed or refused."""

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        """Anybody's transaction was executed or refused. Must not raise, whatever a peer signed."""
        return ()

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        """The vault answers a `Read` of ours, or of another role of this node. Must not raise."""
        return ()

    def on_block(self, height: int, agenda: Agenda) -> None:
        """After all outcomes of a height."""

    def on_gap(self) -> None:
        """Blocks are missing here: what they said is not told. `resume` follows, after a boot when history is told."""

    def on_unheard(self, first: int, last: int) -> Sequence[Note]:
        """A snapshot took the place of these heights, and this node never executed them."""
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        """After a gap: wish for what the state, as of `height`, calls for, as if every block had been heard."""


class Organisation:
    """A role as a machine. A concrete one is a `Conduct` that says what to wish for; this is its body.

    Hears `Started`, `Receipted`, `Skipped`, `Opened`, `Expired`; emits `Guard`, `Read`, `Submit`, `SetTimer`, `Note`.
    What a snapshot skipped is read from the state; what was refused there leaves no trace in it, and is taken as
    refused."""

    def __init__(self, name: str, settings: Settings, work: Work | None, conduct: Conduct) -> None:
        self._member = work.member if work else ""
        self._agenda = Agenda(name, self._member, settings.outstanding_max)
        self._conduct = conduct
        self._is_started = False
        self._has_gap = False
        self._height = 0  # the newest that was heard or skipped
        self.wants_history = work is not None
        if work is not None:
            conduct.plan(work, self._agenda)

    @property
    def is_done(self) -> bool:
        return self._agenda.is_done and self._conduct.is_done

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Receipted():
                return self._on_receipted(now, event)
            case Skipped(height, calls) if self.wants_history:
                return self._on_skipped(now, height, calls)
            case Started():
                self._is_started = True
                if self._has_gap:
                    self._resume()
                self._agenda.start(now)
                return self._agenda.pump(now)
            case Opened():
                notes = self._conduct.on_opened(event, self._agenda)
                return [*notes, *self._agenda.pump(now)]
            case Expired() if self._agenda.wake(event):
                return self._agenda.pump(now)
            case _:
                return []

    def _on_skipped(self, now: Now, height: int, calls: Sequence[Key]) -> Sequence[Effect]:
        first, self._height = self._height + 1, max(self._height, height)
        self._has_gap = True
        self._conduct.on_gap()
        self._agenda.skip(calls)
        self._drain()
        if not self._is_started:
            return []  # history is told first
        self._resume()
        return [*self._conduct.on_unheard(first, height), *self._agenda.pump(now)]

    def _resume(self) -> None:
        self._agenda.skip_if(lambda key: is_held(self._conduct.state, key))
        self._drain()
        self._conduct.resume(self._height, self._agenda)
        self._drain()
        self._has_gap = False

    def _drain(self) -> None:
        """Tell the conduct what was settled unseen; its new wishes may be settled too."""
        while (found := self._agenda.drain()) is not None:
            reference, position, key, outcome = found
            if outcome is None:
                code = OK if is_held(self._conduct.state, key) else "skipped"
                outcome = Outcome(self._member, 0, *key, Receipt(b"", code, "executed before a snapshot", ()))
            self._conduct.on_settled(Settled(reference, position, outcome), self._agenda)

    def _on_receipted(self, now: Now, event: Receipted) -> Sequence[Effect]:
        self._height = max(self._height, event.height)
        for settled in self._agenda.hear(event):
            self._conduct.on_settled(settled, self._agenda)
        notes: list[Effect] = []
        for outcome in event.outcomes:
            notes += self._conduct.on_outcome(outcome, self._agenda)
        self._conduct.on_block(event.height, self._agenda)
        self._drain()
        if event.is_replay:
            return []  # what was noted was noted then; what is wished is submitted once started
        return [*notes, *self._agenda.pump(now)]


def text(event: contract.Event, name: str) -> str:
    """A text field of a ledger event, "" where there is none."""
    value = event.fields.get(name, "")
    return value if isinstance(value, str) else ""


def typed(outcome: Outcome, kind: type[T]) -> T | None:
    """The arguments of a transaction, None where a member signed something else under that name."""
    try:
        return msgspec.msgpack.decode(outcome.arguments, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError):
        return None
