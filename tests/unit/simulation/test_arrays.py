"""What is drawn together is what the streams draw one by one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from consortium.scenario.network.distributions import draw_us
from consortium.scenario.network.model import NetworkModel, is_plain
from consortium.scenario.scenario import Link, Network
from consortium.scenario.streams import Stream
from consortium.simulation.bus.arrays import (
    Bucket,
    draw_ahead,
    draw_delays,
    first_states,
    joined_rows,
    moved_on,
    split,
    with_slot,
)

LINKS = (
    Link("constant", 7),
    Link("normal", 250_000, 50_000),
    Link("normal", 100, 400),
    Link("normal", 5, 0),
    Link("lognormal", 30_000, 90_000),
    Link("lognormal", 30_000, 0),
    Link("lognormal", 3_000_000_000, 1_000_000_000),
)


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_delays_drawn_together_are_those_of_the_streams(link: Link) -> None:
    names = [f"n{place}" for place in range(400)]
    states = first_states(11, "me", names)
    streams = [Stream(11, "network", "me", name) for name in names]
    for _ in range(25):
        drawn = draw_delays(link, states).tolist()
        assert drawn == [draw_us(link, stream) for stream in streams]
    assert states.tolist() == [stream.state for stream in streams]


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_delays_drawn_ahead_are_those_that_would_be_drawn_one_broadcast_after_another(link: Link) -> None:
    states = first_states(11, "me", [f"n{place}" for place in range(100)])
    before, ahead = states.copy(), joined_rows([draw_ahead(link, states, 7)], 7)
    assert (states == before).all(), "drawing ahead moves nothing"
    for row in range(7):
        assert (moved_on(link, before, row) == states).all()
        assert ahead[row].tolist() == draw_delays(link, states).tolist()


def test_a_delay_near_the_middle_of_two_microseconds_is_drawn_by_the_stream_itself() -> None:
    """Deviation 1: a microsecond is whole, so one delay in 5,000 lies within the guard; all must agree."""
    link = Link("normal", 1_000, 1)
    states = np.arange(1, 40_001, dtype=np.uint64) * np.uint64(977)
    expected = [draw_us(link, Stream.at(state)) for state in states.tolist()]
    assert draw_delays(link, states).tolist() == expected


def test_only_links_that_merely_delay_are_plain() -> None:
    assert all(is_plain(link) for link in LINKS)
    for fields in ({"loss_ppm": 1}, {"duplicate_ppm": 1}, {"reorder_ppm": 1, "reorder_us": 5}):
        assert not is_plain(Link("normal", 10, 2, **fields))  # type: ignore[arg-type]


def test_deliveries_come_out_of_buckets_by_time_then_by_the_order_of_sending() -> None:
    sent = [([500, 20, 20, 999], [0, 1, 2, 3]), ([20, 999, 21], [1, 2, 3])]
    buckets: dict[int, Bucket] = {}
    for base, (times, places) in enumerate(sent):
        for number, keys in split(np.array(times, np.int64), np.array(places, np.int64), 4):
            bucket = buckets.setdefault(number, Bucket())
            bucket.parts.append(with_slot(keys, len(bucket.broadcasts)))
            bucket.broadcasts.append(SimpleNamespace(base=base))
    out = [each for number in sorted(buckets) for each in buckets[number].opened(number << 4)]
    assert [(time, place) for time, place, _ in out] == [
        (20, 1), (20, 2), (20, 1), (21, 3), (500, 0), (999, 3), (999, 2),
    ]  # fmt: skip
    assert split(np.empty(0, np.int64), np.empty(0, np.int64), 4) == []
    late = Bucket()
    for base in (7, 3):  # laid out in another order than they were sent in
        keys = split(np.array([20, 21], np.int64), np.array([1, 2], np.int64), 5)[0][1]
        late.parts.append(with_slot(keys, len(late.broadcasts)))
        late.broadcasts.append(SimpleNamespace(base=base))
    runs = [(time, late.broadcasts[slot].base) for time, _, slot in late.opened(0)]
    assert runs == [(20, 3), (20, 7), (21, 3), (21, 7)]


def test_a_fault_on_one_link_does_not_reshuffle_the_others() -> None:
    """Streams are per link: the delays of all others are the same with and without it, and its own go on after it."""
    quiet, lossy = (NetworkModel(Network(Link("normal", 9_000, 900)), 5) for _ in range(2))
    lossy.change(("a>b",), {"loss_ppm": 500_000})
    names = "abcd"
    pairs = [(one, other) for one in names for other in names if one != other]
    drawn = [{pair: [model.link(*pair).delays_us() for _ in range(50)] for pair in pairs} for model in (quiet, lossy)]
    assert [pair for pair in pairs if drawn[0][pair] != drawn[1][pair]] == [("a", "b")]
