"""What is asked of devices: a piece with its uses and cycles; of a lot who holds its pieces, and which bills they were
used on."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_ALL, BY_HOLDERS, REGULATOR, SUPERVISORS, SUPPLIER
from consortium.contracts.checks import check_range
from consortium.contracts.medicines.device_records import (
    DEVICE_STEPS,
    DEVICES,
    DEVICES_OF_LOTS,
    OF_DEVICE_HOLDER,
    OF_MAKER,
    Device,
    DeviceLot,
    DeviceModel,
    DeviceStep,
    device_key,
    get_device,
    get_device_lot,
    get_model,
    lot_key,
)
from consortium.core.contract import Query, Reader, RowOf, StateReader

PAGE_MAX = 500
LAST = "~"  # behind every identifier


class OfModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a model."""

    udi_di: str


class OfDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a piece."""

    udi_di: str
    serial: str


class StepsAfter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the next 500 uses and cycles of a piece; `after` 0 asks for the first."""

    udi_di: str
    serial: str
    after: int = 0


class OfLotAfter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the next 500 pieces of a lot, in order of their serials; `after` "" asks for the first."""

    udi_di: str
    lot_no: str
    after: str = ""


class DeviceSteps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In their order."""

    steps: tuple[DeviceStep, ...]


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a piece is, and on which bill it was used last."""

    serial: str
    holder: str
    stage: str
    bill_no: str
    uses: int


class Pieces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a lot. `last`: what the next page is asked for after, "" where there is none."""

    lot: DeviceLot
    pieces: tuple[Held, ...]
    last: str


def _model(state: StateReader, asked: OfModel, _reader: Reader) -> DeviceModel:
    return get_model(state, asked.udi_di)


def _device(state: StateReader, asked: OfDevice, _reader: Reader) -> Device:
    return get_device(state, asked.udi_di, asked.serial)


def _steps(state: StateReader, asked: StepsAfter, _reader: Reader) -> DeviceSteps:
    get_device(state, asked.udi_di, asked.serial)
    check_range(asked.after, 0, 999_999, "after")
    begin = f"{device_key(asked.udi_di, asked.serial)}/"
    page = state.range(DEVICE_STEPS, f"{begin}{asked.after:06d}\x00", f"{begin}{LAST}", limit=PAGE_MAX)
    return DeviceSteps(tuple(step for _, step in page))


def _of_lot(state: StateReader, asked: OfLotAfter, _reader: Reader) -> Pieces:
    lot = get_device_lot(state, asked.udi_di, asked.lot_no)
    begin = f"{lot_key(asked.udi_di, asked.lot_no)}/"
    low = f"{begin}{asked.after}\x00" if asked.after else begin
    page = state.range(DEVICES_OF_LOTS, low, f"{begin}{LAST}", limit=PAGE_MAX)
    serials = [key.rpartition("/")[2] for key, _ in page]
    pieces = [(serial, get_device(state, asked.udi_di, serial)) for serial in serials]
    held = tuple(Held(serial, one.holder, one.stage, one.bill_no, one.uses) for serial, one in pieces)
    return Pieces(lot, held, serials[-1] if len(serials) == PAGE_MAX else "")


def _device_of(key: str) -> OfDevice:
    return OfDevice(*key.split("/", 1))


QUERIES = (
    Query("model", OfModel, BY_ALL, _model),
    Query(
        "get",
        OfDevice,
        BY_HOLDERS | SUPERVISORS,
        _device,
        OF_DEVICE_HOLDER.or_of(BUREAU, REGULATOR),
        RowOf(DEVICES, lambda asked: device_key(asked.udi_di, asked.serial), _device_of),
    ),
    Query("steps", StepsAfter, BY_HOLDERS | SUPERVISORS, _steps, OF_DEVICE_HOLDER.or_of(BUREAU, REGULATOR)),
    Query("of_lot", OfLotAfter, SUPERVISORS | {SUPPLIER}, _of_lot, OF_MAKER.or_of(BUREAU, REGULATOR)),
)
