"""Frames that wait are bounded and served by publisher, and whoever sends far more than its share is shut out."""

from __future__ import annotations

from consortium.core.machine import Note
from consortium.node.fair_queues import FRAME_COST_BYTES, TURN_BYTES, FairQueues
from consortium.node.inbox import Inbox, Share
from consortium.node.publishers import SECOND_US, SHUT_OUT_US


def drained(queues: FairQueues[bytes]) -> list[bytes]:
    return [queues.take()[1] for _ in range(len(queues))]


def test_one_publisher_alone_is_served_first_in_first_out_and_loses_its_oldest() -> None:
    queues = FairQueues[bytes](frames_max=3, bytes_max=10 + 3 * FRAME_COST_BYTES)
    for frame in (b"a", b"b", b"c", b"d"):
        queues.add("you", frame, len(frame))
    assert (queues.dropped, queues.take()) == (1, ("you", b"b"))
    queues.add("you", b"0123456", 7)
    queues.add("you", b"xx", 2)
    assert queues.dropped == 2 and drained(queues) == [b"d", b"0123456", b"xx"]
    assert queues.bytes == 0


def test_a_flood_of_one_publisher_pushes_out_its_own_frames_alone() -> None:
    """Regression: one queue held all, and 13 payloads of 4,096 empty frames pushed out everybody else's."""
    queues = FairQueues[bytes]()
    queues.add("honest", b"a vote", 6)
    for _ in range(60_000):
        queues.add("flood", b"", 0)
    queues.add("other", b"a vote", 6)
    served = [queues.take() for _ in range(3 * (TURN_BYTES // FRAME_COST_BYTES))]
    assert ("honest", b"a vote") in served and ("other", b"a vote") in served
    assert queues.dropped > 50_000


def test_turns_are_shared_by_bytes_so_that_large_frames_wait_longer() -> None:
    queues = FairQueues[bytes]()
    for _ in range(400):
        queues.add("large", bytes(20_000), 20_000)
        queues.add("small", bytes(100), 100)
    first = [queues.take()[0] for _ in range(400)]
    assert first.count("small") > 350, "as many bytes as the few large ones took"
    assert first.count("large") >= 3, "and these were not starved"


def test_all_publishers_together_are_bounded_at_the_cost_of_whoever_holds_most() -> None:
    queues = FairQueues[bytes](all_bytes_max=100_000)
    queues.add("honest", b"x", 1)
    for number in range(40):
        queues.add(f"traitor {number % 4}", bytes(10_000), 10_000)
    assert queues.bytes <= 100_000
    assert "honest" in [queues.take()[0] for _ in range(len(queues))]


def test_a_frame_larger_than_the_bound_is_held_alone() -> None:
    queues = FairQueues[bytes](bytes_max=1_000)
    for size in (10, 5_000):
        queues.add("you", bytes(size), size)
    assert [len(frame) for frame in drained(queues)] == [5_000]


def some(count: int, size: int = 5) -> list[tuple[bytes, int]]:
    return [(b"", size)] * count


def test_whoever_sends_far_more_than_its_share_is_shut_out_for_the_stated_time() -> None:
    inbox = Inbox[bytes](Share(frames=100))
    assert inbox.add(0, "you", some(90)) is None
    assert inbox.add(1, "flood", some(100)) is None and len(inbox) == 190
    note = inbox.add(2, "flood", some(261))
    assert isinstance(note, Note) and note.kind == "shut_out" and "361 frames" in note.fields["why"]
    assert note.fields["publisher"] == "flood" and note.fields["for_us"] == SHUT_OUT_US
    assert len(inbox) == 90, "what waited of it is let go"
    assert inbox.is_shut_out(2, "flood") and not inbox.is_shut_out(2, "you")
    assert inbox.is_shut_out(1 + SHUT_OUT_US, "flood") and not inbox.is_shut_out(2 + SHUT_OUT_US, "flood")
    assert inbox.add(3 + SHUT_OUT_US, "flood", some(5)) is None


def test_nobody_is_shut_out_where_the_others_send_about_as_much() -> None:
    """As after a pause: all that was said meanwhile arrives at one moment, of everybody."""
    inbox = Inbox[bytes](Share(frames=100))
    for name, count in (("a", 80), ("b", 200), ("c", 300), ("leader", 310)):
        assert inbox.add(0, name, some(count)) is None, name


def test_bytes_count_like_frames_and_each_second_anew() -> None:
    inbox = Inbox[bytes](Share(bytes=1_000))
    for second in range(5):
        assert inbox.add(second * SECOND_US, "you", some(1, 900)) is None
    note = inbox.add(4 * SECOND_US + 1, "you", some(1, 900))
    assert note is not None and "1800 bytes" in note.fields["why"]
