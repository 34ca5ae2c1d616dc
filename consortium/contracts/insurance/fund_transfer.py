"""Money from fund to fund, and what is left of a year's personal accounts: one organisation proposes that it moves,
another of another role endorses it; then it moves.

The rest of a year (`carry/<year>`, account_carry.py) is its persons': it goes to nobody but `external`, out of which it
comes back with their contributions."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.checks import check_identifier, check_positive_amount, check_reference
from consortium.contracts.insurance import funds
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Table,
)

PROPOSED, MOVED, WITHDRAWN = "proposed", "moved", "withdrawn"


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its identifier: from which fund to which, why, and who proposed it in which role."""

    source: str
    target: str
    amount_fen: int
    cause: str
    member: str
    role: str
    stage: str


TRANSFERS: Table[Transfer] = Table("fund_transfer", Transfer, told_as="transfer")
LIFE = Life(
    TRANSFERS,
    (
        Move("", "propose", PROPOSED),
        Move(PROPOSED, "endorse", MOVED),
        Move(PROPOSED, "withdraw", WITHDRAWN),
    ),
)


class Propose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money from fund `source` (`fund/…`) to fund `target` (`fund/…`), or from the rest of a year (`carry/…`) to
    `external`. `cause`: a reference, as "budget/2026"."""

    transfer_id: str
    source: str
    target: str
    amount_fen: int
    cause: str


class OfTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Endorse, withdraw or ask for a transfer."""

    transfer_id: str


def is_of_rest(source: str, target: str) -> bool:
    """Whether a transfer takes what is left of a year's personal accounts out of the ledger."""
    return source.startswith(f"{funds.CARRY}/") and target == funds.EXTERNAL


def _check_accounts(state: StateReader, source: str, target: str) -> None:
    """Refuses `bad-account`, `bad-identifier`, `unknown-account`."""
    is_rest = is_of_rest(source, target)
    funds.check_account(source, (funds.CARRY,) if is_rest else ("fund",))
    if not is_rest:
        funds.check_account(target, ("fund",))
    for account in (source,) if is_rest else (source, target):
        if not funds.has_account(state, account):
            raise Refused("unknown-account", f"there is no account {account}")


def _propose(state: State, arguments: Propose, context: Context) -> list[Event]:
    name = arguments.transfer_id
    check_identifier(name, "transfer_id")
    _check_accounts(state, arguments.source, arguments.target)
    if arguments.source == arguments.target:
        raise Refused("same-account", f"source and target are both {arguments.source}")
    check_positive_amount(arguments.amount_fen, "amount_fen")
    check_reference(arguments.cause, "cause")
    stage = LIFE.move("propose", LIFE.stage_of(state.get(TRANSFERS, name)), f"transfer {name}")
    transfer = Transfer(
        arguments.source,
        arguments.target,
        arguments.amount_fen,
        arguments.cause,
        context.member,
        context.role,
        stage,
    )
    state.put(TRANSFERS, name, transfer)
    return [_event("transfer-proposed", name, context)]


def _endorse(state: State, arguments: OfTransfer, context: Context) -> list[Event]:
    name, transfer = _get(state, arguments)
    stage = LIFE.move("endorse", transfer.stage, f"transfer {name}")
    if context.member == transfer.member or context.role == transfer.role:
        raise Refused(
            "same-organisation",
            f"{transfer.member} ({transfer.role}) proposed it: another organisation of another role must endorse",
        )
    events: list[Event] = []
    funds.move(state, transfer.source, transfer.target, transfer.amount_fen, f"transfer/{name}", events)
    state.put(TRANSFERS, name, msgspec.structs.replace(transfer, stage=stage))
    return [*events, _event("transfer-endorsed", name, context)]


def _withdraw(state: State, arguments: OfTransfer, context: Context) -> list[Event]:
    name, transfer = _get(state, arguments)
    if context.member != transfer.member:
        raise Refused("not-your-proposal", f"{transfer.member} proposed transfer {name}")
    stage = LIFE.move("withdraw", transfer.stage, f"transfer {name}")
    state.put(TRANSFERS, name, msgspec.structs.replace(transfer, stage=stage))
    return [_event("transfer-withdrawn", name, context)]


def _get(state: StateReader, asked: OfTransfer) -> tuple[str, Transfer]:
    check_identifier(asked.transfer_id, "transfer_id")
    transfer = state.get(TRANSFERS, asked.transfer_id)
    if transfer is None:
        raise Refused("unknown-transfer", f"nobody proposed a transfer {asked.transfer_id}")
    return asked.transfer_id, transfer


def _ask(state: StateReader, asked: OfTransfer, reader: Reader) -> Transfer:
    return _get(state, asked)[1]


def _event(kind: str, transfer_id: str, context: Context) -> Event:
    return Event(kind, {"transfer_id": transfer_id, "member": context.member})


CONTRACT = Contract(
    "fund_transfer",
    1,
    (
        Operation("propose", Propose, SUPERVISORS, _propose),
        Operation("endorse", OfTransfer, SUPERVISORS, _endorse),
        Operation("withdraw", OfTransfer, SUPERVISORS, _withdraw),
    ),
    (Query("get", OfTransfer, SUPERVISORS, _ask),),
    (LIFE,),
)
