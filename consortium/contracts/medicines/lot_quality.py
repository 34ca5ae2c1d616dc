"""Quality of lots: days of production and expiry, steps of production, faults and where they come from, quarantine.

A producer declares the days of its lot and records each step: where, on which equipment, of which materials. Whoever
holds a pack reports a fault. Of lots with faults the sources that they have in common are asked for, through
the materials of materials, each with how many lots were made with it and how many of them have faults; then what else
was made with it is found by its name. A quarantine stops all packs of a lot where they are: they are neither sold nor
handed on. It ends by two words: the producer asks with a report, and the regulator releases. What has expired is
not sold on a later day than its last, wherever a pack changes hands.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_HOLDERS, REGULATOR, SUPERVISORS, SUPPLIER, among
from consortium.contracts.checks import (
    check_choice,
    check_count,
    check_day,
    check_digest,
    check_identifier,
    check_reason,
)
from consortium.contracts.medicines.lot_faults import QUERIES
from consortium.contracts.medicines.lot_quality_records import (
    LIFE,
    LOT_FAULTS,
    LOT_QUALITY,
    LOT_SOURCES,
    LOT_STEPS,
    SOUND,
    STEPS_MAX,
    LotFault,
    LotQuality,
    LotSource,
    LotStep,
)
from consortium.contracts.medicines.lots import OF_HOLDER, OF_PRODUCER
from consortium.contracts.medicines.packs import get_lot, get_pack
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State, StateReader

MATERIALS_MAX = 20
STEPS = (
    "weighing",
    "mixing",
    "granulation",
    "pressing",
    "coating",
    "synthesis",
    "filling",
    "sterilising",
    "packaging",
    "inspection",
)
REASONS = ("fault", "cold-chain", "common-source", "inspection", "counterfeit")
FAULTS = ("appearance", "potency", "contamination", "packaging", "temperature", "reaction")


class Declare(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The days of a lot: of its production, and the last on which it may be sold. They are declared once."""

    lot_no: str
    produced_on: int
    expires_on: int


class RecordStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step of a lot's production. `step`: weighing | mixing | granulation | pressing | coating | synthesis |
    filling | sterilising | packaging | inspection. `materials`: numbers of lots that went in, at most 20."""

    lot_no: str
    step: str
    place: str
    equipment: str
    materials: tuple[str, ...]
    record: bytes  # a commitment to the batch record: 32 bytes


class ReportFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pack is no good. `fault`: appearance | potency | contamination | packaging | temperature | reaction."""

    drug_trac_codg: str
    fault: str


class Quarantine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stop a lot until its release. `reason`: fault | cold-chain | common-source | inspection | counterfeit."""

    lot_no: str
    reason: str


class AskRelease(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The producer has examined the lot; `report` is a commitment to what it found, 32 bytes."""

    lot_no: str
    report: bytes


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The regulator agrees with the report that it names."""

    lot_no: str
    report: bytes


def _quality(state: StateReader, lot_no: str) -> LotQuality:
    """Of a lot that is registered. Refuses `bad-identifier`, `unknown-lot`."""
    get_lot(state, lot_no)
    return state.get(LOT_QUALITY, lot_no) or LotQuality(SOUND)


def _move(state: StateReader, operation: str, lot_no: str) -> str:
    return LIFE.move(operation, LIFE.stage_of(state.get(LOT_QUALITY, lot_no)), f"lot {lot_no}")


def _declare(state: State, arguments: Declare, context: Context) -> list[Event]:
    lot_no, produced_on, expires_on = arguments.lot_no, arguments.produced_on, arguments.expires_on
    quality = _quality(state, lot_no)
    check_day(produced_on, "produced_on")
    check_day(expires_on, "expires_on")
    if quality.produced_on:
        raise Refused("already-declared", f"lot {lot_no} was produced on {quality.produced_on}: that never changes")
    if produced_on > context.day or expires_on <= produced_on:
        raise Refused(
            "bad-date", f"produced on {produced_on}, which must have come, and expires later, on {expires_on}"
        )
    stage = _move(state, "declare", lot_no)
    declared = msgspec.structs.replace(quality, stage=stage, produced_on=produced_on, expires_on=expires_on)
    state.put(LOT_QUALITY, lot_no, declared)
    return [Event("lot-declared", {"lot_no": lot_no, "produced_on": produced_on, "expires_day": expires_on})]


def _record_step(state: State, arguments: RecordStep, context: Context) -> list[Event]:
    """Steps are added, never changed. Refuses `not-declared`, `too-many-steps`."""
    lot_no = arguments.lot_no
    quality = _quality(state, lot_no)
    check_choice(arguments.step, STEPS, "step")
    check_identifier(arguments.place, "place")
    check_identifier(arguments.equipment, "equipment")
    check_count(len(arguments.materials), MATERIALS_MAX, "materials", 0)
    for material in arguments.materials:
        check_identifier(material, "a material")
    check_digest(arguments.record, "record")
    if not quality.produced_on:
        raise Refused("not-declared", f"the days of lot {lot_no} are not declared")
    if quality.steps >= STEPS_MAX:
        raise Refused("too-many-steps", f"lot {lot_no} has {quality.steps} steps")
    serial = quality.steps + 1
    state.put(LOT_QUALITY, lot_no, msgspec.structs.replace(quality, steps=serial))
    step = LotStep(
        arguments.step, arguments.place, arguments.equipment, arguments.materials, arguments.record, context.day
    )
    state.put(LOT_STEPS, f"{lot_no}/{serial:03d}", step)
    named = [("place", step.place), ("equipment", step.equipment), *(("material", each) for each in step.materials)]
    for kind, source in named:
        if state.get(LOT_SOURCES, f"{kind}/{source}/{lot_no}") is None:
            state.put(LOT_SOURCES, f"{kind}/{source}/{lot_no}", LotSource(serial))
    fields: dict[str, int | str] = {"lot_no": lot_no, "serial": serial, "step": step.step, "place": step.place}
    return [Event("lot-step-recorded", fields | {"equipment": step.equipment, "materials": len(step.materials)})]


def _report_fault(state: State, arguments: ReportFault, context: Context) -> list[Event]:
    """Once for a pack. Refuses `fault-reported`."""
    code = arguments.drug_trac_codg
    lot_no = get_pack(state, code).lot_no
    quality = _quality(state, lot_no)
    check_choice(arguments.fault, FAULTS, "fault")
    known = state.get(LOT_FAULTS, f"{lot_no}/{code}")
    if known is not None:
        raise Refused("fault-reported", f"{known.member} reported {known.fault} of this pack on {known.day}")
    state.put(LOT_FAULTS, f"{lot_no}/{code}", LotFault(arguments.fault, context.member, context.day))
    faults = quality.faults + 1
    state.put(LOT_QUALITY, lot_no, msgspec.structs.replace(quality, faults=faults))
    fields: dict[str, int | str] = {"lot_no": lot_no, "drug_trac_codg": code, "fault": arguments.fault}
    return [Event("lot-fault-reported", fields | {"faults": faults})]


def _quarantine(state: State, arguments: Quarantine, context: Context) -> list[Event]:
    """Also while a release is asked for. A lot that is in quarantine is not put there twice."""
    lot_no = arguments.lot_no
    quality = _quality(state, lot_no)
    check_reason(arguments.reason, REASONS)
    stage = _move(state, "quarantine", lot_no)
    stopped = msgspec.structs.replace(quality, stage=stage, reason=arguments.reason, report=b"")
    state.put(LOT_QUALITY, lot_no, stopped)
    fields: dict[str, int | str] = {"lot_no": lot_no, "reason": arguments.reason, "member": context.member}
    return [Event("lot-quarantined", fields)]


def _ask_release(state: State, arguments: AskRelease, _context: Context) -> list[Event]:
    quality = _quality(state, arguments.lot_no)
    check_digest(arguments.report, "report")
    stage = _move(state, "ask_release", arguments.lot_no)
    state.put(LOT_QUALITY, arguments.lot_no, msgspec.structs.replace(quality, stage=stage, report=arguments.report))
    return [Event("lot-release-asked", {"lot_no": arguments.lot_no})]


def _release(state: State, arguments: Release, _context: Context) -> list[Event]:
    quality = _quality(state, arguments.lot_no)
    stage = _move(state, "release", arguments.lot_no)
    if quality.report != arguments.report:
        raise Refused(
            "report-differs", f"the producer asks for the release of lot {arguments.lot_no} with another report"
        )
    state.put(LOT_QUALITY, arguments.lot_no, msgspec.structs.replace(quality, stage=stage, reason="", report=b""))
    return [Event("lot-released", {"lot_no": arguments.lot_no})]


CONTRACT = Contract(
    "lot_quality",
    1,
    (
        Operation("declare", Declare, among(SUPPLIER), _declare, OF_PRODUCER),
        Operation("record_step", RecordStep, among(SUPPLIER), _record_step, OF_PRODUCER),
        Operation("report_fault", ReportFault, BY_HOLDERS, _report_fault, OF_HOLDER),
        Operation(
            "quarantine", Quarantine, SUPERVISORS | {SUPPLIER}, _quarantine, OF_PRODUCER.or_of(BUREAU, REGULATOR)
        ),
        Operation("ask_release", AskRelease, among(SUPPLIER), _ask_release, OF_PRODUCER),
        Operation("release", Release, among(REGULATOR), _release),
    ),
    QUERIES,
    lives=(LIFE,),
    founding=0,
)
