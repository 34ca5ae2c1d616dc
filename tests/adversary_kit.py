"""Small runs with traitors and faults in the simulator, and what was seen on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from consortium.core.codec import Malformed
from consortium.core.genesis import Parameters
from consortium.core.messages import Frame, Message, MessageCodec, decode_frame
from consortium.lab.checks.claims import judge
from consortium.runs.run import Run
from consortium.scenario.load import check_scenario
from consortium.scenario.scenario import BehaviourSpec, Disk, Fault, MemberSpec, Scenario, Stop, Workload
from consortium.simulation.bus.transport import Seen
from consortium.simulation.run import Simulation

Record = dict[str, Any]


class Said(NamedTuple):
    """A decoded statement as it left `by` (a computer); `sender` is who it says it is of."""

    t_us: int
    by: str
    to: str | None
    sender: str
    message: Message
    frame: Frame


def scenario(
    *behaviours: BehaviourSpec,
    faults: Sequence[Fault] = (),
    n: int = 4,
    transactions: int = 160,
    interval_us: int = 60_000,
    disk: Disk | None = None,
    stop: Stop | None = None,
    seed: int = 1,
    **parameters: Any,
) -> Scenario:
    defaults = {"batch_transactions_max": 20, "idle_seal_us": 500_000}
    value = Scenario(
        name="adversary",
        members=tuple(MemberSpec(f"node-{i}", "hospital", settings={"hosts": ["loader"]}) for i in range(1, n + 1)),
        suite="keyed-hash",
        seed=seed,
        parameters=Parameters(**{**defaults, **parameters}),
        workload=Workload(
            "settlement_load",
            {"transactions": transactions, "bundle": 2, "outstanding": 60, "interval_us": interval_us, "persons": 10},
        ),
        faults=tuple(faults),
        behaviours=behaviours,
        disk=disk or Disk(),
        stop=stop or Stop(limit_us=60_000_000, stall_us=20_000_000),
    )
    check_scenario(value)
    return value


class Observed:
    """A run that is over: its trace, its ledgers, every frame."""

    def __init__(self, value: Scenario) -> None:
        self.scenario = value
        self.frames: list[Seen] = []
        self.simulation = Simulation(value, watch=self.frames.append)
        self.simulated = self.simulation.run()
        self.trace = self.simulated.trace
        self._codec: MessageCodec = self.simulation._shared.verifier.codec

    @property
    def failed(self) -> dict[str, tuple[str, ...]]:
        """The claims that do not hold of the honest nodes."""
        run = Run(self.scenario, self.simulated.genesis, self.trace, self.simulated.ledgers)
        return {verdict.name: verdict.failures for verdict in judge(run) if verdict.fails}

    def notes(self, kind: str, node: str | None = None) -> list[Record]:
        return [r for r in self.trace if r["kind"] == kind and node in (None, r["node"])]

    def said(self, by: str | None = None, kind: str | None = None) -> Iterator[Said]:
        """What could be decoded, whether or not its signature holds."""
        for seen in self.frames:
            if by not in (None, seen.sender):
                continue
            try:
                frame = decode_frame(seen.payload)
                message = self._codec.decode(frame.signed.body, 0)
            except Malformed:
                continue
            if kind in (None, type(message).__name__):
                yield Said(seen.t_us, seen.sender, seen.to, frame.signed.sender, message, frame)

    def double_said(self, kind: str) -> dict[str, int]:
        """By signer: at how many (view, height) it signed more than one digest in messages of this kind."""
        digests: dict[tuple[str, int, int], set[bytes]] = {}
        verifier = self.simulation._shared.verifier
        epoch = self.simulated.genesis.first_epoch
        for said in self.said(kind=kind):
            signed = said.frame.signed
            key = epoch.key(signed.sender, "vote")
            if key is not None and verifier.is_signed(key, signed.body, signed.signature):
                message: Any = said.message
                digests.setdefault((signed.sender, message.view, message.height), set()).add(message.digest)
        counts: dict[str, int] = {}
        for (sender, _, _), found in digests.items():
            counts[sender] = counts.get(sender, 0) + (len(found) > 1)
        return {sender: count for sender, count in counts.items() if count}


def observe(*behaviours: BehaviourSpec, check: Callable[[Observed], None] | None = None, **kinds: Any) -> Observed:
    """Run it; all claims must hold of the honest (unless `check` judges instead)."""
    observed = Observed(scenario(*behaviours, **kinds))
    if check is None:
        assert observed.failed == {}
    else:
        check(observed)
    return observed
