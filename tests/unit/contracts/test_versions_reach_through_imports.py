"""A contract that calls another's functions goes by the version of it that the height has, or says why it need not.

Found by a walk: a patient's claim was settled by version 2 where the members had not voted for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, signature

import msgspec

from consortium.contracts import load_contracts
from consortium.core.contract import Context, Contract, Event, Operation, State
from consortium.core.versions import get_versions
from tests.rules_reached import asks_for_version, of_operations, reached, rules_by_version

_OF_MONTHS = "it reads months that version 3 counted; how a month is named, and when it is over, is no rule"
NEED_NOT_ASK: dict[str, str] = {
    "agreement.accept of settlement": _OF_MONTHS,
    "agreement.judge_month of settlement": _OF_MONTHS,
    "clearing.propose of settlement": _OF_MONTHS,
    "clearing.pay of settlement": _OF_MONTHS,
    "reconciliation.end_month of settlement": _OF_MONTHS,
    "reconciliation.state_books of settlement": _OF_MONTHS,
    "reconciliation.close of settlement": _OF_MONTHS,
    "reconciliation.close_by_ledger of settlement": _OF_MONTHS,
}
"""By "contract.operation of contract": why it does the same by every version."""


def blind(contracts: Mapping[str, Contract]) -> set[str]:
    """Operations that reach a rule that another contract has in versions, and never ask which one the height has."""
    found: set[str] = set()
    for name, versioned in contracts.items():
        rules = rules_by_version(versioned) if len(versioned.versions) > 1 else set()
        others = [each for other in contracts.values() if other.name != name for each in other.versions.values()]
        for other in others:
            for operation in other.operations.values():
                reach = reached((operation.run,))
                if reach & rules and not any(asks_for_version(function, name) for function in reach):
                    found.add(f"{other.name}.{operation.name} of {name}")
    return found


def test_no_operation_goes_by_the_newest_version_of_another_contract() -> None:
    assert blind(load_contracts()) == set(NEED_NOT_ASK)


def test_what_a_version_chooses_has_no_default() -> None:
    """Who forgets it would settle by one version for ever, and silently."""
    for contract in load_contracts().values():
        for function in rules_by_version(contract) if len(contract.versions) > 1 else ():
            only = [each for each in signature(function).parameters.values() if each.kind is Parameter.KEYWORD_ONLY]
            switches = [each for each in only if each.annotation in (bool, "bool")]
            assert all(each.default is Parameter.empty for each in switches), function.__qualname__


def test_the_rules_of_settlement_and_who_asks_for_them_are_seen() -> None:
    contracts = load_contracts()
    rules = {function.__qualname__ for function in rules_by_version(contracts["settlement"])}
    assert {"settle", "compute_used", "_claim", "_claim_jointly"} <= rules and "judge_terms" not in rules
    asking = {
        each.__qualname__ for each in of_operations(contracts["patient_claim"]) if asks_for_version(each, "settlement")
    }
    assert asking == {"are_caps_joint", "are_records_read"}


# --- what the test must find --------------------------------------------------------------------------------------


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No arguments."""


def _pay(state: State, *, is_double: bool) -> list[Event]:
    return [Event("paid", {"times": 1 + is_double})]


def _pay_once(state: State, arguments: Nothing, context: Context) -> list[Event]:
    return _pay(state, is_double=False)


def _pay_twice(state: State, arguments: Nothing, context: Context) -> list[Event]:
    return _pay(state, is_double=True)


def _pay_by_proxy(state: State, arguments: Nothing, context: Context) -> list[Event]:
    return [event for event in _pay(state, is_double=True) if event.kind]


def _pay_as_newest(state: State, arguments: Nothing, context: Context) -> list[Event]:
    return _PAYERS["twice"](state, arguments, context)


def _pay_by_height(state: State, arguments: Nothing, context: Context) -> list[Event]:
    return _pay(state, is_double=get_versions(state).at("payer", context.height) > 1)


_PAYERS = {"twice": _pay_twice}


def one(name: str, run: object, version: int = 1, older: tuple[Contract, ...] = ()) -> Contract:
    return Contract(name, version, (Operation("pay", Nothing, frozenset(("a",)), run),), older=older)  # type: ignore[arg-type]


def test_an_operation_that_takes_one_version_for_granted_is_named() -> None:
    payer = one("payer", _pay_twice, 2, (one("payer", _pay_once),))
    others = [one("proxy", _pay_by_proxy), one("newest", _pay_as_newest), one("asking", _pay_by_height)]
    assert blind({each.name: each for each in (payer, *others)}) == {"proxy.pay of payer", "newest.pay of payer"}
