"""What stands behind the `?` of a request, and in its body: read strictly, a misspelt word is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from starlette.requests import Request

from nodes.gateway.errors import Problem
from nodes.gateway.settings import GatewaySettings
from nodes.gateway.waiting import Stage

WAITS: Mapping[str, Stage] = {"none": Stage.TAKEN, "executed": Stage.ACKNOWLEDGED, "sealed": Stage.SEALED}


class Wait(NamedTuple):
    """`evidence`: with what convinces whoever has the genesis file."""

    stage: Stage
    seconds: float
    evidence: bool = False


def read_words(request: Request, known: Collection[str]) -> Mapping[str, str]:
    """Raises Problem 400 for a word that is not known, or stands twice."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise Problem(400, "bad-parameter", f"known behind the ? are {', '.join(known) or 'no words'}")
        if name in found:
            raise Problem(400, "bad-parameter", f"{name} stands twice behind the ?")
        found[name] = value
    return found


def read_wait(words: Mapping[str, str], settings: GatewaySettings) -> Wait:
    """`wait`, `timeout_s` and `evidence`. Raises Problem 400."""
    stage = WAITS.get(words.get("wait", "executed"))
    if stage is None:
        raise Problem(400, "bad-parameter", f"wait: one of {', '.join(WAITS)}")
    is_proven = read_flag(words, "evidence")
    text = words.get("timeout_s")
    if text is None:
        return Wait(stage, settings.wait_s, is_proven)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= settings.wait_s_max:
        raise Problem(400, "bad-parameter", f"timeout_s: seconds, 0 to {settings.wait_s_max:g}")
    return Wait(stage, seconds, is_proven)


def read_flag(words: Mapping[str, str], name: str) -> bool:
    """Raises Problem 400."""
    text = words.get(name, "false")
    if text not in ("true", "false"):
        raise Problem(400, "bad-parameter", f"{name}: true or false")
    return text == "true"


def read_number(words: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """Raises Problem 400."""
    text = words.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most):
        raise Problem(400, "bad-parameter", f"{name}: a whole number, {least} to {most}")
    return int(text)


def check_json(request: Request) -> None:
    """Raises Problem 415: what a form of another site can send is no request of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "not-json", "send Content-Type: application/json")
