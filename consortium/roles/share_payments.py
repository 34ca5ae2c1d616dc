"""What an institution and the bureau do about patients' shares: say by which means they were paid, and hold the means'
statements against that."""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import channel
from consortium.contracts.insurance.channels import BANK_CARD, CASH, CHANNELS, SHARE_PAYMENTS, Part
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.core.contract import Event, StateReader
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text
from consortium.roles.work import Work


class ShareTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That an institution says by which means shares were paid. `card_fen`: at most as much of each by card, the rest
    in cash."""

    card_fen: int = 0


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a means' statement says of a day, brought by the bureau from `at_us` on."""

    at_us: int
    statement: channel.Reconcile


class StatementTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The statements that the bureau brings."""

    statements: tuple[Statement, ...] = ()


class SharePayments:
    """Part of an institution's conduct."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._member = ""
        self._tasks: ShareTasks | None = None

    def plan(self, work: Work) -> None:
        self._member, self._tasks = work.member, work.find(ShareTasks)

    def on_event(self, event: Event, agenda: Agenda) -> None:
        if event.kind == "settled" and self._tasks is not None:
            key = (text(event, "psn_no"), int(event.fields["year"]), int(event.fields["sequence"]))
            self._record(text(event, "fixmedins_code"), key, int(event.fields["cash_payamt"]), agenda)

    def resume(self, agenda: Agenda) -> None:
        if self._tasks is None:
            return
        for name, one in list(self._state.range(SETTLEMENTS, "", END)):
            if not one.reverses and self._state.get(SHARE_PAYMENTS, name) is None:
                psn_no, year, sequence = name.split("/")
                key = (psn_no, int(year), int(sequence))
                self._record(one.fixmedins_code, key, one.amounts.cash_payamt, agenda)

    def _record(self, code: str, key: tuple[str, int, int], share_fen: int, agenda: Agenda) -> None:
        if not share_fen or self._tasks is None or self._member not in find_acting(self._state, code):
            return
        psn_no, year, sequence = key
        card_fen = min(share_fen, self._tasks.card_fen)
        by_card = (Part(BANK_CARD, card_fen, f"{code}:{psn_no}.{sequence}"[:64]),) if card_fen else ()
        in_cash = (Part(CASH, share_fen - card_fen),) if share_fen > card_fen else ()
        record = channel.Record(psn_no, year, sequence, (*by_card, *in_cash))
        agenda.wish(f"share:{psn_no}/{year}/{sequence}", (("channel", "record", record),))


def bring_statements(work: Work, agenda: Agenda) -> None:
    """Of the bureau."""
    for one in work.of(StatementTasks).statements:
        said = one.statement
        reference = f"statement:{said.fixmedins_code}/{said.day}/{said.channel}"
        assert said.channel in CHANNELS, "a statement is of a means that there is"
        agenda.wish(reference, (("channel", "reconcile", said),), one.at_us)
