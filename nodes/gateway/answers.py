"""The documents that a gateway answers with, as types: what the OpenAPI document says of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from consortium.views.view import View, rows_of

Id = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="64 hexadecimal digits.")]
Base64 = Annotated[str, Meta(description="Base64.")]


class Happened(msgspec.Struct, frozen=True):
    """What the contract tells."""

    kind: str
    fields: dict[str, int | str]


class AcknowledgedTold(msgspec.Struct, frozen=True):
    """The header of a block, f+1 members' signatures over it, and the path of a receipt in it. `epochs`: a proof of the
    members, where they are not those of the genesis any more."""

    header: Base64
    replies: dict[str, Base64]
    receipt: Base64
    index: int
    size: int
    path: list[Base64]
    epochs: Base64 | UnsetType = UNSET


class EvidenceTold(msgspec.Struct, frozen=True):
    """What convinces whoever has the genesis file: who said which transaction, and what came of it, either acknowledged
    by f+1 members, or as a proof under a seal."""

    member: str
    transaction: Base64
    acknowledged: AcknowledgedTold | UnsetType = UNSET
    proof: Base64 | UnsetType = UNSET


class Executed(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction that was executed. `code` is "ok", or that of the contract's refusal, whose `sentence` says why.
    `acknowledged_by`: f+1 members or more, each of which signed that it has the block; empty where the seal is what is
    known. `is_sealed`: a quorum has sealed the block, or one after it."""

    transaction: Id
    height: int
    index: int
    time_us: int
    code: str
    sentence: str
    events: list[Happened]
    acknowledged_by: list[str]
    is_sealed: bool
    evidence: EvidenceTold | UnsetType = UNSET


class TransactionProofs(msgspec.Struct, frozen=True):
    """For `consortium verify-proof`: that it was said, and what came of it."""

    transaction: Base64
    receipt: Base64


class FoundTransaction(Executed, frozen=True, kw_only=True):
    """The same, with who said it, and what it called."""

    member: str
    contract: str
    operation: str
    proofs: TransactionProofs | UnsetType = UNSET


class Taken(msgspec.Struct, frozen=True):
    """The node has it durably, and says it until it is executed; it is not executed yet, or that was not awaited."""

    transaction: Id


class ItemTold(msgspec.Struct, frozen=True):
    """One of many: as far as it got. `problem`: why it alone failed."""

    transaction: Id
    idempotency_key: str | UnsetType = UNSET
    height: int | UnsetType = UNSET
    index: int | UnsetType = UNSET
    time_us: int | UnsetType = UNSET
    code: str | UnsetType = UNSET
    sentence: str | UnsetType = UNSET
    events: list[Happened] | UnsetType = UNSET
    acknowledged_by: list[str] | UnsetType = UNSET
    is_sealed: bool | UnsetType = UNSET
    evidence: EvidenceTold | UnsetType = UNSET
    problem: ProblemDocument | UnsetType = UNSET


class ManyTold(msgspec.Struct, frozen=True):
    """In the order of the items, or of the transactions in the bundles."""

    items: list[ItemTold]


class ProblemDocument(msgspec.Struct, frozen=True):
    """After RFC 9457. `code` is stable; `detail` tells what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    transaction: Id | UnsetType = UNSET
    item: int | UnsetType = UNSET


class HeaderTold(msgspec.Struct, frozen=True):
    """A block's header; digests in hexadecimal."""

    format: int
    chain: Id
    height: int
    epoch: int
    next_members: Id
    parent: Id
    batch: Id
    transactions: Id
    receipts: Id
    state: Id
    time_us: int
    digest: Id
    is_sealed: bool


class BlocksTold(msgspec.Struct, frozen=True):
    """The newest first."""

    head: int
    sealed: int
    blocks: list[HeaderTold]


class LineTold(msgspec.Struct, frozen=True):
    """A transaction of a block."""

    index: int
    transaction: Id
    member: str
    contract: str
    operation: str
    code: str


class BlockTold(msgspec.Struct, frozen=True):
    """A block. `size`: its transactions; listed are those that the application may read."""

    header: HeaderTold
    size: int
    transactions: list[LineTold]


class MemberTold(msgspec.Struct, frozen=True):
    """A member; its public keys by purpose, in hexadecimal."""

    name: str
    role: str
    kind: Literal["validator", "observer", "client"]
    keys: dict[str, str]


class MembersTold(msgspec.Struct, frozen=True):
    """The members of the next block. `quorum`: so many of the validators decide."""

    epoch: int
    first_height: int
    quorum: int
    members: list[MemberTold]


class ApplicationTold(msgspec.Struct, frozen=True):
    """Whose token the request bore. `scopes`: what it may."""

    member: str
    application: str
    scopes: list[str]


class Health(msgspec.Struct, frozen=True):
    """This process lives."""

    status: Literal["ok"]


class Ready(msgspec.Struct, frozen=True):
    """Applications can use this gateway now."""

    status: Literal["ready"]
    height: int


class Refusal(msgspec.Struct, frozen=True):
    """The contract does not answer: `not-permitted`, `not-yours` (for what nobody has, too), or what the query says."""

    height: int
    day: int
    code: str
    sentence: str


def viewed(view: View) -> type[msgspec.Struct]:
    """The document with the rows of a view. Of a table that was not asked for there is nothing."""
    tables: list[Any] = []
    for name, kind in rows_of(view).items():
        fields: list[Any] = [("rows", list[kind]), ("next", str | UnsetType, UNSET)]  # type: ignore[valid-type]
        said = {"__doc__": "In the order of the key. `next`: there is more behind it; ask for it with `after`."}
        table = msgspec.defstruct(f"Table_{view.name}_{name}", fields, frozen=True, namespace=said)
        tables.append((name, table | UnsetType, UNSET))
    made = msgspec.defstruct(f"Tables_{view.name}", tables, frozen=True)
    told = "As of the block at `height`. `first_height`: of the first block that went into it, above 0 where older ones"
    return msgspec.defstruct(
        f"View_{view.name}",
        [("view", Literal[view.name]), ("height", int), ("first_height", int), ("tables", made)],
        frozen=True,
        namespace={"__doc__": f"{told} are not here any more."},
    )


def answered(name: str, kind: Any, *, is_record: bool = False) -> type[msgspec.Struct]:
    """The document with the answer of a query; that of a record may hold its proof."""
    fields: list[Any] = [("height", int), ("day", int), ("code", Literal["ok"]), ("answer", kind)]
    if is_record:
        fields.append(("proof", Base64 | UnsetType, UNSET))
    return msgspec.defstruct(name, fields, frozen=True, namespace={"__doc__": "As of the block at `height`."})
