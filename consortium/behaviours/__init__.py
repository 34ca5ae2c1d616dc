"""What a member that does not keep to the protocol does: one act a file, each with a value `BEHAVIOUR`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from consortium.behaviours.behaviour import BehaviourKind, Drawing
from consortium.core.discovery import offered_by_file


def load_behaviours() -> dict[str, BehaviourKind]:
    """Every module's `BEHAVIOUR` by name, in order of name; a behaviour is called like its file."""
    return offered_by_file(__name__, "BEHAVIOUR", BehaviourKind)


def load_drawings() -> list[tuple[str, Drawing]]:
    """Every drawing of a behaviour, each with the behaviour's name, in order of their places."""
    found = [(name, drawing) for name, kind in load_behaviours().items() for drawing in kind.drawings]
    return sorted(found, key=lambda each: each[1].place)


def read_options(name: str, options: Mapping[str, Any]) -> Any:
    """The options of a known behaviour, typed. Raises ValueError with a sentence."""
    kind = load_behaviours()[name]
    try:
        return msgspec.convert(options, kind.options)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.options.__struct_fields__) or "none"
        raise ValueError(f"options of behaviour {name!r}: {error}; known are {known}") from None
