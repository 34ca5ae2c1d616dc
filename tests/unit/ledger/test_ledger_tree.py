"""The authenticated tree: its shape and root follow from its entries alone, and its paths prove them and no others."""

from __future__ import annotations

from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.state_path import BUCKET_MAX, Path, is_proven
from consortium.ledger.tree import StateTree


def _keys(count: int) -> list[bytes]:
    return [f"key {index}".encode() for index in range(count)]


def _rows(count: int) -> dict[bytes, bytes]:
    return dict.fromkeys(_keys(count), b"v")


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
    assert depths == {2, 3}, "as deep as there are entries"


def test_a_path_with_an_entry_less_or_cut_or_lengthened_proves_nothing() -> None:
    tree = StateTree.build(_rows(500).items())
    key = _keys(1)[0]
    path = tree.path(key)
    name = sha256(key).digest()
    entries = [path.bucket[at : at + 64] for at in range(0, len(path.bucket), 64)]
    without = b"".join(entry for entry in entries if entry[:32] != name)
    forged = [
        Path(without, path.siblings),
        Path(b"".join(reversed(entries)), path.siblings),
        Path(path.bucket + entries[-1], path.siblings),
        Path(path.bucket[:-1], path.siblings),
        Path(path.bucket, path.siblings[1:]),
        Path(path.bucket, path.siblings[:-1]),
        Path(path.bucket, (*path.siblings, bytes(480))),
        Path(b"", (bytes(480), *path.siblings)),
        Path(path.bucket, (path.siblings[0][1:], *path.siblings[1:])),
        Path(b"", ()),
    ]
    assert len(entries) > 1 and is_proven(path, key, b"v", tree.root), "positive control"
    for bent in forged:
        assert not is_proven(bent, key, b"v", tree.root) and not is_proven(bent, key, None, tree.root)


def test_a_bucket_larger_than_a_tree_makes_is_no_proof() -> None:
    rows = _rows(BUCKET_MAX + 1)
    entries = sorted(sha256(key).digest() + sha256(value).digest() for key, value in rows.items())
    crowded = b"".join(entries)
    root = sha256(b"\x02" + crowded).digest()
    assert not is_proven(Path(crowded, ()), _keys(1)[0], b"v", root)
    with pytest.raises(Malformed):
        Decoder(Path, 1_000_000).decode(encode(Path(crowded, ())))
    with pytest.raises(Malformed):
        Decoder(Path, 1_000_000).decode(encode(Path(b"", (bytes(480),) * 65)))
