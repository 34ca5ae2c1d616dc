"""What a client raises: four errors, and no other for what goes wrong outside of it."""

from __future__ import annotations


class ClientError(Exception):
    """One of those below."""


class Unavailable(ClientError):
    """No gateway gave an answer within the time. What was handed in may be executed yet: `key` is its idempotency key,
    and the same call with it finds out."""

    def __init__(self, why: str, key: str = "") -> None:
        super().__init__(why)
        self.key = key


class GatewayLied(ClientError):
    """What a gateway answered does not hold against the genesis file, and no other gateway is left to ask."""


class NotAllowed(ClientError):
    """The token is unknown, or is not for this (401, 403). `code` is stable."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


class BadRequest(ClientError):
    """The gateway does not take it as it is (another 4xx): nothing was executed. `code` is stable."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


class Lie(ValueError):
    """One answer of one gateway does not hold; inside of the client alone."""
