"""Whose record an operation or a query is about: one refusal for what another has and for what nobody has."""

import msgspec
import pytest

from consortium.core.contract import GENESIS, Context, Contract, Operation, Query, Reader, Refused, Table, Whose
from tests.contracts_state import MemoryState


class Thing(msgspec.Struct, frozen=True):
    owner: str


class Ask(msgspec.Struct, frozen=True):
    name: str


THINGS = Table("whose_thing", Thing)


def find(state: object, ask: Ask) -> tuple[str, ...]:
    thing = STATE.get(THINGS, ask.name)
    return () if thing is None else (thing.owner,)


STATE = MemoryState()
STATE.put(THINGS, "of-a", Thing("a"))
STATE.put(THINGS, "of-b", Thing("b"))
OWN = Whose(find, owner="whoever owns the thing").or_of("judge")
ROLES = frozenset(("owner", "judge"))
CONTRACT = Contract(
    "thing",
    1,
    (Operation("take", Ask, ROLES, lambda state, ask, context: [], OWN),),
    (Query("look", Ask, ROLES, lambda state, ask, reader: state.get(THINGS, ask.name), OWN),),
)


def told(member: str, role: str, name: str) -> list[str]:
    """What an operation and a query say: "ok", or code and sentence of the refusal."""
    said = []
    context = Context(b"chain", 1, 0, b"transaction", member, role, 19700101)
    for act in (
        lambda: CONTRACT.execute(STATE, "take", Ask(name), context),
        lambda: CONTRACT.ask(STATE, "look", Ask(name), Reader(member, role, 19700101)),
    ):
        try:
            act()
        except Refused as refused:
            said.append(str(refused))
        else:
            said.append("ok")
    return said


def test_the_owner_acts_on_its_own_and_is_told_the_same_of_anothers_and_of_nobodys() -> None:
    assert told("a", "owner", "of-a") == ["ok", "ok"]
    assert told("a", "owner", "of-b") == told("a", "owner", "of-nobody") == ["not-yours: a has no such record"] * 2


def test_a_role_beside_the_owner_reaches_everybodys_and_what_is_unknown() -> None:
    for name in ("of-a", "of-b", "of-nobody"):
        assert told("c", "judge", name) == ["ok", "ok"]


def test_a_name_that_owns_a_thing_is_not_enough_without_the_role() -> None:
    assert [said.partition(":")[0] for said in told("a", "guest", "of-a")] == ["not-permitted", "not-permitted"]


def test_the_genesis_owns_everything_it_may_do() -> None:
    whole = Contract("thing", 1, (Operation("take", Ask, ROLES | {GENESIS}, lambda state, ask, context: [], OWN),))
    assert whole.execute(STATE, "take", Ask("of-b"), Context(b"", 0, 0, b"", "", GENESIS, 19700101)) == []


def test_a_query_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="unknown-query"):
        CONTRACT.ask(STATE, "lick", Ask("of-a"), Reader("a", "owner", 19700101))
