"""The genesis file: everything that fixes a chain before its first height. Its hash is the chain id."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from consortium.core.codec import encode, tagged_hash
from consortium.core.crypto import SUITES
from consortium.core.format import FORMAT, format_fault, is_readable
from consortium.core.identity import members_fault
from consortium.core.membership import Epoch, Member
from consortium.core.transaction import BATCH_BYTES_MAX

TIME_US_MAX = 250_000_000_000_000_000  # late in the year 9892: dates have four digits of a year
_NUMBER_MAX = 1 << 53  # what every reader of JSON keeps exactly


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of consensus and pool; part of the genesis. Times in microseconds, sizes in bytes."""

    checkpoint_interval: int = 16
    window: int = 32
    batches_in_flight: int = 8
    batch_transactions_max: int = 500
    batch_bytes_max: int = 1_000_000
    batch_delay_us: int = 0  # how long a leader waits for a batch to fill while others are in flight
    timer_base_us: int = 1_000_000
    timer_cap_us: int = 64_000_000
    clock_skew_max_us: int = 10_000_000
    pool_transactions_max: int = 100_000
    idle_seal_us: int = 2_000_000  # an idle tail is sealed after this
    snapshot_gap: int = 10_000  # a node further behind than this takes a snapshot instead of blocks
    utc_offset_minutes: int = 480  # of the chain's calendar: China Standard Time


# What members may change by vote, each within (least, most). Not window and interval: activation is computed from them.
TUNABLE: Mapping[str, tuple[int, int]] = {
    "batch_bytes_max": (1, BATCH_BYTES_MAX),
    "batch_delay_us": (0, 10_000_000),
    "batch_transactions_max": (1, 100_000),
    "batches_in_flight": (1, 1_024),
    "timer_base_us": (10_000, 600_000_000),
    "timer_cap_us": (10_000, 3_600_000_000),
}
_MAY_BE_ZERO = ("batch_delay_us", "utc_offset_minutes")
UTC_OFFSET_MINUTES_MAX = 14 * 60
VERSION_MAX = 9_999  # of a contract
LATER = ("utc_offset_minutes", "versions")  # fields that a genesis of an older format has not
ONLY_RAISED = ("batch_bytes_max", "batch_transactions_max")  # a bundle that was signed must fit into a batch for ever


def tuned(parameters: Parameters, epoch: Epoch) -> Parameters:
    """The parameters of an epoch: those of the genesis, and what was changed since by votes."""
    if not epoch.tuning:
        return parameters
    cached: Parameters | None = epoch.__dict__.get("tuned")
    if cached is None:
        changed = {
            name: max(value, getattr(parameters, name)) if name in ONLY_RAISED else value
            for name, value in epoch.tuning.items()
            if name in TUNABLE
        }
        cached = epoch.__dict__["tuned"] = msgspec.structs.replace(parameters, **changed)
    return cached


class GenesisCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operation executed at height 0 under the role `genesis`; `arguments` are the canonical MessagePack bytes."""

    contract: str
    operation: str
    arguments: bytes


class Genesis(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    format: int
    name: str
    time_us: int
    suite: str
    protocol: str
    parameters: Parameters
    members: tuple[Member, ...]  # by name; validators, observers, clients
    calls: tuple[GenesisCall, ...] = ()
    versions: dict[str, int] = {}  # by contract, in order of name: the version that the chain begins with

    @property
    def chain(self) -> bytes:
        """Chain id: hash of the whole genesis value."""
        cached = self.__dict__.get("chain")
        if cached is None:
            value = self if self.format == FORMAT else _without(self, LATER)
            cached = self.__dict__["chain"] = tagged_hash(b"consortium genesis", encode(value))
        chain: bytes = cached
        return chain

    @property
    def first_epoch(self) -> Epoch:
        """One value for all hosts of a process: what it has computed once serves them all."""
        cached = self.__dict__.get("first_epoch")
        if cached is None:
            cached = self.__dict__["first_epoch"] = Epoch(0, 1, self.members)
        epoch: Epoch = cached
        return epoch


def _without(value: msgspec.Struct, names: Collection[str]) -> msgspec.Struct:
    """The value as a format had it that lacked these fields, the others in their order."""
    found = {name: getattr(value, name) for name in value.__struct_fields__ if name not in names}
    kept = {name: _without(each, names) if isinstance(each, Parameters) else each for name, each in found.items()}
    return msgspec.defstruct(type(value).__name__, list(kept))(**kept)


def genesis_call(contract: str, operation: str, arguments: Any) -> GenesisCall:
    return GenesisCall(contract, operation, encode(arguments))


def encode_genesis(genesis: Genesis) -> bytes:
    """JSON (bytes as base64), indented: a file a person can read. `decode_genesis` gives the same value back."""
    return msgspec.json.format(msgspec.json.encode(genesis), indent=2) + b"\n"


def decode_genesis(data: bytes) -> Genesis:
    """Raises ValueError with a sentence naming the place: also for names and keys that no vote could admit. One of an
    older format is read, for those who judge what its chain left; `ledger.chain` executes none."""
    try:
        genesis = msgspec.json.decode(data, type=Genesis)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not a genesis file: {error}") from None
    if not is_readable(genesis.format):
        raise ValueError(f"a {format_fault('genesis', genesis.format)}")
    _check_ranges(genesis)
    fault = members_fault(genesis.members, SUITES[genesis.suite]())
    if fault is not None:
        raise ValueError(f"members: {fault}")
    return genesis


def _check_ranges(genesis: Genesis) -> None:
    if genesis.suite not in SUITES:
        raise ValueError(f"suite: there is no key suite {genesis.suite!r}; known are {', '.join(sorted(SUITES))}")
    if not 0 <= genesis.time_us < TIME_US_MAX:
        raise ValueError(f"time_us: {genesis.time_us} does not lie in 0 … {TIME_US_MAX - 1}, microseconds since 1970")
    for name, value in msgspec.structs.asdict(genesis.parameters).items():
        least = 0 if name in _MAY_BE_ZERO else 1
        most = UTC_OFFSET_MINUTES_MAX if name == "utc_offset_minutes" else _NUMBER_MAX
        if not least <= value <= most:
            raise ValueError(f"parameters.{name}: {value} does not lie in {least} … {most}")
    for name, version in genesis.versions.items():
        if not 1 <= version <= VERSION_MAX:
            raise ValueError(f"versions.{name[:64]}: {version} does not lie in 1 … {VERSION_MAX}")
    if not genesis.first_epoch.validators:
        raise ValueError("members: at least one must be of kind validator")
