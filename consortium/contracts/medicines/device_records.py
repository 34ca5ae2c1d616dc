"""Devices by their UDI: models, pieces one by one, lots of them, and what was done with each piece.

A piece is named by its model's identifier (UDI-DI, 14 digits with a check digit) and its serial number; lot and days
are the rest of its production identifier (UDI-PI). A holder is as of packs: "supplier/<member>" or
"institution/<fixmedins_code>".
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import NOBODY
from consortium.contracts.checks import check_identifier
from consortium.contracts.medicines.packs import find_holding
from consortium.core.contract import Life, Move, Refused, StateReader, Table, Whose

DI_DIGITS = 14
IMPLANT, DISPOSABLE, INSTRUMENT = "implant", "disposable", "instrument"
KINDS = (IMPLANT, DISPOSABLE, INSTRUMENT)
STOCKED, USED, STERILE, SOILED, FAILED, RETIRED = "stocked", "used", "sterile", "soiled", "failed", "retired"
USE, STERILISE = "use", "sterilise"


class DeviceModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by UDI-DI. `producer`: the supplier that registers its pieces; `med_list_codg`: the catalogue item that
    a bill names; `cycles_max`: how often an instrument may be sterilised, 0 = as often as it passes."""

    producer: str
    med_list_codg: str
    kind: str
    cycles_max: int = 0


class DeviceLot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "udi_di/lot_no". `expires_on`: the last day on which a piece may be used, 0 = none."""

    devices: int
    produced_on: int
    expires_on: int
    is_recalled: bool = False
    reason: str = ""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "udi_di/serial". `bill_no`: of its newest use; `cycles`: how often it was sterilised and passed."""

    lot_no: str
    holder: str
    stage: str
    bill_no: str = ""
    cycles: int = 0
    uses: int = 0
    steps: int = 0


class DeviceOfLot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "udi_di/lot_no/serial": the piece is of this lot."""

    registered_on: int


class DeviceStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "udi_di/serial/number", six digits, from 000001 on. `what`: use | sterilise. Of a use the bill and its
    line; of a cycle how, whether it passed, and a commitment to its record."""

    what: str
    day: int
    holder: str
    bill_no: str = ""
    feedetl_sn: int = 0
    method: str = ""
    is_passed: bool = False
    record: bytes = b""


MODELS: Table[DeviceModel] = Table("device_model", DeviceModel, told_as="device-model")
DEVICE_LOTS: Table[DeviceLot] = Table("device_lot", DeviceLot, told_as="device-lot")
DEVICES: Table[Device] = Table("device", Device, told_as="device")
DEVICES_OF_LOTS: Table[DeviceOfLot] = Table("device_of_lot", DeviceOfLot)
DEVICE_STEPS: Table[DeviceStep] = Table("device_step", DeviceStep)
LIFE = Life(
    DEVICES,
    (
        Move("", "register", STOCKED),
        Move(STOCKED, "use", USED),
        Move(USED, "take_back", STOCKED),
        Move(STERILE, "use", SOILED),
        Move(STERILE, "use", RETIRED),
        *(Move(before, "sterilise", STERILE) for before in (STOCKED, STERILE, SOILED, FAILED)),
        *(Move(before, "sterilise", FAILED) for before in (STOCKED, STERILE, SOILED, FAILED)),
    ),
    code="device-not-ready",
)


def device_key(udi_di: str, serial: str) -> str:
    return f"{udi_di}/{serial}"


def lot_key(udi_di: str, lot_no: str) -> str:
    return f"{udi_di}/{lot_no}"


def with_check_digit(first: str) -> str:
    """A UDI-DI of its first 13 digits."""
    weighed = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(first))
    return f"{first}{(10 - weighed % 10) % 10}"


def check_udi_di(value: str) -> None:
    """Refuses `bad-udi` unless it has 14 digits of which the last is the check digit of GS1."""
    if len(value) == DI_DIGITS and value.isascii() and value.isdigit() and value == with_check_digit(value[:-1]):
        return
    raise Refused("bad-udi", "a UDI-DI has 14 digits, the last of which is its check digit")


def get_model(state: StateReader, udi_di: str) -> DeviceModel:
    """Refuses `bad-udi`, `unknown-model`."""
    check_udi_di(udi_di)
    model = state.get(MODELS, udi_di)
    if model is None:
        raise Refused("unknown-model", f"no supplier registered the model {udi_di}")
    return model


def get_device(state: StateReader, udi_di: str, serial: str) -> Device:
    """Refuses `bad-udi`, `bad-identifier`, `unknown-device`."""
    check_udi_di(udi_di)
    check_identifier(serial, "serial")
    device = state.get(DEVICES, device_key(udi_di, serial))
    if device is None:
        raise Refused("unknown-device", f"no piece {serial} of {udi_di} is registered")
    return device


def get_device_lot(state: StateReader, udi_di: str, lot_no: str) -> DeviceLot:
    """Refuses `bad-udi`, `bad-identifier`, `unknown-lot`."""
    check_udi_di(udi_di)
    check_identifier(lot_no, "lot_no")
    lot = state.get(DEVICE_LOTS, lot_key(udi_di, lot_no))
    if lot is None:
        raise Refused("unknown-lot", f"no lot {lot_no} of {udi_di} is registered")
    return lot


def check_may_be_used(state: StateReader, udi_di: str, device: Device, day: int) -> None:
    """Refuses `device-recalled`, `device-expired`."""
    lot = get_device_lot(state, udi_di, device.lot_no)
    if lot.is_recalled:
        raise Refused("device-recalled", f"lot {device.lot_no} of {udi_di} is recalled: {lot.reason}")
    if 0 < lot.expires_on < day:
        raise Refused("device-expired", f"lot {device.lot_no} of {udi_di} expired with {lot.expires_on}")


def find_maker(state: StateReader, udi_di: str) -> tuple[str, ...]:
    """The supplier that registered a model; none where nobody did."""
    model = state.get(MODELS, udi_di)
    return NOBODY if model is None else (model.producer,)


def find_device_holder(state: StateReader, udi_di: str, serial: str) -> tuple[str, ...]:
    """The member that acts for who holds a piece; none where there is no such piece."""
    device = state.get(DEVICES, device_key(udi_di, serial))
    return NOBODY if device is None else find_holding(state, device.holder)


OF_MAKER = Whose(lambda state, arguments: find_maker(state, arguments.udi_di), owner="who registered the model")
OF_DEVICE_HOLDER = Whose(
    lambda state, arguments: find_device_holder(state, arguments.udi_di, arguments.serial), owner="who holds the device"
)
