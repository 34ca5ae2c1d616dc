"""The one file of the simulator that computes with numpy: many delays, many arrivals at once (docs/decisions/040).

Every number is exactly the one that `scenario.streams.Stream` gives one by one. Integer arithmetic is; so are the four
operations on floats, and roots. Logarithms and exponentials may differ in the last bit from those of `math`, and
compilers may fuse operations, so a delay that lies close to the middle between two microseconds is drawn again by the
stream itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from consortium.scenario.network.distributions import draw_us
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_ONE, _TWO = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_GUARD = 1e-4  # of a microsecond
_GUARD_RATIO = 1e-12  # of the longest delay; errors are a thousandth of that

# Wichura, Algorithm AS 241 (1988): the coefficients that `statistics.NormalDist.inv_cdf` uses, highest power first.
_A = (
    2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
    1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0,
)  # fmt: skip
_B = (
    5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
    5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0,
)  # fmt: skip
_C = (
    7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
    3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0,
)  # fmt: skip
_D = (
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
    6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0,
)  # fmt: skip
_E = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
    2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0,
)  # fmt: skip
_F = (
    2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
    1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0,
)  # fmt: skip


def _polynomial(coefficients: Sequence[float], at: Floats) -> Floats:
    total = at * coefficients[0]
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= at
    total += coefficients[-1]
    return total


def _tail(p: Floats, q: Floats) -> Floats:
    r = np.sqrt(-np.log(np.where(q <= 0.0, p, 1.0 - p)))
    near = r - 1.6
    x = _polynomial(_C, near) / _polynomial(_D, near)
    is_far = r > 5.0
    if is_far.any():
        far = r[is_far] - 5.0
        x[is_far] = _polynomial(_E, far) / _polynomial(_F, far)
    return np.where(q < 0.0, -x, x)


def _inverse_normal(p: Floats) -> Floats:
    """`NormalDist().inv_cdf` of every element, but perhaps for the last bits."""
    q = p - 0.5
    r = 0.180625 - q * q
    x = _polynomial(_A, r) * q / _polynomial(_B, r)
    tails = np.flatnonzero(r < 0.0)
    if tails.size:
        x[tails] = _tail(p[tails], q[tails])
    return x


def _uniform(states: Words) -> Floats:
    z = states ^ (states >> _S30)
    z *= _ONE
    z ^= z >> _S27
    z *= _TWO
    z ^= z >> _S31
    z >>= _S11
    uniform = z.astype(np.float64)
    uniform += 0.5
    uniform *= 1.0 / (1 << 53)
    return uniform


def _is_drawn(link: Link) -> bool:
    """Whether its stream is asked at all."""
    return link.distribution != "constant" and (link.distribution != "lognormal" or link.deviation_us > 0)


def draw_delays(link: Link, states: Words) -> Integers:
    """The next delay of every stream that stands at one of these states; moves the states on, in place."""
    if not _is_drawn(link):
        return np.full(states.shape, link.mean_us, np.int64)
    mean, deviation = float(link.mean_us), float(link.deviation_us)
    states += _STEP
    if link.distribution == "lognormal":
        centre, spread = Stream.lognormal_shape(mean, deviation)
        delays = np.exp(centre + spread * _inverse_normal(_uniform(states)))
    else:
        delays = _inverse_normal(_uniform(states))
        delays *= deviation
        delays += mean
    whole = np.rint(delays)
    guard = max(_GUARD, float(whole.max(initial=0.0)) * _GUARD_RATIO)
    delays -= whole
    unsure = np.abs(delays) > 0.5 - guard
    rounded = np.maximum(whole, 0.0).astype(np.int64)
    if unsure.any():
        for place in np.flatnonzero(unsure).tolist():
            stream = Stream.at((int(states[place]) - int(_STEP)) % (1 << 64))
            rounded[place] = draw_us(link, stream)
    return rounded


def draw_ahead(link: Link, states: Words, count: int) -> Integers:
    """The next `count` delays of every stream, a row each: what so many calls of `draw_delays` would give. The states
    stay where they are."""
    if count == 1:
        return draw_delays(link, states.copy()).reshape(1, -1)
    steps = np.arange(count, dtype=np.uint64) * _STEP
    later = (states + steps[:, np.newaxis]).reshape(-1)
    return draw_delays(link, later).reshape(count, -1)


def moved_on(link: Link, states: Words, count: int) -> Words:
    """Where the streams stand after `count` more delays."""
    if not _is_drawn(link):
        return states
    return states + np.uint64(int(_STEP) * count % (1 << 64))


def at_times(delays_us: Integers, now_us: int) -> Integers:
    times_us = delays_us.astype(np.int64)
    times_us += now_us
    return times_us


def integers(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64)


def everybody_but(count: int, place: int) -> Integers:
    return np.delete(np.arange(count), place)


def joined(parts: Sequence[Integers]) -> Integers:
    """One after another; a lone part is not copied."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def joined_rows(parts: Sequence[Integers], rows: int) -> Integers:
    """Beside each other, so many rows; half as large where the numbers allow, for many wait."""
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1) if parts else np.empty((rows, 0), np.int64)
    return whole.astype(np.int32) if rows > 1 and whole.max(initial=0) < 1 << 31 else whole


def first_states(seed: int, sender: str, receivers: Sequence[str]) -> Words:
    """Where the streams of these links begin."""
    return np.array([Stream(seed, "network", sender, receiver).state for receiver in receivers], np.uint64)


# --- deliveries of many broadcasts, by time ---------------------------------------------------------------------------

PLACE_BITS, SLOT_BITS = 12, 24
PLACES_MAX = 1 << PLACE_BITS
_PLACE_MASK, _SLOT_MASK = PLACES_MAX - 1, (1 << SLOT_BITS) - 1


class Bucket:
    """Deliveries of one stretch of time. A delivery is one integer: time in the stretch, slot of its broadcast, place
    of its receiver. They are made in the order of these integers, ties in the order of sending."""

    __slots__ = ("broadcasts", "parts")

    def __init__(self) -> None:
        self.parts: list[Integers] = []
        self.broadcasts: list[Any] = []

    def opened(self, begin_us: int) -> Iterator[tuple[int, int, int]]:
        """(time, place, slot) in order. A broadcast that was laid out late, from a collapse that ended, has its place
        among those that were sent before it."""
        keys = np.concatenate(self.parts)
        bases = [run.base for run in self.broadcasts]
        if bases != sorted(bases):
            keys = self._by_sending(keys, bases)
        keys.sort()
        places = (keys & _PLACE_MASK).tolist()
        slots = ((keys >> PLACE_BITS) & _SLOT_MASK).tolist()
        times = ((keys >> (PLACE_BITS + SLOT_BITS)) + begin_us).tolist()
        return zip(times, places, slots, strict=True)

    def _by_sending(self, keys: Integers, bases: list[int]) -> Integers:
        """The keys with slots in the order of sending; the broadcasts are put into it, too."""
        order = sorted(range(len(bases)), key=bases.__getitem__)
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        self.broadcasts = [self.broadcasts[slot] for slot in order]
        slots = (keys >> PLACE_BITS) & _SLOT_MASK
        sorted_keys: Integers = keys ^ ((slots ^ ranks[slots]) << PLACE_BITS)
        return sorted_keys


def split(times_us: Integers, places: Integers, shift: int) -> list[tuple[int, Integers]]:
    """Deliveries by bucket (of 1 << shift microseconds), in order: keys with slot 0."""
    keys = times_us << PLACE_BITS
    keys |= places
    keys.sort()
    if not len(keys):
        return []
    numbers = keys >> (PLACE_BITS + shift)
    cuts = np.flatnonzero(numbers[1:] != numbers[:-1]).tolist()
    within = (keys >> PLACE_BITS) & ((1 << shift) - 1)
    within <<= PLACE_BITS + SLOT_BITS
    within |= keys & _PLACE_MASK
    begin, found = 0, []
    for cut in (*cuts, len(keys) - 1):
        found.append((int(numbers[begin]), within[begin : cut + 1]))
        begin = cut + 1
    return found


def with_slot(keys: Integers, slot: int) -> Integers:
    return keys | (slot << PLACE_BITS)


def unpacked(keys: Integers, begin_us: int) -> list[tuple[int, int]]:
    """(time, place) of keys."""
    return [((key >> (PLACE_BITS + SLOT_BITS)) + begin_us, key & _PLACE_MASK) for key in keys.tolist()]


# --- votes of one kind, to all ----------------------------------------------------------------------------------------

ROW_BITS = PLACE_BITS
FRESH_MAX = 16
NOT_YET = int(np.iinfo(np.int64).max)


class Arrivals:
    """When each of many votes reaches each of n receivers: a key is time << ROW_BITS | row, so that keys order like
    deliveries. Rows are votes in the order of sending; a receiver that a vote does not go to has NOT_YET. A vote is
    written beside others, and read by receiver: so the newest wait, and go into their columns together."""

    def __init__(self, receivers: int) -> None:
        self._keys = np.full((receivers, receivers), NOT_YET, np.int64)
        self._newest = np.full((FRESH_MAX, receivers), NOT_YET, np.int64)
        self._fresh = 0  # rows that are there alone
        self.rows = 0

    def add(self, times_us: Integers, places: Integers) -> None:
        """Add a vote: the next row."""
        keys = times_us << ROW_BITS
        keys |= self.rows
        if self._fresh == FRESH_MAX:
            self._tidy()
        newest = self._newest[self._fresh]
        newest.fill(NOT_YET)
        newest[places] = keys
        self._fresh += 1
        self.rows += 1

    def newest(self) -> Integers:
        """The keys of the row that was just added, by receiver."""
        keys: Integers = self._newest[self._fresh - 1]
        return keys

    def _tidy(self) -> Integers:
        """All keys, a line a receiver."""
        if self._fresh:
            self._keys[:, self.rows - self._fresh : self.rows] = self._newest[: self._fresh].T
            self._fresh = 0
        return self._keys

    def of(self, place: int) -> Integers:
        keys: Integers = self._tidy()[place, : self.rows]
        return keys

    def count_below(self, place: int, bound: int) -> int:
        return int(np.count_nonzero(self.of(place) < bound))

    def rows_below(self, place: int, bound: int) -> list[int]:
        """The rows of the votes that came to a receiver below the bound, in the order of sending."""
        found: list[int] = np.flatnonzero(self.of(place) < bound).tolist()
        return found

    def kth(self, place: int, count: int) -> int:
        """The key of the count-th arrival, NOT_YET where so many are not under way."""
        keys = self.of(place)
        return int(np.partition(keys, count - 1)[count - 1]) if count <= len(keys) else NOT_YET

    def due_below(self, bound: int, needs: Integers, dues: Integers) -> list[tuple[int, int]]:
        """(place, key) where no due is known and the needs-th arrival lies below the bound."""
        open_places = np.flatnonzero((dues == NOT_YET) & (needs <= self.rows))
        if not open_places.size:
            return []
        keys = self._tidy()[:, : self.rows]
        if open_places.size < len(keys):
            keys = keys[open_places]
        is_crossing = np.count_nonzero(keys < bound, axis=1) >= needs[open_places]
        found: list[tuple[int, int]] = []
        crossing, keys = open_places[is_crossing], keys[is_crossing]
        for need in np.unique(needs[crossing]).tolist():
            alike = needs[crossing] == need
            kths = np.partition(keys[alike], need - 1, axis=1)[:, need - 1]
            found.extend(zip(crossing[alike].tolist(), kths.tolist(), strict=True))
        return found

    def left(self, row: int, bounds: Integers) -> tuple[Integers, Integers]:
        """The times and places of those deliveries of one vote that lie at or above each receiver's bound."""
        keys = self._tidy()[:, row]
        places = np.flatnonzero((keys >= bounds) & (keys != NOT_YET))
        return keys[places] >> ROW_BITS, places


def sooner(keys: Integers, dues: Integers, bound: int) -> list[int]:
    """Places where a new key lies below the due that is known, or below the bound where none is."""
    found: list[int] = np.flatnonzero(keys < np.where(dues == NOT_YET, bound, dues)).tolist()
    return found


def filled(count: int, value: int) -> Integers:
    return np.full(count, value, np.int64)
