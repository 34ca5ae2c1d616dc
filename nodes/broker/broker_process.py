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
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from nodes.broker.broker import EMBEDDED_IS_UP, EmbeddedSettings
from nodes.broker.certified import CertifiedBroker
from nodes.broker.doorkeeper import Doorkeeper
from nodes.broker.quiet_broker import QuietBroker
from nodes.broker.tls_files import BROKER_CERTIFICATE, BROKER_KEY, CA
from nodes.broker.topics import Topics
from nodes.conduct.child import adopt_parent
from nodes.errors import EXIT_USAGE, UserError
from nodes.process.keys import read_private

warnings.filterwarnings("ignore", category=DeprecationWarning)

from amqtt.contexts import Action  # type: ignore[import-untyped]  # noqa: E402
from amqtt.errors import AMQTTError, BrokerError  # type: ignore[import-untyped]  # noqa: E402
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin  # type: ignore[import-untyped]  # noqa: E402
from amqtt.session import Session  # type: ignore[import-untyped]  # noqa: E402

COMMON = {"timeout_disconnect_delay": 30}


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


def _password_broker(settings: EmbeddedSettings, listener: dict[str, Any]) -> QuietBroker:
    plugins = {f"{__name__}.Passwords": {"users": settings.users}, **_topic_rules(settings)}
    return QuietBroker({**COMMON, "listeners": {"default": listener}, "plugins": plugins})


def _certified_broker(path: Path, settings: EmbeddedSettings, listener: dict[str, Any]) -> CertifiedBroker:
    doorkeeper = Doorkeeper(path)
    files = {"certfile": str(path.parent / BROKER_CERTIFICATE), "keyfile": str(path.parent / BROKER_KEY)}
    listeners = {"default": {**listener, **files, "ssl": True, "cafile": str(path.parent / CA)}}
    broker = CertifiedBroker({**COMMON, "listeners": listeners, "plugins": _topic_rules(settings)})
    broker.doorkeeper = doorkeeper
    return broker


def _topic_rules(settings: EmbeddedSettings) -> dict[str, Any]:
    return {f"{__name__}.TopicRules": {"root": settings.root}}


async def serve(path: Path, settings: EmbeddedSettings) -> None:
    """Until SIGTERM."""
    listener = {"type": "tcp", "bind": f"{settings.host}:{settings.port}"}
    loop = asyncio.get_running_loop()
    if settings.is_tls:
        broker = _certified_broker(path, settings, listener)
        reading = set[asyncio.Task[None]]()
        loop.add_signal_handler(signal.SIGHUP, lambda: _begin(broker.reload(), reading))
    else:
        broker = _password_broker(settings, listener)
    broker.payload_bytes_max = settings.payload_bytes_max
    await broker.start()
    print(EMBEDDED_IS_UP.decode(), file=sys.stderr, flush=True)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    gc.freeze()
    await stopping.wait()
    await broker.shutdown()


def _begin(coroutine: Coroutine[Any, Any, None], held: set[asyncio.Task[None]]) -> None:
    task = asyncio.get_running_loop().create_task(coroutine)
    held.add(task)
    task.add_done_callback(held.discard)


def main() -> int:
    adopt_parent()
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("transitions").setLevel(logging.ERROR)
    try:
        path = Path(sys.argv[1]).absolute()
        settings = msgspec.json.decode(read_private(path), type=EmbeddedSettings)
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    try:
        import uvloop

        uvloop.run(serve(path, settings))
    except ImportError:
        asyncio.run(serve(path, settings))
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except (AMQTTError, BrokerError, OSError) as error:
        print(f"the port {settings.port} cannot be had: {error}", file=sys.stderr)
        return EXIT_USAGE
    return 0


if __name__ == "__main__":
    # plugins are imported by name: under the same module, not under a second copy of it called __main__
    from nodes.broker.broker_process import main as run

    sys.exit(run())
