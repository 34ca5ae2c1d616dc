"""What of a settlement can come back from its institution, and how: into the very funds that paid, and never twice."""

from __future__ import annotations

from collections.abc import Iterable

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement, spelt_key
from consortium.contracts.insurance.payable import sources_of
from consortium.contracts.insurance.payout import get_payout_account
from consortium.contracts.oversight.recovered import get_recovered, put_recovered
from consortium.core.contract import Event, Refused, State, StateReader


def check_settlement(state: StateReader, key: str, accused: str) -> None:
    """Refuses `bad-identifier` of another spelling than the key's, `unknown-settlement`, `not-accused`."""
    if spelt_key(key) != key:
        raise Refused("bad-identifier", "a settlement is named by its key, psn_no/YYYY/000001")
    settlement = state.get(SETTLEMENTS, key)
    if settlement is None or settlement.reverses:
        raise Refused("unknown-settlement", f"there is no settlement {key}")
    if settlement.fixmedins_code != accused or get_payout_account(state, key):
        raise Refused("not-accused", f"{accused} was not paid for settlement {key}")


def find_recoverable(state: StateReader, keys: Iterable[str]) -> int:
    """What the funds paid for these settlements and did not get back, in fen; nothing of one that was reversed."""
    return sum(fen for key in keys for _, fen in _left_of(state, key))


def take_back(state: State, keys: Iterable[str], amount_fen: int, cause: str, events: list[Event]) -> int:
    """Move up to so much from what is owed to the institution back into the funds, settlement by settlement in their
    order, of each the pool's share first. Returns how much: less where settlements were reversed meanwhile."""
    movements: list[tuple[str, str, int]] = []
    left_fen = amount_fen
    for key in keys:
        settlement, taken = state.get(SETTLEMENTS, key), get_recovered(state, key)
        for fund, fen in _left_of(state, key):
            back_fen = min(fen, left_fen)
            if back_fen and settlement is not None:
                left_fen -= back_fen
                taken[fund] = taken.get(fund, 0) + back_fen
                movements.append((f"payable/{settlement.fixmedins_code}", fund, back_fen))
                put_recovered(state, key, settlement.fixmedins_code, taken)
    funds.move_all(state, movements, cause, events, is_return=True)
    return amount_fen - left_fen


def _left_of(state: StateReader, key: str) -> list[tuple[str, int]]:
    """Of each fund that paid for a settlement, what it has not got back."""
    settlement = state.get(SETTLEMENTS, key)
    if settlement is None or _is_reversed(state, settlement, key):
        return []
    taken = get_recovered(state, key)
    shares = [(fund, fen) for fund, fen in sources_of(settlement, "") if fund]
    return [(fund, fen - taken.get(fund, 0)) for fund, fen in shares]


def _is_reversed(state: StateReader, settlement: Settlement, key: str) -> bool:
    bill = state.get(bills.BILLS, settlement.bill_no)
    return bill is None or bill.settlement != key
