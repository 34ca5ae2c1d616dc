"""The blocks above what is sealed, by digest: each names its parent, and the QC in it is its parent's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.core.messages import Signed
from consortium.protocols.hotstuff.messages import Header

ROOT_VIEW = -1


class Block:
    """A header, and its batch where it is here. The root of an epoch has no header. `signed`: the PROPOSAL that named
    it, as its leader signed it, where we heard that."""

    __slots__ = ("body", "certified", "digest", "header", "height", "signed", "view")

    def __init__(self, digest: bytes, header: Header | None, height: int) -> None:
        self.digest = digest
        self.header = header
        self.view = ROOT_VIEW if header is None else header.view
        self.height = height if header is None else header.height
        self.certified = height if header is None else header.certified
        self.body: bytes | None = None
        self.signed: Signed | None = None

    @property
    def batch(self) -> bytes:
        return b"" if self.header is None else self.header.batch

    @property
    def lacks_body(self) -> bool:
        return bool(self.batch) and self.body is None

    @property
    def has_open(self) -> bool:
        """Whether heights at or below this block wait for more votes above it."""
        return self.height > self.certified


class Absent(Exception):
    """A block that a judgement needs is not here; `holders` signed for it."""

    def __init__(self, digest: bytes, holders: tuple[NodeId, ...]) -> None:
        super().__init__()
        self.digest = digest
        self.holders = holders


class Decided(NamedTuple):
    """What a quorum of ballots for a block decides: `commits` at `height` and above. `certified`: up to where."""

    height: int
    commits: tuple[bytes, ...]
    certified: int


class Tree:
    """Blocks of one epoch. Who may add one is the business of others; the tree keeps, links and drops them."""

    def __init__(self, root: bytes, height: int) -> None:
        self.root = Block(root, None, height)
        self._blocks: dict[bytes, Block] = {root: self.root}

    def __len__(self) -> int:
        return len(self._blocks)

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks.values())

    def get(self, digest: bytes) -> Block | None:
        return self._blocks.get(digest)

    def add(self, digest: bytes, header: Header) -> Block:
        block = self._blocks.get(digest)
        if block is None:
            block = self._blocks[digest] = Block(digest, header, header.height)
        return block

    def parent(self, block: Block) -> Block:
        """The block under this one. Raises Absent."""
        header = block.header
        assert header is not None, "nothing lies under the root"
        parent = self._blocks.get(header.parent)
        if parent is None:
            signatures = () if header.justify is None else header.justify.signatures
            raise Absent(header.parent, tuple(name for name, _ in signatures))
        return parent

    def above(self, tip: Block, height: int) -> list[Block]:
        """The blocks with a batch from `tip` down to the first height above `height`, highest first. Raises Absent."""
        found: list[Block] = []
        while tip.height > height:
            if tip.batch:
                found.append(tip)
                if tip.height == height + 1:
                    break
            tip = self.parent(tip)
        return found

    def decided_by(self, block: Block) -> Decided:
        """What the votes for this block decide: its grandparent and everything under that, if block, parent and
        grandparent are of three consecutive views (the paper's three-chain); else nothing new. Raises Absent."""
        assert block.header is not None, "nobody votes for the root"
        base = block.header.base
        parent = self.parent(block)
        if parent.header is None:
            return Decided(base + 1, (), base)
        grandparent = self.parent(parent)
        is_chain = block.view == parent.view + 1 == grandparent.view + 2
        if not is_chain or grandparent.height <= base:
            return Decided(base + 1, (), base)
        commits = tuple(each.batch for each in reversed(self.above(grandparent, base)))
        return Decided(base + 1, commits, grandparent.height)

    def prune(self, tips: list[Block], height: int, locked_view: int) -> None:
        """Forget what lies below `height`, and what no tip rests on and nobody may build on (older than the lock)."""
        kept: dict[bytes, Block] = {self.root.digest: self.root}
        for tip in tips:
            block: Block | None = tip
            while block is not None and block.digest not in kept and block.height >= height:
                kept[block.digest] = block
                block = None if block.header is None else self._blocks.get(block.header.parent)
        for block in self._blocks.values():
            if block.view > locked_view and block.height >= height:
                kept[block.digest] = block
        self._blocks = kept
