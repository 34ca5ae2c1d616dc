"""Runs a walk on two nodes and the book, block by block: `python -m tests.reference.run 100000` for a long one."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from msgspec.structs import astuple

from consortium.contracts.insurance import accumulators, funds
from consortium.core.calendar import compute_day, compute_day_after, ordinal_of_day
from consortium.core.contract import Receipt
from tests.reference import policies, world
from tests.reference.accounts import No
from tests.reference.book import Book
from tests.reference.nodes import Nodes, make_genesis
from tests.reference.steps import Step
from tests.reference.walk import Walk

FIRST_DAY, LAST_DAY = 20260105, 20281231
DAY_US, OFFSET_US = 86_400_000_000, 480 * 60_000_000
BLOCK_STEPS = 10
ANEW_BLOCKS, ANEW_TIMES = 40, 30  # the second node begins anew after so many blocks at least, so often at most


class Told(NamedTuple):
    """What a walk met. `outcomes` by contract, operation and receipt's code."""

    operations: int
    blocks: int
    outcomes: Counter[str]
    days: tuple[int, int]


class Wrong(AssertionError):
    """Contracts and reference differ. Says where, and what was done."""


def time_of(day: int, share: float) -> int:
    """Chain time of a moment of a day in the chain's calendar."""
    return ordinal_of_day(day) * DAY_US - OFFSET_US + int(share * (DAY_US - 1))


class Run:
    """Three years of a consortium: two changes of policy, and one of a rule of settlement by vote."""

    BOOK: type[Book] = Book
    WALK: type[Walk] = Walk
    VERSIONS: Mapping[str, int] = {"settlement": 1}
    IS_JOINT = True  # until the members vote for the rule of today

    def __init__(self, seed: int, operations: int) -> None:
        self.book = self.BOOK()
        self.book.today = FIRST_DAY
        calls = world.found(self.book)
        self.book.is_joint = self.IS_JOINT
        genesis = make_genesis(world.MEMBERS, calls, time_of(FIRST_DAY, 0.0), self.VERSIONS)
        self.nodes = Nodes(genesis)
        self.apart_from: int | None = None  # the height from which schemes are apart
        self.walk = self.WALK(seed, self.book, self.nodes.reader)
        self.walk.speaking.begin(genesis.chain, world.patients(self.book))
        self.blocks = max(1, operations // BLOCK_STEPS)
        self.operations = operations
        self.outcomes: Counter[str] = Counter()
        self.done = 0

    def run(self) -> Told:
        receipts = self.nodes.block(time_of(FIRST_DAY, 0.0), world.opening_calls(self.book))
        assert all(receipt.is_ok for receipt in receipts), receipts
        events = self._events()
        anew_blocks = max(ANEW_BLOCKS, self.blocks // ANEW_TIMES)
        length = ordinal_of_day(LAST_DAY) - ordinal_of_day(FIRST_DAY)
        for number in range(self.blocks):
            share = number * length / self.blocks
            self.book.today = compute_day_after(FIRST_DAY, int(share))
            time_us = time_of(self.book.today, share % 1)
            assert compute_day(time_us, 480) == self.book.today
            if events and self.book.today >= events[0][0]:
                self._block(time_us, events.pop(0)[1]())
            self._block(time_us, None)
            if number % anew_blocks == anew_blocks - 1:
                self.nodes.begin_second_anew()
                self._compare_years()
        assert not self.book.is_joint, "the rule was changed in the middle"
        self._compare_years()
        return Told(self.done, self.nodes.first.head_height, self.outcomes, (FIRST_DAY, self.book.today))

    def _events(self) -> list[tuple[int, Callable[[], Sequence[Step]]]]:
        """Of the years: two changes of policy, a change of items, closed years (one too early)."""
        walk = self.walk
        return [
            (20260301, lambda: walk.close_year(2026)),
            (20261001, lambda: walk.adopt(policies.second(20270101), "second")),
            (20270210, lambda: walk.close_year(2025)),
            (20270601, lambda: walk.upgrade("settlement", 2)),
            (20270705, lambda: walk.list_item("B", policies.DEARER)),
            (20270920, lambda: walk.set_group("G1", 20271001, Fraction("0.777"))),
            (20271115, lambda: walk.adopt(policies.third(20280101), "third")),
            (20280402, lambda: walk.close_year(2026)),
        ]

    def _block(self, time_us: int, steps: Sequence[Step] | None) -> None:
        """Draw the steps of a block, or take these; the book goes first, then both nodes, then they are compared."""
        if self.apart_from is not None and self.nodes.first.head_height + 1 >= self.apart_from:
            self.book.is_joint = False
        taken: list[tuple[Step, str]] = []
        while len(taken) < BLOCK_STEPS if steps is None else not taken:
            for step in self.walk.draw() if steps is None else steps:
                taken.append((step, self._expected(step)))
        receipts = self.nodes.block(time_us, [step.call for step, _ in taken])
        for (step, expected), receipt in zip(taken, receipts, strict=True):
            self._compare(step, expected, receipt)
        self.done += len(taken)
        self._compare_accounts()

    def _expected(self, step: Step) -> str:
        """Why the reference refuses, "" where it does not."""
        try:
            step.expect(self.book)
        except No as refusal:
            return str(refusal) or "no"
        return ""

    def _compare(self, step: Step, expected: str, receipt: Receipt) -> None:
        call = step.call
        refused = next((event.fields["code"] for event in receipt.events if event.kind == "call-refused"), receipt.code)
        self.outcomes[f"{call.contract}.{call.operation} {refused}"] += 1
        for event in receipt.events:
            if event.kind == "rules-change":
                self.apart_from = int(event.fields["from_height"])
        if (refused == "ok") != (not expected):
            ledger, ours = f"{refused} {receipt.sentence}", expected or "ok"
            raise Wrong(f"{self.book.today}: {call}\n  the ledger: {ledger}\n  the reference: {ours}")

    def _compare_accounts(self) -> None:
        """Every account as the reference has it, and all of them sum to zero: to the fen."""
        held = {name: account.balance_fen for name, account in self.nodes.reader.range(funds.ACCOUNTS, "", "\x7f")}
        held.setdefault("external", 0)
        assert sum(held.values()) == 0
        differing = {
            name: (held.get(name), self.book.accounts.get(name))
            for name in {**held, **self.book.accounts}
            if held.get(name) != self.book.accounts.get(name)
        }
        if differing:
            raise Wrong(f"{self.book.today}, block {self.nodes.first.head_height}: (ledger, reference) {differing}")

    def _compare_years(self) -> None:
        """What each person used of each scheme in each year, and the stack of what may be reversed."""
        for (person, number), year in self.book.years.items():
            row = accumulators.get_accumulator(self.nodes.reader, person, number)
            held = (row.sequence, row.newest, row.stays, row.maf_fen, *astuple(row.employee), *astuple(row.resident))
            newest = year.stack[-1].number if year.stack else 0
            used = (*vars(year.used["employee"]).values(), *vars(year.used["resident"]).values())
            if held != (year.entries, newest, year.stays, year.aid, *used):
                raise Wrong(f"{person} in {number}: the ledger {held}, the reference {year}")


def main() -> None:
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began_s = time.monotonic()
    told = Run(seed, operations).run()
    for name, count in sorted(told.outcomes.items()):
        print(f"{count:8,}  {name}")
    passed_s = time.monotonic() - began_s
    print(
        f"{told.operations:,} operations in {told.blocks:,} blocks, {told.days[0]} to {told.days[1]}, {passed_s:.0f} s"
    )


if __name__ == "__main__":
    main()
