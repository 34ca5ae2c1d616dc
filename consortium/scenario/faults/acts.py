"""The faults that a scenario may name: act, options, and where each can be carried out (see docs/faults.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from consortium.scenario.scenario import Fault


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No options."""


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`outputs`: it dies when so many more of its outputs (a sync, a message) are out; 0: at once."""

    outputs: int = 0


class KillStorm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kills` in all, so many parts per million of them of the leader, the others of a random validator. Between two of
    them `wait_us` on average, with everybody up and level; each is down for `down_us` on average. The simulator gives
    `settle_us` for coming back; a real run waits until all are level."""

    kills: int = 20
    leader_ppm: int = 500_000
    wait_us: int = 1_000_000
    down_us: int = 500_000
    settle_us: int = 3_000_000


class Restart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`disk`: its own; `copy`: as it was at the last `disk_copy` (without one: empty); `empty`: wiped."""

    disk: Literal["own", "copy", "empty"] = "own"


class Tear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`blocks`: how many of the last writes to the vote log turn out not to be whole."""

    blocks: int = 1


class Flip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`table`: `votes` (the vote log), a table of the ledger, or `any` of its tables."""

    table: Literal["votes", "any", "block", "batch", "certificate", "receipt", "seal", "state"] = "any"


class Jump(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`wall_us` may be negative; a monotonic clock only jumps forward, as after a sleep of the machine."""

    wall_us: int = 0
    monotonic_us: int = 0


class Drift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Microseconds that each clock gains a second; negative: loses. 0 ends it."""

    wall_ppm: int = 0
    monotonic_ppm: int = 0


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parts per million of the messages of the links."""

    ppm: int


class Reorder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many parts per million come up to `late_us` later than the rest."""

    ppm: int
    late_us: int = 50_000


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The delay of the links from now on."""

    mean_us: int
    deviation_us: int = 0
    distribution: Literal["constant", "normal", "lognormal"] = "constant"


class Act(NamedTuple):
    """`target`: whether one member is meant. `is_local`: whether local processes can do it, too."""

    name: str
    target: bool
    options: type[msgspec.Struct]
    is_local: bool
    sentence: str


_ALL = (
    Act("kill", True, Kill, True, "the node dies in the middle of whatever it does"),
    Act("restart", True, Restart, True, "it comes back, with its own disk, an older copy or an empty one"),
    Act("kill_storm", False, KillStorm, True, "random members die and come back, one at a time"),
    Act("pause", True, Nothing, True, "it stands still; what arrives waits"),
    Act("resume", True, Nothing, True, "it goes on"),
    Act("partition", False, Nothing, True, "`groups` hear only themselves; `links` (one-way) are cut"),
    Act("heal", False, Nothing, True, "all links are open again"),
    Act("loss", False, Share, True, "messages of `links` are lost"),
    Act("duplication", False, Share, True, "messages of `links` come twice"),
    Act("reordering", False, Reorder, True, "messages of `links` are overtaken by later ones"),
    Act("delay", False, Delay, True, "messages of `links` take longer"),
    Act("calm", False, Nothing, True, "the links are again as the scenario's network says"),
    Act("broker_kill", False, Nothing, True, "the broker dies: nothing is delivered"),
    Act("broker_restart", False, Nothing, True, "the broker is back"),
    Act("clock_jump", True, Jump, True, "its clocks jump"),
    Act("clock_drift", True, Drift, True, "its clocks run fast or slow"),
    Act("disk_copy", True, Nothing, True, "its disk is copied, for a later restart with `disk: copy`"),
    Act("disk_full", True, Nothing, True, "its disk takes nothing more: the node stops at the next write"),
    Act("disk_free", True, Nothing, True, "there is room again; a restart helps"),
    Act("disk_tear", True, Tear, True, "its last votes turn out not to be on the disk (at its next boot)"),
    Act("disk_flip", True, Flip, True, "a bit of its disk is flipped (noticed at its next boot, or never)"),
)
ACTS: Mapping[str, Act] = {act.name: act for act in _ALL}
LINK_ACTS = ("loss", "duplication", "reordering", "delay")
_LINK_FIELDS: Mapping[str, Mapping[str, str]] = {  # act -> option -> field of Link
    "loss": {"ppm": "loss_ppm"},
    "duplication": {"ppm": "duplicate_ppm"},
    "reordering": {"ppm": "reorder_ppm", "late_us": "reorder_us"},
    "delay": {"mean_us": "mean_us", "deviation_us": "deviation_us", "distribution": "distribution"},
}


def link_fields(fault: Fault) -> dict[str, Any]:
    """What a fault of links changes in each `Link` that it means."""
    options = read_options(fault)
    return {field: getattr(options, option) for option, field in _LINK_FIELDS[fault.act].items()}


def read_options(fault: Fault) -> Any:
    """The options of a fault of a known act, typed. Raises ValueError with a sentence."""
    act = ACTS[fault.act]
    try:
        options = msgspec.convert(fault.options, act.options)
    except msgspec.ValidationError as error:
        known = ", ".join(act.options.__struct_fields__) or "none"
        raise ValueError(f"options of {act.name!r}: {error}; known are {known}") from None
    for name in options.__struct_fields__:
        value = getattr(options, name)
        if isinstance(value, int) and value < 0 and name not in ("wall_us", "wall_ppm", "monotonic_ppm"):
            raise ValueError(f"options of {act.name!r}: {name} cannot be negative")
        if name.endswith("ppm") and not -500_000 <= value <= 1_000_000:
            raise ValueError(f"options of {act.name!r}: {name}={value} is out of range (parts per million)")
    return options


def why_not_local(fault: Fault) -> str | None:
    """Why local processes cannot carry this fault out; None = they can."""
    act = ACTS[fault.act]
    return None if act.is_local else f"the fault {fault.act!r} can be carried out in the simulator alone"
