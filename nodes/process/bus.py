"""The bus: frames over MQTT, at most once. It may lose, repeat and reorder; the machines re-send what matters.

`nodes/broker/topics.py` says which topics there are. Several frames travel in one payload: a MessagePack array of bin.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import aiomqtt
import msgspec

from consortium.core.grouping import group_by_size
from consortium.core.membership import NodeId
from nodes.broker.address import BrokerAddress
from nodes.broker.topics import Topics, topic_root
from nodes.errors import UserError
from nodes.process import bus_tls
from nodes.process.bus_limits import COALESCED_BYTES_MAX, FRAMES_MAX, PAYLOAD_BYTES_MAX
from nodes.process.bus_tls import Alerts, BusTls, meaning
from nodes.process.costs import Costs
from nodes.process.loopback import Loopback

TOPICS_MAX = 256  # in one subscription
JUNK_BYTES = 1_000  # of a payload that is none of ours so many count as one frame that cannot be read
UNSENT_PACKETS_MAX = 4_096  # held while the broker does not read
KEEPALIVE_S = 20
ASKED_S = 600.0  # a flooded broker may answer late that it stopped to deliver
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


def _number(code: Any) -> int:
    """Of what the broker granted: a number, or a paho `ReasonCode` around it."""
    number: int = getattr(code, "value", code)
    return number


class Bus:
    """One node's connection. `run` keeps it up until cancelled; nothing that happens to the broker raises.

    `others`: the members that it listens to, each on topics of its own, so that it can stop listening to one.
    `on_frames(sender, frames)` is called at once in the event loop; it must be quick and must not raise.
    `is_known(sender, payload)` is asked before: what came by another broker is not handed on again."""

    def __init__(
        self,
        address: BrokerAddress,
        chain: bytes,
        name: NodeId,
        others: Collection[NodeId],
        on_frames: Callable[[NodeId, list[bytes]], None],
        on_state: Callable[[bool], None],
        costs: Costs | None = None,
        *,
        is_known: Callable[[NodeId, bytes], bool] | None = None,
    ) -> None:
        self.address = address
        self._tls = None if address.tls is None else BusTls(address.tls)
        self._names = Topics(topic_root(chain))
        self._name = name
        self._is_known = is_known
        self._left_s = 0.0  # for so long this broker is left alone
        self._heard = {other: True for other in others if other != name}  # False: it is shut out
        self._on_frames = on_frames
        self._on_state = on_state
        self._costs = costs or Costs()
        self._paho: Any = None
        self._descriptor = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connected: aiomqtt.Client | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._topics: dict[NodeId | None, str] = {None: self._names.to_all(name)}
        self._loopback = Loopback(self._publish_to_itself, has_others=bool(self._heard))
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
                    if self._tls is not None:
                        self._tls.check_server(client)
                    await self._subscribe(client)
                    wait_s, told = BACKOFF_FIRST_S, False
                    self._up(client)
                    async for _ in client.messages:  # none come: `Delivery` handed them on; ends with the connection
                        pass
            except (aiomqtt.MqttError, OSError, ValueError, UserError) as error:
                if not told:
                    _log.warning(
                        "no broker at %s (%s); trying again until it is back", self.address, meaning(str(error))
                    )
                    told = True
            except asyncio.CancelledError:
                self._connected = None  # we are the ones who leave
                raise
            finally:
                self._down()
            await asyncio.sleep(max(wait_s, self._left_s))
            self._left_s = 0.0
            wait_s = min(wait_s * 2, BACKOFF_MAX_S)

    def _client(self) -> aiomqtt.Client:
        bus = self

        class Delivery(asyncio.Queue[aiomqtt.Message]):
            """Not a queue at all: aiomqtt's hook that hands each message on at once."""

            def put_nowait(self, item: aiomqtt.Message) -> None:
                bus._deliver(item)

        alerts = None if self._tls is None else Alerts()
        client = aiomqtt.Client(
            self.address.host,
            self.address.port,
            username=self.address.user or None,
            password=self.address.password or None,
            identifier=f"{self._name}-{secrets.token_hex(16)}",
            queue_type=Delivery,
            keepalive=KEEPALIVE_S,
            timeout=10,
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            tls_context=None if self._tls is None else self._tls.context(),
            logger=alerts,
        )
        if alerts is not None:
            alerts.watch(client)
        return client

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        heard = [topic for other, is_heard in self._heard.items() if is_heard for topic in self._topics_of(other)]
        topics = [*heard, *self._topics_of(self._name)[1:]]
        for first in range(0, len(topics), TOPICS_MAX):
            some = topics[first : first + TOPICS_MAX]
            granted = await client.subscribe([(topic, 0) for topic in some])
            for topic, code in zip(some, granted, strict=True):
                if _number(code) >= 0x80:
                    raise aiomqtt.MqttError(f"the broker's rules forbid {self._name} to subscribe to {topic}")

    def _topics_of(self, publisher: NodeId) -> tuple[str, str]:
        return self._names.to_all(publisher), self._names.to_one(self._name, publisher)

    # --- whom we listen to --------------------------------------------------------------------------------------

    def shut_out(self, publisher: NodeId, for_s: float) -> None:
        """Listen to nothing of this publisher for so long: the broker is told not to deliver it."""
        if self._heard.get(publisher) and self._loop is not None:
            self._heard[publisher] = False
            self._loop.call_later(for_s, self._listen_again, publisher)
            self._ask_broker(lambda client: client.unsubscribe(list(self._topics_of(publisher)), timeout=ASKED_S))

    def _listen_again(self, publisher: NodeId) -> None:
        self._heard[publisher] = True
        self._ask_broker(
            lambda client: client.subscribe([(topic, 0) for topic in self._topics_of(publisher)], timeout=ASKED_S)
        )

    def _ask_broker(self, ask: Callable[[aiomqtt.Client], Awaitable[object]]) -> None:
        """Unless it is away: then the next subscription says it."""
        client, loop = self._connected, self._loop
        if client is None or loop is None:
            return

        async def asked() -> None:
            with contextlib.suppress(aiomqtt.MqttError):  # the connection is lost: it subscribes anew when it is back
                await ask(client)

        task = loop.create_task(asked())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        loop.call_soon(self._write_rest)  # when the task has asked

    def leave(self, for_s: float) -> None:
        """End the connection, and come back after so long."""
        self._left_s = for_s
        if self._connected is not None:
            self._connected._client.disconnect()

    # --- in and out ---------------------------------------------------------------------------------------------

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
        self._connected = client
        self._loopback.up(time.monotonic())
        self._on_state(True)
        self._look_later(client)

    def _look_later(self, client: aiomqtt.Client) -> None:
        if self._tls is not None and self._loop is not None:
            look_s = bus_tls.LOOK_S * random.uniform(0.5, 1.5)  # connections to several brokers are not renewed at once
            self._loop.call_later(look_s, self._look, client)

    def _look(self, client: aiomqtt.Client) -> None:
        """A renewed certificate is taken up by a new connection."""
        if client is not self._connected or self._tls is None:
            return
        if self._tls.is_renewed():
            _log.info("this node's certificate was renewed: connecting to %s with it", self.address)
            client._client.disconnect()
        else:
            self._look_later(client)

    def _down(self) -> None:
        was_up = self.is_up
        self._stop_writing()
        self._paho = self._connected = None
        if was_up:
            self._loopback.down()
            _log.warning("the broker at %s is gone; reconnecting", self.address)
            self._on_state(False)

    def _deliver(self, message: aiomqtt.Message) -> None:
        sender, payload = message.topic.value.rsplit("/", 1)[-1], message.payload
        if sender == self._name and isinstance(payload, bytes):
            self._loopback.came_back(time.monotonic(), payload)
        if not self._heard.get(sender) or self._left_s:
            return  # ourselves; or shut out, or the broker is left, and it was on its way; or no member
        self._loopback.heard(time.monotonic())
        if self._is_known is not None and isinstance(payload, bytes) and self._is_known(sender, payload):
            return
        frames = unpack_frames(payload) if isinstance(payload, bytes) else None
        if frames is None:
            frames = [b""] * max(1, len(payload) // JUNK_BYTES)
            self.malformed += 1
            if self.malformed & (self.malformed - 1) == 0:
                _log.warning(
                    "%d payloads on the bus so far were none of ours, the last by %.64s", self.malformed, sender
                )
        self._on_frames(sender, frames)

    def publish(self, to: NodeId | None, frames: Sequence[bytes]) -> None:
        """Send at once, at most once. While the broker is away the frames are lost (and counted)."""
        begun = self._costs.clock()
        for payload in pack_frames(frames):
            if not self.send(to, payload):
                self.unsent += 1
                if self.unsent & (self.unsent - 1) == 0:
                    _log.warning("%d payloads could not be handed to the broker so far", self.unsent)
        self._costs.add("bus", self._costs.clock() - begun)

    def send(self, to: NodeId | None, payload: bytes) -> bool:
        """What `pack_frames` made, at once, at most once; False where the broker is away or does not read."""
        topic = self._topics.get(to)
        if topic is None:
            topic = self._topics[to] = self._names.to_one(to or "", self._name)
        return self._publish(topic, payload)

    @property
    def is_up(self) -> bool:
        """Whether a broker has accepted us, and our subscriptions."""
        return self._connected is not None

    @property
    def state(self) -> str:
        return "up" if self.is_up else "down"

    @property
    def trouble(self) -> str:
        """What to note where `diagnosis` has something to say."""
        return "deaf"

    def begin(self) -> None:
        """The run has begun: until now nobody had anything to say."""
        self._loopback.heard(time.monotonic())

    def diagnosis(self) -> str:
        """A sentence where the broker does not deliver, each time that there is something new to say; else empty."""
        return self._loopback.look(time.monotonic(), is_up=self.is_up)

    def _publish_to_itself(self, payload: bytes) -> None:
        self._publish(self._names.to_one(self._name, self._name), payload)

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

    def _write_rest(self) -> None:
        paho = self._paho
        if paho is not None and paho.socket() is not None and paho.want_write():
            self._write_when_possible()

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
