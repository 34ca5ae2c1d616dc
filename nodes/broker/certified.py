"""The embedded broker over TLS: a session is the member that its certificate names, whatever it says of itself."""

from __future__ import annotations

import logging
import ssl
from secrets import token_hex
from typing import Any

from amqtt.contexts import ListenerConfig  # type: ignore[import-untyped]
from amqtt.session import Session  # type: ignore[import-untyped]

from nodes.broker.doorkeeper import Doorkeeper
from nodes.broker.quiet_broker import QuietBroker
from nodes.errors import UserError

_log = logging.getLogger("broker")


class CertifiedBroker(QuietBroker):
    """Each member has one place: its later connection ends the earlier one, so that a renewed certificate takes the
    place of a stolen one. Sessions have names that nobody can guess, so nobody ends another's."""

    doorkeeper: Doorkeeper

    def _create_ssl_context(self, listener: ListenerConfig) -> ssl.SSLContext:
        return self.doorkeeper.context

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        session.certificate = session.ssl_object.getpeercert() if session.ssl_object is not None else None
        name = self._name_of(session)
        if not name:
            session.client_id = "refused"
            return False
        await self._end_sessions(lambda other: other.username == name)
        session.username, session.client_id, session.clean_session = name, f"{name}/{token_hex(16)}", True
        return True

    def _name_of(self, session: Session) -> str:
        return self.doorkeeper.name_of(session.certificate, session.username)

    async def reload(self) -> None:
        """Read the doorkeeper's files again, and end the sessions of those that may not come in any more."""
        try:
            self.doorkeeper.read()
        except (UserError, OSError, ValueError) as error:
            _log.error("what changed cannot be read, and what was read before still holds: %s", error)
            return
        await self._end_sessions(lambda session: not self._name_of(session))

    async def _end_sessions(self, is_over: Any) -> None:
        for key, (session, _) in list(self._sessions.items()):
            if is_over(session):
                await self._cleanup_session(key)
