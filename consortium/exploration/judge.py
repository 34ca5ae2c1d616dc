"""One configuration, run and judged with all checks on: those of every run, and watchers of what was signed."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple

from consortium.contracts import load_contracts
from consortium.core.membership import Epochs, NodeId
from consortium.exploration.coverage import Counts, count_run
from consortium.exploration.draw import BATCHES_MIN, CALM
from consortium.exploration.faults import FAULTS_MIN, promises_service, repairs, wiped, wounded
from consortium.lab.checks.claims import Kind, judge
from consortium.lab.checks.statements import Said, Watcher, said_claims
from consortium.lab.checks.traces import last_fault_us
from consortium.ledger.rows import DictRows
from consortium.ledger.verify import Fault as LedgerFault
from consortium.ledger.verify import verify_ledger
from consortium.protocols import load_protocols
from consortium.runs.records import Records
from consortium.runs.run import Run, head_height, ledger_epochs
from consortium.runs.trace import Record, fingerprint
from consortium.scenario.adversary import Adversaries
from consortium.scenario.assemble import Shared
from consortium.scenario.scenario import Scenario
from consortium.simulation.run import Simulation

BOUND_TIMERS = 400  # done so many timers after the last fault
VIEWS_A_MEMBER = 3  # and never so many views a member in a row without a decision
NOT_BLAME = (  # what honest members may say of honest members
    "no answer in time",
    "the batch's time is too far from our clock",
    "a snapshot of no use to us",
)


class Failure(NamedTuple):
    """A claim that does not hold, with the first sentence of why."""

    claim: str
    kind: Kind
    sentence: str


class Examined(NamedTuple):
    """`counts`: what the run met. `after_us`: how long it still took after the last fault."""

    scenario: Scenario
    failures: tuple[Failure, ...]
    counts: Counts
    trace: Sequence[Record]
    batches: int
    faults: int
    virtual_us: int
    after_us: int


def examine(scenario: Scenario, trusted: frozenset[NodeId] = frozenset()) -> Examined:
    """Run and judge. Whatever goes wrong inside is a failure of the run, not of the explorer. `trusted`: liars who are
    held to the rules all the same, so that the watchers can be seen to see."""
    watcher = Watcher()
    simulation = Simulation(scenario, watch=lambda seen: watcher.hear(seen.sender.partition("~")[0], seen.payload))
    try:
        simulated = simulation.run()
    except Exception as error:  # a node raised: that is what we look for
        place = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"{type(error).__name__}: {error} ({place.filename.rpartition('/')[2]}:{place.lineno})"
        failure = Failure("nothing raises", Kind.SAFETY, sentence)
        return Examined(scenario, (failure,), {}, simulation.trace, 0, 0, 0, 0)
    dishonest = (Adversaries.of(scenario).names | wounded(scenario) | _strangers(scenario, simulation)) - trusted
    honest = [member.name for member in scenario.members if member.name not in dishonest]
    trace = [record for record in simulated.trace if record["node"] not in dishonest and _left(record, watcher)]
    ledgers = {name: rows for name, rows in simulated.ledgers.items() if name in honest}
    vaults = {name: boxes for name, boxes in simulated.vaults.items() if name in honest}
    run = Run(scenario, simulation.genesis, trace, ledgers, vaults=vaults)
    fullest = run.fullest
    epochs = ledger_epochs(run.genesis, fullest.rows) if fullest else Epochs((run.genesis.first_epoch,))
    verifier = Shared.of(run.genesis).verifier
    statements = watcher.statements(verifier, epochs)
    records = Records.of(simulated.trace)
    last_us = last_fault_us(records) or 0
    failures = [
        *_claims(run),
        *judge_said(Said(statements, frozenset(honest) | wiped(scenario), verifier.codec, epochs)),
        *_safety("a sound ledger", _check_ledger(run)),
        *_safety("nobody honest is blamed", blamed(run.trace, honest)),
        *_liveness(scenario, run.trace, max(last_us, _last_arrival_us(scenario, records)), simulated.ended_us),
    ]
    batches = max((head_height(rows) for rows in ledgers.values()), default=0)
    counts = count_run(scenario, simulated.trace, statements)
    faults = len(records.of_kind("fault"))
    if not promises_service(scenario):
        failures = [failure for failure in failures if failure.kind is Kind.SAFETY]
    elif not failures:
        failures = _met_enough(scenario, batches, counts)
    ended_us = simulated.ended_us
    return Examined(
        scenario, tuple(failures), counts, simulated.trace, batches, faults, ended_us, max(0, ended_us - last_us)
    )


def _met_enough(scenario: Scenario, batches: int, counts: Counts) -> list[Failure]:
    """What a seed promises to meet, where nothing else failed."""
    failures = []
    met = sum(counts["faults"].values()) - sum(counts["faults"][act] for act in repairs())
    is_drawn = scenario.name.startswith("explore-")
    if (is_drawn or scenario.name.startswith(f"{CALM}-")) and batches < BATCHES_MIN:
        failures.append(Failure("enough batches", Kind.LIVENESS, f"{batches} batches, at least {BATCHES_MIN} due"))
    if is_drawn and met < FAULTS_MIN:
        failures.append(Failure("enough faults", Kind.LIVENESS, f"{met} faults met, at least {FAULTS_MIN} due"))
    return failures


def _strangers(scenario: Scenario, simulation: Simulation) -> set[NodeId]:
    """Newcomers that nobody admitted: nothing is promised to them."""
    newcomers = [member.name for member in scenario.members if member.joins]
    known = [each.host.is_member for each in simulation.nodes.values() if each.name in newcomers and each.host]
    return set() if any(known) else set(newcomers)


def _left(record: Record, watcher: Watcher) -> bool:
    """A bundle that a crash took before it left its node was never submitted to anybody."""
    return record["kind"] != "submitted" or record["bundle"] in watcher.bundles


def _claims(run: Run) -> list[Failure]:
    failed = [verdict for verdict in judge(run) if verdict.fails]
    return [Failure(verdict.name, verdict.kind, verdict.failures[0]) for verdict in failed]


def judge_said(said: Said) -> list[Failure]:
    """The claims about what was said that do not hold, each with its first sentence."""
    found = [(claim, claim.check(said)) for claim in said_claims()]
    return [Failure(claim.name, claim.kind, sentences[0]) for claim, sentences in found if sentences]


def _safety(claim: str, sentences: Sequence[str]) -> list[Failure]:
    return [Failure(claim, Kind.SAFETY, sentences[0])] if sentences else []


def _check_ledger(run: Run) -> list[str]:
    """One ledger, another one with each seed, verified offline from the genesis alone."""
    names = sorted(run.ledgers)
    if not names:
        return []
    name = names[run.scenario.seed % len(names)]
    rows = run.ledgers[name]
    assert isinstance(rows, DictRows)
    try:
        verify_ledger(run.genesis, rows, load_contracts(), load_protocols()[run.genesis.protocol])
    except LedgerFault as fault:
        return [f"{name}: {fault}"]
    return []


def blamed(trace: Sequence[Record], honest: Sequence[NodeId]) -> list[str]:
    """Rejections of honest members by honest members, and honest members that may not vote any more."""
    names = set(honest)
    found = []
    for record in Records.of(trace).of_kind("observing", "diverged", "rejected"):
        if record["kind"] == "observing" or record["kind"] == "diverged":
            found.append(f"{record['node']} is {record['kind']} at {record['t_us'] / 1e6:.3f} s")
        elif "message" in record:  # else nothing proves who sent the frame
            is_known = record["sender"] in names and record["why"] not in NOT_BLAME
            if is_known:
                found.append(f"{record['node']} rejects {record['message']} of {record['sender']}: {record['why']}")
    return found


def _last_arrival_us(scenario: Scenario, records: Records) -> int:
    """When the last bundle came of a load that keeps to a schedule, rests and all, whatever becomes of its bundles."""
    if not scenario.workload.options.get("interval_us"):
        return 0
    return max((record["t_us"] for record in records.of_kind("submitted")), default=0)


def _liveness(scenario: Scenario, trace: Sequence[Record], last_us: int, ended_us: int) -> list[Failure]:
    """Bounded: done so soon after the last fault and the last arrival, and never so many view changes for nothing."""
    failures = []
    first, last, count = _idle_views(trace, last_us)
    validators = sum(member.kind == "validator" for member in scenario.members)
    if count > VIEWS_A_MEMBER * validators:
        sentence = (
            f"views {first} to {last} without a decision, after the last fault or arrival at {last_us / 1e6:.1f} s"
        )
        failures.append(Failure("endless view change", Kind.LIVENESS, sentence))
    if ended_us - last_us > BOUND_TIMERS * scenario.parameters.timer_base_us:
        sentence = (
            f"not done {(ended_us - last_us) / 1e6:.1f} s after the last fault or arrival at {last_us / 1e6:.1f} s"
        )
        failures.append(Failure("bounded progress", Kind.LIVENESS, sentence))
    return failures


def _idle_views(trace: Sequence[Record], from_us: int) -> tuple[int, int, int]:
    """The longest run of views that were asked for while nothing new was executed anywhere: where it began, where it
    ended, and how many they were. (A protocol whose views end by themselves passes through many more.)"""
    height = began = wanted = count = 0
    longest = (0, 0, 0)
    for record in trace:
        if record["kind"] == "view_change" and record["view"] > wanted:
            wanted = record["view"]
            count += 1
        is_new = record["kind"] == "executed" and record["height"] > height
        if is_new or record["t_us"] <= from_us:
            began, count = wanted, 0
            height = max(height, record["height"]) if is_new else height
        longest = max(longest, (began, wanted, count), key=lambda views: views[2])
    return longest


def failing_claim(examined: Examined) -> str | None:
    """The first failed claim: safety before liveness."""
    ranked = sorted(examined.failures, key=lambda failure: failure.kind is not Kind.SAFETY)
    return ranked[0].claim if ranked else None


def fails_likewise(claim: str) -> Callable[[Scenario], bool]:
    """Whether a scenario fails the same claim."""
    return lambda scenario: any(failure.claim == claim for failure in examine(scenario).failures)


def trace_digest(examined: Examined) -> str:
    return fingerprint(examined.trace)


def story(trace: Sequence[Record]) -> str:
    """A trace for a person: one line a record, without what nobody asks for."""
    lines = []
    for record in trace:
        if record["kind"] in ("cost", "submitted", "included", "queues", "traffic", "storage"):
            continue
        fields = " ".join(f"{k}={v}" for k, v in record.items() if k not in ("t_us", "node", "kind", "header"))
        lines.append(f"{record['t_us'] / 1e6:12.6f}  {record['node'] or '-':10} {record['kind']:12} {fields}")
    return "\n".join(lines) + "\n"
