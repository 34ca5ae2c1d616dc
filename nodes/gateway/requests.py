"""From an idempotency key to a transaction: the same key of the same application gives the same bytes at every gateway.

The number of an application's transaction is made of the chain's day and of a hash of application and key. A request
that is sent again on another day finds the number of the day before.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from consortium.core.calendar import DAY_US, MINUTE_US
from consortium.core.codec import tagged_hash
from consortium.core.contract import StateReader
from consortium.core.transaction import TRANSACTION_BYTES_MAX, encode_transaction, transaction_id
from consortium.ledger.numbers import used_by
from nodes.gateway.applications import Application
from nodes.gateway.errors import Problem

KEY_CHARACTERS_MAX = 128
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_TOKEN_BITS = 47
_DAYS = (0, -1, 1)  # today's number, and those that the same key had or will have


class Numbers(NamedTuple):
    """`of(day, application, key)`, days since 1970. `used_by(state, member, number)`: the first 16 bytes of the id that
    used it, b"" where nothing can use it any more, None where it is free."""

    of: Callable[[int, str, str], int]
    used_by: Callable[[StateReader, str, int], bytes | None]


def request_number(day: int, application: str, key: str) -> int:
    token = tagged_hash(b"consortium request", application.encode(), key.encode())
    return day << _TOKEN_BITS | int.from_bytes(token, "big") >> (256 - _TOKEN_BITS)


REQUEST_NUMBERS = Numbers(request_number, used_by)


class Request(NamedTuple):
    """One transaction that an application wants. `others`: its ids under the numbers of the days beside."""

    application: Application
    contract: str
    operation: str
    key: str
    transaction: bytes
    identity: bytes
    numbers: tuple[int, ...]
    value: Any

    def identity_under(self, chain: bytes, number: int) -> bytes:
        body = encode_transaction(number, self.contract, self.operation, self.value)
        return transaction_id(chain, self.application.member, body)


def make_request(
    chain: bytes, numbers: Numbers, day: int, application: Application, call: tuple[str, str, Any], key: str
) -> Request:
    """`day`: since 1970. `call`: contract, operation, arguments. Raises Problem 422."""
    contract, operation, value = call
    candidates = tuple(numbers.of(day + away, application.name, key) for away in _DAYS)
    try:
        body = encode_transaction(candidates[0], contract, operation, value)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Problem(422, "bad-arguments", f"{contract}.{operation}: {error}") from None
    if len(body) > TRANSACTION_BYTES_MAX:
        why = f"{contract}.{operation}: {len(body)} bytes in all, and a transaction has {TRANSACTION_BYTES_MAX} at most"
        raise Problem(422, "too-long", why)
    identity = transaction_id(chain, application.member, body)
    return Request(application, contract, operation, key, body, identity, candidates, value)


def check_key(key: str | None) -> str:
    """The idempotency key of a request, or one of our own. Raises Problem 400."""
    if key is None:
        return secrets.token_hex(16)
    if not _KEY.fullmatch(key):
        why = f"Idempotency-Key: 1 to {KEY_CHARACTERS_MAX} printable characters of ASCII without spaces"
        raise Problem(400, "bad-idempotency-key", why)
    return key


def day_number(time_us: int, utc_offset_minutes: int) -> int:
    """Days since 1970 in the chain's calendar."""
    return (time_us + utc_offset_minutes * MINUTE_US) // DAY_US


class Seen(NamedTuple):
    """What the ledger says of a request before it is handed in: `identity` of the transaction that used one of its
    numbers, None where none is used; `is_ours`: it is this very request, of today or of a day beside."""

    identity: bytes | None
    is_ours: bool


def look(state: StateReader, chain: bytes, numbers: Numbers, request: Request) -> Seen:
    for number in request.numbers:
        short = numbers.used_by(state, request.application.member, number)
        if short is None:
            continue
        identity = request.identity_under(chain, number)
        return Seen(identity, identity.startswith(short) and bool(short))
    return Seen(None, False)
