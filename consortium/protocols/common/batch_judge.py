"""Whether a batch that a leader proposes anew is fit: by its bytes, its time, and, if it is empty, by its height."""

from __future__ import annotations

from typing import Protocol

import msgspec

from consortium.core.codec import Decoder, Malformed
from consortium.core.genesis import Parameters
from consortium.core.machine import Now
from consortium.core.membership import Epochs
from consortium.core.protocol import Pool
from consortium.core.transaction import BATCH_BYTES_MAX, decode_batch

EMPTY_BYTES_MAX = 16


class Judgement(Protocol):
    """What a replica knows when it judges a batch."""

    epochs: Epochs
    parameters: Parameters
    head: int  # executed

    @property
    def pool(self) -> Pool: ...


class _BatchHead(msgspec.Struct, frozen=True, array_like=True):
    format: int
    time_us: int


_BATCH_HEAD: Decoder[_BatchHead] = Decoder(_BatchHead, BATCH_BYTES_MAX)


def batch_fault(judge: Judgement, now: Now, height: int, body: bytes) -> str | None:
    """Why it is unfit, None = fit. An empty batch is fit where a change of members waits for its height, and nowhere
    else: else a leader could fill the chain with nothing."""
    if _is_empty(body):
        why = None if height <= judge.epochs.reach else "an empty batch, and nothing waits for it"
    else:
        why = judge.pool.judge(body)
    return why or _time_fault(judge, now, body)


def is_undecidable(judge: Judgement, height: int, body: bytes) -> bool:
    """An empty batch above what we know to be filled: only who executed everything below can judge it."""
    return _is_empty(body) and height > judge.epochs.reach and judge.head < height - 1


def _time_fault(judge: Judgement, now: Now, body: bytes) -> str | None:
    """A leader's time must be near our wall clock, at first proposal only."""
    try:
        time_us = _BATCH_HEAD.decode(body).time_us
    except Malformed:
        return "the batch has no time"
    skew_us = judge.parameters.clock_skew_max_us
    return None if abs(time_us - now.wall_us) <= skew_us else "the batch's time is too far from our clock"


def _is_empty(body: bytes) -> bool:
    """Whether this is the canonical batch of no bundles."""
    if len(body) > EMPTY_BYTES_MAX:
        return False
    try:
        return not decode_batch(body).bundles
    except Malformed:
        return False
