"""What findings took back of settlements: a table that a reversal reads, so that nothing comes back twice."""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import funds
from consortium.core.contract import Event, State, StateReader, Table


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much came back into a fund."""

    fund: str
    amount_fen: int


class Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the settlement's key: what came back of it by findings, by fund, and from which institution."""

    fixmedins_code: str
    shares: tuple[Share, ...]


RECOVERIES: Table[Recovery] = Table("recovery", Recovery)


def get_recovered(state: StateReader, key: str) -> dict[str, int]:
    """What came back of a settlement already, in fen by fund."""
    known = state.get(RECOVERIES, key)
    return {} if known is None else {share.fund: share.amount_fen for share in known.shares}


def put_recovered(state: State, key: str, fixmedins_code: str, taken: dict[str, int]) -> None:
    state.put(RECOVERIES, key, Recovery(fixmedins_code, tuple(Share(*each) for each in sorted(taken.items()))))


def undo_recovery(state: State, key: str, cause: str, events: list[Event]) -> None:
    """The settlement is reversed, and all that it cost came back: what findings took of it is owed again."""
    known = state.get(RECOVERIES, key)
    if known is None:
        return
    payable = f"payable/{known.fixmedins_code}"
    back = [(share.fund, payable, share.amount_fen) for share in known.shares]
    funds.move_all(state, back, cause, events, is_return=True)
    state.delete(RECOVERIES, key)
