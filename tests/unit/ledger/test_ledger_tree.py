"""The authenticated tree: its shape and root follow from its entries alone, and its paths prove them and no others.

`_naive_root` computes a root from the rows, all at once, from what `core/state_path.py` says in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.state_path import BUCKET_MAX, EMPTY, Path, is_proven
from consortium.ledger.tree import StateTree


def _keys(count: int) -> list[bytes]:
    return [f"key {index}".encode() for index in range(count)]


def _rows(count: int) -> dict[bytes, bytes]:
    return dict.fromkeys(_keys(count), b"v")


def _naive_root(rows: Mapping[bytes, bytes]) -> bytes:
    entries = sorted(sha256(key).digest() + sha256(value).digest() for key, value in rows.items())
    count = max(1, len(entries) // 12)
    bits = next(bits for bits in range(64) if 1 << bits >= count)
    cells: list[list[bytes]] = [[] for _ in range(count)]
    for entry in entries:
        last = int(entry[:32].hex(), 16)
        place = last % 2**bits
        cells[place if place < count else last % 2 ** (bits - 1)].append(entry)
    level = [_naive_cell(cell, 0) for cell in cells]
    while len(level) > 1:
        level += [bytes(32)] * (-len(level) % 16)
        level = [sha256(b"\x03" + b"".join(level[at : at + 16])).digest() for at in range(0, len(level), 16)]
    return sha256(b"\x05" + count.to_bytes(8, "big") + level[0]).digest()


def _naive_cell(entries: list[bytes], depth: int) -> bytes:
    if not entries:
        return bytes(32)
    if len(entries) <= 48:
        return sha256(b"\x02" + b"".join(entries)).digest()
    parts = [[entry for entry in entries if entry[:32].hex()[depth] == digit] for digit in "0123456789abcdef"]
    return sha256(b"\x03" + b"".join(_naive_cell(part, depth + 1) for part in parts)).digest()


def _crowding(count: int, mask: int = 0xFF, digits: str = "") -> list[bytes]:
    """Keys that somebody has sought so long that all lie in one cell, of so many as `mask` says or less."""
    found, number = list[bytes](), 0
    while len(found) < count:
        number += 1
        name = sha256(b"sought %d" % number).digest()
        if name[31] & mask == 0 and name.hex().startswith(digits):
            found.append(b"sought %d" % number)
    return found


CROWD = [*_crowding(130, 0x0F), *_crowding(60, 0x0F, "7")]
ROWS = st.sampled_from([*_keys(70), *CROWD])


@settings(max_examples=30, deadline=None)
@given(
    blocks=st.lists(
        st.lists(st.tuples(ROWS, st.none() | st.binary(max_size=2)), max_size=120) | st.sampled_from(["all", "none"]),
        max_size=6,
    ),
    order=st.randoms(use_true_random=False),
    in_memory_max=st.sampled_from([0, 4_000, 10**9]),
)
def test_the_root_is_that_of_the_rows_whatever_came_and_went_in_whatever_order(
    blocks: list[list[tuple[bytes, bytes | None]] | str], order: Random, in_memory_max: int
) -> None:
    far = _Far(in_memory_max)
    trees, held = (StateTree(), StateTree(), StateTree(far, is_shared=False)), dict[bytes, bytes]()
    lay_there = False
    for block in blocks:
        changes: list[tuple[bytes, bytes | None]] = list(block) if not isinstance(block, str) else []
        if isinstance(block, str):
            changes = [(key, b"" if block == "all" else None) for key in [*_keys(400), *CROWD]]
        before = {key: held.get(key) for key, _ in changes}
        for key, value in changes:
            held.pop(key, None)
            held.update({} if value is None else {key: value})
        order.shuffle(final := [(key, held.get(key)) for key in before])
        trees[1].apply(trees[0].update(changes))
        trees[2].update(final)
        assert {tree.root for tree in trees} == {_naive_root(held)}
        lay_there = lay_there or any(far.held.values())
        if order.random() < 0.3:  # taken back
            trees[1].apply(trees[0].update(before.items()))
            trees[2].update(before.items())
            held = {key: value for key, value in {**held, **before}.items() if value is not None}
            assert {tree.root for tree in trees} == {_naive_root(held)}
    assert lay_there or in_memory_max or not held, "positive control: they lay there"
    for key in order.sample([*_keys(70), *CROWD], 12):
        paths = [tree.path(key) for tree in trees]
        assert paths[0] == paths[1] == paths[2] and is_proven(paths[0], key, held.get(key), trees[0].root)
        assert not is_proven(paths[0], key, None if key in held else b"", trees[0].root)
        assert {tree.digest_of(key) for tree in trees} == {sha256(held[key]).digest() if key in held else None}


class _Far:
    def __init__(self, in_memory_max: int) -> None:
        self.in_memory_max = in_memory_max
        self.held: dict[int, bytes] = {}

    def get(self, number: int) -> bytes:
        return self.held.get(number, b"")

    def put(self, number: int, bucket: bytes) -> None:
        self.held[number] = bucket


def test_a_cell_that_somebody_crowds_costs_its_members_no_long_proofs() -> None:
    rows = dict.fromkeys([*_keys(300), *_crowding(700, 0x3F)], b"v")
    tree = StateTree.build(rows.items())
    assert tree.root == _naive_root(rows)
    for key in [*_crowding(60, 0x3F), *_keys(40)]:
        path = tree.path(key)
        assert is_proven(path, key, b"v", tree.root) and not is_proven(path, key, None, tree.root)
        assert len(path.siblings) <= 2 + 2, "the levels above 83 cells, and those within one of 700 entries"
        assert len(tree.path(b"no " + key).bucket) <= BUCKET_MAX * 64
    crowded = tree.path(_crowding(1, 0x3F)[0])
    assert len(crowded.siblings) > 2, "positive control"
    assert not is_proven(Path(crowded.cells, crowded.bucket, crowded.siblings[1:]), rows.popitem()[0], b"v", tree.root)


@settings(max_examples=80, deadline=None)
@given(
    changes=st.lists(st.tuples(st.binary(max_size=3), st.none() | st.binary(max_size=3)), max_size=60),
    cut=st.integers(0, 60),
    asked=st.binary(max_size=3),
    lie=st.none() | st.binary(max_size=3),
)
def test_a_tree_depends_on_its_rows_alone_and_proves_them(
    changes: list[tuple[bytes, bytes | None]], cut: int, asked: bytes, lie: bytes | None
) -> None:
    tree, model = StateTree(), {}
    for part in (changes[:cut], changes[cut:]):
        tree.update(part)
        for key, value in part:
            model[key] = value
    held = {key: value for key, value in model.items() if value is not None}
    assert tree.root == StateTree.build(held.items()).root
    path = tree.path(asked)
    assert is_proven(path, asked, held.get(asked), tree.root)
    if lie != held.get(asked):
        assert not is_proven(path, asked, lie, tree.root)
    assert not is_proven(path, asked, held.get(asked), b"\x01" * 32)


def test_however_a_tree_has_grown_and_shrunk_it_is_that_of_its_rows() -> None:
    random, tree, twin, held = Random(7), StateTree(), StateTree(), dict[bytes, bytes]()
    for target in (900, 30, 400, 0, 60, 33, 32, 33, 2_000):
        while len(held) != target:
            wanted = min(abs(target - len(held)), random.randrange(1, 120))
            if len(held) < target:
                changes: list[tuple[bytes, bytes | None]] = [
                    (random.randbytes(8), random.randbytes(2)) for _ in range(wanted)
                ]
            else:
                changes = [(key, None) for key in random.sample(sorted(held), wanted)]
            again = [(key, b"changed") for key in random.sample(sorted(held), min(3, len(held)))]
            changes = list(dict([*again, *changes]).items())
            twin.apply(tree.update(changes))
            for key, value in changes:
                held.pop(key, None)
                if value is not None:
                    held[key] = value
            assert tree.root == twin.root == StateTree.build(held.items()).root
    for key in random.sample(sorted(held), 50):
        assert tree.digest_of(key) == twin.digest_of(key) == sha256(held[key]).digest()
        assert is_proven(twin.path(key), key, held[key], tree.root)


def test_every_key_of_a_deep_tree_is_proven_and_no_other() -> None:
    rows = _rows(6_000)
    tree = StateTree.build(rows.items())
    depths = set()
    for key in list(rows)[::37]:
        path = tree.path(key)
        depths.add(len(path.siblings))
        assert is_proven(path, key, b"v", tree.root)
        assert not is_proven(path, key, None, tree.root) and not is_proven(path, key, b"w", tree.root)
        absent = b"no " + key
        assert is_proven(path, absent, None, tree.root) == (tree.path(absent) == path), "a path is of one bucket"
        assert is_proven(tree.path(absent), absent, None, tree.root)
    assert depths == {3}, "as deep as it takes for 500 cells"


def test_a_path_with_an_entry_less_or_cut_or_lengthened_proves_nothing() -> None:
    tree = StateTree.build(_rows(500).items())
    key = _keys(1)[0]
    path = tree.path(key)
    name = sha256(key).digest()
    entries = [path.bucket[at : at + 64] for at in range(0, len(path.bucket), 64)]
    without = b"".join(entry for entry in entries if entry[:32] != name)
    forged = [
        Path(path.cells, without, path.siblings),
        Path(path.cells, b"".join(reversed(entries)), path.siblings),
        Path(path.cells, path.bucket + entries[-1], path.siblings),
        Path(path.cells, path.bucket[:-1], path.siblings),
        Path(path.cells, path.bucket, path.siblings[1:]),
        Path(path.cells, path.bucket, path.siblings[:-1]),
        Path(path.cells, path.bucket, (*path.siblings, bytes(480))),
        Path(path.cells, b"", (bytes(480), *path.siblings)),
        Path(path.cells, path.bucket, (path.siblings[0][1:], *path.siblings[1:])),
        Path(path.cells, b"", ()),
        Path(path.cells + 1, path.bucket, path.siblings),
        Path(path.cells - 1, path.bucket, path.siblings),
        Path(1, path.bucket, path.siblings),
        Path(0, path.bucket, path.siblings),
        Path(1 << 60, path.bucket, path.siblings),
    ]
    assert len(entries) > 1 and is_proven(path, key, b"v", tree.root), "positive control"
    for bent in forged:
        assert not is_proven(bent, key, b"v", tree.root) and not is_proven(bent, key, None, tree.root)


def test_a_bucket_larger_than_a_tree_makes_is_no_proof() -> None:
    rows = _rows(BUCKET_MAX + 1)
    entries = sorted(sha256(key).digest() + sha256(value).digest() for key, value in rows.items())
    crowded = b"".join(entries)
    root = sha256(b"\x05" + (1).to_bytes(8, "big") + sha256(b"\x02" + crowded).digest()).digest()
    fewer = b"".join(entries[:BUCKET_MAX])
    sound = sha256(b"\x05" + (1).to_bytes(8, "big") + sha256(b"\x02" + fewer).digest()).digest()
    assert is_proven(Path(1, fewer, ()), b"no key", None, sound), "positive control"
    assert not is_proven(Path(1, crowded, ()), _keys(1)[0], b"v", root)
    for path in (Path(1, crowded, ()), Path(1, b"", (bytes(480),) * 75), Path(0, b"", ()), Path(1 << 41, b"", ())):
        with pytest.raises(Malformed):
            Decoder(Path, 1_000_000).decode(encode(path))


def test_a_block_moves_no_more_than_it_changes() -> None:
    tree, most = StateTree(), 0
    for number in range(0, 20_000, 100):
        patch = tree.update([(b"key %d" % one, b"v") for one in range(number, number + 100)])
        most = max(most, len(patch.cells))
    assert most <= 100 + 2 * 10, "each row its cell, and for twelve rows one cell that splits in two"
    assert tree.root == _naive_root(dict.fromkeys([b"key %d" % one for one in range(20_000)], b"v"))
    assert StateTree().root == _naive_root({}) == sha256(b"\x05" + (1).to_bytes(8, "big") + EMPTY).digest()
