"""A ledger read beside the node that writes it: its head, members and past, without the tree over its state.

The node holds its rows against the tree whenever it starts and reads; whoever looks beside it takes the rows as they
are, and so needs no time that grows with the state. It executes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from consortium.core.contract import Contract
from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.membership import Epochs
from consortium.core.registry import EPOCHS, epoch_key
from consortium.core.transaction import Bundles
from consortium.ledger.boot import read_head
from consortium.ledger.chain import Ledger
from consortium.ledger.execute import Executor
from consortium.ledger.rows import Damaged
from consortium.ledger.state import State


class LedgerBeside(Ledger):
    """`look` first, and again whenever the rows are those of another moment."""

    def __init__(self, genesis: Genesis, rows: Rows, contracts: Mapping[str, Contract], bundles: Bundles) -> None:
        super().__init__(genesis, rows, contracts, bundles, Epochs((genesis.first_epoch,)))
        self._state = State(rows)
        self._executor = Executor(self.chain, contracts, self._state, genesis.parameters.utc_offset_minutes)
        self._rules = self._executor.rule_book

    def look(self) -> None:
        """Takes up the head as the rows have it now. Raises Damaged."""
        header, digest = read_head(self._rows)
        if digest == self._digest:
            return
        if header.chain != self.chain:
            raise Damaged("this ledger was begun with another genesis file")
        self._header, self._digest = header, digest
        self._state.forget()
        number = self.epochs.newest.number + 1
        while (found := self._state.get(EPOCHS, epoch_key(number))) is not None:
            self.epochs.add(found)
            number += 1
