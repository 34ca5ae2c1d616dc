"""What conductors that were killed left in the engine: found by its labels, and removed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nodes.containers.engine import Engine

RUN_LABEL = "consortium.run"  # which run
CONDUCTOR_LABEL = "consortium.conductor"  # whose: process id and, where the system tells it, since when


def own_mark() -> str:
    """Of this process, as a label says it."""
    return process_mark(os.getpid())


def process_mark(number: int) -> str:
    return f"{number}:{_since(number)}"


def sweep(engine: Engine) -> list[str]:
    """Remove the containers and networks whose conductor is gone; their names."""
    dead: dict[str, list[str]] = {}
    for kind in ("container", "network"):
        found = engine.labelled(kind, CONDUCTOR_LABEL)
        dead[kind] = [name for name, labels in found if not is_conducted(labels)]
    engine.remove(dead["container"], dead["network"])
    return dead["container"] + dead["network"]


def is_conducted(labels: Mapping[str, str]) -> bool:
    """Whether the process that these labels name still lives."""
    number, _, since = labels.get(CONDUCTOR_LABEL, "").partition(":")
    if not number.isdecimal():
        return True  # not of ours
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return _since(int(number)) == since


def _since(process: int) -> str:
    """When it was started, in ticks since the machine was; empty where the system does not tell."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
