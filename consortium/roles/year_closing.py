"""The bureau's turn of the year: it closes the books that are over and passes balances to the next year's pseudonyms.

Who is who in the two years stands in its tasks alone. When the books are closed and all persons of the new year are on
the ledger, one bundle carries everything. It empties the old accounts, fills the new ones with amounts of which none
stands out, and adds what is left to the first premium (contracts/insurance/account_carry.py). What is left leaves the
ledger once another role endorses that, too: the bureau waits for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from consortium.contracts.insurance import account_carry, enrolment, fund_transfer, funds, policy, settlement
from consortium.contracts.insurance.account_carry import BATCH_MAX, CarryIn, CarryOut, Share
from consortium.core.contract import StateReader
from consortium.roles.agenda import Agenda
from consortium.roles.work import Work


class Heir(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person's settlement pseudonyms: of the year that is over and of the next."""

    old: str
    new: str


class YearTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close the books of `year` from `at_us` on, and carry the balances of `heirs`, employees all. `pool_fen`,
    `account_fen`: the premium of January, to which the rest of a balance is added. `batch_max`: persons whom one
    call empties."""

    at_us: int
    year: int
    heirs: tuple[Heir, ...]
    pool_fen: int
    account_fen: int
    batch_max: int = BATCH_MAX


class YearClosing:
    """Part of the bureau's conduct. It looks at the state alone, so that it needs no history."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._tasks: YearTasks | None = None  # None: nothing is left to wish for
        self._rest_id = ""  # of the transfer of the rest

    @property
    def is_done(self) -> bool:
        rest = self._state.get(fund_transfer.TRANSFERS, self._rest_id)
        return self._tasks is None and (rest is None or rest.stage != fund_transfer.PROPOSED)

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._tasks = work.find(YearTasks)
        if self._tasks is not None:
            self._rest_id = f"carry-rest-{self._tasks.year}"
            close = settlement.CloseYear(self._tasks.year)
            agenda.wish(f"close-year:{close.year}", (("settlement", "close_year", close),), self._tasks.at_us)

    def on_block(self, agenda: Agenda) -> None:
        """After all events of a block, or a gap."""
        tasks = self._tasks
        if tasks is None or policy.get_calendar(self._state).closed_through < tasks.year:
            return
        if funds.has_account(self._state, account_carry.carry_account(tasks.year)):
            self._tasks = None  # carried before a boot
        elif all(self._state.get(enrolment.PERSONS, heir.new) is not None for heir in tasks.heirs):
            agenda.wish(f"carry:{tasks.year}", tuple(self._carry(tasks)))
            self._tasks = None

    def _carry(self, tasks: YearTasks) -> Iterator[tuple[str, str, Any]]:
        year = tasks.year
        olds = sorted(heir.old for heir in tasks.heirs)
        for first in range(0, len(olds), tasks.batch_max):
            batch = tuple(olds[first : first + tasks.batch_max])
            yield ("account_carry", "carry_out", CarryOut(year, batch))
        balances = tuple(funds.get_balance(self._state, f"person/{heir.old}") for heir in tasks.heirs)
        shares = account_carry.compute_alike(balances)
        alike: dict[int, list[str]] = defaultdict(list)
        for heir, share_fen in zip(tasks.heirs, shares, strict=True):
            alike[share_fen].append(heir.new)
        for share_fen, news in sorted(alike.items()):
            if share_fen:
                yield ("account_carry", "carry_in", CarryIn(year, tuple(Share(new, share_fen) for new in sorted(news))))
        if sum(balances) > sum(shares):
            source, rest_fen = account_carry.carry_account(year), sum(balances) - sum(shares)
            rest = fund_transfer.Propose(self._rest_id, source, funds.EXTERNAL, rest_fen, f"carry-rest/{year}")
            yield ("fund_transfer", "propose", rest)
        month = (year + 1) * 100 + 1
        rests = {heir.new: fen - share for heir, fen, share in zip(tasks.heirs, balances, shares, strict=True)}
        for new, owed_fen in sorted(rests.items()):
            account_fen = tasks.account_fen + owed_fen
            premium = enrolment.RecordContribution(new, month, enrolment.EMPLOYEE, tasks.pool_fen, account_fen)
            yield ("enrolment", "record_contribution", premium)
