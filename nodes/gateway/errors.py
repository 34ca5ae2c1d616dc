"""What a request is answered where it cannot be carried out: problem details after RFC 9457.

A problem has a stable `code` (lower case, words joined by hyphens) and a sentence that tells what to do. None quotes a
token, an argument, or what another has.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

PROBLEM = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Who is asking?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request too slow",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not as the operation takes it",
    429: "Too many requests",
    500: "Our mistake",
    503: "Not now",
}


class Problem(Exception):
    """`more`: further members of the document. `retry_after_s`: when the same request may be sent again."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after_s: int | None = None, **more: Any) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.more = more

    @property
    def document(self) -> dict[str, Any]:
        title = TITLES.get(self.status, "Refused")
        told = {"type": "about:blank", "title": title, "status": self.status, "code": self.code, "detail": self.detail}
        return {**told, **self.more}

    def response(self) -> Response:
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return Response(msgspec.json.encode(self.document), self.status, headers, PROBLEM)


def too_many(detail: str, retry_after_s: float = 1.0) -> Problem:
    """Nothing of the request was taken."""
    return Problem(429, "overloaded", detail, retry_after_s=max(1, round(retry_after_s)))


def node_away(**more: Any) -> Problem:
    detail = "the node of this gateway does not answer: send the same request, with the same Idempotency-Key, again"
    return Problem(503, "node-away", f"{detail}, here later or at another gateway", retry_after_s=1, **more)
