"""Ledgers that the page asks: of a run as it ended, of a consortium that stands as it is now.

One thread asks them, one question after another. A ledger that its node writes is read in short moments, with nothing
held open between two questions but the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from consortium.contracts import load_contracts
from consortium.contracts.access import SUPERVISORS
from consortium.core.codec import Malformed
from consortium.core.contract import Refused
from consortium.core.crypto import SUITES
from consortium.core.errors import UserError
from consortium.core.transaction import Bundles
from consortium.core.words import Words
from consortium.ledger.beside import LedgerBeside
from consortium.ledger.chain import Ledger
from consortium.stories.story import Seen, UnknownThing
from nodes.errors import Damaged
from nodes.page.facts import Facts
from nodes.page.wrong import Wrong
from nodes.past import Past, contracts_of, ledger_file, open_past, reader_of
from nodes.process.live_rows import LiveRows, TooLong

ANSWER_S = 20.0
WAITING_MAX = 16
OPEN_MAX = 4

T = TypeVar("T")


class Ledgers:
    """Of one source."""

    def __init__(self, facts: Facts, *, is_live: bool) -> None:
        self.facts = facts
        self.is_live = is_live
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._waiting = 0
        self._past: dict[Path, Past] = {}
        self._live: dict[Path, tuple[LiveRows, LedgerBeside]] = {}

    async def ask(self, eyes: str, words: Words, ask: Callable[[Seen], T]) -> T:
        """`ask` of the ledger of that member, as it may see it; without a name as a supervisor. Raises Wrong."""
        if self._waiting >= WAITING_MAX:
            raise Wrong(503, "many questions wait here already: ask again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, eyes, words, ask)
        except Refused as refused:
            raise Wrong(403, refused.sentence, refused.code) from None
        except UnknownThing as unknown:
            raise Wrong(404, str(unknown), "unknown") from None
        except TooLong:
            raise Wrong(503, "the answer took too long: ask for less") from None
        except (Damaged, Malformed) as error:
            raise Wrong(503, f"the ledger cannot be read: {error}") from None
        finally:
            self._waiting -= 1

    def _ask(self, eyes: str, words: Words, ask: Callable[[Seen], T]) -> T:
        if eyes and eyes not in self.facts.members:
            raise UserError(f"there is no member {eyes!r} to look with; there are {', '.join(self.facts.members)}")
        path = ledger_file(self.facts.folder, eyes)
        return self._ask_live(path, eyes, words, ask) if self.is_live else self._ask_past(path, eyes, words, ask)

    def _ask_past(self, path: Path, eyes: str, words: Words, ask: Callable[[Seen], T]) -> T:
        past = self._past.pop(path, None) or open_past(self.facts.folder, path.parent.name)
        self._past[path] = past  # the newest last
        while len(self._past) > OPEN_MAX:
            self._past.pop(next(iter(self._past))).rows.close()
        return ask(_seen(past.ledger, past.rows, eyes, words))

    def _ask_live(self, path: Path, eyes: str, words: Words, ask: Callable[[Seen], T]) -> T:
        if path not in self._live:
            rows, genesis = LiveRows(path), self.facts.genesis
            bundles = Bundles(genesis.chain, SUITES[genesis.suite]())
            self._live[path] = rows, LedgerBeside(genesis, rows, load_contracts(), bundles)
        rows, ledger = self._live[path]
        try:
            rows.begin(ANSWER_S)
            try:
                if rows.get("meta", b"head") is None:
                    raise UserError(f"{path} holds no block yet: ask again in a moment")
                rows.take_up()
                ledger.look()
                return ask(_seen(ledger, rows, eyes, words))
            finally:
                rows.end()
        except (Damaged, UserError) as error:
            if not isinstance(error, TooLong | UnknownThing):
                self._live.pop(path)[0].close()  # the node's next process writes another file, say
            raise

    def close(self) -> None:
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        for past in self._past.values():
            past.rows.close()
        for rows, _ in self._live.values():
            rows.close()


def _seen(ledger: Ledger, rows: Any, eyes: str, words: Words) -> Seen:
    return Seen(ledger, rows, contracts_of(ledger), reader_of(ledger, eyes or _supervisor(ledger)), words)


def _supervisor(ledger: Ledger) -> str:
    """Or any member where there is none."""
    members = ledger.epochs.at(ledger.head_height + 1).members
    return min(members, key=lambda each: (each.role not in SUPERVISORS, each.name)).name
