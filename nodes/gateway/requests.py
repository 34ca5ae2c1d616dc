"""From an idempotency key to a transaction: the same key of the same application gives the same bytes at every gateway.

The number of an application's transaction is made of the chain's day and a token of application and key
(core/requests.py). The token is used up, whatever the day: a request that is sent again on another day finds the number
of the day before.
"""

from __future__ import annotations

import re
import secrets
from typing import Any, NamedTuple

from consortium.core.calendar import compute_day, ordinal_of_day
from consortium.core.contract import StateReader
from consortium.core.requests import TOKEN_MASK, request_number, request_token
from consortium.core.transaction import TRANSACTION_BYTES_MAX, encode_transaction, transaction_id
from consortium.ledger.requests import find_request
from nodes.gateway.applications import Application
from nodes.gateway.errors import Problem

KEY_CHARACTERS_MAX = 128
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


class Request(NamedTuple):
    """One transaction that an application wants, under today's number."""

    application: Application
    contract: str
    operation: str
    value: Any
    key: str
    number: int
    transaction: bytes
    identity: bytes

    def identity_under(self, chain: bytes, number: int) -> bytes:
        """Its id where it was asked for on another day."""
        body = encode_transaction(number, self.contract, self.operation, self.value)
        return transaction_id(chain, self.application.member, body)


def make_request(chain: bytes, day: int, application: Application, call: tuple[str, str, Any], key: str) -> Request:
    """`day` YYYYMMDD, of the chain's calendar. `call`: contract, operation, arguments. Raises Problem 422."""
    contract, operation, value = call
    number = request_number(day, request_token(application.full_name, key))
    body = encode_transaction(number, contract, operation, value)
    if len(body) > TRANSACTION_BYTES_MAX:
        why = f"{contract}.{operation}: {len(body)} bytes in all, and a transaction has {TRANSACTION_BYTES_MAX} at most"
        raise Problem(422, "too-long", why)
    identity = transaction_id(chain, application.member, body)
    return Request(application, contract, operation, value, key, number, body, identity)


def check_key(key: str | None) -> str:
    """The idempotency key of a request, or one of our own. Raises Problem 400."""
    if key is None:
        return secrets.token_hex(16)
    if not _KEY.fullmatch(key):
        why = f"Idempotency-Key: 1 to {KEY_CHARACTERS_MAX} printable characters of ASCII without spaces"
        raise Problem(400, "bad-idempotency-key", why)
    return key


class Seen(NamedTuple):
    """What the ledger says of a request before it is handed in: `identity` of the transaction that used its token, None
    where none did; `is_ours`: it is this very request, of today or of a day before."""

    identity: bytes | None
    is_ours: bool


def look(state: StateReader, chain: bytes, request: Request, day: int) -> Seen:
    """`day` YYYYMMDD: the chain's at its head."""
    token = request.number & TOKEN_MASK
    found = find_request(state, request.application.member, token, ordinal_of_day(day))
    if found is None:
        return Seen(None, False)
    number, short = found
    identity = request.identity_under(chain, number)
    return Seen(identity, identity.startswith(short))


def today(time_us: int, utc_offset_minutes: int) -> int:
    """YYYYMMDD in the chain's calendar."""
    return compute_day(time_us, utc_offset_minutes)
