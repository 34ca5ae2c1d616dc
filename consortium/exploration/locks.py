"""Interleavings of an exchange by hash locks: two ledgers, two parties, a carrier of proofs, all drawn from a seed.

The contracts are the real ones, and so is what the parties do (`roles/swap_moves.py`). Drawn is when a block is
made, how long a transaction or a proof is on its way, and what gets lost. So is when somebody dies (before it looks, or
between two of its transactions), and for how long. A party keeps to the plan, waits until the last moment, does
nothing, or tries whatever might pay. What is judged when all are back and nothing moves any more: the claim and the
money have changed hands both, or neither.

Left out: that a proof is what the ledger holds is not drawn here (`core/proven.py` judges it elsewhere).
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from consortium.contracts.bridges.hash_lock_records import LOCKED, LOCKS, OPENED
from consortium.contracts.insurance.funds import ACCOUNTS
from consortium.core.draws import chance, choose
from consortium.exploration.lock_ledgers import Land, Packet, carry
from consortium.exploration.lock_plans import (
    BANK,
    BANK_LOCK,
    CLAIM,
    CLAIM_LOCK,
    MONEY,
    SUPPLIER,
    TICK_US,
    Plan,
    draw_plan,
    is_sold,
    make_lands,
)
from consortium.roles.swap_moves import Move, next_moves
from consortium.scenario.streams import Stream

QUIET_TICKS = 400  # within which all must have ended once everybody is back
CARRIER = "carrier"


class Variant(NamedTuple):
    """How the second lock is bound, and for how many ticks somebody may be away."""

    name: str
    by_proof: bool
    margin_ticks: int
    away_max: int
    sentence: str


VARIANTS = {
    each.name: each
    for each in (
        Variant("proof", True, 0, 300, "the claim's lock follows the money's by proof; who dies is away for any time"),
        Variant("time", False, 60, 12, "the claim's lock ends later; who dies is back within the margin"),
        Variant("same-end", False, 0, 12, "a broken plan: both locks end at one time"),
        Variant(
            "long-absence", False, 20, 200, "a broken plan: the claim's lock ends later, and who dies stays longer"
        ),
    )
}


class Ended(NamedTuple):
    """`fault`: what is wrong, "" where nothing is. `outcome`: both or neither. `met`: what happened on the way."""

    seed: int
    fault: str
    outcome: str
    met: Counter[str]
    story: tuple[str, ...]


class _Party:
    """Awake, or away until a tick; and what it has under way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.back_at = 0
        self.awake_until = 0
        self.under_way: dict[tuple[str, str, str], int] = {}  # land, operation, lock -> tick of the last try
        self.losses = 0


class Exchange:
    """One interleaving, from the plan to the end."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.seed, self.variant = seed, variant
        self.draw = Stream(seed, "locks", variant.name)
        self.plan: Plan = draw_plan(self.draw, variant.by_proof, variant.margin_ticks)
        self.lands = make_lands(self.plan)
        self.parties = [_Party(SUPPLIER), _Party(BANK), _Party(CARRIER)]
        self.packets: list[Packet] = []
        self.met: Counter[str] = Counter()
        self.story: list[str] = []
        self.tick = 0
        self.serial = 0
        self.is_calm = False

    def run(self) -> Ended:
        while self.tick < self.plan.end_tick:
            self._pass()
        self.is_calm = True  # all are back, and nothing gets lost
        for party in self.parties:
            party.back_at, party.under_way = 0, {}
        last = self.tick + QUIET_TICKS
        while self.tick < last and any(self._stage(land) == LOCKED for land in (CLAIM, MONEY)):
            self._pass()
        fault = self._judge()
        outcome = "both" if self._stage(MONEY) == OPENED else "neither"
        self.met[f"ended: {outcome}"] += 1
        return Ended(self.seed, fault, outcome, self.met, tuple(self.story))

    def _pass(self) -> None:
        """A tick: whoever is there looks; what arrives now is executed."""
        self.tick += 1
        for party in sorted(self.parties, key=lambda each: (self.draw.below(1_000), each.name)):
            if party.back_at <= self.tick:
                self._act(party)
        for land in self.lands.values():
            due = [packet for packet in self.packets if packet.land == land.name and packet.at <= self.tick]
            if self.is_calm or chance(self.draw, 70) or land.skipped >= 2:
                self.packets = [packet for packet in self.packets if packet not in due]
                self._make_block(land, due)
            else:
                land.skipped += 1

    def _make_block(self, land: Land, due: list[Packet]) -> None:
        if not self.is_calm:
            due = sorted(due, key=lambda packet: (self.draw.below(1_000), packet.serial))
        for packet, code in land.execute(self.tick * TICK_US, due):
            what = f"{packet.operation} on {land.name}"
            self.met[f"{what}: {code}"] += 1
            self.story.append(f"{self.tick:4d}  {packet.member}: {what}: {code}")

    # --- who acts -------------------------------------------------------------------------------------------------

    def _act(self, party: _Party) -> None:
        if self._dies(party, "before it looks"):
            return
        if party.name == CARRIER:
            self._carry(party)
            return
        names = [CLAIM, MONEY] if chance(self.draw, 50) else [MONEY, CLAIM]
        for name in names:
            for move in self._wishes(party, self.lands[name]):
                self._send(party, name, *move)
                if self._dies(party, f"after {move[1]}"):
                    return

    def _wishes(self, party: _Party, land: Land) -> list[Move]:
        """By the plan; and, of who is greedy, whatever might be taken."""
        key = (party.name, land.name)
        seen = self.lands[MONEY].state.get(LOCKS, BANK_LOCK)
        known = b"" if seen is None or party.name != BANK else seen.secret  # the bank is a member there, too
        found = list(next_moves(land.state, self.plan.tasks[key], land.time_us, known))
        return found + [move for move in self.plan.greed.get(key, ()) if move not in found]

    def _send(self, party: _Party, land: str, contract: str, operation: str, arguments: object) -> None:
        """Again after three ticks where it was not executed; never lost three times in a row."""
        place = (land, operation, str(getattr(arguments, "lock_no", "")))
        if self.tick - party.under_way.get(place, -9) < 3:
            return
        party.under_way[place] = self.tick
        if not self.is_calm and party.losses < 2 and chance(self.draw, 15):
            party.losses += 1
            self.met["lost on its way"] += 1
            return
        party.losses = 0
        at = self.tick + (0 if self.is_calm else self.draw.below(4))
        self._put(land, at, party.name, contract, operation, arguments)

    def _carry(self, party: _Party) -> None:
        """Proofs of both rows to the other ledger; those of rows that are not there, too."""
        for source, target, lock_no in ((MONEY, CLAIM, BANK_LOCK), (CLAIM, MONEY, CLAIM_LOCK)):
            proven = carry(self.lands[source], lock_no)
            delay = 0 if self.is_calm else self.draw.below(6)
            if not self.is_calm and chance(self.draw, 15):
                self.met["proof lost on its way"] += 1
                continue
            self._put(target, self.tick + delay, CARRIER, "", source, proven)
            if self._dies(party, "between two proofs"):
                return

    def _put(self, land: str, at: int, member: str, contract: str, operation: str, arguments: object) -> None:
        self.serial += 1
        self.packets.append(Packet(land, at, self.serial, member, contract, operation, arguments))

    def _dies(self, party: _Party, where: str) -> bool:
        """Whoever has just come back stays awake for a while, so that an absence has a length."""
        if self.is_calm or party.awake_until > self.tick or not chance(self.draw, 5):
            return False
        away = 1 + self.draw.below(choose(self.draw, (4, 4, 12, self.variant.away_max)))
        party.back_at, party.awake_until = self.tick + away, self.tick + away + 8
        party.under_way = {}
        stages = f"claim {self._stage(CLAIM) or 'free'}, money {self._stage(MONEY) or 'free'}"
        self.met[f"{party.name} dies {where}: {stages}"] += 1
        self.story.append(f"{self.tick:4d}  {party.name} dies {where}, for {away} ticks")
        return True

    # --- how it ended ---------------------------------------------------------------------------------------------

    def _stage(self, land: str) -> str:
        lock = self.lands[land].state.get(LOCKS, CLAIM_LOCK if land == CLAIM else BANK_LOCK)
        return "" if lock is None else lock.stage

    def _judge(self) -> str:
        for land in self.lands.values():
            balances = [account.balance_fen for _, account in land.state.range(ACCOUNTS, "", "~")]
            if sum(balances):
                return f"the balances of {land.name} sum to {sum(balances)} fen"
            if self._stage(land.name) == LOCKED:
                return f"the lock on {land.name} never ended"
        sold, paid = is_sold(self.lands[CLAIM]), self.lands[MONEY].paid_fen(SUPPLIER) == self.plan.price_fen
        if sold != paid:
            return f"the claim is {'sold' if sold else 'not sold'}, and its price {'paid' if paid else 'not paid'}"
        return ""


def examine(seed: int, variant: str) -> Ended:
    """The interleaving of a seed, judged."""
    return Exchange(seed, VARIANTS[variant]).run()
