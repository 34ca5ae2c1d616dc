"""The outbox: durable before it is said, said once, and said again unchanged after a crash."""

import pytest

from consortium.core.codec import encode
from consortium.core.contract import Receipt
from consortium.core.crypto import KeyedHash
from consortium.core.machine import (
    BundleSigned,
    Jumped,
    Note,
    Now,
    Outcome,
    Persist,
    Receipted,
    Sign,
    Skipped,
    Started,
    Submit,
    Submitted,
)
from consortium.core.transaction import NUMBER_WINDOW, Bundles, decode_call, encode_transaction, sign_bundle
from consortium.node.outbox import OUTSTANDING_MAX, Outbox

SUITE = KeyedHash()
CHAIN = b"c" * 32
NOW = Now(1_000, 2_000)


class Told:
    """An outbox with a host's signing, and what it emitted."""

    def __init__(self, records: tuple[bytes, ...] = (), history: tuple[Receipted, ...] = (), every: int = 1) -> None:
        self.bundles = Bundles(CHAIN, SUITE)
        self.outbox = Outbox("a", self.bundles, every)
        self.records: list[bytes] = []
        self.said: list[bytes] = []
        self.notes: list[Note] = []
        self.outbox.step(NOW, Started(records))
        for past in history:
            self.carry(self.outbox.step(NOW, past))
        self.carry(self.outbox.resume())

    def carry(self, effects: object) -> None:
        assert isinstance(effects, list)
        for effect in effects:
            match effect:
                case Sign(reference, transactions):
                    raw = sign_bundle(CHAIN, SUITE, b"k" * 32, "a", transactions)
                    self.carry(self.outbox.step(NOW, BundleSigned(reference, raw)))
                case Persist(record):
                    self.records.append(record)
                case Submitted(raws):
                    self.said.extend(raws)
                    self.carry(self.outbox.step(NOW, effect))
                case Note():
                    self.notes.append(effect)

    def submit(self, reference: str, count: int = 1) -> None:
        self.carry(self.outbox.step(NOW, Submit(reference, (("bill", "issue", {"x": 1}),) * count)))

    def receipts(self, raw: bytes, code: str = "ok", is_replay: bool = False) -> Receipted:
        opened = self.bundles.open(raw)
        outcomes = []
        for identity, transaction in zip(opened.ids, opened.transactions, strict=True):
            call = decode_call(transaction)
            receipt = Receipt(identity, code, "", ())
            outcomes.append(Outcome("a", call.number, call.contract, call.operation, bytes(call.arguments), receipt))
        return Receipted(1, 1, tuple(outcomes), is_replay)


def numbers(told: Told, raw: bytes) -> list[int]:
    return [decode_call(transaction).number for transaction in told.bundles.open(raw).transactions]


def test_a_wish_is_numbered_signed_and_durable_before_it_is_said() -> None:
    told = Told()
    effects = told.outbox.step(NOW, Submit("one", (("bill", "issue", {}),)))
    (sign,) = effects
    assert isinstance(sign, Sign)
    raw = sign_bundle(CHAIN, SUITE, b"k" * 32, "a", sign.transactions)
    after = told.outbox.step(NOW, BundleSigned("one", raw))
    assert [type(effect) for effect in after] == [Persist, Submitted]


def test_a_reference_is_submitted_once_also_across_a_crash() -> None:
    told = Told()
    told.submit("one")
    told.submit("one")
    assert len(told.said) == 1
    again = Told(tuple(told.records))
    again.submit("one")
    assert again.said == told.said, "unchanged: the same bytes, the same ids"


def test_numbers_go_on_where_they_stood() -> None:
    told = Told()
    told.submit("one", 3)
    again = Told(tuple(told.records))
    again.submit("two")
    assert numbers(again, again.said[-1]) == [4]


def test_what_history_shows_executed_is_not_said_again() -> None:
    told = Told()
    told.submit("one")
    told.submit("two")
    past = told.receipts(told.said[0], is_replay=True)
    again = Told(tuple(told.records), (past,))
    assert again.said == told.said[1:]
    assert again.outbox.pending == 1


def test_a_receipt_ends_the_wait_and_tells_the_latency() -> None:
    told = Told()
    told.submit("one", 2)
    assert told.outbox.pending == 2
    told.carry(told.outbox.step(Now(5_000, 6_000), told.receipts(told.said[0])))
    assert told.outbox.pending == 0
    assert told.notes[-1] == Note("included", {"height": 1, "transactions": 2, "latency_us": 4_000})


def test_a_number_that_was_taken_is_replaced_when_the_records_were_lost() -> None:
    told = Told()
    told.submit("one")
    told.carry(told.outbox.step(NOW, told.receipts(told.said[0], code="number-used")))
    assert len(told.said) == 2
    assert numbers(told, told.said[1]) == [2]


def test_outstanding_transactions_stay_inside_the_window() -> None:
    told = Told()
    for index in range(30):
        told.submit(str(index), 100)
    assert sum(len(told.bundles.open(raw).ids) for raw in told.said) == OUTSTANDING_MAX
    told.carry(told.outbox.step(NOW, told.receipts(told.said[0])))
    assert sum(len(told.bundles.open(raw).ids) for raw in told.said) == OUTSTANDING_MAX + 100


def test_after_a_snapshot_the_role_is_told_which_of_its_calls_were_executed_unseen() -> None:
    """Also those of before this boot, and none that waits or whose number another transaction took."""
    told = Told()
    for reference in ("one", "two", "three"):
        told.submit(reference, len(told.said) + 1)
    ids = [told.bundles.open(raw).ids for raw in told.said]
    used = {1: ids[0][0][:16], 2: ids[1][0][:16], 3: b"another transact"}
    after = Outbox("a", told.bundles)
    after.step(NOW, Started(tuple(told.records)))
    for outbox in (told.outbox, after):
        effects = outbox.step(NOW, Jumped(9, {"a": used}.__getitem__))
        (skipped,) = [effect for effect in effects if isinstance(effect, Skipped)]
        assert skipped == Skipped(9, (("bill", "issue", encode({"x": 1})),) * 2)


def test_a_number_that_was_taken_before_a_snapshot_is_replaced_too() -> None:
    """Regression (adversary fuzz, seed 1008): the refusal stood in a block that a snapshot jumped over."""
    told = Told()
    told.submit("one")
    told.submit("two")
    second = told.bundles.open(told.said[1])
    used = {1: b"another transact", 2: second.ids[0][:16]}
    told.carry(told.outbox.step(NOW, Jumped(9, {"a": used}.__getitem__)))
    assert len(told.said) == 3
    assert numbers(told, told.said[2]) == [3]
    assert told.outbox.pending == 1


def test_a_number_that_another_of_our_transactions_took_is_not_waited_for() -> None:
    """Found by exploration (seed 5010): a report took number 1 beside a load that was signed before with it. Pools do
    not keep what nobody would order, so the later one must go under the next number."""
    told = Told()
    told.submit("report")
    rival = sign_bundle(CHAIN, SUITE, b"k" * 32, "a", [encode_transaction(1, "bill", "issue", {"x": 2})])
    told.carry(told.outbox.step(NOW, told.receipts(rival)))
    assert [note.fields["number"] for note in told.notes if note.kind == "renumbered"] == [1]
    assert len(told.said) == 2 and told.outbox.pending == 1
    assert decode_call(told.bundles.open(told.said[1]).transactions[0]).number == 2
    told.carry(told.outbox.step(NOW, told.receipts(told.said[1])))
    assert told.outbox.pending == 0


def test_a_number_below_the_window_counts_as_taken_after_a_jump_and_is_not_said_again() -> None:
    """Its page is forgotten, so nobody can tell who used it; said again, it might be done twice."""
    told = Told()
    told.submit("old")
    used = {NUMBER_WINDOW + 1: b"a later one of o"}
    after = Told(tuple(told.records))
    fresh = Outbox("a", told.bundles)
    fresh.step(NOW, Started(tuple(told.records)))
    effects = fresh.step(NOW, Jumped(9, {"a": used}.__getitem__))
    assert effects == [Skipped(9, (("bill", "issue", encode({"x": 1})),))] and fresh.resume() == []
    assert after.said == told.said, "positive control: without the jump it is said again"
    within = Outbox("a", told.bundles)
    within.step(NOW, Started(tuple(told.records)))
    within.step(NOW, Jumped(9, {"a": {NUMBER_WINDOW: b"a later one of o"}}.__getitem__))
    assert within.resume() == [Submitted(tuple(told.said))], "still inside the window, and free"


def test_a_call_whose_receipt_is_told_is_not_told_as_skipped() -> None:
    told = Told()
    told.submit("one")
    told.submit("two")
    ids = [told.bundles.open(raw).ids[0][:16] for raw in told.said]
    after = Outbox("a", told.bundles)
    after.step(NOW, Started(tuple(told.records)))
    jumped = Jumped(9, lambda member: {1: ids[0], 2: ids[1]}, lambda member: frozenset({2}))
    assert after.step(NOW, jumped) == [Skipped(9, (("bill", "issue", encode({"x": 1})),))]
    assert after.resume() == []


def test_an_urgent_wish_waits_behind_no_other_one() -> None:
    """Evidence must be durable with the step that found it, also where the outbox is full."""
    told = Told()
    for reference in ("much", "more"):
        told.submit(reference, OUTSTANDING_MAX // 2)
    told.submit("waits")
    assert len(told.records) == 2
    told.carry(told.outbox.step(NOW, Submit("lie", (("governance", "report_evidence", {}),), is_urgent=True)))
    assert len(told.records) == 3
    again = Told(tuple(told.records))
    assert again.said == told.said and len(again.said) == 3, "and after a crash it is said again, unchanged"


def test_beside_a_load_only_the_numbers_left_to_the_outbox_are_taken() -> None:
    told = Told(every=16)
    told.submit("one", 2)
    rival = sign_bundle(CHAIN, SUITE, b"k" * 32, "a", [encode_transaction(33, "bill", "issue", {"x": 2})])
    told.carry(told.outbox.step(NOW, told.receipts(rival)))
    told.submit("two")
    assert [numbers(told, raw) for raw in told.said] == [[16, 32], [48]]
    again = Told(tuple(told.records), every=16)
    again.submit("three")
    assert numbers(again, again.said[-1]) == [64]


def test_no_number_is_taken_so_far_above_a_waiting_one_that_it_would_fall_out_of_the_window() -> None:
    told = Told()
    told.submit("waits")
    for index in range(30):
        told.submit(str(index), 100)
        told.carry(told.outbox.step(NOW, told.receipts(told.said[-1])))
    assert max(numbers(told, told.said[-1])) <= OUTSTANDING_MAX + 100
    told.carry(told.outbox.step(NOW, told.receipts(told.said[0], code="number-stale")))
    for raw in told.said[1:]:
        told.carry(told.outbox.step(NOW, told.receipts(raw)))
    for raw in told.said[1:]:
        told.carry(told.outbox.step(NOW, told.receipts(raw)))
    assert told.outbox.pending == 0, "and a refused one holds nobody up"


def test_a_number_that_fell_out_of_the_window_is_not_waited_for() -> None:
    """Found with a fifth of all messages lost: what the leader never got was overtaken by 4,096 later ones; then no
    pool keeps it, no receipt tells of it, and the run waited for ever."""
    told = Told()
    load = [sign_bundle(CHAIN, SUITE, b"k" * 32, "a", [encode_transaction(number, "bill", "issue", {})])
            for number in range(1, NUMBER_WINDOW + 3)]  # fmt: skip
    for index, raw in enumerate(load):
        told.carry([Submitted((raw,))])
        if index not in (0, 1):
            told.carry(told.outbox.step(NOW, told.receipts(raw)))
    again = [raw for raw in told.said if raw not in load]
    assert len(again) == told.outbox.pending == 2
    assert min(number for raw in again for number in numbers(told, raw)) > NUMBER_WINDOW


def test_a_new_key_that_came_with_a_snapshot_is_signed_with() -> None:
    """Found by exploration (11): nobody takes bundles under the old key, and no block came that would have told it."""
    told = Told()
    told.submit("one")
    told.outbox._registered = lambda: SUITE.public_key(b"n" * 32)
    effects = told.outbox.step(NOW, Jumped(9, lambda member: {}))
    (again,) = [effect for effect in effects if isinstance(effect, Sign)]
    assert again.transactions == told.bundles.open(told.said[0]).transactions


@pytest.mark.parametrize(("executed", "again"), [(0, 1), (1, 1), (2, 0)])
def test_after_a_boot_a_bundle_is_said_again_while_any_part_of_it_is_not_executed(executed: int, again: int) -> None:
    told = Told()
    told.submit("one", 2)
    whole = told.receipts(told.said[0], is_replay=True)
    history = (whole._replace(outcomes=whole.outcomes[:executed]),) if executed else ()
    booted = Told(tuple(told.records), history)
    assert booted.said == told.said * again
