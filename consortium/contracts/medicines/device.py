"""Devices and instruments by UDI 医疗器械唯一标识, beside the trace codes of drugs: implants, disposables, instruments.

A supplier registers its models and every piece of a lot. A piece has one holder. An implant or a disposable is used
once, on a line of a bill of its holder; only where that bill is cancelled it is taken back. An instrument is used again
and again, each time sterile: after a use it is soiled, a cycle that passes makes it sterile, one that fails does not.
All uses and cycles of it are kept, so that after a failed cycle or a recall each bill is found. A recall stops all
pieces of a lot where they are, and whoever has used one is found page by page.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from consortium.contracts.access import BUREAU, BY_HOLDERS, BY_PROVIDERS, REGULATOR, SUPERVISORS, SUPPLIER, among
from consortium.contracts.checks import (
    check_choice,
    check_count,
    check_day,
    check_digest,
    check_identifier,
    check_range,
    check_reason,
)
from consortium.contracts.insurance import bill as bills
from consortium.contracts.medicines.device_queries import QUERIES
from consortium.contracts.medicines.device_records import (
    DEVICE_LOTS,
    DEVICE_STEPS,
    DEVICES,
    DEVICES_OF_LOTS,
    FAILED,
    INSTRUMENT,
    KINDS,
    LIFE,
    MODELS,
    OF_DEVICE_HOLDER,
    OF_MAKER,
    RETIRED,
    SOILED,
    STERILE,
    STERILISE,
    STOCKED,
    USE,
    USED,
    Device,
    DeviceLot,
    DeviceModel,
    DeviceOfLot,
    DeviceStep,
    check_may_be_used,
    check_udi_di,
    device_key,
    get_device,
    get_device_lot,
    get_model,
    lot_key,
)
from consortium.contracts.medicines.packs import check_holder, holder_of_institution, holder_of_supplier
from consortium.contracts.medicines.trace_code import OF_SOURCE
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State

SERIALS_MAX = 200  # of one call
LOT_MAX = 100_000
CYCLES_MAX = 10_000
STEPS_MAX = 100_000  # of one piece
LINES_MAX = 10_000
METHODS = ("steam", "ethylene-oxide", "plasma", "dry-heat", "radiation")
RECALL_REASONS = ("quality", "breakage", "sterility", "labelling", "software", "counterfeit")
WRONGLY = ("wrong-device", "not-opened", "wrong-bill")


class RegisterModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model of the supplier's. `kind`: implant | disposable | instrument."""

    udi_di: str
    med_list_codg: str
    kind: str
    cycles_max: int = 0


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most 200 pieces of a lot, which the supplier holds. A lot that is there already has these days."""

    udi_di: str
    lot_no: str
    produced_on: int
    expires_on: int  # 0 = never
    serials: tuple[str, ...]


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hand pieces of one model from holder `source` to holder `target`; the signer acts for `source`."""

    source: str
    target: str
    udi_di: str
    serials: tuple[str, ...]


class Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece is used on line `feedetl_sn` of a bill of its holder."""

    udi_di: str
    serial: str
    bill_no: str
    feedetl_sn: int


class TakeBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece was not used after all: its bill is cancelled. `reason`: wrong-device | not-opened | wrong-bill."""

    udi_di: str
    serial: str
    reason: str


class Sterilise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cycle of an instrument. `method`: steam | ethylene-oxide | plasma | dry-heat | radiation; `record`: a
    commitment to the cycle's record, which lies with the holder: 32 bytes."""

    udi_di: str
    serial: str
    method: str
    is_passed: bool
    record: bytes


class Recall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Recall a lot: none of its pieces is used any more, each may go back."""

    udi_di: str
    lot_no: str
    reason: str


def _register_model(state: State, arguments: RegisterModel, context: Context) -> list[Event]:
    udi_di, kind = arguments.udi_di, arguments.kind
    check_udi_di(udi_di)
    check_identifier(arguments.med_list_codg, "med_list_codg")
    check_choice(kind, KINDS, "kind")
    check_range(arguments.cycles_max, 0, CYCLES_MAX if kind == INSTRUMENT else 0, "cycles_max")
    if state.get(MODELS, udi_di) is not None:
        raise Refused("model-exists", f"the model {udi_di} is registered already")
    state.put(MODELS, udi_di, DeviceModel(context.member, arguments.med_list_codg, kind, arguments.cycles_max))
    fields: dict[str, int | str] = {"udi_di": udi_di, "med_list_codg": arguments.med_list_codg, "kind": kind}
    return [Event("device-model-registered", fields | {"supplier": context.member})]


def _register(state: State, arguments: Register, context: Context) -> list[Event]:
    """Refuses `device-exists`, `lot-differs`, `device-recalled` of a lot that is."""
    udi_di, lot_no = arguments.udi_di, arguments.lot_no
    get_model(state, udi_di)
    check_identifier(lot_no, "lot_no")
    check_day(arguments.produced_on, "produced_on")
    if arguments.expires_on:
        check_day(arguments.expires_on, "expires_on")
    if arguments.produced_on > context.day or 0 < arguments.expires_on <= arguments.produced_on:
        raise Refused("bad-date", f"produced on {arguments.produced_on}, which must have come, and expires later")
    days = arguments.produced_on, arguments.expires_on
    lot = state.get(DEVICE_LOTS, lot_key(udi_di, lot_no)) or DeviceLot(0, *days)
    if (lot.produced_on, lot.expires_on) != days:
        raise Refused("lot-differs", f"lot {lot_no} was produced on {lot.produced_on} and expires {lot.expires_on}")
    if lot.is_recalled:
        raise Refused("device-recalled", f"lot {lot_no} of {udi_di} is recalled")
    check_count(len(arguments.serials), SERIALS_MAX, "serials")
    check_range(lot.devices + len(arguments.serials), 1, LOT_MAX, "pieces of a lot")
    for serial in arguments.serials:
        check_identifier(serial, "a serial")
        key = device_key(udi_di, serial)
        if state.get(DEVICES, key) is not None:
            raise Refused("device-exists", f"piece {serial} of {udi_di} is registered already")
        stage = LIFE.move("register", "", key)
        state.put(DEVICES, key, Device(lot_no, holder_of_supplier(context.member), stage))
        state.put(DEVICES_OF_LOTS, f"{lot_key(udi_di, lot_no)}/{serial}", DeviceOfLot(context.day))
    state.put(DEVICE_LOTS, lot_key(udi_di, lot_no), replace(lot, devices=lot.devices + len(arguments.serials)))
    fields: dict[str, int | str] = {"udi_di": udi_di, "lot_no": lot_no, "devices": len(arguments.serials)}
    return [Event("devices-registered", fields | {"supplier": context.member, "expires_day": arguments.expires_on})]


def _transfer(state: State, arguments: Transfer, context: Context) -> list[Event]:
    """What was not used passes on; of a recalled or expired lot to its producer alone. Refuses `device-elsewhere`,
    `device-used`, `device-recalled`, `device-expired`, `same-holder`."""
    model = get_model(state, arguments.udi_di)
    check_count(len(arguments.serials), SERIALS_MAX, "serials")
    check_holder(state, arguments.source)
    check_holder(state, arguments.target)
    if arguments.source == arguments.target:
        raise Refused("same-holder", f"they are with {arguments.target} already")
    is_way_back = arguments.target == holder_of_supplier(model.producer)
    for serial in arguments.serials:
        device = get_device(state, arguments.udi_di, serial)
        if device.holder != arguments.source:
            raise Refused("device-elsewhere", f"piece {serial} is not held by {arguments.source}")
        if device.stage == USED:
            raise Refused("device-used", f"piece {serial} was used on bill {device.bill_no}")
        if not is_way_back:
            check_may_be_used(state, arguments.udi_di, device, context.day)
        state.put(DEVICES, device_key(arguments.udi_di, serial), replace(device, holder=arguments.target))
    fields: dict[str, int | str] = {"udi_di": arguments.udi_di, "devices": len(arguments.serials)}
    return [Event("devices-transferred", fields | {"source": arguments.source, "target": arguments.target})]


def _use(state: State, arguments: Use, context: Context) -> list[Event]:
    """Refuses `bill-of-another`, `bill-not-issued`, `device-recalled`, `device-expired`, `device-not-ready`: it was
    used, or an instrument is not sterile."""
    udi_di, serial = arguments.udi_di, arguments.serial
    device, model = get_device(state, udi_di, serial), get_model(state, udi_di)
    number = bills.normalise(arguments.bill_no)
    bill = bills.get_bill(state, number)
    check_range(arguments.feedetl_sn, 1, LINES_MAX, "feedetl_sn")
    if device.holder != holder_of_institution(bill.fixmedins_code):
        raise Refused("bill-of-another", f"bill {number} is not of {device.holder}")
    if bill.stage not in bills.LIVE:
        raise Refused("bill-not-issued", f"bill {number} is {bill.stage}")
    check_may_be_used(state, udi_di, device, bill.enddate)
    key, uses = device_key(udi_di, serial), device.uses + 1
    if model.kind == INSTRUMENT and device.stage == STOCKED:
        raise Refused("device-not-ready", f"{key} was never sterilised")
    is_worn_out = 0 < model.cycles_max <= device.cycles
    after = USED if device.stage != STERILE else RETIRED if is_worn_out else SOILED
    LIFE.check("use", device.stage, f"device {key}")
    stage = LIFE.move("use", device.stage, f"device {key}", after)
    step = DeviceStep(USE, context.day, device.holder, number, arguments.feedetl_sn)
    _put_step(state, key, replace(device, stage=stage, bill_no=number, uses=uses), step)
    fields: dict[str, int | str] = {"udi_di": udi_di, "serial": serial, "bill_no": number, "uses": uses}
    return [Event("device-used", fields | {"feedetl_sn": arguments.feedetl_sn, "kind": model.kind, "stage": stage})]


def _put_step(state: State, key: str, device: Device, step: DeviceStep) -> None:
    """Refuses `too-many-steps`."""
    if device.steps >= STEPS_MAX:
        raise Refused("too-many-steps", f"{key} has {device.steps} uses and cycles")
    state.put(DEVICES, key, replace(device, steps=device.steps + 1))
    state.put(DEVICE_STEPS, f"{key}/{device.steps + 1:06d}", step)


def _take_back(state: State, arguments: TakeBack, _context: Context) -> list[Event]:
    """Refuses `bill-stands`, `device-not-ready`."""
    device = get_device(state, arguments.udi_di, arguments.serial)
    check_reason(arguments.reason, WRONGLY)
    key = device_key(arguments.udi_di, arguments.serial)
    stage = LIFE.move("take_back", device.stage, f"device {key}")
    if bills.get_bill(state, device.bill_no).stage != bills.REVERSED:
        raise Refused("bill-stands", f"bill {device.bill_no} says that {key} was used: cancel it first")
    state.put(DEVICES, key, replace(device, stage=stage, bill_no=""))
    fields: dict[str, int | str] = {"udi_di": arguments.udi_di, "serial": arguments.serial, "reason": arguments.reason}
    return [Event("device-taken-back", fields | {"bill_no": device.bill_no})]


def _sterilise(state: State, arguments: Sterilise, context: Context) -> list[Event]:
    """Refuses `not-an-instrument`, `device-not-ready` of one that is worn out."""
    device, model = get_device(state, arguments.udi_di, arguments.serial), get_model(state, arguments.udi_di)
    check_choice(arguments.method, METHODS, "method")
    check_digest(arguments.record, "record")
    if model.kind != INSTRUMENT:
        raise Refused("not-an-instrument", f"a {model.kind} is used once")
    key, cycles = device_key(arguments.udi_di, arguments.serial), device.cycles + arguments.is_passed
    stage = LIFE.move("sterilise", device.stage, f"device {key}", STERILE if arguments.is_passed else FAILED)
    if 0 < model.cycles_max < cycles:
        raise Refused("device-not-ready", f"{key} was sterilised {device.cycles} times, as often as it may be")
    step = DeviceStep(
        STERILISE,
        context.day,
        device.holder,
        method=arguments.method,
        is_passed=arguments.is_passed,
        record=arguments.record,
    )
    _put_step(state, key, replace(device, stage=stage, cycles=cycles), step)
    fields: dict[str, int | str] = {"udi_di": arguments.udi_di, "serial": arguments.serial, "cycles": cycles}
    kind = "device-sterilised" if arguments.is_passed else "device-cycle-failed"
    return [Event(kind, fields | {"method": arguments.method, "last_bill_no": device.bill_no})]


def _recall(state: State, arguments: Recall, _context: Context) -> list[Event]:
    lot = get_device_lot(state, arguments.udi_di, arguments.lot_no)
    check_reason(arguments.reason, RECALL_REASONS)
    if lot.is_recalled:
        raise Refused("already-recalled", f"lot {arguments.lot_no} is recalled already")
    recalled = replace(lot, is_recalled=True, reason=arguments.reason)
    state.put(DEVICE_LOTS, lot_key(arguments.udi_di, arguments.lot_no), recalled)
    fields: dict[str, int | str] = {"udi_di": arguments.udi_di, "lot_no": arguments.lot_no, "reason": arguments.reason}
    return [Event("device-lot-recalled", fields | {"devices": lot.devices})]


CONTRACT = Contract(
    "device",
    1,
    (
        Operation("register_model", RegisterModel, among(SUPPLIER), _register_model),
        Operation("register", Register, among(SUPPLIER), _register, OF_MAKER),
        Operation("transfer", Transfer, BY_HOLDERS, _transfer, OF_SOURCE),
        Operation("use", Use, BY_PROVIDERS, _use, OF_DEVICE_HOLDER),
        Operation("take_back", TakeBack, BY_PROVIDERS, _take_back, OF_DEVICE_HOLDER),
        Operation("sterilise", Sterilise, BY_PROVIDERS, _sterilise, OF_DEVICE_HOLDER),
        Operation("recall", Recall, SUPERVISORS | {SUPPLIER}, _recall, OF_MAKER.or_of(BUREAU, REGULATOR)),
    ),
    QUERIES,
    (LIFE,),
    founding=0,
)
