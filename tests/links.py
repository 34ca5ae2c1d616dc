"""What somebody who has a whole ledger, and one member's disk, can put together: which pseudonyms are of one person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from consortium.contracts import load_contracts
from consortium.core.codec import encode
from consortium.core.contract import Table
from consortium.core.discovery import modules_of
from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.vault import BOX, BoxReader
from consortium.ledger.state import Reader, State
from consortium.roles.work import Work
from consortium.vault.locksmith import Locksmith

PSEUDONYM = re.compile(rb"(?<![0-9a-z])[bs]-[0-9a-f]{20}(?![0-9a-f])")  # of persons
END = "\U0010ffff"


def state_records(rows: Rows) -> Iterator[bytes]:
    """Every row of every contract's tables, with its key."""
    assert load_contracts()
    reader = Reader(State(rows))
    for module in modules_of("consortium.contracts"):
        for value in vars(module).values():
            if isinstance(value, Table):
                for key, row in reader.range(value, "", END):
                    yield encode((key, row))


def genesis_records(genesis: Genesis) -> Iterator[bytes]:
    return (call.arguments for call in genesis.calls)


def work_records(work: Work) -> Iterator[bytes]:
    """Each entry of what an organisation was given."""
    for task in work.tasks:
        for name in task.__struct_fields__:
            value = getattr(task, name)
            yield from (encode(entry) for entry in value) if isinstance(value, tuple) else (encode(value),)


def opened_records(boxes: BoxReader, smith: Locksmith) -> Iterator[bytes]:
    """All that the keys of a member make readable of its private store, with the names under which it lies there, and
    the vault's own rows."""
    for name in boxes.names():
        value = boxes.get(name)
        if value is not None:
            opened = value if name.startswith(".") else smith.open(BOX.decode(value)).record
            yield encode((name, opened))


class Groups:
    """Pseudonyms that stand in one record are of one person, for all that somebody can tell; so are those of two
    records that share one."""

    def __init__(self, records: Iterable[bytes]) -> None:
        self._parent: dict[str, str] = {}
        for record in records:
            found = [token.decode() for token in PSEUDONYM.findall(record)]
            for token in found:
                self._join(found[0], token)

    def _root(self, token: str) -> str:
        parent = self._parent.setdefault(token, token)
        while parent != self._parent[parent]:
            parent = self._parent[parent]
        self._parent[token] = parent
        return parent

    def _join(self, first: str, second: str) -> None:
        self._parent[self._root(first)] = self._root(second)

    def all(self) -> list[set[str]]:
        groups: dict[str, set[str]] = {}
        for token in list(self._parent):
            groups.setdefault(self._root(token), set()).add(token)
        return list(groups.values())


def digests_in(records: Iterable[bytes]) -> tuple[set[bytes], set[str]]:
    """What may be a hash: 32 bytes alone, and the first 20 of hexadecimal digits in a row."""
    raw: set[bytes] = set()
    spelt: set[str] = set()
    for record in records:
        raw.update(re.findall(rb"\xc4\x20(.{32})", record, re.DOTALL))
        spelt.update(token.decode()[:20] for token in re.findall(rb"[0-9a-f]{20,}", record))
    return raw, spelt
