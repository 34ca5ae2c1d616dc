"""What checking a whole ledger comes to: a fault, or what was seen."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from consortium.core.membership import Epochs
from consortium.core.messages import Certificate, Message
from consortium.core.verifier import Verifier


class Fault(Exception):
    """The first fault: `record` names the row, `why` says what is wrong with it."""

    def __init__(self, height: int, record: str, why: str) -> None:
        super().__init__(f"height {height}, {record}: {why}")
        self.height = height
        self.record = record
        self.why = why


class Verified(NamedTuple):
    """A sound ledger. `first_height` is 0, or that of the snapshot it began with. `pruned_height`: up to here it holds
    headers and seals alone, and was not executed; 0: it is an archive from its first height on."""

    height: int
    header_digest: bytes
    state_root: bytes
    first_height: int
    sealed_height: int
    seals: int
    transactions: int
    pruned_height: int = 0


class Decisions(Protocol):
    """What is needed of a consensus protocol: its `PROTOCOL`."""

    @property
    def messages(self) -> tuple[type[Message], ...]: ...

    def check_decision(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None: ...
