"""Of several brokers each payload is heard once, whatever one of them does with it."""

from __future__ import annotations

from nodes.process.repeats import HELD_MAX, SHARE, WINDOW_S, Repeats


def test_a_payload_is_heard_from_the_broker_that_is_first() -> None:
    repeats = Repeats()
    assert not repeats.is_repeat(0.0, "a", "broker-2", b"vote")
    assert repeats.is_repeat(0.001, "a", "broker-1", b"vote") and repeats.is_repeat(0.5, "a", "broker-3", b"vote")
    assert not repeats.is_repeat(0.002, "a", "broker-1", b"another")
    assert repeats.count == 2


def test_what_is_said_anew_is_heard_anew() -> None:
    repeats = Repeats()
    for now_s in (0.0, 0.25, 0.5):
        assert not repeats.is_repeat(now_s, "a", "broker-1", b"vote")
        assert repeats.is_repeat(now_s + 0.01, "a", "broker-2", b"vote")
    assert not repeats.is_repeat(0.5 + WINDOW_S, "a", "broker-2", b"vote"), "the first broker is dead by now"


def test_what_a_broker_shows_as_anothers_does_not_hide_the_true_one() -> None:
    repeats = Repeats()
    assert not repeats.is_repeat(0.0, "b", "hostile", b"vote of a")
    assert not repeats.is_repeat(0.1, "a", "broker-1", b"vote of a")


def test_a_publisher_that_floods_forgets_its_own_alone() -> None:
    repeats = Repeats()
    assert not repeats.is_repeat(0.0, "a", "broker-1", b"vote")
    for number in range(3 * HELD_MAX):
        repeats.is_repeat(0.0, "b", "broker-1", number.to_bytes(4, "big"))
    assert repeats.is_repeat(0.1, "a", "broker-2", b"vote")
    assert sum(map(len, repeats._held.values())) == 1 + HELD_MAX


def test_a_broker_that_brings_far_more_than_the_others_is_known() -> None:
    repeats = Repeats()
    calm = [repeats.is_flood(0.5, way, 100) for _ in range(2 * SHARE.frames) for way in ("broker-1", "broker-2")]
    assert not any(calm), "all are busy"
    repeats.is_flood(2.0, "broker-1", 100)
    floods = [repeats.is_flood(2.5, "broker-2", 100) for _ in range(SHARE.frames + 1)]
    assert floods.count(True) == 1 and floods[-1]
    assert not repeats.is_flood(3.0, "broker-2", 100), "in the next second it is asked again"
    assert repeats.is_flood(4.0, "broker-2", SHARE.bytes + 1)
