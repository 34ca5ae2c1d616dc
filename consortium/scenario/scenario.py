"""The scenario: a frozen value that says everything about a run except where it runs.

A scenario file is Python with a module-level `SCENARIO = Scenario(...)` (its docstring is the question it asks), or the
JSON that a run folder keeps as scenario.json. Unknown keys are errors that name the nearest known key.
"""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.core.genesis import Parameters
from consortium.core.membership import Kind


class MemberSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One organisation and its node. `settings` are for its role (see the role's `Settings`). `joins`: it is not in the
    genesis; the others admit it, and its node begins with a `restart` of it, given the proof of today's members (real
    runs: once another's ledger proves that it is one of them)."""

    name: str
    role: str
    kind: Kind = "validator"
    settings: dict[str, Any] = {}
    joins: bool = False
    keep_blocks: int = 0  # of sealed blocks its node keeps the bodies of so many; 0: all (an archive)
    program: dict[str, int] = {}  # by contract: the newest version that its program has, 0 = none; not named: all


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Delay and loss of one hop, in microseconds and parts per million (docs/networks.md).

    `distribution`: constant (`mean_us`); normal, lognormal (`mean_us`, `deviation_us`, of the delay itself); pareto
    (`shape`, and either `minimum_us` or `mean_us`); empirical (`samples_us`, drawn with replacement, or `file`, a CSV
    beside the scenario whose one column is headed `us` or `ms`: loading the scenario turns it into `samples_us`)."""

    distribution: str = "constant"
    mean_us: int = 1_000
    deviation_us: int = 0
    loss_ppm: int = 0
    duplicate_ppm: int = 0
    reorder_ppm: int = 0  # so many come up to `reorder_us` late
    reorder_us: int = 0
    minimum_us: int = 0
    shape: float = 0.0
    samples_us: tuple[int, ...] = ()
    file: str = ""
    in_order: bool = False  # none overtakes another of this link: it waits for those before it


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What joins a member to the network: bits per second up and down (0: without bound). A message is sent whole
    before the next one (store and forward); what finds `queue_bytes` waiting before it is dropped (0: no bound)."""

    up_bits_per_s: int = 0
    down_bits_per_s: int = 0
    queue_bytes: int = 0


class Hub(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker, which every message crosses: one core takes each publish in turn and writes it out to each receiver.

    Costs are nanoseconds of CPU; None: those of the run's profile, and none where there is no profile. Bits per second
    of all that comes in and goes out (0: without bound); `queue_bytes`: what may wait for the core, and for the way
    out (0: no bound). `region`: where it stands, in a network of regions."""

    publish_ns: int | None = None
    delivery_ns: int | None = None
    in_bits_per_s: int = 0
    out_bits_per_s: int = 0
    queue_bytes: int = 0
    region: str = ""


class LinkChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `at_us` after the start on, to `to_us` (None: to the end), these `fields` of the links that match (all,
    where none is named) are others. Of two changes at one time the later in the list wins."""

    at_us: int
    fields: dict[str, Any]
    links: tuple[str, ...] = ()
    to_us: int | None = None


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`links` override `default` for "sender>receiver"; `*` stands for any member. In real runs the receiving side of
    the bus applies latency, loss and the member's line on top of what the machine does (`in_real_runs`); the hub is
    real there.

    `regions`: member -> region of `matrix` (scenario/network/regions.py); under `*` several, joined by commas: those
    that are not named take them in turn. A link between two regions takes half their published round trip, log-normal,
    with `jitter_ppm` of it as its deviation; loss and the rest are those of `default`. `lines` by member, or `*`.

    `machines`: `one`, all nodes and the broker share its cores, as local processes do, or `each`, one for each node
    and for the broker; of meaning where a profile says what CPU costs."""

    default: Link = Link()
    links: dict[str, Link] = {}
    in_real_runs: bool = False
    regions: dict[str, str] = {}
    matrix: str = ""
    jitter_ppm: int = 10_000
    lines: dict[str, Line] = {}
    hub: Hub | None = None
    changes: tuple[LinkChange, ...] = ()
    machines: str = "one"


class Workload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What there is to do. `source`: the name of a workload in consortium/scenario/workloads/workload.py; `options` are
    its."""

    source: str = "none"
    options: dict[str, Any] = {}


class Disk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The simulated disk: how long a sync of votes takes, and the commit of a block. A crash loses what is under way.
    0: durable at once."""

    sync_us: int = 200
    commit_us: int = 1_000


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One act against the run; the acts and their `options` stand in
    scenario/faults/ and docs/faults.md.

    `target`: a member's name, or `leader`, or `last` (whoever the fault before met). When: `at_us` after the start, or
    when `at_height` has been executed somewhere, whichever is given; `after_us` later than that. Faults are met in
    their order. `groups`: of a partition, each hearing only itself. `links`: "sender>receiver", `*` for any."""

    act: str
    target: str = ""
    at_us: int | None = None
    at_height: int | None = None
    after_us: int = 0
    groups: tuple[tuple[str, ...], ...] = ()
    links: tuple[str, ...] = ()
    options: dict[str, Any] = {}


class BehaviourSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member that does not keep to the protocol, from `from_us` to `to_us` after the start (None: to the end).

    `name`: a file of consortium/behaviours/, `options` are its. `target`: a member's name, several joined by commas,
    `leader` (of view 0), `f` or `f+1` (so many validators, the leaders of views 0, 1, …). Several behaviours of one
    member wrap one another, the first innermost."""

    name: str
    target: str
    from_us: int = 0
    to_us: int | None = None
    options: dict[str, Any] = {}


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a run ends: once all roles are done and all ledgers agree (`when_done`), or after `limit_us` at the latest.
    No progress: nothing executed for `stall_us` while work waits."""

    when_done: bool = True
    limit_us: int = 300_000_000
    stall_us: int = 60_000_000


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    members: tuple[MemberSpec, ...]
    question: str = ""
    seed: int = 1
    protocol: str = "pbft"
    suite: str = "ed25519"
    faults_tolerated: int | None = None  # refuse to run with fewer members than this f asks for
    parameters: Parameters = Parameters()
    network: Network = Network()
    workload: Workload = Workload()
    faults: tuple[Fault, ...] = ()
    behaviours: tuple[BehaviourSpec, ...] = ()
    disk: Disk = Disk()
    stop: Stop = Stop()
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = ()  # genesis: (contract, operation, arguments)
    versions: dict[str, int] = {}  # by contract: what it begins with, 0 = without it; not named: its founding one
    is_recalled: bool = False  # simulator alone: the first boot asks nobody for votes and heights: there are none
