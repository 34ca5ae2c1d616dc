"""A node finds out whether the broker delivers, and says once what is most likely wrong."""

from __future__ import annotations

import pytest

from nodes.process.loopback import AGAIN_S, DEAF_S, LOST_MAX, PING_S, SIZES, Loopback


class Broker:
    """Gives back what is at most `limit` bytes long; `is_cutting`: closes the connection over what is longer."""

    def __init__(self, limit: int, *, is_cutting: bool = False, has_others: bool = True) -> None:
        self.limit = limit
        self.is_cutting = is_cutting
        self.sent: list[int] = []
        self.is_up = True
        self.on_its_way: list[bytes] = []
        self.loopback = Loopback(self.take, has_others=has_others)

    def take(self, payload: bytes) -> None:
        self.sent.append(len(payload))
        if len(payload) <= self.limit:
            self.on_its_way.append(payload)
        elif self.is_cutting:
            self.is_up = False

    def live(self, until_s: float, *, others_every_s: float = 1e9) -> list[str]:
        """Ten looks a second; what was said."""
        said, heard_s = [], 0.0
        self.loopback.up(0.0)
        for tick in range(int(until_s * 10)):
            now_s = tick / 10
            if not self.is_up:
                self.loopback.down()
                self.is_up = True
                self.loopback.up(now_s)
            waiting, self.on_its_way = self.on_its_way, []
            for payload in waiting:
                self.loopback.came_back(now_s, payload)
            if now_s - heard_s >= others_every_s:
                heard_s = now_s
                self.loopback.heard(now_s)
            said.append(self.loopback.look(now_s, is_up=self.is_up))
        return [words for words in said if words]


def test_where_the_broker_delivers_and_others_are_heard_nothing_is_said() -> None:
    broker = Broker(1 << 30)
    assert broker.live(200, others_every_s=10) == []
    assert broker.sent == list(SIZES), "each ping once"


def test_a_broker_that_delivers_nothing_is_named_with_its_topic_rules() -> None:
    broker = Broker(0)
    (words,) = broker.live(60, others_every_s=10)
    assert "delivers nothing" in words and "topic rules" in words
    assert len(broker.sent) <= PING_S / AGAIN_S + 1, "and it is not asked for ever"


@pytest.mark.parametrize(("is_cutting", "does"), [(False, "has swallowed"), (True, "closes the connection over")])
def test_a_limit_of_payloads_is_found_between_two_sizes(is_cutting: bool, does: str) -> None:
    broker = Broker(10_000, is_cutting=is_cutting)
    (words,) = broker.live(60, others_every_s=10)
    assert "delivers 4096 bytes" in words and f"{does} 65536" in words and "message_size_limit" in words
    assert not is_cutting or broker.sent.count(65_536) == LOST_MAX, "it is not sent again and again"


def test_who_hears_nobody_says_so_and_a_consortium_of_one_does_not() -> None:
    broker = Broker(1 << 30)
    assert broker.live(DEAF_S - 1) == []
    (words,) = broker.live(2 * DEAF_S)
    assert "nobody was heard" in words
    assert Broker(1 << 30, has_others=False).live(3 * DEAF_S) == []
