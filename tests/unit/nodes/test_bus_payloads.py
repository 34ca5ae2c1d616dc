"""What travels in one payload, and what is refused before it is parsed."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.broker.address import BrokerAddress, parse_address
from nodes.broker.topics import Topics
from nodes.errors import UserError
from nodes.process.bus import pack_frames, unpack_frames
from nodes.process.bus_limits import COALESCED_BYTES_MAX, FRAMES_MAX


@given(st.lists(st.binary(max_size=100), min_size=1, max_size=50))
def test_frames_come_out_as_they_went_in(frames: list[bytes]) -> None:
    assert [frame for payload in pack_frames(frames) for frame in unpack_frames(payload) or ()] == frames


def test_large_and_many_frames_are_split_in_order() -> None:
    frames = [bytes([index]) * 1_500_000 for index in range(5)]
    payloads = pack_frames(frames)
    assert [len(unpack_frames(payload) or ()) for payload in payloads] == [2, 2, 1]
    assert all(len(payload) <= COALESCED_BYTES_MAX + 100 for payload in payloads)
    assert len(pack_frames([b"x"] * (FRAMES_MAX + 1))) == 2
    alone = pack_frames([bytes(COALESCED_BYTES_MAX * 2)])
    assert len(alone) == 1 and unpack_frames(alone[0]) is not None


@given(st.binary(max_size=200))
def test_no_bytes_make_unpacking_raise(payload: bytes) -> None:
    unpack_frames(payload)


def test_too_many_frames_are_refused_before_parsing() -> None:
    encode = msgspec.msgpack.encode
    assert unpack_frames(encode([b""] * FRAMES_MAX)) is not None
    assert unpack_frames(encode([b""] * (FRAMES_MAX + 1))) is None
    assert unpack_frames(b"\xdd\x00\x00\x00\x01\xc4\x00") is None, "a 32-bit count is never ours"
    assert (
        unpack_frames(b"") is None
        and unpack_frames(encode({"a": 1})) is None
        and unpack_frames(encode(["text"])) is None
    )


def test_a_node_may_publish_as_itself_only_and_hear_its_own_inbox_only() -> None:
    def may(user: str, action: str, topic: str) -> bool:
        return Topics("consortium/c").is_permitted(user, action, topic)

    assert may("a", "publish", "consortium/c/all/a") and may("a", "publish", "consortium/c/to/b/a")
    assert may("a", "subscribe", "consortium/c/all/+") and may("a", "subscribe", "consortium/c/to/a/+")
    for topic in ("all/b", "to/b/b", "to/a/b", "all/a/a", "to/b/c/a", "all", "", "x/all/a", "to/+/a", "all/#"):
        assert not may("a", "publish", f"consortium/c/{topic}"), topic
    assert not may("a", "publish", "other/all/a")
    for topic in ("to/b/+", "to/+/+", "#", "to/#", "all/#"):
        assert not may("a", "subscribe", f"consortium/c/{topic}"), topic
    assert not may("a", "subscribe", "#") and not may("a", "anything", "consortium/c/all/a")


def test_an_address_is_read_and_its_password_never_shown() -> None:
    address = parse_address("mqtt://me:s%40crt@bus.example:2883")
    assert address == BrokerAddress("bus.example", 2883, "me", "s@crt")
    assert "s@crt" not in str(address) and "bus.example:2883" in str(address)
    assert parse_address("mqtt://h") == BrokerAddress("h", 1883)
    for text in ("", "embeded", "http://h", "mqtt://", "mqtt://h:x", "mqtt://h:99999", "mqtt://h/path"):
        with pytest.raises(UserError, match="embedded"):
            parse_address(text)
