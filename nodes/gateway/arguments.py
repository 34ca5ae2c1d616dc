"""Arguments and answers as JSON, and as the values that contracts know: `core/plain_json.py`, with problems for errors.

Whole documents (a bundle, a proof) are base64; bytes within arguments and answers are hexadecimal.
"""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.core.plain_json import NotOfKind, from_json, to_json
from nodes.gateway.errors import Problem

told = to_json


def read_json(body: bytes) -> Any:
    """Raises Problem 400."""
    try:
        return msgspec.json.decode(body or b"{}")
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "not-json", f"the body is no JSON document: {error}") from None


def typed(value: Any, kind: Any, what: str) -> Any:
    """A value out of decoded JSON. Raises Problem 422, which names the place."""
    try:
        return from_json(value, kind)
    except NotOfKind as error:
        raise Problem(422, "bad-arguments", f"{what}: {error}") from None
