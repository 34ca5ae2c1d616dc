"""The bureau's payouts: what is owed is the balance of an account, after whatever came in and was taken back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consortium.contracts.insurance import institution
from consortium.core.codec import encode
from consortium.core.contract import OK, Event, Receipt
from consortium.core.machine import Now, Outcome, Receipted, Started, Submit
from consortium.roles import load_roles
from consortium.roles.bureau import BureauTasks
from consortium.roles.work import Work
from tests.unit.roles.small_ledger import SmallLedger

CODE, ACCOUNT, LEAST_FEN = "H1", "payable/H1", 100


def move(source: str, target: str, amount_fen: int) -> Event:
    return Event("movement", {"source": source, "target": target, "amount_fen": amount_fen, "cause": "c"})


class Bureau:
    """A bureau that pays out from LEAST_FEN on, and what it wishes for in each block."""

    def __init__(self) -> None:
        spec = load_roles()["bureau"]
        work = Work("bureau", (BureauTasks(disburse_fen=LEAST_FEN),))
        self.machine = spec.build(spec.settings(), work, SmallLedger({}).reader)
        self.machine.step(Now(0, 0), Started(()))
        self.height = 0

    def hear(
        self, *events: Event, pay: institution.Disburse | None = None, code: str = OK
    ) -> list[institution.Disburse]:
        """A block with these events; of the payout `pay`, where one is given, with this code."""
        self.height += 1
        said = ("institution", "disburse", encode(pay)) if pay else ("settlement", "claim", b"")
        outcome = Outcome("bureau" if pay else "hospital", self.height, *said, Receipt(b"", code, "", events))
        effects = self.machine.step(Now(self.height, self.height), Receipted(self.height, 0, (outcome,), False))
        return [effect.calls[0][2] for effect in effects if isinstance(effect, Submit)]


def test_what_a_mismatch_takes_back_is_not_paid_out() -> None:
    """Regression: the bureau counted what came into the account, and its next payout was refused `payable-short`."""
    bureau = Bureau()
    assert bureau.hear(move("fund/x", ACCOUNT, 90)) == []
    assert bureau.hear(move(ACCOUNT, "disputed/b", 80)) == []
    assert bureau.hear(move("fund/x", ACCOUNT, 60)) == [], "70 fen are owed, not 150"
    (pay,) = bureau.hear(move("fund/x", ACCOUNT, 30))
    assert pay.amount_fen == 100


def test_a_payout_that_was_overtaken_is_wished_for_again_with_what_is_left() -> None:
    bureau = Bureau()
    (pay,) = bureau.hear(move("fund/x", ACCOUNT, 300))
    assert bureau.hear(move(ACCOUNT, "fund/x", 150)) == [], "the first is under way"
    (again,) = bureau.hear(pay=pay, code="payable-short")
    assert again.amount_fen == 150 and again.cause != pay.cause


def test_a_suspended_institution_is_paid_when_it_is_resumed_and_not_asked_for_meanwhile() -> None:
    bureau = Bureau()
    (pay,) = bureau.hear(move("fund/x", ACCOUNT, 300))
    assert bureau.hear(pay=pay, code="institution-suspended") == []
    assert bureau.hear(move("fund/x", "payable/H2", 50)) == []
    (again,) = bureau.hear(Event("institution-resumed", {"fixmedins_code": CODE, "reason": "cleared"}))
    assert again.amount_fen == 300


@given(st.lists(st.tuples(st.integers(1, 200), st.booleans(), st.booleans()), max_size=30))
def test_nothing_is_ever_wished_for_that_the_balance_does_not_bear(steps: list[tuple[int, bool, bool]]) -> None:
    """Each step moves money in or out, and then settles the oldest payout or leaves it under way."""
    bureau, balance_fen, under_way = Bureau(), 0, list[institution.Disburse]()
    for amount_fen, is_out, settles in steps:
        movement = move(ACCOUNT, "fund/x", amount_fen) if is_out else move("fund/x", ACCOUNT, amount_fen)
        balance_fen += -amount_fen if is_out else amount_fen
        wished = bureau.hear(movement)
        assert not wished or sum(pay.amount_fen for pay in (*under_way, *wished)) == balance_fen
        under_way += wished
        if settles and under_way:
            pay, is_short = under_way.pop(0), False
            is_short = pay.amount_fen > balance_fen
            balance_fen -= 0 if is_short else pay.amount_fen
            paid = () if is_short else (move(ACCOUNT, f"paid/{CODE}", pay.amount_fen),)
            wished = bureau.hear(*paid, pay=pay, code="payable-short" if is_short else OK)
            assert not wished or sum(one.amount_fen for one in (*under_way, *wished)) == balance_fen
            under_way += wished
