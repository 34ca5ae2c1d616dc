"""The bus: frames over MQTT, at most once. It may lose, repeat and reorder; the machines re-send what matters.

`nodes/broker/topics.py` says which topics there are. Several frames travel in one payload: a MessagePack array of bin.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Any

import aiomqtt
import msgspec

from consortium.core.grouping import group_by_size
from consortium.core.membership import NodeId
from consortium.core.messages import FRAME_BYTES_MAX
from nodes.broker.address import BrokerAddress
from nodes.broker.topics import Topics, topic_root
from nodes.process.costs import Costs

COALESCED_BYTES_MAX = 4_000_000
FRAMES_MAX = 4_096  # in one payload
PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX + 1_024
UNSENT_PACKETS_MAX = 4_096  # held while the broker does not read
KEEPALIVE_S = 20
BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.05, 2.0

_log = logging.getLogger("bus")
_FRAMES = msgspec.msgpack.Decoder(list[bytes])
_encode = msgspec.msgpack.Encoder().encode


def pack_frames(frames: Sequence[bytes]) -> list[bytes]:
    """The payloads that carry these frames, in order, none above the limits unless one frame alone is."""
    return [_encode(group) for group in group_by_size(frames, COALESCED_BYTES_MAX, FRAMES_MAX)]


def unpack_frames(payload: bytes) -> list[bytes] | None:
    """The frames of a payload; None if it is none of ours. Bytes and count are bounded before parsing."""
    if not 1 <= len(payload) <= PAYLOAD_BYTES_MAX:
        return None
    first = payload[0]
    if first & 0xF0 == 0x90:
        count = first & 0x0F
    elif first == 0xDC:
        count = int.from_bytes(payload[1:3], "big")
    else:
        return None
    if count > FRAMES_MAX:
        return None
    try:
        return _FRAMES.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


class Bus:
    """One node's connection. `run` keeps it up until cancelled; nothing that happens to the broker raises.

    `on_frames(sender, frames)` is called at once in the event loop; it must be quick and must not raise."""

    def __init__(
        self,
        address: BrokerAddress,
        chain: bytes,
        name: NodeId,
        on_frames: Callable[[NodeId, list[bytes]], None],
        on_state: Callable[[bool], None],
        costs: Costs | None = None,
    ) -> None:
        self._address = address
        self._names = Topics(topic_root(chain))
        self._name = name
        self._on_frames = on_frames
        self._on_state = on_state
        self._costs = costs or Costs()
        self._paho: Any = None
        self._descriptor = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._topics: dict[NodeId | None, str] = {None: self._names.to_all(name)}
        self.is_up = False
        self.unsent = 0  # payloads dropped because the broker was away or did not read
        self.malformed = 0

    async def run(self) -> None:
        """Connect, subscribe, stay; again with back-off after every loss."""
        self._loop = asyncio.get_running_loop()
        wait_s = BACKOFF_FIRST_S
        told = False
        while True:
            try:
                async with self._client() as client:
                    await self._subscribe(client)
                    wait_s, told = BACKOFF_FIRST_S, False
                    self._up(client)
                    async for _ in client.messages:  # none come: `Delivery` handed them on; ends with the connection
                        pass
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                if not told:
                    _log.warning("no broker at %s (%s); trying again until it is back", self._address, error)
                    told = True
            except asyncio.CancelledError:
                self.is_up = False  # we are the ones who leave
                raise
            finally:
                self._down()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, BACKOFF_MAX_S)

    def _client(self) -> aiomqtt.Client:
        bus = self

        class Delivery(asyncio.Queue[aiomqtt.Message]):
            """Not a queue at all: aiomqtt's hook that hands each message on at once."""

            def put_nowait(self, item: aiomqtt.Message) -> None:
                bus._deliver(item)

        return aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=self._address.user or None,
            password=self._address.password or None,
            identifier=f"{self._name}-{secrets.token_hex(4)}",
            queue_type=Delivery,
            keepalive=KEEPALIVE_S,
            timeout=10,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        )

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        for topic in self._names.heard_by(self._name):
            granted = await client.subscribe(topic, qos=0)
            if any(isinstance(code, int) and code >= 0x80 for code in granted):
                raise aiomqtt.MqttError(f"the broker's rules forbid {self._name} to subscribe to {topic}")

    def _up(self, client: aiomqtt.Client) -> None:
        """From here on we write at once in `publish`, not two turns of the loop later as aiomqtt does."""
        paho = client._client
        paho.on_socket_register_write = None
        read, clock, costs = paho.loop_read, self._costs.clock, self._costs

        def timed_read() -> Any:
            begun = clock()
            try:
                return read()
            finally:
                costs.add("bus", clock() - begun)

        def on_close(*arguments: Any) -> None:
            self._stop_writing()
            client._on_socket_close(*arguments)

        paho.loop_read = timed_read  # type: ignore[method-assign,assignment]
        paho.on_socket_close = on_close
        sock = paho.socket()
        self._paho, self._descriptor = paho, -1 if sock is None else sock.fileno()
        self.is_up = True
        self._on_state(True)

    def _down(self) -> None:
        was_up, self.is_up = self.is_up, False
        self._stop_writing()
        self._paho = None
        if was_up:
            _log.warning("the broker at %s is gone; reconnecting", self._address)
            self._on_state(False)

    def _deliver(self, message: aiomqtt.Message) -> None:
        sender = message.topic.value.rsplit("/", 1)[-1]
        if sender == self._name:
            return  # our own broadcast: the host has looped it back already
        payload = message.payload
        frames = unpack_frames(payload) if isinstance(payload, bytes) else None
        if frames is None:
            self.malformed += 1
            if self.malformed & (self.malformed - 1) == 0:
                _log.warning(
                    "%d payloads on the bus so far were none of ours, the last by %.64s", self.malformed, sender
                )
            return
        self._on_frames(sender, frames)

    def publish(self, to: NodeId | None, frames: Sequence[bytes]) -> None:
        """Send at once, at most once. While the broker is away the frames are lost (and counted)."""
        begun = self._costs.clock()
        topic = self._topics.get(to)
        if topic is None:
            topic = self._topics[to] = self._names.to_one(to or "", self._name)
        for payload in pack_frames(frames):
            if not self._publish(topic, payload):
                self.unsent += 1
                if self.unsent & (self.unsent - 1) == 0:
                    _log.warning("%d payloads could not be handed to the broker so far", self.unsent)
        self._costs.add("bus", self._costs.clock() - begun)

    def _publish(self, topic: str, payload: bytes) -> bool:
        paho = self._paho
        if paho is None or len(paho._out_packet) > UNSENT_PACKETS_MAX:
            return False
        try:
            sent = bool(paho.publish(topic, payload, 0).rc == 0)
        except (ValueError, OSError, RuntimeError):
            return False
        if sent and paho.want_write():
            self._write_when_possible()
        return sent

    def _write_when_possible(self) -> None:
        """The socket is full: go on when it drains."""
        paho, descriptor = self._paho, self._descriptor
        if self._loop is None or descriptor < 0:
            return

        def write() -> None:
            try:
                paho.loop_write()
                is_left = paho is self._paho and paho.want_write()
            except (OSError, ValueError, RuntimeError):
                is_left = False
            if not is_left:
                self._stop_writing()

        self._loop.add_writer(descriptor, write)

    def _stop_writing(self) -> None:
        if self._loop is not None and self._descriptor >= 0:
            with contextlib.suppress(ValueError, OSError):
                self._loop.remove_writer(self._descriptor)
