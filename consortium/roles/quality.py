"""Quality of medicines, from each side. By the members' settings `{"hosts": ["quality"]}`.

A producer declares its lots, records their steps, and asks for the release of a lot of which no pack has a fault. A
holder reports faults, sells at its counter, and sends the packs of recalled lots back. The regulator looks for what
faulty lots have in common, recalls them, puts into quarantine what else was made with it, and releases what proves
sound; a lot whose cold chain broke, or of which a dose harmed a person, it stops as well."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.medicines import lot_quality, trace_code
from consortium.contracts.medicines.lot_faults import LOTS_MAX, find_made, find_suspects
from consortium.contracts.medicines.lot_quality_records import LOT_QUALITY, RELEASING, SOUND
from consortium.contracts.medicines.packs import LOT_PAGES, LOTS, PACKS, SALE_CODES_MAX, find_holding
from consortium.contracts.medicines.procurement_records import ORDERS
from consortium.core.codec import tagged_hash
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class MadeOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of production, as of `lot_quality.RecordStep`."""

    step: str
    place: str
    equipment: str
    materials: tuple[str, ...] = ()


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a producer makes a lot: what it declares and records once the lot is registered."""

    lot_no: str
    produced_on: int
    expires_on: int
    steps: tuple[MadeOf, ...]


class QualityTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`batches`: of a producer. `faulty`: orders of whose packs a holder finds the first to be no good; `sells`: orders
    of which it sells a pack when they come, one when their lot is stopped, one when it is released. `faulty_lots_min`:
    how many faulty lots the regulator compares, 0 = it does nothing."""

    batches: tuple[Batch, ...] = ()
    faulty: tuple[str, ...] = ()
    sells: tuple[str, ...] = ()
    faulty_lots_min: int = 0


class QualityConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._tasks = QualityTasks()
        self._batches: dict[str, Batch] = {}
        self._sells: dict[str, str] = {}  # order by lot, once it came

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(QualityTasks)
        self._batches = {batch.lot_no: batch for batch in self._tasks.batches}

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        notes = list[Note]()
        for event in outcome.receipt.events:
            lot_no = text(event, "lot_no")
            match event.kind:
                case "lot-produced":
                    self._declare(lot_no, agenda)
                case "order-received":
                    self._on_received(text(event, "order_no"), agenda)
                case "lot-fault-reported":
                    notes += self._look_for_source(agenda)
                case "cold-chain-excursion" if not self._is_stopped(lot_no):
                    self._stop((lot_no,), "cold-chain", agenda)
                case "notice" if event.fields.get("why") == "reaction-serious":
                    self._stop((lot_no,), "fault", agenda)
                case "lot-quarantined":
                    self._on_quarantined(lot_no, agenda)
                case "lot-release-asked":
                    self._release(lot_no, agenda)
                case "lot-released":
                    self._sell(lot_no, 3, agenda)
                case "lot-recalled":
                    self._send_back(lot_no, agenda)
        return notes

    def resume(self, height: int, agenda: Agenda) -> None:
        for lot_no in self._batches:
            if self.state.get(LOTS, lot_no) is not None:
                self._declare(lot_no, agenda)
        for order_no in (*self._tasks.faulty, *self._tasks.sells):
            order = self.state.get(ORDERS, order_no)
            if order is not None and order.received:
                self._on_received(order_no, agenda)
        for lot_no, quality in list(self.state.range(LOT_QUALITY, "", END)):
            if quality.stage == RELEASING:
                self._release(lot_no, agenda)
            elif quality.stage != SOUND:
                self._on_quarantined(lot_no, agenda)
            self._send_back(lot_no, agenda)
        self._look_for_source(agenda)

    # --- a producer -------------------------------------------------------------------------------------------------

    def _declare(self, lot_no: str, agenda: Agenda) -> None:
        batch = self._batches.get(lot_no)
        if batch is not None:
            declare = lot_quality.Declare(lot_no, batch.produced_on, batch.expires_on)
            steps = tuple(
                ("lot_quality", "record_step", self._step(lot_no, serial, made))
                for serial, made in enumerate(batch.steps)
            )
            agenda.wish(f"declare:{lot_no}", (("lot_quality", "declare", declare), *steps))

    def _step(self, lot_no: str, serial: int, made: MadeOf) -> lot_quality.RecordStep:
        record = tagged_hash(b"consortium batch record", lot_no.encode(), serial.to_bytes(2, "big"))
        return lot_quality.RecordStep(lot_no, made.step, made.place, made.equipment, made.materials, record)

    def _on_quarantined(self, lot_no: str, agenda: Agenda) -> None:
        quality = self.state.get(LOT_QUALITY, lot_no)
        if lot_no in self._batches and quality is not None and not quality.faults:
            report = tagged_hash(b"consortium test report", lot_no.encode())
            ask = lot_quality.AskRelease(lot_no, report)
            agenda.wish(f"ask-release:{lot_no}", (("lot_quality", "ask_release", ask),))
        self._sell(lot_no, 2, agenda)

    # --- a holder ---------------------------------------------------------------------------------------------------

    def _on_received(self, order_no: str, agenda: Agenda) -> None:
        order = self.state.get(ORDERS, order_no)
        if order is None or self._member not in find_holding(self.state, f"institution/{order.fixmedins_code}"):
            return
        if order_no in self._tasks.faulty:
            report = lot_quality.ReportFault(order.codes[0], "contamination")
            agenda.wish(f"fault:{order_no}", (("lot_quality", "report_fault", report),))
        pack = self.state.get(PACKS, order.codes[0])
        if order_no in self._tasks.sells and pack is not None:
            self._sells[pack.lot_no] = order_no
            self._sell(pack.lot_no, 1, agenda)

    def _sell(self, lot_no: str, place: int, agenda: Agenda) -> None:
        """At the counter, where no insurance pays."""
        order_no = self._sells.get(lot_no, "")
        order = self.state.get(ORDERS, order_no) if order_no else None
        if order is not None:
            sell = trace_code.Sell(order.fixmedins_code, order.codes[place], f"till-{order_no}-{place}", 0)
            agenda.wish(f"sell:{order_no}:{place}", (("trace_code", "sell", sell),))

    def _send_back(self, lot_no: str, agenda: Agenda) -> None:
        """All unsold packs of a recalled lot that are here and not its producer's own."""
        lot = self.state.get(LOTS, lot_no)
        if lot is None or not lot.is_recalled or not (self._tasks.faulty or self._tasks.sells):
            return
        for source, codes in self._held(lot_no, lot.producer).items():
            for first in range(0, len(codes), SALE_CODES_MAX):
                back = trace_code.SendBack(source, tuple(codes[first : first + SALE_CODES_MAX]))
                agenda.wish(f"send-back:{lot_no}:{source}:{first}", (("trace_code", "send_back", back),))

    def _held(self, lot_no: str, producer: str) -> dict[str, list[str]]:
        held: dict[str, list[str]] = {}
        for _, page in self.state.range(LOT_PAGES, f"{lot_no}/", f"{lot_no}/{END}"):
            for code in page.codes:
                pack = self.state.get(PACKS, code)
                if pack is None or pack.holder == producer or pack.sales:
                    continue
                if self._member in find_holding(self.state, pack.holder):
                    held.setdefault(pack.holder, []).append(code)
        return held

    # --- the regulator ----------------------------------------------------------------------------------------------

    def _look_for_source(self, agenda: Agenda) -> Sequence[Note]:
        """What all faulty lots have in common, the likeliest first: that is stopped in all lots made with it."""
        least = self._tasks.faulty_lots_min
        lots = [lot_no for lot_no, one in self.state.range(LOT_QUALITY, "", END) if one.faults] if least else []
        if not least or len(lots) < least:
            return ()
        compared = tuple(lots[:LOTS_MAX])
        suspects = find_suspects(self.state, compared).suspects
        for lot_no in lots:
            recall = trace_code.Recall(lot_no, "contamination")
            agenda.wish(f"recall:{lot_no}", (("trace_code", "recall", recall),))
        if not suspects:
            return ()
        found = suspects[0]
        self._stop(find_made(self.state, found.kind, found.source), "common-source", agenda)
        records = f"{found.kind} {found.source}: {found.faulty} of {found.lots} lots have faults; {', '.join(compared)}"
        return (Note("finding", {"rule": "common-source", "records": records, "amount_fen": 0}),)

    def _stop(self, lots: Sequence[str], reason: str, agenda: Agenda) -> None:
        for lot_no in lots if self._tasks.faulty_lots_min else ():
            if self.state.get(LOTS, lot_no) is not None:
                stop = lot_quality.Quarantine(lot_no, reason)
                agenda.wish(f"quarantine:{lot_no}", (("lot_quality", "quarantine", stop),))

    def _is_stopped(self, lot_no: str) -> bool:
        """By the reading itself, say."""
        quality = self.state.get(LOT_QUALITY, lot_no)
        return quality is not None and quality.stage != SOUND

    def _release(self, lot_no: str, agenda: Agenda) -> None:
        quality = self.state.get(LOT_QUALITY, lot_no)
        if self._tasks.faulty_lots_min and quality is not None and not quality.faults:
            release = lot_quality.Release(lot_no, quality.report)
            agenda.wish(f"release:{lot_no}", (("lot_quality", "release", release),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("quality", settings, work, QualityConduct(state))


ROLE = RoleSpec("quality", Settings, _build)
