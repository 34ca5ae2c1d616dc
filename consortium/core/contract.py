"""What a contract is: deterministic operations over a key-value state, integers only; and queries, which only read.

A contract module offers one value `CONTRACT = Contract(name, version, operations)`. An operation either returns events
or raises `Refused(code, sentence)`; then whatever it wrote is thrown away and the receipt carries code and sentence.
Contracts never read a clock, a locale, a float, or iterate a set. `tests/test_architecture.py` guards this.

A rule that changes is a new version, and the old one stays beside it (`older`): which of them executes a height is the
members' decision (core/versions.py). Blocks that are executed again are executed by the version of their height.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from consortium.core.canonical import check_canonical
from consortium.core.codec import Digest

V = TypeVar("V")

GENESIS = "genesis"  # the role under which the operations of the genesis file are executed
VOTE = "vote"  # the role under which a call is executed that a quorum of the validators voted for
EVERY_MEMBER = frozenset(("*",))  # of `Operation.roles`: every member, whatever its role (neither genesis nor vote)
NOBODY = ("", GENESIS, VOTE)  # roles that no member has
OK = "ok"
NOT_YOURS = "not-yours"


class Refused(Exception):
    """A contract says no. `code` is stable (lower case, words joined by hyphens); `sentence` is for a person.

    `keeps_writes`: what the operation wrote before it refused stays: a charge against whoever asked. Without it a
    refusal leaves the state as it was."""

    def __init__(self, code: str, sentence: str, *, keeps_writes: bool = False) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.keeps_writes = keeps_writes


class Table(Generic[V]):
    """A named table of the state: string keys, values of one frozen msgspec Struct type, of which equal values have
    equal bytes (else TypeError, see core/canonical.py). `told_as`: the word by which a person asks for a proof of one
    of its rows, as in `consortium prove RUN bill NUMBER`; none where nobody would. `key_of`: the key of what a
    person writes, where one thing may be written in several ways."""

    __slots__ = ("key_of", "kind", "name", "prefix", "told_as")

    def __init__(
        self, name: str, kind: type[V], told_as: str = "", key_of: Callable[[str], str] = lambda text: text
    ) -> None:
        check_canonical(kind, f"table {name}")
        self.told_as = told_as
        self.key_of = key_of
        self.name = name
        self.kind = kind
        self.prefix = f"{name}\x00"  # before each key in a row's name


class StateReader(Protocol):
    """The committed state, for roles."""

    def get(self, table: Table[V], key: str) -> V | None: ...

    def range(self, table: Table[V], low: str, high: str, limit: int = 0) -> Iterator[tuple[str, V]]:
        """Entries with low ≤ key < high in order of the key's UTF-8 bytes; the first `limit` of them, 0: all."""
        ...


class State(StateReader, Protocol):
    """What an operation sees: reads see its own writes; a refusal undoes them all."""

    def put(self, table: Table[V], key: str, value: V) -> None: ...

    def delete(self, table: Table[V], key: str) -> None: ...


class CanonicalCall(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An operation with the canonical bytes of its arguments: what members can vote for."""

    contract: str
    operation: str
    arguments: bytes


def _refuse_call(state: State, call: CanonicalCall, context: Context) -> list[Event]:
    raise Refused("no-calls", "nothing can be called from here")


class Context(NamedTuple):
    """Circumstances of one transaction. `time_us` is chain time: microseconds of UTC since 1970; `day` is the day
    YYYYMMDD on which that falls in the chain's calendar (core/calendar.py): what a contract calls today."""

    chain: bytes
    height: int
    time_us: int
    transaction: bytes  # its id
    member: str  # who signed it
    role: str  # the role of that member in the registry, or GENESIS, or VOTE
    day: int
    execute_call: Callable[[State, CanonicalCall, Context], list[Event]] = _refuse_call  # under the role VOTE


class Event(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """What happened, for roles, checks and reports: never an input of a contract."""

    kind: str
    fields: dict[str, int | str]


class Receipt(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """The outcome of one transaction. `code` is OK or the refusal's."""

    transaction: Digest
    code: str
    sentence: str
    events: tuple[Event, ...]

    @property
    def is_ok(self) -> bool:
        return self.code == OK


class Reader(NamedTuple):
    """Who asks a query, and when: `day` YYYYMMDD is the chain's day at its head."""

    member: str
    role: str
    day: int


class Whose(NamedTuple):
    """Whose record an operation or a query is about. `find(state, arguments)`: the members whose it is; none where
    there is no such record, for it must not raise what an unknown record would be told by. `others`: roles that may
    use it for the records of everybody, and are told what is unknown. `owner` says to a person whose it is: "who
    issued the bill"."""

    find: Callable[[StateReader, Any], Collection[str]]
    others: frozenset[str] = frozenset()
    owner: str = ""

    def or_of(self, *others: str) -> Whose:
        """The same, and these roles for the records of everybody."""
        return self._replace(others=self.others | frozenset(others))

    def check(self, state: StateReader, arguments: Any, member: str, role: str) -> None:
        """Refuses `not-yours`, with the same words for the record of another and for one that nobody has."""
        if role in self.others or role in (GENESIS, VOTE) or member in self.find(state, arguments):
            return
        raise Refused(NOT_YOURS, f"{member} has no such record")


class Operation(NamedTuple):
    """One verb of a contract: its arguments' type (a frozen Struct, forbid_unknown_fields) and who may use it: the
    names of roles, or `EVERY_MEMBER` where a member of a role that is yet to be written may use it too. `whose`: on
    whose records; without it a permitted role acts on none, or on all."""

    name: str
    arguments: Any
    roles: frozenset[str]
    run: Callable[[State, Any, Context], list[Event]]
    whose: Whose | None = None

    def is_permitted(self, role: str) -> bool:
        """Whether a signer of this role may use it: the roles named, or every member; nobody else."""
        return _is_among(role, self.roles)


class RowOf(NamedTuple):
    """Which row of the state the answer of a query is, whole: so that whoever may ask can be given a proof of it.
    `key`: of the row that the arguments ask for; `arguments`: those that ask for the row of a key."""

    table: Table[Any]
    key: Callable[[Any], str]
    arguments: Callable[[str], Any]


class Query(NamedTuple):
    """One question that a contract answers from the state, and who may ask it: like `Operation`. `run` returns a frozen
    Struct; it refuses like an operation, and can write nothing. `row`: the answer is this row, and nothing else."""

    name: str
    arguments: Any
    roles: frozenset[str]
    run: Callable[[StateReader, Any, Reader], Any]
    whose: Whose | None = None
    row: RowOf | None = None

    def is_permitted(self, role: str) -> bool:
        return _is_among(role, self.roles)


def _is_among(role: str, roles: frozenset[str]) -> bool:
    return role in roles or (roles >= EVERY_MEMBER and role not in NOBODY)


class Move(NamedTuple):
    """One step in the life of a record: which stage it must be in ("" = there is none yet), which operation moves it
    (one of another contract by both names, "settlement.claim"), which stage it is in then ("" = it is gone)."""

    before: str
    operation: str
    after: str


class Life:
    """The stages of a table's records, kept in the field `stage`, and all moves from one to another. Operations judge
    by it, and the pages of the contracts draw it: what it does not list, does not happen."""

    def __init__(
        self, table: Table[Any], moves: tuple[Move, ...], stage: str = "stage", code: str = "wrong-stage"
    ) -> None:
        assert len(set(moves)) == len(moves), f"a move of {table.name} is listed twice"
        self.table = table
        self.moves = moves
        self.stage = stage
        self.code = code
        self._after: dict[tuple[str, str], list[str]] = {}
        self._before: dict[str, list[str]] = {}
        for move in moves:
            self._after.setdefault((move.operation, move.before), []).append(move.after)
            self._before.setdefault(move.operation, []).append(move.before)

    def allows(self, operation: str, before: str) -> bool:
        """Whether the operation may move a record of this stage."""
        return (operation, before) in self._after

    def check(self, operation: str, before: str, what: str) -> None:
        """Refuses like `move`, where which stage comes is not known yet."""
        if not self.allows(operation, before):
            wanted = " or ".join(dict.fromkeys(stage or "new" for stage in self._before[operation]))
            raise Refused(self.code, f"{what} is {before or 'not there'}: {operation} asks for {wanted}")

    def move(self, operation: str, before: str, what: str, after: str = "") -> str:
        """The stage after the operation; `after` says which where there are several. `what` names the record. Refuses
        `wrong-stage`, or the code that this life was given."""
        self.check(operation, before, what)
        ends = self._after[operation, before]
        if after:
            assert after in ends, f"{operation} does not lead from {before} to {after}"
            return after
        assert len(set(ends)) == 1, f"{operation} leads from {before} to several stages: say which"
        return ends[0]

    def stage_of(self, record: Any) -> str:
        """Of a record or of None."""
        return "" if record is None else str(getattr(record, self.stage))


class Contract:
    """A named set of operations and queries, and the lives of its records. Equal arguments have equal bytes (else
    TypeError, see core/canonical.py): they are part of a transaction's id.

    `version` counts from 1 and rises with every change that could make an operation do something else; `older`: the
    versions before it that this program still executes, each a Contract of the same name. `founding`: the version that
    a chain begins with whose scenario does not say; 0: it begins without the contract; nothing said: the newest."""

    def __init__(
        self,
        name: str,
        version: int,
        operations: tuple[Operation, ...],
        queries: tuple[Query, ...] = (),
        lives: tuple[Life, ...] = (),
        older: tuple[Contract, ...] = (),
        founding: int | None = None,
    ) -> None:
        for operation in operations:
            check_canonical(operation.arguments, f"{name}.{operation.name}")
        self.name = name
        self.version = version
        self.operations: Mapping[str, Operation] = {operation.name: operation for operation in operations}
        self.queries: Mapping[str, Query] = {query.name: query for query in queries}
        self.lives = lives
        assert len(self.operations) == len(operations), f"{name}: an operation is named twice"
        assert len(self.queries) == len(queries), f"{name}: a query is named twice"
        self.versions: Mapping[int, Contract] = {version: self, **{each.version: each for each in older}}
        assert len(self.versions) == len(older) + 1 and max(self.versions) == version, f"{name}: versions out of order"
        assert all(each.name == name for each in older) and min(self.versions) >= 1, f"{name}: a version of another"
        self.founding = version if founding is None else founding
        assert self.founding in (0, *self.versions), f"{name}: no version {founding} to begin with"

    def until(self, version: int) -> Contract | None:
        """The contract as a program has it whose newest version is this one; None where none is so old."""
        held = [each for number, each in sorted(self.versions.items()) if number <= version]
        if not held:
            return None
        newest, queries = held[-1], tuple(held[-1].queries.values())
        operations = tuple(newest.operations.values())
        return Contract(self.name, newest.version, operations, queries, newest.lives, tuple(held[:-1]))

    def execute(self, state: State, operation: str, arguments: Any, context: Context) -> list[Event]:
        """Check role and owner, run the operation; raises `Refused`, and then the caller undoes the state."""
        verb = self.operations.get(operation)
        if verb is None:
            raise Refused("unknown-operation", f"{self.name} has no operation {operation!r}")
        if not verb.is_permitted(context.role):
            raise Refused("not-permitted", f"a {context.role} may not {operation} in {self.name}")
        if verb.whose is not None:
            verb.whose.check(state, arguments, context.member, context.role)
        return verb.run(state, arguments, context)

    def ask(self, state: StateReader, query: str, arguments: Any, reader: Reader) -> Any:
        """Check role and owner, answer the query; raises `Refused`."""
        asked = self.queries.get(query)
        if asked is None:
            raise Refused("unknown-query", f"{self.name} has no query {query!r}")
        if not asked.is_permitted(reader.role):
            raise Refused("not-permitted", f"a {reader.role} may not ask {query} of {self.name}")
        if asked.whose is not None:
            asked.whose.check(state, arguments, reader.member, reader.role)
        return asked.run(state, arguments, reader)
