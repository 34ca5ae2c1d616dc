"""Numbers of requests: what a transaction of an application carries instead of a number of its member's window.

The number is a day and a token, so nobody counts: whoever has the application's key and knows the word under which its
user asked (an idempotency key) derives the same transaction, at whatever gateway. The ledger executes one transaction
for a token, as long as it keeps the day on which that was used (ledger/requests.py).

    number = days since 1970 (16 bits) ‖ token (47 bits)

It is below 2^63, and above every number of a window. Where one member makes a million requests a day, once in some
fifty days one finds its token taken by another: it is refused then, and nothing was done under it.
"""

from __future__ import annotations

from consortium.core.calendar import day_of_ordinal, ordinal_of_day
from consortium.core.codec import tagged_hash

TOKEN_BITS = 47
TOKEN_MASK = (1 << TOKEN_BITS) - 1
DAY_MAX = (1 << 16) - 1
REQUEST_MIN = 1 << TOKEN_BITS  # numbers below are of a window
REQUEST_MAX = (1 << 63) - 1
DAYS_BEHIND = 2  # a request may be executed so many days after its own, by the chain's day, and not later
DAYS_AHEAD = 1  # and so many before: a gateway's clock may run ahead of the chain's


def request_token(application: str, word: str) -> int:
    """Of the word under which a user of an application asked; `application` is "member/name"."""
    digest = tagged_hash(b"consortium request", application.encode(), word.encode())
    return int.from_bytes(digest[:8], "big") >> 64 - TOKEN_BITS


def request_number(day: int, token: int) -> int:
    """`day`: YYYYMMDD in the chain's calendar."""
    ordinal = ordinal_of_day(day)
    assert 1 <= ordinal <= DAY_MAX and 0 <= token <= TOKEN_MASK
    return ordinal << TOKEN_BITS | token


def is_request(number: int) -> bool:
    return number >= REQUEST_MIN


def request_ordinal(number: int) -> int:
    """The day of a request, as days since 1970; 0 of a number that is none."""
    return number >> TOKEN_BITS


def request_day(number: int) -> int:
    """The day of a request, YYYYMMDD."""
    return day_of_ordinal(number >> TOKEN_BITS)
