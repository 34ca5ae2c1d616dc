"""The workload of scenarios in which members or rules change: a load, and what stewards propose meanwhile.

options: `load`, the name of another workload (`settlement_load`), and that one's options; `deeds`: a list of
`DeedOptions`, as {"by": "hospital-1", "at_us": 2_000_000, "action": "appoint", "name": "hospital-5", "kind":
"validator"}; `against`: members that vote against everything. Actions are those of the governance contract, and
`recover`. `rekey` is of the proposer itself; its new keys, and those of `recover`, come out of its recovery secret.
`upgrade` says contract and version; `call` says contract, operation and arguments, as a JSON object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from consortium.contracts import load_contracts
from consortium.contracts.governance import governance
from consortium.contracts.governance.governance_rules import ADMIT, REKEY, recovery_statement, sorted_keys
from consortium.contracts.governance.rule_changes import CALL, UPGRADE
from consortium.core.codec import encode
from consortium.core.contract import CanonicalCall
from consortium.core.crypto import KeySuite
from consortium.core.keyring import Keyring
from consortium.core.membership import Purpose
from consortium.roles.steward import MembershipAction, StewardTasks
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError
from consortium.scenario.network.check import NetworkError, check_known
from consortium.scenario.scenario import Scenario, Workload
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec, load_workloads

RECOVER = "recover"


class DeedOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `deeds`."""

    by: str
    at_us: int
    action: str
    name: str = ""
    kind: str = ""
    role: str = ""
    purposes: tuple[Purpose, ...] = ("vote",)
    keys: dict[Purpose, str] = {}  # of a newcomer, hexadecimal; none: those of the scenario's member of that name
    generation: int = 1
    lowers_f: bool = False
    tuning: dict[str, int] = {}
    contract: str = ""
    version: int = 0
    from_height: int = 0
    operation: str = ""
    arguments: dict[str, Any] = {}


def complete_action(
    action: MembershipAction, member: str, chain: bytes, suite: KeySuite, keyring: Keyring
) -> MembershipAction:
    """The action with what only the member itself can add: its own new keys, or the signature of its recovery key."""
    if action.is_recovery:
        secret, vote_key = keyring.generation("recover", 0), keyring.public_key("vote", action.generation)
        assert secret is not None, f"{member} has no recovery secret"
        signature = suite.sign(secret, recovery_statement(chain, suite.name, member, vote_key))
        return replace(action, recovery=governance.RecoverKey(vote_key, signature))
    if action.renews and action.proposal is not None:
        keys = sorted_keys({purpose: keyring.public_key(purpose, action.generation) for purpose in action.renews})
        return replace(action, proposal=replace(action.proposal, keys=keys))
    return action


def introduce(prepared: Prepared, keys: Mapping[str, Mapping[Purpose, bytes]]) -> Prepared:
    """With the public keys of those that are to be admitted, where their proposals do not bring them: whoever proposes
    a newcomer has its keys from it."""

    def known(deed: MembershipAction) -> MembershipAction:
        proposal = deed.proposal
        if proposal is None or proposal.action != ADMIT or proposal.keys or proposal.name not in keys:
            return deed
        return replace(deed, proposal=replace(proposal, keys=sorted_keys(keys[proposal.name])))

    work = dict(prepared.work)
    for name, each in work.items():
        tasks = each.find(StewardTasks)
        if tasks is not None:
            work[name] = each.having(replace(tasks, actions=tuple(map(known, tasks.actions))))
    return Prepared(prepared.calls, work)


def _deed(index: int, options: DeedOptions) -> MembershipAction:
    if options.action == RECOVER:
        return MembershipAction(options.at_us, is_recovery=True, generation=options.generation)
    proposal = governance.Propose(
        proposal_id=f"{index}-{options.action}-{options.name or options.by}",
        action=options.action,
        name=options.name or options.by,
        role=options.role,
        kind=options.kind,
        keys=sorted_keys({purpose: bytes.fromhex(key) for purpose, key in options.keys.items()}),
        lowers_f=options.lowers_f,
        tuning=options.tuning,
        call=_call(options) if options.action == CALL else None,
        contract=options.contract if options.action == UPGRADE else "",
        version=options.version,
        from_height=options.from_height,
    )
    renews = options.purposes if options.action == REKEY else ()
    return MembershipAction(options.at_us, proposal, renews=renews, generation=options.generation)


def _call(options: DeedOptions) -> CanonicalCall:
    """Raises ScenarioError where no contract has such a call."""
    contracts = load_contracts()
    _check_known("deeds: contract", options.contract, sorted(contracts))
    operations = contracts[options.contract].operations
    _check_known(f"deeds: operation of {options.contract}", options.operation, sorted(operations))
    try:
        arguments = msgspec.convert(options.arguments, operations[options.operation].arguments)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"deeds: arguments of {options.contract}.{options.operation}: {error}") from None
    return CanonicalCall(options.contract, options.operation, encode(arguments))


def _check_known(what: str, value: str, known: Sequence[str]) -> None:
    try:
        check_known(what, value, known)
    except NetworkError as error:
        raise ScenarioError(str(error)) from None


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    own: dict[str, Any] = dict(scenario.workload.options)
    loads = load_workloads()
    name = own.pop("load", "settlement_load")
    _check_known("workload.options.load", name, sorted(each for each in loads if each != WORKLOAD.name))
    deeds = msgspec.convert(own.pop("deeds", ()), tuple[DeedOptions, ...])
    against = msgspec.convert(own.pop("against", ()), tuple[str, ...])
    prepared = loads[name].prepare(replace(scenario, workload=Workload(name, own)), pseudonym_key)
    work: dict[str, Work] = {}
    for member in scenario.members:
        mine = tuple(_deed(index, deed) for index, deed in enumerate(deeds) if deed.by == member.name)
        held = prepared.work.get(member.name, Work(member.name))
        work[member.name] = held.having(StewardTasks(mine, member.name not in against))
    return Prepared(prepared.calls, work)


WORKLOAD = WorkloadSpec("membership", _prepare)
