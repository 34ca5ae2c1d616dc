"""`python -m nodes.broker.broker_process SETTINGS`: the embedded broker, amqtt behind our passwords and topic rules."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import hmac
import logging
import signal
import sys
import warnings
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from nodes.broker.broker import EMBEDDED_IS_UP, LOOPBACK, EmbeddedSettings
from nodes.broker.topics import Topics
from nodes.conduct.child import adopt_parent
from nodes.errors import EXIT_USAGE, UserError
from nodes.process.bus_limits import PAYLOAD_BYTES_MAX
from nodes.process.keys import read_private

warnings.filterwarnings("ignore", category=DeprecationWarning)

from amqtt.broker import Broker  # type: ignore[import-untyped]  # noqa: E402
from amqtt.contexts import Action  # type: ignore[import-untyped]  # noqa: E402
from amqtt.errors import AMQTTError, BrokerError  # type: ignore[import-untyped]  # noqa: E402
from amqtt.mqtt.publish import PublishPacket  # type: ignore[import-untyped]  # noqa: E402
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin  # type: ignore[import-untyped]  # noqa: E402
from amqtt.session import Session  # type: ignore[import-untyped]  # noqa: E402

UNREAD_BYTES_MAX = 4_000_000  # in the socket's buffer of one receiver


class Passwords(BaseAuthPlugin):  # type: ignore[misc]
    """Every user has a password of its own; nobody is anonymous."""

    async def authenticate(self, *, session: Session) -> bool:
        users: dict[str, str] = self.config.users
        given = hashlib.sha256((session.password or "").encode()).hexdigest()
        known = users.get(session.username or "", "")
        return bool(known) and hmac.compare_digest(known, given)

    @dataclass
    class Config:
        users: dict[str, str] = field(default_factory=dict)


class TopicRules(BaseTopicPlugin):  # type: ignore[misc]
    """A publisher is bound to its own topics, a subscriber to the broadcasts and its own inbox."""

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        user = session.username if session is not None else None
        topics = Topics(self.config.root)
        return bool(user and topic and action) and topics.is_permitted(str(user), str(action), str(topic))

    @dataclass
    class Config:
        root: str = ""


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


async def serve(settings: EmbeddedSettings) -> None:
    """Until SIGTERM."""
    broker = QuietBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{settings.port}"}},
            "timeout_disconnect_delay": 30,
            "plugins": {
                f"{__name__}.Passwords": {"users": settings.users},
                f"{__name__}.TopicRules": {"root": settings.root},
            },
        }
    )
    broker.payload_bytes_max = settings.payload_bytes_max
    await broker.start()
    print(EMBEDDED_IS_UP.decode(), file=sys.stderr, flush=True)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    gc.freeze()
    await stopping.wait()
    await broker.shutdown()


def main() -> int:
    adopt_parent()
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("transitions").setLevel(logging.ERROR)
    try:
        settings = msgspec.json.decode(read_private(Path(sys.argv[1])), type=EmbeddedSettings)
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    try:
        import uvloop

        uvloop.run(serve(settings))
    except ImportError:
        asyncio.run(serve(settings))
    except (AMQTTError, BrokerError, OSError) as error:
        print(f"the port {settings.port} cannot be had: {error}", file=sys.stderr)
        return EXIT_USAGE
    return 0


if __name__ == "__main__":
    # plugins are imported by name: under the same module, not under a second copy of it called __main__
    from nodes.broker.broker_process import main as run

    sys.exit(run())
