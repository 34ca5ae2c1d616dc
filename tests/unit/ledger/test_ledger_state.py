"""State, tree and rows against simple models: reads see writes, refusals leave no trace, proofs prove and only that."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.core.codec import encode
from consortium.core.contract import Table
from consortium.ledger.rows import Damaged, DictRows
from consortium.ledger.state import State
from consortium.ledger.tree import StateTree


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: int


ITEMS: Table[Item] = Table("items", Item)
OTHERS: Table[Item] = Table("item", Item)
KEYS = st.sampled_from(["", "a", "aa", "b", "c", "甲", "\x00", "zz"])
ACTS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("delete"), KEYS, st.just(0)),
    st.tuples(st.just("get"), KEYS, st.just(0)),
    st.tuples(st.just("range"), KEYS, st.just(0)),
    st.tuples(st.sampled_from(["begin", "undo", "take"]), st.just(""), st.just(0)),
)


def _in_range(model: dict[str, int], low: str) -> list[tuple[str, Item]]:
    keys = sorted((key for key in model if low <= key < "y"), key=lambda key: key.encode())
    return [(key, Item(model[key])) for key in keys]


@settings(max_examples=200, deadline=None)
@given(acts=st.lists(ACTS, max_size=40), remember=st.integers(0, 3))
def test_state_behaves_like_a_dict_with_undo(acts: list[tuple[str, str, int]], remember: int) -> None:
    rows = DictRows()
    state = State(rows, remember_max=remember)
    state.put(OTHERS, "s\x00a", Item(77))  # a neighbour whose name is a prefix
    model: dict[str, int] = {}
    before: dict[str, int] = {}
    state.begin()
    for act, key, number in acts:
        if act == "put":
            state.put(ITEMS, key, Item(number))
            model[key] = number
        elif act == "delete":
            state.delete(ITEMS, key)
            model.pop(key, None)
        elif act == "get":
            assert state.get(ITEMS, key) == (Item(model[key]) if key in model else None)
        elif act == "range":
            assert list(state.range(ITEMS, key, "y")) == _in_range(model, key)
        elif act == "undo":
            state.undo()
            model = dict(before)
        else:
            if act == "take":
                rows.stage([("state", name, value) for name, value in state.take()])
            state.begin()
            before = dict(model)
    rows.stage([("state", name, value) for name, value in state.take()])
    wanted = {f"items\x00{key}".encode(): encode(Item(number)) for key, number in model.items()}
    wanted[b"item\x00s\x00a"] = encode(Item(77))
    assert dict(rows.all("state")) == wanted


def test_a_value_of_another_type_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="items holds Item"):
        State(DictRows()).put(ITEMS, "a", 5)  # type: ignore[arg-type]


def test_a_key_that_is_no_text_is_refused_at_once() -> None:
    state = State(DictRows())
    with pytest.raises(UnicodeEncodeError):
        state.put(ITEMS, "\ud800", Item(1))
    assert state.take() == []


def test_a_row_that_cannot_be_read_is_damage() -> None:
    rows = DictRows()
    rows.stage([("state", b"items\x00a", b"\xc1")])
    with pytest.raises(Damaged, match="items"):
        State(rows).get(ITEMS, "a")


@settings(max_examples=150, deadline=None)
@given(
    acts=st.lists(
        st.tuples(st.binary(min_size=1, max_size=2), st.none() | st.binary(max_size=2), st.booleans()), max_size=60
    )
)
def test_rows_range_like_a_sorted_dict(acts: list[tuple[bytes, bytes | None, bool]]) -> None:
    rows, model = DictRows(), {}
    for key, value, asks in acts:
        rows.stage([("t", key, value)])
        model[key] = value
        if asks:
            wanted = [(k, v) for k, v in sorted(model.items()) if v is not None and b"\x20" <= k < b"\xc0"]
            assert rows.range("t", b"\x20", b"\xc0") == wanted
    assert list(rows.all("t")) == [(k, v) for k, v in sorted(model.items()) if v is not None]
    assert rows.copy().tables() == rows.tables()


@settings(max_examples=50, deadline=None)
@given(
    acts=st.lists(st.tuples(st.sampled_from(["put", "delete", "get", "take"]), KEYS, st.integers(0, 9)), max_size=40)
)
def test_a_state_that_asks_the_tree_first_reads_and_undoes_the_same(acts: list[tuple[str, str, int]]) -> None:
    plain_rows, asked_rows, tree = DictRows(), DictRows(), StateTree()
    plain = State(plain_rows, remember_max=1)
    asked = State(asked_rows, remember_max=1, digest_of=tree.digest_of)
    for act, key, value in acts:
        if act == "take":
            assert plain.take_previous() == asked.take_previous()
            changes = plain.take()
            assert asked.take() == changes
            tree.update(changes)
            plain_rows.stage([("state", name, row) for name, row in changes])
            asked_rows.stage([("state", name, row) for name, row in changes])
        for state in (plain, asked):
            if act == "put":
                state.put(ITEMS, key, Item(value))
            elif act == "delete":
                state.delete(ITEMS, key)
        assert plain.get(ITEMS, key) == asked.get(ITEMS, key)
    for name, _ in plain_rows.range("state", b"", b"\xff"):
        assert tree.digest_of(name) is not None
        assert tree.digest_of(name + b"!") is None


def test_rows_that_are_said_not_to_be_there_are_not_read() -> None:
    rows = DictRows()
    rows.stage([("state", b"items\x00a", encode(Item(1)))])
    assert State(rows).get(ITEMS, "a") == Item(1)
    assert State(rows, digest_of=lambda _: None).get(ITEMS, "a") is None


def test_a_value_that_the_file_bends_is_never_taken_for_the_state() -> None:
    rows = DictRows()
    state = State(rows)
    state.put(ITEMS, "a", Item(1))
    written = state.take()
    rows.stage([("state", key, value) for key, value in written])
    tree = StateTree.build([(key, value) for key, value in written if value is not None])
    assert State(rows, digest_of=tree.digest_of).get(ITEMS, "a") == Item(1), "positive control"
    assert State(rows, digest_of=tree.digest_of).get(ITEMS, "b") is None
    for bent in (encode(Item(2)), None):
        rows.stage([("state", written[0][0], bent)])
        with pytest.raises(Damaged, match="is not the one that was written"):
            State(rows, digest_of=tree.digest_of).get(ITEMS, "a")


def test_a_range_sees_what_its_own_transaction_wrote_and_undid_up_to_its_limit() -> None:
    rows = DictRows()
    state = State(rows)
    for key in ("b", "d", "f"):
        state.put(ITEMS, key, Item(1))
    rows.stage([("state", key, value) for key, value in state.take()])
    state.begin()
    state.put(ITEMS, "a", Item(2))
    state.delete(ITEMS, "b")
    state.put(ITEMS, "e", Item(3))
    assert [key for key, _ in state.range(ITEMS, "", "z")] == ["a", "d", "e", "f"]
    assert [key for key, _ in state.range(ITEMS, "", "z", 2)] == ["a", "d"]
    assert [key for key, _ in state.range(ITEMS, "b", "z", 1)] == ["d"]
    state.undo()
    assert [key for key, _ in state.range(ITEMS, "", "z", 2)] == ["b", "d"]
    assert len(list(state.range(ITEMS, "", "z"))) == 3
