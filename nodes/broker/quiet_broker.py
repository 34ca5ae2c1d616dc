"""amqtt as it serves a consortium: at most once, nothing retained, one packet for all who hear it."""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter, deque
from typing import Any

from nodes.process.bus_limits import PAYLOAD_BYTES_MAX

warnings.filterwarnings("ignore", category=DeprecationWarning)

from amqtt.broker import Broker  # type: ignore[import-untyped]  # noqa: E402
from amqtt.contexts import Action  # type: ignore[import-untyped]  # noqa: E402
from amqtt.mqtt.publish import PublishPacket  # type: ignore[import-untyped]  # noqa: E402
from amqtt.session import Session  # type: ignore[import-untyped]  # noqa: E402

UNREAD_BYTES_MAX = 4_000_000  # in the socket's buffer of one receiver


class QuietBroker(Broker):  # type: ignore[misc]
    """amqtt, without three things: retained messages (they leak to other subscribers), three tasks for each delivery
    to ask a plugin what was settled when the receiver subscribed, and a task and a packet of its own for each
    receiver. All is at most once here, so a message is encoded once and written to whoever reads; a publisher does
    not hear itself, but for what it sends to itself by name."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.payload_bytes_max = PAYLOAD_BYTES_MAX
        self._in_line: Counter[Any] = Counter()  # by receiver's handler: messages that wait for it to read

    async def retain_message(self, *arguments: Any, **named: Any) -> None:
        return None

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        if action == Action.RECEIVE:
            return True
        return bool(await super()._topic_filtering(session, topic, action))

    async def _run_broadcast(self, running_tasks: deque[asyncio.Task[Any]]) -> None:
        """Everything that waits, to all who subscribed."""
        broadcast = await self._broadcast_queue.get()
        while True:
            self._deliver(broadcast, running_tasks)
            if self._broadcast_queue.empty():
                return
            broadcast = self._broadcast_queue.get_nowait()

    def _deliver(self, broadcast: dict[str, Any], running_tasks: deque[asyncio.Task[Any]]) -> None:
        topic, data, publisher = broadcast["topic"], broadcast["data"], broadcast["session"]
        if len(data) > self.payload_bytes_max:
            return  # no node would read it
        sender = None if publisher is None else publisher.username
        packet = PublishPacket.build(topic, data, None, False, 0, False).to_bytes()
        for topic_filter in (topic, topic.rpartition("/")[0] + "/+"):  # our rules permit no other to subscribe to
            for session, _ in self._subscriptions.get(topic_filter, ()):
                is_echo = session.username == sender and not topic.endswith(f"/to/{sender}/{sender}")
                if is_echo or session.transitions.state != "connected":
                    continue
                handler = self._get_handler(session)
                if handler is None or handler.writer is None:
                    continue
                unread_bytes = handler.writer._writer.transport.get_write_buffer_size()
                if unread_bytes > UNREAD_BYTES_MAX or handler in self._in_line:
                    running_tasks.append(self._queue_for(handler, topic, data))
                else:
                    handler.writer.write(packet)

    def _queue_for(self, handler: Any, topic: str, data: bytes) -> asyncio.Task[Any]:
        """For a reader that is slow, as amqtt does it: each message waits for the one before it to be written."""
        task: asyncio.Task[Any] = asyncio.ensure_future(handler.mqtt_publish(topic, data, 0, retain=False))
        self._in_line[handler] += 1

        def done(_: asyncio.Task[Any]) -> None:
            self._in_line[handler] -= 1
            if not self._in_line[handler]:
                del self._in_line[handler]

        task.add_done_callback(done)
        return task
