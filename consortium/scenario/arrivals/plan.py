"""What each member submits, and when: made of a load's options and the seed before the run, the same wherever it runs.

The rules: a total is exact; where it does not divide evenly, the first members have one more. A rate of each member is
that member's own process, a rate of the consortium is one process whose arrivals members take in turns, or at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from consortium.scenario.arrivals import load_arrivals
from consortium.scenario.arrivals.options import (
    CLOSED,
    CONSORTIUM,
    CONSTANT,
    COUNT_MAX,
    MEMBER,
    RANDOM,
    RECORDED,
    TRANSACTIONS,
    TURNS,
    ArrivalsError,
    LoadOptions,
)
from consortium.scenario.arrivals.process import Pace
from consortium.scenario.network.check import NetworkError, check_known
from consortium.scenario.streams import Stream

T = TypeVar("T")

RATE_MAX = 1e6
_OF_OPEN = ("rate", "per")


class Share(NamedTuple):
    """One member's part. `bundles`: of each bundle the kind of every transaction. `due_us`: when each is due, empty in
    a closed loop."""

    bundles: tuple[tuple[str, ...], ...] = ()
    due_us: tuple[int, ...] = ()


def plan_load(options: LoadOptions, seed: int, members: Sequence[str], kinds: Sequence[str]) -> dict[str, Share]:
    """By member. `kinds`: what this workload knows, the first where none is named. Raises ArrivalsError."""
    check_load(options, members, kinds)
    if options.process == RECORDED:
        return _of_file(options, seed, members, kinds)
    planned = _Plan(options, seed, members, kinds)
    if not members:
        return {}
    return planned.of_consortium() if options.whose == CONSORTIUM and planned.is_open else planned.of_members()


class _Plan:
    """One load whose arrivals are drawn."""

    def __init__(self, options: LoadOptions, seed: int, members: Sequence[str], kinds: Sequence[str]) -> None:
        self._options = options
        self._seed = seed
        self._members = members
        self._total = TRANSACTIONS if options.transactions is None else options.transactions
        self._sizes = options.size_shares
        self._kinds = options.kinds or {kinds[0]: 1}
        self.is_open = options.process != CLOSED

    def of_members(self) -> dict[str, Share]:
        """Each with a part of the total, and in an open load with arrivals of its own."""
        found = {}
        each, more = divmod(self._total, len(self._members))
        for place, member in enumerate(self._members):
            bundles = self._cut(each + (place < more), member)
            due_us = tuple(islice(self._times(place, member), len(bundles))) if self.is_open else ()
            found[member] = Share(bundles, due_us)
        return found

    def of_consortium(self) -> dict[str, Share]:
        """One process, spread over the members."""
        bundles = self._cut(self._total, "")
        spread = spread_over(self._options.spread, self._seed, self._members)
        return _gathered(self._members, zip(spread, bundles, self._times(0, ""), strict=False))

    def _cut(self, total: int, whose: str) -> tuple[tuple[str, ...], ...]:
        """So many transactions as bundles of the sizes asked for; what is left is the last one."""
        sizes, kinds = Stream(self._seed, "load", "sizes", whose), Stream(self._seed, "load", "kinds", whose)
        found = []
        while total > 0:
            size = min(total, _draw(self._sizes, sizes))
            found.append(tuple(_draw(self._kinds, kinds) for _ in range(size)))
            total -= size
        return tuple(found)

    def _times(self, place: int, whose: str) -> Iterator[int]:
        options = self._options
        size = sum(size * share for size, share in self._sizes.items()) / sum(self._sizes.values())
        interval_us = options.interval_us or 1e6 * size / options.rate
        begins = Stream(self._seed, "load", "begins").uniform() + place / len(self._members)
        pace = Pace(interval_us, begins % 1.0, options)
        return load_arrivals()[options.process].times(pace, Stream(self._seed, "load", "arrivals", whose))


def spread_over(rule: str, seed: int, members: Sequence[str]) -> Iterator[str]:
    """Whose each arrival is, without end."""
    stream, at = Stream(seed, "load", "spread"), 0
    while True:
        yield members[stream.below(len(members)) if rule == RANDOM else at % len(members)]
        at += 1


def _draw(shares: Mapping[T, int], stream: Stream) -> T:
    """One of the keys, each as likely as its share; of a single key nothing is drawn."""
    left = stream.below(sum(shares.values())) if len(shares) > 1 else 0
    for key, share in shares.items():
        left -= share
        if left < 0:
            return key
    raise AssertionError("shares are above 0")


def _gathered(members: Sequence[str], arrivals: Iterator[tuple[str, tuple[str, ...], int]]) -> dict[str, Share]:
    bundles: dict[str, list[tuple[str, ...]]] = {member: [] for member in members}
    due_us: dict[str, list[int]] = {member: [] for member in members}
    for member, bundle, at_us in arrivals:
        bundles[member].append(bundle)
        due_us[member].append(at_us)
    return {member: Share(tuple(bundles[member]), tuple(due_us[member])) for member in members}


def _of_file(options: LoadOptions, seed: int, members: Sequence[str], kinds: Sequence[str]) -> dict[str, Share]:
    """As the file says; of a total that is less than the file has, the first ones."""
    has = sum(each.size for each in options.recorded)
    left = has if options.transactions is None else options.transactions
    if left > has:
        raise ArrivalsError(f"transactions={left}: the file has {has}; ask for so many, or leave transactions out")
    spread = spread_over(options.spread, seed, members)

    def arrivals() -> Iterator[tuple[str, tuple[str, ...], int]]:
        nonlocal left
        for each in sorted(options.recorded, key=lambda each: each.due_us):
            if left > 0:
                size = min(left, each.size)
                left -= size
                yield each.member or next(spread), (each.kind or kinds[0],) * size, each.due_us

    return _gathered(members, arrivals())


# --- what cannot be meant ---------------------------------------------------------------------------------------------


def check_load(options: LoadOptions, members: Sequence[str], kinds: Sequence[str]) -> None:
    """Raises ArrivalsError with one sentence: which option, and what to do."""
    for fault in _faults(options, members, kinds):
        raise ArrivalsError(fault)


def _faults(options: LoadOptions, members: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    processes = load_arrivals()
    yield from _unknown("arrivals", options.process, sorted((CLOSED, RECORDED, *processes)))
    yield from _numbers(options)
    if not members and options.transactions != 0:
        yield 'no member hosts a load; give one settings={"hosts": ["loader"]}'
    yield from _shares(options, kinds)
    if options.process == CLOSED:
        yield from _closed(options)
    elif options.process == RECORDED:
        yield from _recorded(options, members, kinds)
    else:
        yield from _open(options)
    yield from _foreign(options)


def _unknown(what: str, word: str, known: Sequence[str]) -> Iterator[str]:
    try:
        check_known(what, word, known)
    except NetworkError as error:
        yield str(error)


def _numbers(options: LoadOptions) -> Iterator[str]:
    least = {"transactions": 0, "bundle": 1, "outstanding": 1}
    for name in (*least, "interval_us", "rest_every", "rest_us", "on_us", "off_us", "period_us"):
        value = getattr(options, name)
        if value is not None and not least.get(name, 0) <= value < COUNT_MAX:
            yield f"{name}={value}: expected {least.get(name, 0)} or more"


def _shares(options: LoadOptions, kinds: Sequence[str]) -> Iterator[str]:
    for name, shares in (("kinds", options.kinds), ("sizes", options.sizes)):
        for key, share in shares.items():
            if not 1 <= share < COUNT_MAX:
                yield f"{name}.{key}={share}: expected a share of 1 or more; leave out what is not wanted"
    for kind in options.kinds:
        yield from _unknown("kinds", kind, kinds)
    for size in options.sizes:
        if not (size.isdecimal() and 1 <= int(size) < COUNT_MAX):
            yield f"sizes: a bundle of {size!r} transactions; expected a number of 1 or more"
    if options.sizes and options.bundle != 1:
        yield f"bundle={options.bundle} is one size for all and sizes are several; give one of them"


def _closed(options: LoadOptions) -> Iterator[str]:
    largest = max(options.size_shares)
    if largest > options.outstanding:
        yield (
            f"bundle={largest} is more than outstanding={options.outstanding}: no bundle would ever be submitted; "
            f"give outstanding={largest} or more"
        )
    if options.interval_us:
        yield "interval_us is the pace of an open load, and arrivals is 'closed'; leave one of them out"
    if options.rest_every:
        yield "a load that rests is paced; give an interval_us above 0, or a rate"
    for name in _OF_OPEN:
        if getattr(options, name):
            yield f"{name} is for an open load, and this one is closed; give arrivals, as in arrivals='poisson'"


def _open(options: LoadOptions) -> Iterator[str]:
    if options.interval_us and options.rate:
        yield "interval_us and rate both say how much comes; give one of them"
    if options.interval_us and (options.process != CONSTANT or options.whose != MEMBER):
        yield "interval_us is a constant pace of each member; give a rate for anything else"
    if not options.interval_us and not 0 < options.rate <= RATE_MAX:
        yield f"rate={options.rate:g}: arrivals {options.process!r} need a rate above 0, in transactions a second"
    yield from _unknown("per", options.whose, (CONSORTIUM, MEMBER))
    yield from _unknown("spread", options.spread, (RANDOM, TURNS))
    fault = load_arrivals()[options.process].explain(options)
    if fault is not None:
        yield fault


def _recorded(options: LoadOptions, members: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    if options.file:
        yield f"file={options.file!r} was not read: a scenario is loaded from a file of its own, beside which it lies"
    if not options.recorded:
        yield "arrivals='file' need a file, CSV or Parquet with a column due_us or due_s; it lies beside the scenario"
    for name in (*_OF_OPEN, "interval_us"):
        if getattr(options, name):
            yield f"{name}: a file says itself when everything comes; leave {name} out"
    yield from _unknown("spread", options.spread, (RANDOM, TURNS))
    for kind in sorted({each.kind for each in options.recorded if each.kind}):
        yield from _unknown("kind of the file", kind, kinds)
    for member in sorted({each.member for each in options.recorded if each.member}):
        yield from _unknown("member of the file", member, members)


def _foreign(options: LoadOptions) -> Iterator[str]:
    """Options of other processes than this one."""
    plain = LoadOptions()
    for name, process in load_arrivals().items():
        for field in process.fields if name != options.process else ():
            if getattr(options, field) != getattr(plain, field):
                yield f"{field} is for arrivals {name!r}; these are {options.process!r}: leave it out"
    if (options.recorded or options.file) and options.process != RECORDED:
        yield f"file is for arrivals 'file'; these are {options.process!r}: leave it out"
