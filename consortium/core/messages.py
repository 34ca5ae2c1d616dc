"""What travels: signed statements, frames, certificates.

A statement's bytes are MessagePack `[domain, chain, suite, epoch, message]`: the host that signs them puts the first
four there, and a receiver compares them as a prefix before it decodes anything. `message` is a tagged array; every
message type is a frozen `Message` subclass in the file of its protocol.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import msgspec

from consortium.core.codec import Decoder, Digest, Malformed, encode
from consortium.core.membership import NodeId

DOMAIN = "consortium/1"
SIGNED_BYTES_MAX = 4_000_000
ATTACHMENT_BYTES_MAX = 10_100_000  # a batch of the largest size with its certificate and seal, as catch-up gives it
ELEMENTS_MAX = 4_096  # of any array in a message, far more than members or open heights
FRAME_BYTES_MAX = ATTACHMENT_BYTES_MAX + 64_000  # what is long in its signed part has no long attachment


Few = msgspec.Meta(max_length=ELEMENTS_MAX)  # counted before any is decoded: small ones cost many times their bytes


class Message(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True, tag=True):
    """Base of all messages; the tag is the class name. Fields that are votes: epoch is in the statement."""


class Vote(Message, frozen=True):
    """What a member says once: at most one `digest` for each kind, epoch, view and height. Two are proof of a lie.

    The shape is reserved: whatever is signed as [kind, view, height, digest of 32 bytes] is judged by this rule, also
    by those who do not know the protocol (core/evidence.py). A protocol's other messages have another shape.
    """

    view: int
    height: int
    digest: Digest


class ViewVote(Message, frozen=True):
    """What a member says once a view, at whatever height: one `digest`. A quorum of the same decides `commits`, digests
    of batches, at `height` and the heights that follow. Two that differ in anything are proof of a lie.

    This shape, [kind, view, digest of 32 bytes, height, array], is reserved like that of `Vote`.
    """

    view: int
    digest: Digest
    height: int
    commits: Annotated[tuple[Digest, ...], Few]


class Signed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, dict=True):
    """Transferable evidence: `body` is exactly the bytes that `sender` signed. How long a signature is the key suite
    says; whoever verifies one refuses another length."""

    sender: NodeId
    body: bytes
    signature: bytes

    @cached_property
    def pair(self) -> tuple[NodeId, bytes]:
        """As it stands in a certificate; one value for all that hold this statement."""
        return self.sender, self.signature


class Frame(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """On the wire. The attachment is named by digest in the signed part, where the message says how."""

    signed: Signed
    attachment: bytes = b""


class Certificate(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, dict=True):
    """Many members' signatures on one and the same body (votes of one phase, view, height and digest), by name."""

    body: bytes
    signatures: Annotated[tuple[tuple[NodeId, bytes], ...], Few]

    @cached_property
    def encoded(self) -> bytes:
        """Its canonical bytes, made once for all that hold this value."""
        return encode(self)


_FRAME: Decoder[Frame] = Decoder(Frame, FRAME_BYTES_MAX)


def encode_frame(frame: Frame) -> bytes:
    return encode(frame)


def decode_frame(data: bytes) -> Frame:
    """Raises Malformed; sizes are bounded before anything is parsed."""
    frame = _FRAME.decode(data)
    if len(frame.signed.body) > SIGNED_BYTES_MAX or len(frame.attachment) > ATTACHMENT_BYTES_MAX:
        raise Malformed("a frame's part is too long")
    return frame


def statement_prefix(chain: bytes, suite: str, epoch: int) -> bytes:
    """The bytes before the message in every statement of this chain, suite and epoch."""
    return b"\x95" + encode(DOMAIN) + encode(chain) + encode(suite) + encode(epoch)


def statement(chain: bytes, suite: str, epoch: int, message: Message) -> bytes:
    return statement_prefix(chain, suite, epoch) + encode(message)


class Opening(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A statement taken apart without knowing its message."""

    domain: str
    chain: Digest
    suite: str
    epoch: int
    message: msgspec.Raw


_OPENING: Decoder[Opening] = Decoder(Opening, SIGNED_BYTES_MAX)


def open_statement(body: bytes) -> Opening:
    """Raises Malformed unless these are the canonical bytes of a statement of some chain."""
    opening = _OPENING.decode(body)
    prefix = statement_prefix(opening.chain, opening.suite, opening.epoch)
    if opening.domain != DOMAIN or not body.startswith(prefix):
        raise Malformed("not a statement")
    return opening


_TAG_BYTES_MAX = 80  # the head of an array, and a name


def _tag_of(message: bytes) -> str:
    """The name with which an array begins; empty where it begins with none. Nothing else is decoded."""
    first = message[0] if message else 0
    at = 1 if first & 0xF0 == 0x90 else {0xDC: 3, 0xDD: 5}.get(first, len(message))
    head = message[at : at + 2]
    if not head or not (head[0] & 0xE0 == 0xA0 or (head[0] == 0xD9 and len(head) == 2)):
        return ""
    begin, size = (at + 2, head[1]) if head[0] == 0xD9 else (at + 1, head[0] & 0x1F)
    name = message[begin : begin + size]
    return name.decode("ascii") if len(name) == size and name.isascii() and name.isalnum() else ""


class MessageCodec:
    """Decodes statements of one chain: `kinds` are all Message classes that a node understands."""

    def __init__(self, chain: bytes, suite: str, kinds: tuple[type[Message], ...]) -> None:
        self.chain = chain
        self.suite = suite
        union: Any = kinds[0]
        for kind in kinds[1:]:
            union = union | kind
        self._decoder: Decoder[Message] = Decoder(union, SIGNED_BYTES_MAX)
        self._names = frozenset(kind.__name__ for kind in kinds)
        self._prefixes: dict[int, bytes] = {}

    def prefix(self, epoch: int) -> bytes:
        prefix = self._prefixes.get(epoch)
        if prefix is None:
            if len(self._prefixes) > 64:
                self._prefixes.clear()
            prefix = self._prefixes[epoch] = statement_prefix(self.chain, self.suite, epoch)
        return prefix

    def statement(self, epoch: int, message: Message) -> bytes:
        return self.prefix(epoch) + encode(message)

    def strange_kind(self, body: bytes) -> str:
        """The name of a statement's message, where no message of this node bears it: another version may have it.
        Empty for all else."""
        try:
            name = _tag_of(bytes(memoryview(open_statement(body).message)[:_TAG_BYTES_MAX]))
        except Malformed:
            return ""
        return "" if name in self._names else name

    def decode(self, body: bytes, epoch: int) -> Message:
        """The message of a statement that must be of `epoch`, canonically encoded. Raises Malformed."""
        prefix = self.prefix(epoch)
        if not body.startswith(prefix):
            raise Malformed(f"not a statement of this chain in epoch {epoch}")
        return self._decoder.decode_canonical(memoryview(body)[len(prefix) :])
