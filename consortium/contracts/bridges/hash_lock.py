"""Hash time locks 哈希时间锁: a claim on one chain against money on another, both or neither.

Each side binds what it gives under one hash. Whoever knows the secret opens one lock before its end, and by that tells
the secret to whoever reads that ledger, who opens the other lock with it. What was not opened goes back.

There are two ways to bind the second lock:

- **by time**: it ends later than the first. That is safe for whoever comes back within the margin between the two ends,
  and for nobody who stays away longer: the chains need not know each other.
- **by proof**: it names the first as its *decider*. It opens when it is proven that the decider opened, and goes back
  when it is proven that the decider can open no more, whenever that is: nobody has to be there in time.

Bound can be money of a fund (by the bureau), a bank's own money, and a receivable (by the supplier to whom it is owed).
What is paid for a receivable meanwhile waits in the lock, and goes where the receivable goes. Whether an account is
held is asked when something is bound; an exchange that one side has carried out is not stopped on the other.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from consortium.contracts.access import BUREAU, BY_ALL, SUPPLIER
from consortium.contracts.bridges.foreign_facts import get_foreign
from consortium.contracts.bridges.hash_lock_records import (
    LIFE,
    LOCKS,
    OPENED,
    Decider,
    Lock,
    check_may_open,
    check_may_refund,
    get_lock,
)
from consortium.contracts.checks import (
    check_digest,
    check_identifier,
    check_own_number,
    check_positive_amount,
    check_range,
)
from consortium.contracts.insurance import funds
from consortium.contracts.medicines import receivable as receivables
from consortium.contracts.medicines.procurement_records import ORDERS, find_supplier, get_order
from consortium.contracts.oversight import hold
from consortium.core.contract import (
    NOT_YOURS,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
)

KIND = "lock"  # of the accounts that hold what is bound
RECEIVABLE = "receivable"
OWN = "own"  # money of a bank's own, which comes onto the ledger
SECRET_BYTES = 32
TERM_US_MAX = 90 * 86_400_000_000
TARGETS = ("supplier", receivables.BANK, "fund")
_BINDS = {"fund": BUREAU, OWN: receivables.BANK, RECEIVABLE: SUPPLIER}


class Bind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bind `source`: "fund/<fund>", "own", or "receivable/<order>" (whole: `amount_fen` is 0). `target`: an account
    "supplier/…", "bank/…" or "fund/…"; of a receivable a bank's. `lock_no` begins with the member's name and a colon.
    Either `expires_us`, in chain time, or a `decider`."""

    lock_no: str
    source: str
    target: str
    amount_fen: int
    hash: bytes
    expires_us: int
    decider: Decider | None = None


class Open(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever says the secret, it goes to the target."""

    lock_no: str
    secret: bytes


class OfLock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give back, or ask for, what a lock binds."""

    lock_no: str


def account_of(lock_no: str) -> str:
    return f"{KIND}/{lock_no}"


def hash_of(secret: bytes) -> bytes:
    """SHA-256, as other ledgers take it, too."""
    return sha256(secret).digest()


def _check_terms(state: State, arguments: Bind, context: Context) -> None:
    """Refuses `bad-number`, `chain-unknown` and what checks of names and amounts refuse."""
    check_own_number(arguments.lock_no, context.member, "lock_no")
    check_digest(arguments.hash, "hash")
    funds.check_account(arguments.target, TARGETS)
    decider = arguments.decider
    if decider is None:
        check_range(arguments.expires_us, context.time_us + 1, context.time_us + TERM_US_MAX, "expires_us")
        return
    check_range(arguments.expires_us, 0, 0, "expires_us of a lock that follows another")
    get_foreign(state, decider.chain)
    check_identifier(decider.lock_no, "the decider's lock_no")
    check_positive_amount(decider.amount_fen, "the decider's amount_fen")
    check_range(decider.expires_us, 1, context.time_us + TERM_US_MAX, "the decider's expires_us")


def _lock(state: State, arguments: Bind, context: Context) -> list[Event]:
    lock_no, (kind, _, name) = arguments.lock_no, arguments.source.partition("/")
    if _BINDS.get(kind) != context.role:
        raise Refused(
            "source-foreign", "a fund is bound by the bureau, own money by a bank, a receivable by its supplier"
        )
    _check_terms(state, arguments, context)
    stage = LIFE.move("lock", LIFE.stage_of(state.get(LOCKS, lock_no)), f"lock {lock_no}")
    hold.check_free(state, arguments.target)
    events: list[Event] = []
    if kind == RECEIVABLE:
        _bind_receivable(state, name, arguments, context)
    else:
        _bind_money(state, arguments, events)
    lock = Lock(
        arguments.source,
        arguments.target,
        arguments.amount_fen,
        context.member,
        arguments.hash,
        arguments.expires_us,
        stage,
        arguments.decider,
    )
    state.put(LOCKS, lock_no, lock)
    return [*events, _event("lock-bound", lock_no, lock)]


def _bind_money(state: State, arguments: Bind, events: list[Event]) -> None:
    check_positive_amount(arguments.amount_fen, "amount_fen")
    account = account_of(arguments.lock_no)
    funds.open_account(state, account)
    source = funds.EXTERNAL if arguments.source == OWN else arguments.source
    funds.move(state, source, account, arguments.amount_fen, _cause(arguments.lock_no), events)


def _bind_receivable(state: State, order_no: str, arguments: Bind, context: Context) -> None:
    """Its order's payee is the lock from now on."""
    check_range(arguments.amount_fen, 0, 0, "amount_fen of a receivable")
    funds.check_account(arguments.target, (receivables.BANK,))
    if context.member not in find_supplier(state, order_no):
        raise Refused(NOT_YOURS, f"{context.member} has no such record")
    receivable, stage = receivables.check_sellable(state, order_no, "hash_lock.lock")
    order, account = get_order(state, order_no), account_of(arguments.lock_no)
    hold.check_free(state, order.payee)
    funds.open_account(state, account)
    state.put(ORDERS, order_no, msgspec.structs.replace(order, payee=account))
    bank = arguments.target.partition("/")[2]
    bound = receivables.Receivable(receivable.face_fen, stage, bank)
    state.put(receivables.RECEIVABLES, order_no, bound)


def _open(state: State, arguments: Open, context: Context) -> list[Event]:
    lock_no = arguments.lock_no
    lock = get_lock(state, lock_no)
    stage = LIFE.move("open", lock.stage, f"lock {lock_no}")
    if len(arguments.secret) != SECRET_BYTES or hash_of(arguments.secret) != lock.hash:
        raise Refused("wrong-secret", f"that is not the secret of lock {lock_no}: 32 bytes with its hash")
    check_may_open(state, lock, lock_no, context.time_us)
    opened = msgspec.structs.replace(lock, stage=stage, secret=arguments.secret)
    return _end(state, lock_no, opened, lock.target, "hash_lock.open")


def _refund(state: State, arguments: OfLock, context: Context) -> list[Event]:
    lock_no = arguments.lock_no
    lock = get_lock(state, lock_no)
    stage = LIFE.move("refund", lock.stage, f"lock {lock_no}")
    check_may_refund(state, lock, lock_no, context.time_us)
    refunded = msgspec.structs.replace(lock, stage=stage)
    return _end(state, lock_no, refunded, _giver(state, lock), "hash_lock.refund")


def _giver(state: State, lock: Lock) -> str:
    """The account to which what is bound, and what was paid for it, goes back."""
    kind, _, name = lock.source.partition("/")
    if kind == RECEIVABLE:
        return f"supplier/{get_order(state, name).supplier}"
    return funds.EXTERNAL if kind == OWN else lock.source


def _end(state: State, lock_no: str, lock: Lock, account: str, operation: str) -> list[Event]:
    """All that lies in the lock goes to the account, and a receivable to its member."""
    events: list[Event] = []
    if account != funds.EXTERNAL:
        funds.open_account(state, account)
    held = account_of(lock_no)
    funds.move(state, held, account, funds.get_balance(state, held), _cause(lock_no), events, is_return=True)
    kind, _, order_no = lock.source.partition("/")
    if kind == RECEIVABLE:
        order, receivable = get_order(state, order_no), receivables.get_receivable(state, order_no)
        stage = receivables.LIFE.move(operation, receivable.stage, f"the receivable of order {order_no}")
        state.put(ORDERS, order_no, msgspec.structs.replace(order, payee=account))
        bank = receivable.bank if stage == receivables.FACTORED else ""
        ended = receivables.Receivable(receivable.face_fen, stage, bank)
        state.put(receivables.RECEIVABLES, order_no, ended)
    state.put(LOCKS, lock_no, lock)
    return [*events, _event("lock-opened" if lock.stage == OPENED else "lock-refunded", lock_no, lock)]


def _cause(lock_no: str) -> str:
    return f"lock/{lock_no}"


def _event(kind: str, lock_no: str, lock: Lock) -> Event:
    fields: dict[str, int | str] = {
        "lock_no": lock_no,
        "source": lock.source,
        "target": lock.target,
        "amount_fen": lock.amount_fen,
    }
    return Event(kind, {**fields, "hash": lock.hash.hex()})


def _get(state: StateReader, asked: OfLock, _reader: Reader) -> Lock:
    return get_lock(state, asked.lock_no)


CONTRACT = Contract(
    "hash_lock",
    1,
    (
        Operation("lock", Bind, frozenset(_BINDS.values()), _lock),
        Operation("open", Open, BY_ALL, _open),
        Operation("refund", OfLock, BY_ALL, _refund),
    ),
    (Query("get", OfLock, BY_ALL, _get, row=RowOf(LOCKS, lambda asked: asked.lock_no, OfLock)),),
    lives=(LIFE,),
    founding=0,
)
