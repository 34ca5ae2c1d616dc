"""Who pays after the public plans, by docs/domain.md: a commercial insurer, advances, aid. In fractions; what is left
of a settlement is worked out anew each time from all that was said of it. Nothing of `consortium` is imported here."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.accounts import OUTSIDE, Accounts, need
from tests.reference.arithmetic import half_up
from tests.reference.registry import day_after

AID_FUND = "fund/medical-aid"
NEEDED = {"diagnosis", "means"}
STEPS = ("diagnosis", "treated", "followed-up")


@dataclass(frozen=True)
class Stay:
    """A settlement as the public plans left it."""

    person: str
    code: str
    day: int
    scope: int
    fund: int
    account: int
    cash: int

    @property
    def own(self) -> int:
        return self.account + self.cash


@dataclass(frozen=True)
class Policy:
    person: str
    begin: int
    end: int
    deductible: int
    of_scope: Fraction
    of_rest: Fraction
    cap: int


@dataclass
class Second:
    policy: str
    deductible: int
    fen: int
    stage: str = "claimed"  # then paid, declined or reversed


@dataclass
class Aid:
    lapses: int
    stage: str = "applied"  # then granted, refused, appealed, lapsed or closed
    attested: set[str] = field(default_factory=set)
    granted: int = 0
    parts: dict[str, int] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)
    returned: int = 0


@dataclass
class Urgent:
    person: str
    code: str
    fen: int
    confirm_by: int
    stage: str = "advanced"  # then confirmed or taken back


@dataclass(frozen=True)
class Rules:
    """Of aid: illustrative."""

    deductible: int = 200_000
    share: Fraction = Fraction(3, 5)
    cap: int = 5_000_000
    first: Fraction = Fraction(1, 2)
    last: Fraction = Fraction(1, 10)
    lapse_days: int = 60
    urgent_cap: int = 1_000_000
    urgent_days: int = 10


class Later(Accounts):
    def __init__(self, opening: int) -> None:
        super().__init__()
        self.rules = Rules()
        self.today = 0
        self.accounts |= {AID_FUND: opening}
        self.stays: dict[str, Stay] = {}  # those that stand
        self.policies: dict[str, Policy] = {}
        self.seconds: dict[str, Second] = {}
        self.aids: dict[str, Aid] = {}
        self.urgents: dict[str, Urgent] = {}
        self.advances: dict[str, list[int]] = {}
        self.grants: list[tuple[str, int]] = []  # by person

    # --- what is left -----------------------------------------------------------------------------------------------

    def left(self, key: str) -> int:
        second = self.seconds.get(key)
        insured = second.fen if second is not None and second.stage in ("claimed", "paid") else 0
        return max(0, self.stays[key].cash - insured - sum(self.advances.get(key, ())))

    def aided(self, key: str) -> int:
        return (self.aids[key].granted if key in self.aids else 0) + sum(self.advances.get(key, ()))

    def open_payee(self, person: str) -> str:
        self.accounts.setdefault(f"payout/{person}", 0)
        return f"payout/{person}"

    # --- the insurer ------------------------------------------------------------------------------------------------

    def claim(self, policy_no: str, person: str, key: str) -> None:
        policy = self.policies.get(policy_no)
        need(policy is not None and policy.person == person and key in self.stays, "policy, or settlement")
        assert policy is not None
        stay, known = self.stays[key], self.seconds.get(key)
        need(stay.person == person, "another's")
        need(known is None or known.stage == "declined", "claimed already")
        need(policy.begin <= stay.day < policy.end, "not covered")
        claims = [one for one in self.seconds.values() if one.policy == policy_no and one.stage in ("claimed", "paid")]
        left, rest = stay.scope - stay.fund, stay.own - (stay.scope - stay.fund)
        deductible = min(policy.deductible - sum(one.deductible for one in claims), left + rest)
        of_left = min(left, deductible)
        exact = (left - of_left) * policy.of_scope + (rest - deductible + of_left) * policy.of_rest
        room = min(policy.cap - sum(one.fen for one in claims), stay.own - self.aided(key))
        fen = min(half_up(exact), room)
        need(fen > 0, "nothing left")
        self.seconds[key] = Second(policy_no, deductible, fen)

    def pay(self, key: str) -> None:
        second = self.seconds.get(key)
        need(second is not None and second.stage == "claimed", "not claimed")
        assert second is not None
        payee = self.open_payee(key.partition("/")[0])
        self.move([(OUTSIDE, payee, second.fen)])
        second.stage = "paid"

    def decline(self, key: str) -> None:
        second = self.seconds.get(key)
        need(second is not None and second.stage == "claimed", "not claimed")
        assert second is not None
        second.stage = "declined"

    def reverse(self, key: str) -> None:
        """The settlement is gone: the insurer has its money back. Aid waits to be taken back."""
        second = self.seconds.get(key)
        if second is not None and second.stage in ("claimed", "paid"):
            if second.stage == "paid":
                self.move([(f"payout/{key.partition('/')[0]}", OUTSIDE, second.fen)], gives_back=True)
            second.stage = "reversed"
        del self.stays[key]

    # --- aid --------------------------------------------------------------------------------------------------------

    def apply(self, person: str, key: str) -> None:
        need(key in self.stays and self.stays[key].person == person, "settlement")
        need(key not in self.aids or self.aids[key].stage == "lapsed", "applied already")
        need(self.left(key), "nothing is left")
        self.aids[key] = Aid(day_after(self.today, self.rules.lapse_days))

    def attest(self, key: str, what: str, role: str) -> None:
        aid = self.aids.get(key)
        need(aid is not None and (what == "means") == (role == "finance"), "role")
        assert aid is not None
        need(aid.stage in ("applied", "granted") and what not in aid.attested, "attested, or over")
        aid.attested.add(what)

    def review(self, key: str) -> None:
        aid = self.aids.get(key)
        need(aid is not None and aid.stage == "applied" and key in self.stays, "stage")
        assert aid is not None
        need(aid.attested >= NEEDED, "not attested")
        above = self.left(key) - self.rules.deductible
        grant = min(half_up(max(0, above) * self.rules.share), self._room(key))
        if grant > 0:
            self._grant(key, aid, grant)
        else:
            aid.stage = "refused"

    def _room(self, key: str) -> int:
        person = key.partition("/")[0]
        return max(0, self.rules.cap - sum(fen for who, fen in self.grants if who == person))

    def _grant(self, key: str, aid: Aid, fen: int) -> None:
        self.grants.append((key.partition("/")[0], fen))
        first, last = half_up(fen * self.rules.first), half_up(fen * self.rules.last)
        aid.stage, aid.granted = "granted", fen
        parts = zip(STEPS, (first, fen - first - last, last), strict=True)
        aid.parts = {step: part for step, part in parts if part > 0}

    def appeal(self, key: str) -> None:
        need(key in self.aids and self.aids[key].stage == "refused", "not refused")
        self.aids[key].stage = "appealed"

    def decide(self, key: str, fen: int) -> None:
        aid = self.aids.get(key)
        need(aid is not None and aid.stage == "appealed", "no appeal")
        assert aid is not None
        if not fen:
            aid.stage = "closed"
            return
        need(key in self.stays and fen <= min(self.left(key), self._room(key)), "too much")
        self._grant(key, aid, fen)

    def disburse(self, key: str, step: str) -> None:
        aid = self.aids.get(key)
        need(aid is not None and step in aid.parts, "no such part")
        assert aid is not None
        need(step in aid.attested and step not in aid.paid, "not attested, or paid")
        need(key in self.stays and self.left(key) >= aid.granted, "another has paid")
        payee = self.open_payee(key.partition("/")[0])
        self.move([(AID_FUND, payee, aid.parts[step])])
        aid.paid.add(step)

    def take_back(self, key: str) -> None:
        aid = self.aids.get(key)
        need(aid is not None, "no aid")
        assert aid is not None
        left = self.left(key) if key in self.stays else 0
        over = sum(aid.parts[step] for step in aid.paid) - aid.returned - left
        need(over > 0, "nothing to take back")
        self.move([(f"payout/{key.partition('/')[0]}", AID_FUND, over)], gives_back=True)
        aid.returned += over

    # --- emergencies ------------------------------------------------------------------------------------------------

    def advance(self, number: str, code: str, person: str, fen: int) -> None:
        need(0 < fen <= self.rules.urgent_cap and number not in self.urgents, "too much, or known")
        self.accounts.setdefault(f"paid/{code}", 0)
        self.move([(AID_FUND, f"paid/{code}", fen)])
        self.urgents[number] = Urgent(person, code, fen, day_after(self.today, self.rules.urgent_days))

    def confirm(self, number: str, key: str) -> None:
        urgent = self.urgents.get(number)
        need(urgent is not None and urgent.stage == "advanced" and key in self.stays, "no such advance")
        assert urgent is not None
        need((self.stays[key].person, self.stays[key].code) == (urgent.person, urgent.code), "another's")
        granted = self.aids[key].granted if key in self.aids else 0
        kept = min(urgent.fen, max(0, self.left(key) - granted))
        self.move([(f"paid/{urgent.code}", AID_FUND, urgent.fen - kept)], gives_back=True)
        self.advances.setdefault(key, []).append(kept)
        urgent.stage = "confirmed"

    def ring(self) -> None:
        """All that is due today."""
        for aid in self.aids.values():
            if aid.stage == "applied" and aid.lapses <= self.today:
                aid.stage = "lapsed"
        over = [(one.confirm_by, number) for number, one in self.urgents.items() if one.stage == "advanced"]
        for confirm_by, number in sorted(over):
            if confirm_by < self.today:
                urgent = self.urgents[number]
                back = min(urgent.fen, max(0, self.accounts[f"paid/{urgent.code}"]))
                self.move([(f"paid/{urgent.code}", AID_FUND, back)], gives_back=True)
                urgent.stage = "taken back"
