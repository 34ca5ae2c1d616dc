"""A profile: what things cost on one machine, as `consortium calibrate` measured them. Integer nanoseconds.

A simulation with a profile spends these on virtual cores; without one CPU is free.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec

from consortium.core.errors import UserError

FORMAT = 1
COST_MAX_NS = 1 << 50
COLD_MAX_NS = 5_000_000
REST = 20  # nanoseconds of rest that make one of work cold
PPM = 1_000_000


class ProfileError(UserError, ValueError):
    """The file is no profile that this version can use. The sentence says what to do."""


class SuiteCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """CPU of one signature, and of verifying one that no cache knows."""

    sign_ns: int = 0
    verify_ns: int = 0


class HostCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """CPU of a host's step: so much for each event that it handles, and more by what the step did. `hash_kib_ns` and
    `decode_kib_ns` for each 1,024 bytes that come in; `handle_kib_ns`: what else is done with them (copied, judged, put
    away). `execute_ns`: per transaction, with its receipt and its part of the state tree; `block_ns`: per block."""

    event_ns: int = 0
    hash_kib_ns: int = 0
    decode_kib_ns: int = 0
    handle_kib_ns: int = 0
    bundle_ns: int = 0
    execute_ns: int = 0
    block_ns: int = 0
    transmit_ns: int = 0
    note_ns: int = 0


class BusCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """CPU of a node's side of the bus, per MQTT message and per 1,024 bytes of it. `wake_ns`: from bytes that have
    arrived at an idle process to its first instruction, which is waiting and no CPU. `turn_ns`: CPU of waking up, once
    however much has arrived."""

    publish_ns: int = 0
    publish_kib_ns: int = 0
    receive_ns: int = 0
    receive_kib_ns: int = 0
    turn_ns: int = 0
    wake_ns: int = 0


class BrokerCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """CPU of the broker, per message taken in and per copy written out, and per 1,024 bytes. `turn_ns` and `wake_ns` as
    of a node."""

    publish_ns: int = 0
    publish_kib_ns: int = 0
    delivery_ns: int = 0
    delivery_kib_ns: int = 0
    turn_ns: int = 0
    wake_ns: int = 0


class StoreCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The disk. A sync of the vote log stops the node for `sync_ns` and more by size; a commit of blocks takes CPU of
    another thread (`commit_ns`, `row_ns` per row, per size) and then waits for the disk (`commit_wait_ns`)."""

    sync_ns: int = 0
    sync_kib_ns: int = 0
    commit_ns: int = 0
    row_ns: int = 0
    commit_kib_ns: int = 0
    commit_wait_ns: int = 0


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`broker`: which of `brokers` a simulation takes unless it is told otherwise. `noise`: the largest relative spread
    between the repeats of one measurement that went in.

    All CPU of nodes and broker is multiplied by `busy_ppm` (several processes share the caches), or by `idle_ppm` while
    a process is cold: each REST nanoseconds that it was idle make one of its work cold, up to COLD_MAX_NS."""

    name: str
    format: int = FORMAT
    machine: str = ""
    cores: int = 1
    python: str = ""
    versions: dict[str, str] = {}
    date: str = ""
    noise: float = 0.0
    busy_ppm: int = 1_000_000
    idle_ppm: int = 1_000_000
    suites: dict[str, SuiteCost] = {}
    host: HostCost = HostCost()
    bus: BusCost = BusCost()
    store: StoreCost = StoreCost()
    broker: str = ""
    brokers: dict[str, BrokerCost] = {}

    def suite(self, name: str) -> SuiteCost:
        """The prices of a suite; one that was not measured is free."""
        return self.suites.get(name, SuiteCost())


class Warmth:
    """One process: what its work really costs, by how long it was idle before."""

    __slots__ = ("_busy_ppm", "_cold_ns", "_idle_ppm")

    def __init__(self, profile: Profile) -> None:
        self._busy_ppm = profile.busy_ppm
        self._idle_ppm = profile.idle_ppm
        self._cold_ns = COLD_MAX_NS

    def rest(self, idle_us: int) -> None:
        self._cold_ns = min(COLD_MAX_NS, self._cold_ns + 1_000 * idle_us // REST)

    def cost_ns(self, plain_ns: int) -> int:
        """`plain_ns`: as measured in a process that does nothing else."""
        cold_ns = min(plain_ns, self._cold_ns)
        self._cold_ns -= cold_ns
        return (cold_ns * self._idle_ppm + (plain_ns - cold_ns) * self._busy_ppm) // PPM


def load_profile(path: Path, broker: str = "") -> Profile:
    """The profile of a file. `broker`: one of those in it, instead of its own choice. Raises ProfileError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProfileError(
            f"{path}: {error.strerror}; `consortium calibrate --out {shlex.quote(str(path))}` makes a profile"
        ) from None
    try:
        profile = msgspec.json.decode(data, type=Profile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path} is no profile: {error}; `consortium calibrate` makes one") from None
    if profile.format != FORMAT:
        raise ProfileError(f"{path} is a profile of format {profile.format}; this version reads format {FORMAT}")
    if profile.cores < 1:
        raise ProfileError(f"{path}: cores={profile.cores}: expected 1 or more")
    if min(profile.busy_ppm, profile.idle_ppm) < 1:
        raise ProfileError(f"{path}: busy_ppm and idle_ppm are parts per million, above 0")
    for part in (profile.host, profile.bus, profile.store, *profile.suites.values(), *profile.brokers.values()):
        for field in part.__struct_fields__:
            if not 0 <= getattr(part, field) <= COST_MAX_NS:
                raise ProfileError(f"{path}: {field}={getattr(part, field)}: expected nanoseconds, 0 or more")
    chosen = broker or profile.broker
    if chosen and chosen not in profile.brokers:
        known = ", ".join(sorted(profile.brokers)) or "none"
        raise ProfileError(f"{path} says nothing of the broker {chosen!r}; it knows {known}")
    return msgspec.structs.replace(profile, broker=chosen)


def encode_profile(profile: Profile) -> bytes:
    return msgspec.json.format(msgspec.json.encode(profile), indent=2) + b"\n"
