"""What all hosts of one search share: members and keys, and the batches that anybody proposed."""

from __future__ import annotations

import io
import pickle
from typing import Any

from consortium.core.codec import Malformed
from consortium.core.crypto import KeyedHash
from consortium.core.genesis import Parameters
from consortium.core.machine import Received
from consortium.core.membership import Epoch, Epochs, Member, NodeId
from consortium.core.messages import Certificate, Message, MessageCodec, Signed
from consortium.core.transaction import batch_digest, encode_batch
from consortium.core.verifier import Verifier
from consortium.exploration.exhaustive.scope import Scope
from consortium.protocols.pbft import PROTOCOL

CHAIN = b"x" * 32
WALL_US = 1_700_000_000_000_000
PARAMETERS = Parameters(checkpoint_interval=4, window=8, batches_in_flight=8, batch_transactions_max=1)


def no_seal(certificate: Certificate) -> int:
    """Nothing is sealed within the scope of a search. Raises Malformed."""
    raise Malformed("no seal")


class World:
    """Keys are keyed hashes: a search forges nothing, and says what a liar says under its own key."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.suite = KeyedHash()
        keys = {name: self.suite.public_key(self.secret(name)) for name in scope.names}
        members = tuple(Member(name, "hospital", "validator", {"vote": keys[name]}) for name in scope.names)
        self.epoch = Epoch(0, 1, members)
        if scope.quorum is not None:
            self.epoch.__dict__["quorum"] = scope.quorum
        self.epochs = Epochs([self.epoch])
        self.codec = MessageCodec(CHAIN, self.suite.name, PROTOCOL.messages)
        self.verifier = Verifier(self.codec, self.suite)
        self.bundles = tuple(f"bundle {height}".encode() for height in range(1, scope.heights + 1))
        self.batches: dict[bytes, bytes] = {}  # by digest
        self._shared: tuple[object, ...] = (self, self.suite, self.epoch, self.epochs, self.codec, self.verifier)
        self._places = {id(each): place for place, each in enumerate(self._shared)}

    def secret(self, name: NodeId) -> bytes:
        return name.encode().ljust(32, b"\x00")

    def sign(self, sender: NodeId, message: Message) -> Signed:
        body = self.codec.statement(0, message)
        return Signed(sender, body, self.suite.sign(self.secret(sender), body))

    def received(self, signed: Signed, attachment: bytes = b"") -> Received:
        """What a host makes of a frame. Raises Malformed."""
        epoch, message = self.verifier.open(signed, self.epochs)
        return Received(signed.sender, message, signed, epoch, attachment)

    def batch_of(self, proposer: int, height: int) -> bytes:
        """A batch of a liar's; its time is its own, so that no other batch is equal. Returns its digest."""
        batch = encode_batch(WALL_US + 500_000 + proposer, [self.bundles[height - 1]])
        digest = batch_digest(batch)
        self.batches.setdefault(digest, batch)
        return digest

    def letter(self, digest: bytes) -> str:
        """A short name of a batch, in the order in which they were proposed."""
        if digest not in self.batches:
            return "null" if not any(digest) else digest[:3].hex()
        return chr(ord("A") + list(self.batches).index(digest))

    # --- copies -----------------------------------------------------------------------------------------------------

    def freeze(self, value: object) -> bytes:
        """A copy of a value as bytes; what is shared here is named in them, not copied."""
        buffer = io.BytesIO()
        _Freezer(buffer, self._places).dump(value)
        return buffer.getvalue()

    def thaw(self, data: bytes) -> Any:
        return _Thawer(io.BytesIO(data), self._shared).load()

    def is_shared(self, value: object) -> bool:
        return id(value) in self._places


class _Freezer(pickle.Pickler):
    def __init__(self, buffer: io.BytesIO, places: dict[int, int]) -> None:
        super().__init__(buffer, protocol=pickle.HIGHEST_PROTOCOL)
        self._find = places.get

    def persistent_id(self, value: object) -> int | None:
        return self._find(id(value))


class _Thawer(pickle.Unpickler):
    def __init__(self, buffer: io.BytesIO, shared: tuple[object, ...]) -> None:
        super().__init__(buffer)
        self._shared = shared

    def persistent_load(self, place: int) -> object:
        return self._shared[place]
