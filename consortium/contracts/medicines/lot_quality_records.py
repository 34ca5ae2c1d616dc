"""What is known of a lot's quality: its days, its steps of production, faults of its packs, whether it is stopped.

A lot without a row was never declared: it expires on no day and is in no quarantine.
"""

from __future__ import annotations

import msgspec

from consortium.core.contract import Context, Event, Life, Move, Refused, State, StateReader, Table

STEPS_MAX = 40  # of a lot
SOUND, QUARANTINED, RELEASING = "sound", "quarantined", "releasing"


class LotQuality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `lot_no`. `produced_on` and `expires_on`, the last day on which it may be sold, are 0 until they
    are declared; `reason`: of the quarantine; `report`: what a release is asked with; `faults`: packs that were
    reported."""

    stage: str
    produced_on: int = 0
    expires_on: int = 0
    reason: str = ""
    report: bytes = b""
    steps: int = 0
    faults: int = 0


class LotStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "lot_no/serial", three digits, from 001 on. `materials`: numbers of the lots that went in; `record`: a
    commitment to the batch record, which lies with the producer."""

    step: str
    place: str
    equipment: str
    materials: tuple[str, ...]
    record: bytes
    day: int


class LotSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "kind/identifier/lot_no": the lot was made with this equipment or material, or at this place; `serial` of
    the first step that says so."""

    serial: int


class LotFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "lot_no/drug_trac_codg": what was wrong with a pack, who said so, on which day."""

    fault: str
    member: str
    day: int


LOT_QUALITY: Table[LotQuality] = Table("lot_quality", LotQuality)
LOT_STEPS: Table[LotStep] = Table("lot_step", LotStep)
LOT_SOURCES: Table[LotSource] = Table("lot_source", LotSource)
LOT_FAULTS: Table[LotFault] = Table("lot_fault", LotFault)

LIFE = Life(
    LOT_QUALITY,
    (
        Move("", "declare", SOUND),
        Move(SOUND, "declare", SOUND),
        Move(QUARANTINED, "declare", QUARANTINED),
        Move(RELEASING, "declare", RELEASING),
        Move("", "quarantine", QUARANTINED),
        Move(SOUND, "quarantine", QUARANTINED),
        Move(RELEASING, "quarantine", QUARANTINED),
        Move(QUARANTINED, "ask_release", RELEASING),
        Move(RELEASING, "release", SOUND),
        Move("", "trace_code.record_temperature", QUARANTINED),
        Move(SOUND, "trace_code.record_temperature", QUARANTINED),
        Move(RELEASING, "trace_code.record_temperature", QUARANTINED),
    ),
)


def is_expired(state: StateReader, lot_no: str, day: int) -> bool:
    quality = state.get(LOT_QUALITY, lot_no)
    return quality is not None and 0 < quality.expires_on < day


def stop_by_reading(state: State, lot_no: str, context: Context) -> list[Event]:
    """A reading of its cold chain puts a lot into quarantine, whatever was said of it; where it is, it stays."""
    quality, operation = state.get(LOT_QUALITY, lot_no), "trace_code.record_temperature"
    if not LIFE.allows(operation, LIFE.stage_of(quality)):
        return []
    stage = LIFE.move(operation, LIFE.stage_of(quality), f"lot {lot_no}")
    stopped = msgspec.structs.replace(quality or LotQuality(stage), stage=stage, reason="cold-chain", report=b"")
    state.put(LOT_QUALITY, lot_no, stopped)
    return [Event("lot-quarantined", {"lot_no": lot_no, "reason": "cold-chain", "member": context.member})]


def check_sound(state: StateReader, lot_no: str, day: int) -> None:
    """Refuses `lot-quarantined`, `lot-expired`: whatever a pack of the lot is used for on `day`."""
    quality = state.get(LOT_QUALITY, lot_no)
    if quality is None:
        return
    if quality.stage != SOUND:
        raise Refused("lot-quarantined", f"lot {lot_no} is in quarantine: {quality.reason}")
    if 0 < quality.expires_on < day:
        raise Refused("lot-expired", f"lot {lot_no} expired with {quality.expires_on}")
