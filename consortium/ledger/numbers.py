"""Exactly once: each member's numbers are single-use inside a window of 4,096 that follows the highest one used.

They are authenticated state: a row per member with its highest number, and pages of 64 numbers with the first half of
the id of the transaction that used each. (Pages and not one bitmap: the very same transaction, ordered again, is told
from another one under its number, also by a node that began with a snapshot.)
"""

from __future__ import annotations

import msgspec

from consortium.core.contract import StateReader, Table
from consortium.core.transaction import NUMBER_WINDOW
from consortium.ledger.state import State

WINDOW = NUMBER_WINDOW
PAGE = 64
_SHORT = 16
_UNUSED = bytes(_SHORT)


class Highest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """64 short ids of 16 bytes; zeros = unused."""

    ids: bytes


HIGHEST: Table[Highest] = Table("ledger.highest", Highest)
PAGES: Table[Page] = Table("ledger.numbers", Page)


def used_numbers(state: StateReader, member: str) -> dict[int, bytes]:
    """The used numbers of the pages that a member has, each with the first 16 bytes of its transaction's id."""
    used: dict[int, bytes] = {}
    for key, page in state.range(PAGES, f"{member}/", f"{member}0"):
        first = int(key.rpartition("/")[2], 16) * PAGE
        for offset in range(PAGE):
            short = page.ids[offset * _SHORT : (offset + 1) * _SHORT]
            if short != _UNUSED:
                used[first + offset] = short
    return used


SENTENCES = {
    "already-executed": "this very transaction was executed before; nothing is done twice",
    "number-used": "another transaction of this member was executed under this number; take a fresh number",
    "number-stale": f"the number lies {WINDOW} or more below the member's highest; take a fresh number",
    "number-ahead": f"the number lies more than {WINDOW} above the member's highest; submit the ones between first",
}


class _Member:
    __slots__ = ("changed", "highest", "highest_before", "pages")

    def __init__(self, highest: int) -> None:
        self.highest = self.highest_before = highest
        self.pages: dict[int, bytearray] = {}
        self.changed: dict[int, None] = {}


def _page_key(member: str, page: int) -> str:
    return f"{member}/{page:016x}"


def used_by(state: StateReader, member: str, number: int) -> bytes | None:
    """The first 16 bytes of the id that used this number of this member, b"" where it lies below the window: nothing
    else will be executed under it. None: it is free."""
    highest = state.get(HIGHEST, member)
    if highest is None or number > highest.number:
        return None
    if number <= highest.number - WINDOW:
        return b""
    page = state.get(PAGES, _page_key(member, number // PAGE))
    offset = number % PAGE * _SHORT
    short = _UNUSED if page is None else page.ids[offset : offset + _SHORT]
    return None if short == _UNUSED else short


class Numbers:
    """Judges numbers within one block; `flush` writes each touched row once."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._members: dict[str, _Member] = {}

    def use(self, member: str, number: int, identity: bytes) -> str | None:
        """None: the number was free and is now used. Otherwise the code of the refusal, and nothing changed."""
        window = self._members.get(member)
        if window is None:
            stored = self._state.get(HIGHEST, member)
            window = self._members[member] = _Member(0 if stored is None else stored.number)
        if number > window.highest + WINDOW:
            return "number-ahead"
        if number < 1 or number <= window.highest - WINDOW:
            return "number-stale"
        place, offset = number // PAGE, number % PAGE * _SHORT
        page = window.pages.get(place)
        if page is None:
            page = window.pages[place] = self._page(member, place)
        held = page[offset : offset + _SHORT]
        if held != _UNUSED:
            return "already-executed" if held == identity[:_SHORT] else "number-used"
        page[offset : offset + _SHORT] = identity[:_SHORT]
        window.changed[place] = None
        if number > window.highest:
            window.highest = number
        return None

    def _page(self, member: str, place: int) -> bytearray:
        stored = self._state.get(PAGES, _page_key(member, place))
        return bytearray(PAGE * _SHORT) if stored is None else bytearray(stored.ids)

    def flush(self) -> None:
        """Write what changed into the state, drop pages that fell out of the window, begin anew."""
        state = self._state
        for member, window in self._members.items():
            if not window.changed:
                continue
            oldest = max(0, window.highest - WINDOW + 1) // PAGE  # the first page that is still of use
            for place in range(max(0, window.highest_before - WINDOW + 1) // PAGE, oldest):
                if state.get(PAGES, _page_key(member, place)) is not None:
                    state.delete(PAGES, _page_key(member, place))
            for place in window.changed:
                if place >= oldest:
                    state.put(PAGES, _page_key(member, place), Page(bytes(window.pages[place])))
            if window.highest != window.highest_before:
                state.put(HIGHEST, member, Highest(window.highest))
        self._members.clear()
