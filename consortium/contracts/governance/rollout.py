"""Rolling out, institution by institution: in shadow first, then live, each by vote 影子运行、试点、转正.

In shadow everything is executed as it will be, and nothing is paid: what is owed to the institution adds up and is
held, while the old system goes on paying. What this ledger computed is compared with the old system's file
(`consortium shadow RUN FILE`). When the members vote that the institution goes live, what added up is written off: the
old system has paid it, and from then on this ledger pays. Who was never put into shadow is live.

The hold is the vote's: nobody asks for its end, and two organisations cannot lift it.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_PROVIDERS, SUPERVISORS, among
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.institution import OF_INSTITUTION, get_institution
from consortium.contracts.oversight import hold
from consortium.core.contract import (
    GENESIS,
    VOTE,
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
)

SHADOW, LIVE = "shadow", "live"
WHY = "shadow"  # of the hold


class Rollout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the institution's code. `since_day` of the stage; `written_off_fen`: what the old system had paid."""

    stage: str
    since_day: int
    written_off_fen: int = 0


ROLLOUTS: Table[Rollout] = Table("rollout", Rollout, told_as="rollout")
LIFE = Life(ROLLOUTS, (Move("", "begin_shadow", SHADOW), Move(SHADOW, "go_live", LIVE)))


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which institution."""

    fixmedins_code: str


def _record(code: str) -> str:
    return f"rollout/{code}"


def _begin_shadow(state: State, arguments: Which, context: Context) -> list[Event]:
    code = arguments.fixmedins_code
    get_institution(state, code)
    stage = LIFE.move("begin_shadow", LIFE.stage_of(state.get(ROLLOUTS, code)), f"the rollout of {code}")
    events: list[Event] = []
    nobody = context._replace(member="")
    hold.place_by_rule(state, f"payable/{code}", WHY, _record(code), nobody, events)
    state.put(ROLLOUTS, code, Rollout(stage, context.day))
    return [*events, Event("shadow-begun", {"fixmedins_code": code, "day": context.day})]


def _go_live(state: State, arguments: Which, context: Context) -> list[Event]:
    """Once nothing waits for a word on the lines of bills: what comes to be owed later would be paid a second time."""
    code = arguments.fixmedins_code
    known = state.get(ROLLOUTS, code)
    stage = LIFE.move("go_live", LIFE.stage_of(known), f"the rollout of {code}")
    for low, high in ((f"unconfirmed/{code}/", f"unconfirmed/{code}0"), _disputed(code)):
        if any(True for _ in state.range(funds.ACCOUNTS, low, high, limit=1)):
            raise Refused("lines-open", f"bills of {code} wait for a word on their lines: it goes live after that")
    events: list[Event] = []
    payable, owed_fen = f"payable/{code}", funds.get_balance(state, f"payable/{code}")
    sides = (payable, funds.EXTERNAL) if owed_fen > 0 else (funds.EXTERNAL, payable)
    funds.move(state, *sides, abs(owed_fen), _record(code), events, is_return=True)
    hold.lift(state, payable, WHY, _record(code), events)
    state.put(ROLLOUTS, code, Rollout(stage, context.day, owed_fen))
    fields: dict[str, int | str] = {"fixmedins_code": code, "day": context.day, "written_off_fen": owed_fen}
    return [*events, Event("gone-live", fields)]


def _disputed(code: str) -> tuple[str, str]:
    """Accounts of its bills, whose numbers begin with its code in lower case."""
    return f"disputed/{code.lower()}-", f"disputed/{code.lower()}."


def _get(state: StateReader, asked: Which, _reader: Reader) -> Rollout:
    """Refuses `live`: of one that nobody put into shadow there is nothing to tell."""
    get_institution(state, asked.fixmedins_code)
    known = state.get(ROLLOUTS, asked.fixmedins_code)
    if known is None:
        raise Refused("live", f"{asked.fixmedins_code} is live since it was signed")
    return known


CONTRACT = Contract(
    "rollout",
    1,
    (
        Operation("begin_shadow", Which, among(VOTE, GENESIS), _begin_shadow),
        Operation("go_live", Which, among(VOTE), _go_live),
    ),
    (
        Query(
            "get",
            Which,
            BY_PROVIDERS | SUPERVISORS,
            _get,
            OF_INSTITUTION.or_of(*SUPERVISORS),
            RowOf(ROLLOUTS, lambda asked: asked.fixmedins_code, Which),
        ),
    ),
    lives=(LIFE,),
    founding=0,
)
