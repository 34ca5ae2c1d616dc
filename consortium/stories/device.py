"""A device by its UDI, "udi_di/serial": its lot, each use of it on a bill, each cycle of an instrument."""

from __future__ import annotations

from collections.abc import Iterable

from consortium.contracts.medicines.device_records import (
    DEVICE_LOTS,
    DEVICE_STEPS,
    MODELS,
    USE,
    Device,
    DeviceStep,
    lot_key,
)
from consortium.core.machine import Outcome
from consortium.stories.finder import Step, find, texts_of
from consortium.stories.lookup import Record, get_record, rows_of
from consortium.stories.next_moves import moves_of
from consortium.stories.plain import builtins, day, readable
from consortium.stories.record import content_of, with_life
from consortium.stories.story import Column, Section, Seen, Story, Teller, facts


def tell_device(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record, words, state = get_record(seen, "device", identity), seen.words, seen.ledger.reader
    device: Device = record.value
    udi_di, serial = record.key.split("/", 1)
    model, lot = state.get(MODELS, udi_di), state.get(DEVICE_LOTS, lot_key(udi_di, device.lot_no))
    kept = [one for _, one in rows_of(state, DEVICE_STEPS, f"{record.key}/")]
    expires_on = 0 if lot is None else lot.expires_on
    rows = [
        (words("kind"), "-" if model is None else model.kind),
        (words("producer"), "-" if model is None else f"supplier/{model.producer}"),
        (words("lot"), device.lot_no),
        (words("expires with"), day(expires_on) if expires_on else "-"),
        (words("recalled"), words("yes") if lot is not None and lot.is_recalled else words("no")),
        (words("holder"), device.holder),
        (words("stage"), device.stage),
        (words("cycles that passed"), str(device.cycles)),
    ]
    sections = [facts(words("on the ledger"), rows), *_tell_kept(seen, kept)]
    steps, moves = _steps(seen, record), moves_of(seen, record.table, record.value)
    content = content_of(record, moves, steps) | {"uses_and_cycles": [readable(builtins(one)) for one in kept]}
    heading = words(
        "device {serial} of {udi_di} is with {holder}, as of block {height}",
        serial=serial,
        udi_di=udi_di,
        holder=device.holder,
        height=seen.ledger.head_height,
    )
    return Story(heading, with_life(seen, sections, moves, steps), content)


def _tell_kept(seen: Seen, kept: Iterable[DeviceStep]) -> list[Section]:
    words = seen.words
    told = [
        (
            words("used on bill {bill_no}, line {line}", bill_no=one.bill_no, line=one.feedetl_sn)
            if one.what == USE
            else words("sterilised ({method}): {result}", method=one.method, result=_result(seen, one)),
            day(one.day),
            one.holder,
        )
        for one in kept
    ]
    columns = (Column(words("use or cycle")), Column(words("day")), Column(words("by")))
    return [Section(words("uses and cycles"), columns, told)] if told else []


def _result(seen: Seen, step: DeviceStep) -> str:
    return seen.words("passed") if step.is_passed else seen.words("failed")


def _steps(seen: Seen, record: Record) -> list[Step]:
    """Those that name model and serial, whichever call it is."""
    named = set(record.key.split("/", 1))

    def is_of_piece(outcome: Outcome) -> bool:
        return outcome.contract == "device" and named <= set(texts_of(outcome))

    return list(find(seen.ledger, seen.rows, (record.key.rpartition("/")[2],), is_of_piece, seen.told))


TELLER = Teller("device", "a UDI: its device identifier, / and the serial", tell_device)
