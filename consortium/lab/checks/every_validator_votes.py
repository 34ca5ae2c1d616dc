"""Every validator votes: an honest one that runs and executes does not do so block after block without a vote.

What a node said stands in its `traffic` notes, which count messages by type: every ten seconds, and at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.measures.message_counts import expected
from consortium.runs.records import Records
from consortium.runs.run import Run, ledger_epochs

WINDOWS = 4  # a node may execute so many windows of heights without a vote: decisions that came to it late
EXCUSES = ("booted", "exited", "catching_up", "caught_up", "snapshot", "observing", "admitted", "removed", "epoch")


class Point(NamedTuple):
    """How many votes a node had sent by then, in this life."""

    t_us: int
    life: int
    votes: int


def vote_kinds(run: Run) -> tuple[str, ...]:
    """The types of message by which validators decide a height, where each of them says one; else none."""
    n = run.genesis.first_epoch.n
    counts = expected(run.genesis.protocol, n)
    return tuple(counts) if sum(each.publishes for each in counts.values()) >= n > 1 else ()


def check_every_validator_votes(run: Run) -> list[str]:
    """Of each validator of all epochs: the spans between two notes of its traffic without a vote, while it executed."""
    kinds = vote_kinds(run)
    most = WINDOWS * run.genesis.parameters.window
    bad = calm.bad_members(run)
    failures = []
    for name in sorted(_validators(run) - bad):
        records = run.records.of_node(name)
        silent = 0
        for before, after in pairwise(_points(run, records, kinds)):
            if before.life != after.life or before.votes != after.votes or _is_excused(run, name, before, after):
                silent = 0
                continue
            executed = records.between(before.t_us + 1, after.t_us).of_kind("executed")
            silent += len(executed)
            if silent >= most:
                failures.append(
                    f"{name} executed {silent} blocks by {after.t_us / 1e6:.1f} s without a vote of its own"
                )
                break
    return failures


def _validators(run: Run) -> set[str]:
    """Those of every epoch."""
    fullest = run.fullest
    found = set(run.genesis.first_epoch.validators)
    if fullest is not None:
        epochs = ledger_epochs(run.genesis, fullest.rows)
        for number in range(1, epochs.newest.number + 1):
            epoch = epochs.number(number)
            found &= set(epoch.validators) if epoch is not None else found
    return found


def _points(run: Run, records: Records, kinds: tuple[str, ...]) -> Iterator[Point]:
    """The notes of one node. A simulated node writes none where it said nothing, so that the end is one, too."""
    last: Point | None = None
    for record in records.of_kind("traffic"):
        votes = sum(messages for _, kind, messages, _ in record["sent"] if kind in kinds)
        last = Point(record["t_us"], record["life"], votes)
        yield last
    about = run.records.of_kind("run")
    if last is not None and about and about[0].get("on", "") == "simulator":
        yield last._replace(t_us=run.records.end_us)


def _is_excused(run: Run, name: str, before: Point, after: Point) -> bool:
    """Whether it booted, caught up, observed or was hit within this span."""
    own = run.records.of_node(name).between(before.t_us, after.t_us)
    fate = run.records.of_kind("fault").between(before.t_us, after.t_us)
    return bool(own.of_kind(*EXCUSES)) or any(record.get("target", "") == name for record in fate)


CHECK = Claim(
    "every validator votes",
    Kind.LIVENESS,
    "No validator that ran executed block after block without a vote of its own.",
    check_every_validator_votes,
    unchecked.no_blocks,
    lambda run: bool(vote_kinds(run) and run.records.of_kind("traffic")),
    order=66,
)
