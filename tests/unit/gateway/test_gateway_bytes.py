"""The HTTP door of a gateway against what is no request: slow, oversized, cut off, or any bytes at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodes.gateway.settings import GatewaySettings
from tests.gateway_kit import TOKENS, make_folder, over_http

SETTINGS = GatewaySettings(
    plain_http=True, request_s=0.5, head_bytes_max=4_096, body_bytes_max=10_000, connections_max=8
)
SOUND = (
    f"POST /v1/settlement/claim HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {TOKENS['desk']}\r\n"
    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
).encode()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with over_http(make_folder(tmp_path_factory.mktemp("bytes") / "run"), SETTINGS) as served_at:
        yield served_at


def _connect(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def _said(address: str, data: bytes) -> bytes:
    """What comes back until the connection is closed, or nothing more comes for a while."""
    with _connect(address) as connection:
        said = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                said += part
        except (ConnectionError, TimeoutError):
            pass
        return said


def _lives(address: str) -> bool:
    return httpx.get(f"{address}/health", timeout=10).status_code == 200


def test_a_sound_request_is_answered(address: str) -> None:
    assert _said(address, SOUND).startswith(b"HTTP/1.1 422 ")


@pytest.mark.parametrize(
    "begun", [b"", b"POST /v1/settlement/cl", SOUND[:-1]], ids=["nothing", "half a head", "half a body"]
)
def test_a_slow_client_is_let_go(address: str, begun: bytes) -> None:
    with _connect(address) as connection:
        connection.sendall(begun)
        began_s = time.monotonic()
        said = connection.recv(65_536)
        assert 0.3 < time.monotonic() - began_s < 8
        assert said == b"" or said.startswith(b"HTTP/1.1 408 ")
    assert _lives(address)


def test_a_head_that_is_too_long_is_let_go(address: str) -> None:
    said = _said(address, b"GET /health HTTP/1.1\r\nHost: here\r\nX-Long: " + b"x" * 20_000)
    assert said == b"" or said.startswith(b"HTTP/1.1 4")
    assert _lives(address)


def test_more_connections_than_there_may_be_are_closed_at_once(address: str) -> None:
    held = [_connect(address) for _ in range(SETTINGS.connections_max)]
    try:
        time.sleep(0.1)
        with _connect(address) as more:
            assert more.recv(1) == b""
    except ConnectionError:
        pass  # closed before anything was read of it: at once, too
    finally:
        for each in held:
            each.close()
    time.sleep(0.1)
    assert _lives(address)


def _mangled() -> st.SearchStrategy[bytes]:
    """Any bytes; and a sound request cut, doubled, or with some bytes in it that are others."""
    cut = st.integers(0, len(SOUND)).map(lambda at: SOUND[:at])
    flips = st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=6)
    bodies = st.binary(max_size=300).map(
        lambda body: SOUND[:-3].replace(b"Length: 2", b"Length: %d" % len(body)) + b"\r\n" + body
    )
    return st.one_of(st.binary(max_size=400), cut, flips.map(_flipped), bodies, cut.map(lambda half: SOUND + half))


def _with_body(body: bytes) -> bytes:
    return SOUND[:-2].replace(b"Length: 2", b"Length: %d" % len(body)) + body


def _flipped(flips: list[tuple[int, int]]) -> bytes:
    made = bytearray(SOUND)
    for at, value in flips:
        made[at] = value
    return bytes(made)


def _holds(address: str, data: bytes) -> None:
    said = _said(address, data)
    assert said == b"" or said.startswith(b"HTTP/1."), said[:80]
    assert b"HTTP/1.1 5" not in said


@given(data=_mangled())
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_any_bytes_are_answered_or_closed(address: str, data: bytes) -> None:
    _holds(address, data)


@pytest.mark.nightly
@given(data=_mangled())
@settings(max_examples=3_000, suppress_health_check=list(HealthCheck))
def test_many_more_bytes_are_answered_or_closed(address: str, data: bytes) -> None:
    _holds(address, data)


@pytest.fixture(autouse=True)
def _still_alive(address: str) -> Iterator[None]:
    yield
    assert _lives(address)
