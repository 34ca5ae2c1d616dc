"""Errands: calls that an organisation makes one after the other, each not before its time, whatever became of those
before it. By its settings `{"hosts": ["errands"]}`.

No call is made twice. For what a person decides outside the ledger: a cycle of a steriliser, a dose, a reading of a
thermometer."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.contracts import load_contracts
from consortium.core.codec import encode
from consortium.core.contract import StateReader
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.organisation import Conduct, Organisation
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class Errand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call, with the canonical bytes of its arguments, from `at_us` after the run's start on."""

    at_us: int
    contract: str
    operation: str
    arguments: bytes


class ErrandTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In their order."""

    errands: tuple[Errand, ...] = ()


def errand(at_us: int, contract: str, operation: str, arguments: Any) -> Errand:
    return Errand(at_us, contract, operation, encode(arguments))


class ErrandConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._errands: tuple[Errand, ...] = ()

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._errands = work.of(ErrandTasks).errands
        calls = {(one.contract, one.operation, one.arguments) for one in self._errands}
        assert len(calls) == len(self._errands), "the same call is made once: an agenda knows it by its bytes"
        self._wish(0, agenda)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        _, _, place = settled.reference.partition(":")
        self._wish(int(place) + 1, agenda)

    def _wish(self, place: int, agenda: Agenda) -> None:
        if place < len(self._errands):
            one = self._errands[place]
            kind = load_contracts()[one.contract].operations[one.operation].arguments
            arguments = msgspec.msgpack.decode(one.arguments, type=kind)
            agenda.wish(f"errand:{place}", ((one.contract, one.operation, arguments),), one.at_us)


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("errands", settings, work, ErrandConduct(state))


ROLE = RoleSpec("errands", Settings, _build)
