"""The ledger executes what was decided, exactly once, and writes the same receipts whatever a transaction holds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.core.genesis import genesis_call
from consortium.core.header import decode_header, header_bytes_digest, header_digest
from consortium.core.machine import Decide, Executed, Note, Receipted, Started
from consortium.core.merkle import commitment
from consortium.core.transaction import Bundles, encode_transaction, sign_bundle
from consortium.lab.checks.ledgers import TURNED_AWAY
from consortium.ledger.chain import GenesisError, Ledger
from consortium.ledger.rows import Damaged, DictRows, Unreadable, height_key
from tests.unit.ledger.ledger_kit import (
    CONTRACTS,
    NAMES,
    NOW,
    START_US,
    SUITE,
    Add,
    Chain,
    Scatter,
    Tally,
    applied,
    codes,
    make_genesis,
    secret,
)


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_the_genesis_calls_are_executed_at_height_0_and_leave_at_started(chain: Chain) -> None:
    assert chain.tally("genesis") == Tally(7)
    assert applied(chain.booted).height == 0
    assert chain.ledger.step(NOW, Started(())) == []


def test_a_refused_genesis_call_is_named() -> None:
    genesis = make_genesis()
    bad = replace(genesis, calls=(*genesis.calls, genesis_call("tally", "add", Add("x", -1))))
    with pytest.raises(GenesisError, match=r"genesis call 1 \(tally.add\) is refused, below-zero"):
        Chain(bad)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (genesis_call("nothing", "add", 1), "unknown-contract"),
        (genesis_call("tally", "nothing", 1), "unknown-operation"),
        (genesis_call("tally", "add", 1), "malformed"),
    ],
)
def test_a_genesis_call_that_fits_no_contract_is_named(call: object, code: str) -> None:
    with pytest.raises(GenesisError, match=code):
        Chain(replace(make_genesis(), calls=(call,)))


def test_a_decided_batch_is_executed_and_everything_is_rooted(chain: Chain) -> None:
    effects = chain.decide(chain.add("ada", "x", 2), chain.add("bob", "x", 3))
    assert chain.tally("x") == Tally(5)
    assert codes(effects) == ["ok", "ok"]
    header = chain.ledger.head
    assert (header.height, header.time_us) == (1, START_US + 1_000)
    (executed,) = (effect for effect in effects if isinstance(effect, Executed))
    assert executed == Executed(1, header_digest(header), chain.genesis.first_epoch)
    (note,) = (effect for effect in effects if isinstance(effect, Note))
    assert note.fields["ok"] == 2 and note.fields["refused"] == 0
    assert note.fields["header"] == executed.header_digest.hex()[:16]
    block = chain.rows.get("block", height_key(0))
    assert block is not None and header.parent == header_bytes_digest(block)


def test_an_applied_block_can_be_replayed_into_other_rows(chain: Chain) -> None:
    rows = DictRows()
    effects = [*chain.booted, *chain.decide(chain.add("ada", "x", 2)), *chain.decide_nothing()]
    for effect in effects:
        if hasattr(effect, "rows"):
            rows.stage(effect.rows)
    twin = Chain(chain.genesis, rows)
    assert twin.ledger.head == chain.ledger.head


def test_a_null_request_keeps_state_root_and_time(chain: Chain) -> None:
    chain.decide(chain.add("ada", "x", 2))
    before = chain.ledger.head
    assert codes(chain.decide_nothing()) == []
    after = chain.ledger.head
    assert (after.state, after.time_us, after.transactions) == (before.state, before.time_us, commitment([]))
    assert after.height == before.height + 1


def test_chain_time_never_runs_back(chain: Chain) -> None:
    chain.decide(time_us=START_US + 50)
    chain.decide(time_us=START_US + 20)
    assert chain.ledger.head.time_us == START_US + 50


def test_a_height_decided_again_changes_nothing(chain: Chain) -> None:
    decision = chain.decision(chain.add("ada", "x", 2))
    chain.ledger.step(NOW, decision)
    assert chain.ledger.step(NOW, decision) == []
    assert chain.tally("x") == Tally(2)


def test_the_same_transaction_in_another_bundle_is_not_executed_again(chain: Chain) -> None:
    once = chain.transaction("ada", "add", Add("x", 2))
    other = chain.transaction("ada", "add", Add("y", 1))
    assert codes(chain.decide(chain.bundle("ada", once))) == ["ok"]
    assert codes(chain.decide(chain.bundle("ada", other, once))) == ["ok", "already-executed"]
    assert codes(chain.decide(chain.bundle("ada", once))) == ["already-executed"]
    assert chain.tally("x") == Tally(2)


def test_a_number_serves_one_transaction(chain: Chain) -> None:
    chain.decide(chain.bundle("ada", chain.transaction("ada", "add", Add("x", 2), number=5)))
    effects = chain.decide(chain.bundle("ada", chain.transaction("ada", "add", Add("x", 3), number=5)))
    assert codes(effects) == ["number-used"]
    assert codes(chain.decide(chain.bundle("bob", chain.transaction("bob", "add", Add("x", 1), number=5)))) == ["ok"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (4_097, "number-ahead"),
        (4_096, "ok"),
        (0, "number-stale"),
        (-3, "number-stale"),
        (1, "ok"),
        (1 << 63, "number-ahead"),
    ],
)
def test_numbers_lie_in_a_window(chain: Chain, number: int, code: str) -> None:
    transaction = chain.transaction("ada", "add", Add("x", 2), number=number)
    assert codes(chain.decide(chain.bundle("ada", transaction))) == [code]


@pytest.mark.parametrize("number", [0, -1])
def test_a_number_below_one_is_refused_each_time_whatever_else_is_wrong(chain: Chain, number: int) -> None:
    """Under an unknown contract it was answered `unknown-contract` each time, as if it had taken its number."""
    calls = (("nothing", "x"), ("tally", "nothing"), ("tally", "add"))
    bodies = [encode_transaction(number, contract, operation, {}) for contract, operation in calls]
    for _ in range(2):
        found = codes(chain.decide(chain.bundle("ada", *bodies)))
        assert found == ["number-stale"] * 3 and set(found) <= TURNED_AWAY
    taken = encode_transaction(1, "nothing", "x", {})
    assert codes(chain.decide(chain.bundle("ada", taken))) == ["unknown-contract"]
    assert codes(chain.decide(chain.bundle("ada", taken, bodies[0]))) == ["already-executed", "number-stale"]


def test_the_window_slides_and_forgets_its_pages(chain: Chain) -> None:
    for number in (1, 4_000, 4_097, 8_000):
        transaction = chain.transaction("ada", "add", Add("x", 1), number=number)
        assert codes(chain.decide(chain.bundle("ada", transaction))) == ["ok"]
    late = [chain.transaction("ada", "add", Add("x", 1), number=number) for number in (1, 3_904, 3_905, 4_000, 4_001)]
    effects = chain.decide(chain.bundle("ada", *late))
    assert codes(effects) == ["number-stale", "number-stale", "ok", "already-executed", "ok"]
    pages = chain.rows.range("state", b"ledger.numbers\x00", b"ledger.numbers\x01")
    assert len(pages) == 4  # those of 3,905–3,967, 3,968–4,031, 4,097 and 8,000


def test_a_refusal_undoes_what_was_written_and_uses_the_number(chain: Chain) -> None:
    chain.decide(chain.add("ada", "x", 2))
    taken = chain.transaction("ada", "add", Add("x", -5))
    effects = chain.decide(chain.bundle("ada", taken), chain.add("bob", "x", 1))
    assert codes(effects) == ["below-zero", "ok"]
    assert chain.tally("x") == Tally(3)
    assert codes(chain.decide(chain.bundle("ada", taken))) == ["already-executed"]


@pytest.mark.parametrize("operation", ["broken", "wrong_type", "too_big"])
def test_a_contract_that_fails_gets_a_receipt_on_every_node(chain: Chain, operation: str) -> None:
    effects = chain.decide(chain.bundle("ada", chain.transaction("ada", operation, Add("x", 1))))
    assert codes(effects) == ["contract-failed"]
    assert chain.tally("x") is None
    assert any(isinstance(effect, Note) and effect.kind == "contract_failed" for effect in effects)


def test_bytes_that_are_no_transaction_are_malformed(chain: Chain) -> None:
    good = encode_transaction(9, "tally", "add", Add("x", 1))
    long_number = b"\x94\xcd\x00\x09" + good[2:]  # 9 as uint16: decodes, but is not canonical
    bodies = (b"\xc1", b"", long_number, encode_transaction(10, "tally", "add", {"name": "x"}))
    shuffled = encode_transaction(11, "tally", "add", {"amount": 1, "name": "x"})
    effects = chain.decide(chain.bundle("ada", *bodies, shuffled, good))
    assert codes(effects) == ["malformed"] * 2 + ["malformed", "malformed", "malformed", "number-used"]
    assert chain.tally("x") is None


def test_unknown_verbs_and_roles_are_refused(chain: Chain) -> None:
    transactions = (
        encode_transaction(1, "nothing", "add", Add("x", 1)),
        encode_transaction(2, "tally", "nothing", Add("x", 1)),
        encode_transaction(3, "tally", "forbidden", Add("x", 1)),
    )
    effects = chain.decide(chain.bundle("ada", *transactions))
    assert codes(effects) == ["unknown-contract", "unknown-operation", "not-permitted"]


def test_no_name_comes_back_that_was_not_checked(chain: Chain) -> None:
    """Each was repeated in the sentence, which stands on the ledger: whatever somebody wrote there."""
    number = "13800138000"
    transactions = (
        encode_transaction(1, f"tel {number}", "add", Add("x", 1)),
        encode_transaction(2, "tally", number * 200, Add("x", 1)),
    )
    unknown = chain.bundle("ada", *transactions), chain.bundle(f"tel{number}", chain.transaction("bob", "add", 1))
    (block,) = (effect for effect in chain.decide(*unknown) if isinstance(effect, Receipted))
    sentences = [outcome.receipt.sentence for outcome in block.outcomes]
    assert len(sentences) == 3 and not [each for each in sentences if number in each]


def test_who_is_not_registered_or_signs_with_another_key_takes_no_number(chain: Chain) -> None:
    transaction = chain.transaction("ada", "add", Add("x", 1))
    stranger = chain.bundle("eve", transaction)
    forged = sign_bundle(chain.genesis.chain, SUITE, secret("bob", "submit"), "ada", (transaction,))
    assert codes(chain.decide(stranger, forged)) == ["unknown-member", "unknown-key"]
    assert codes(chain.decide(chain.bundle("ada", transaction))) == ["ok"]


def test_garbage_that_was_decided_makes_an_empty_block(chain: Chain) -> None:
    certificate = chain.decision().certificate
    for batch in (b"\x00", encode((1, 2, (b"no bundle",)))):
        height = chain.ledger.head_height + 1
        assert codes(chain.ledger.step(NOW, Decide(height, batch, certificate))) == []


def test_a_restarted_ledger_has_the_same_head_and_goes_on_equally(chain: Chain) -> None:
    chain.grow(7)
    twin = Chain(chain.genesis, chain.rows.copy())
    assert twin.ledger.head == chain.ledger.head
    decision = chain.decision(chain.add("ada", "x", 1), chain.add("bob", "common", 1))
    assert applied(chain.ledger.step(NOW, decision)) == applied(twin.ledger.step(NOW, decision))


def test_history_tells_again_what_was_receipted(chain: Chain) -> None:
    told = []
    for _ in range(3):
        effects = chain.decide(chain.add("ada", "x", 1), chain.add("bob", "x", -100))
        told += [effect for effect in effects if isinstance(effect, Receipted)]
    assert [past._replace(is_replay=False) for past in chain.ledger.history()] == told
    genesis = chain.ledger.receipted(0)
    assert genesis is not None and [outcome.operation for outcome in genesis.outcomes] == ["add"]


@pytest.mark.parametrize("table", ["block", "batch", "receipt"])
def test_any_changed_byte_of_the_past_is_noticed_where_history_is_told(chain: Chain, table: str) -> None:
    for serial in range(3):
        chain.decide(chain.add("ada", "x", 1 + serial), chain.add("bob", "x", -100))
    (key, value) = next((key, value) for key, value in chain.rows.all(table) if key[:8] == height_key(2))
    assert len(list(chain.ledger.history())) == 3, "positive control: a sound past is told"
    for index in range(len(value)):
        chain.rows.stage([(table, key, value[:index] + bytes([value[index] ^ 0x41]) + value[index + 1 :])])
        with pytest.raises(Damaged):
            list(chain.ledger.history())
    chain.rows.stage([(table, key, None)])
    with pytest.raises(Damaged):
        list(chain.ledger.history())


def test_rows_of_another_genesis_are_refused(chain: Chain) -> None:
    with pytest.raises(GenesisError, match="another genesis"):
        Chain(make_genesis(idle_seal_us=1), chain.rows)


@pytest.mark.parametrize("table", ["state", "block"])
def test_a_damaged_row_is_noticed_at_boot(chain: Chain, table: str) -> None:
    chain.grow(3)
    (key, value), *_ = reversed(list(chain.rows.all(table)))
    chain.rows.stage([(table, key, value[:-1] + bytes([value[-1] ^ 1]))])
    with pytest.raises(Damaged):
        Chain(chain.genesis, chain.rows)


def test_costs_are_told_by_the_clock_that_a_driver_hands_in() -> None:
    genesis, ticks = make_genesis(), iter(range(0, 10_000, 10))
    source = Chain(genesis)
    ledger = Ledger(genesis, DictRows(), CONTRACTS, Bundles(genesis.chain, SUITE), source.epochs, lambda: next(ticks))
    ledger.boot()
    ledger.step(NOW, source.decision(source.add("ada", "x", 1)))
    assert all(ledger.costs_ns[cost] > 0 for cost in ("decode", "execute", "hash", "state"))


def test_the_header_survives_its_encoding(chain: Chain) -> None:
    chain.grow(1)
    assert decode_header(encode(chain.ledger.head)) == chain.ledger.head


def test_a_block_of_many_writes_is_found_again_after_a_restart(chain: Chain) -> None:
    chain.decide(chain.bundle("ada", chain.transaction("ada", "scatter", Scatter("many", 500))))
    chain.decide(chain.bundle("ada", chain.transaction("ada", "drop", Add("many-7", 0))))
    twin = Chain(chain.genesis, chain.rows)
    assert twin.tally("many-8") == Tally(1) and twin.tally("many-7") is None
    assert len(NAMES) == 4


def test_a_store_that_fails_under_a_contract_is_no_receipt(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by pages garbled under a running node: as `contract-failed` it parted that node from the others."""
    chain.decide(chain.add("ada", "x", 1))
    sound = chain.rows.get

    def get(table: str, key: bytes) -> bytes | None:
        if table == "state":
            raise Unreadable("the disk does not answer")
        return sound(table, key)

    decision = chain.decision(chain.add("ada", "x", 1))
    chain.ledger._state.forget()
    monkeypatch.setattr(chain.rows, "get", get)
    with pytest.raises(Unreadable):
        chain.ledger.step(NOW, decision)
