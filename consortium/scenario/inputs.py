"""What one organisation has to do, as bytes: its own tasks and nobody else's, to lie in its own folder.

Whoever makes a run reads all data and plans the work of all; a node is given its own part alone. A task is one of the
structs that roles (or plug-ins) bring, and is named by its module and its class: nothing else is ever decoded.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from consortium.core.canonical import structs_of
from consortium.core.codec import encode
from consortium.core.discovery import modules_of, plugins
from consortium.core.errors import UserError
from consortium.roles.work import Work

FORMAT = 1


class InputFault(UserError, ValueError):
    """A file of work is not one, or is of a role that this program does not have."""


class _Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str  # module:class
    value: bytes


class _Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    member: str
    tasks: tuple[_Task, ...]


def encode_work(work: Work) -> bytes:
    """Raises TypeError where a task cannot be read again as it was: an author's mistake."""
    kinds = _task_kinds()
    tasks = []
    for task in work.tasks:
        name = _name_of(type(task))
        if kinds.get(name) is not type(task):
            raise TypeError(f"{name} is not the struct of a role or plug-in: put it into the file of its role")
        _check_exact(type(task))
        tasks.append(_Task(name, encode(task)))
    return encode(_Input(FORMAT, work.member, tuple(tasks)))


def decode_work(data: bytes) -> Work:
    """Raises InputFault with a sentence."""
    try:
        read = msgspec.msgpack.decode(data, type=_Input)
        if read.format != FORMAT:
            raise InputFault(f"it is of format {read.format}; this version reads format {FORMAT}")
        kinds = _task_kinds()
        unknown = [task.kind for task in read.tasks if task.kind not in kinds]
        if unknown:
            raise InputFault(f"it holds tasks of {unknown[0][:200]!r}, which no role or plug-in in use brings")
        tasks = tuple(msgspec.msgpack.decode(task.value, type=kinds[task.kind]) for task in read.tasks)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise InputFault(f"it cannot be read: {error}") from None
    return Work(read.member, tasks)


def _name_of(kind: type[msgspec.Struct]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _task_kinds() -> Mapping[str, type[msgspec.Struct]]:
    """The structs that are made in a role's file or in a plug-in, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    for module in (*modules_of("consortium.roles"), *plugins()):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__:
                found[_name_of(value)] = value
    return found


def _check_exact(kind: type[msgspec.Struct]) -> None:
    """Without a type a value would come back as another: raises TypeError."""
    for struct in structs_of(kind):
        for field in msgspec.inspect.type_info(struct).fields:  # type: ignore[attr-defined]
            if isinstance(field.type, msgspec.inspect.AnyType):
                raise TypeError(f"{struct.__name__}.{field.name} is of any type: say which, or hold bytes")
