"""Buckets of the state's tree in a file are like those in memory, and no file is seen in the folder."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from consortium.ledger.rows import Damaged
from consortium.ledger.tree import StateTree
from nodes.errors import StoreFailed
from nodes.process.buckets import BucketFile


@pytest.mark.parametrize("in_memory_max", [0, 20_000])
def test_a_tree_over_a_file_is_that_in_memory_whatever_grows_and_shrinks(tmp_path: Path, in_memory_max: int) -> None:
    random, buckets, held = Random(3), BucketFile(tmp_path, in_memory_max), dict[bytes, bytes]()
    tree, model = StateTree(buckets, is_shared=False), StateTree()
    for count in (700, -500, 1_500, -1_690, 40, -50, 300):
        keys = [random.randbytes(8) for _ in range(count)] if count > 0 else random.sample(sorted(held), -count)
        changes = [(key, b"v" if count > 0 else None) for key in keys]
        for key, value in changes:
            held.pop(key, None)
            held.update({key: value} if value is not None else {})
        assert tree.update(changes).root == model.update(changes).root == StateTree.build(held.items()).root
        assert all(tree.digest_of(key) == model.digest_of(key) for key in keys)
        assert tree.path(keys[0]) == model.path(keys[0])
    assert list(tmp_path.iterdir()) == [], "it has no name"
    assert os.fstat(buckets._descriptor).st_size < 1_500 * 64 * 4, "room that was left is taken again"
    buckets.close()


def test_what_the_disk_bends_is_never_taken_for_the_tree(tmp_path: Path) -> None:
    keys = [b"key %d" % number for number in range(100)]
    buckets = BucketFile(tmp_path, 0)
    tree = StateTree.build([(key, b"v") for key in keys], buckets, is_shared=False)
    assert all(tree.digest_of(key) for key in keys), "positive control"
    tree.update([(b"one more", b"v")])
    length = os.fstat(buckets._descriptor).st_size
    assert length > 0
    os.pwrite(buckets._descriptor, bytes(length), 0)
    for ask in (tree.digest_of, tree.path, lambda key: tree.update([(key, None)])):
        with pytest.raises(Damaged, match="a part of the state's tree"):
            ask(keys[0])
    with pytest.raises(Damaged):  # also of buckets that nobody asked for, where few entries are joined
        StateTree.apply(tree, tree.update([(key, None) for key in keys]))
    buckets.close()


def test_a_disk_that_refuses_stops_the_node_and_is_no_receipt(tmp_path: Path) -> None:
    buckets = BucketFile(tmp_path)
    buckets.put(17, bytes(64))
    buckets.close()
    for ask in (lambda: buckets.put(18, bytes(64)), lambda: buckets.get(17)):
        with pytest.raises(StoreFailed):
            ask()
    with pytest.raises(StoreFailed, match="no room"):
        BucketFile(tmp_path / "none").put(1, bytes(64))
