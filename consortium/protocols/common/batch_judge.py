"""Whether a batch that a leader proposes anew is fit: by its bytes, its time, and, if it is empty, by its height."""

from __future__ import annotations

from typing import NamedTuple, Protocol

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
    moved_us: int | None  # when the view or the decided height last changed, monotonic; None: not since the boot

    @property
    def pool(self) -> Pool: ...


class BatchFault(NamedTuple):
    """Why a batch is unfit, and whether an honest leader never proposes the like."""

    why: str
    is_leaders: bool = True


class _BatchHead(msgspec.Struct, frozen=True, array_like=True):
    format: int
    time_us: int


_BATCH_HEAD: Decoder[_BatchHead] = Decoder(_BatchHead, BATCH_BYTES_MAX)


def batch_fault(judge: Judgement, now: Now, height: int, body: bytes) -> BatchFault | None:
    """Why it is unfit, None = fit. An empty batch is fit where a change of members waits for its height, and nowhere
    else: else a leader could fill the chain with nothing."""
    if _is_empty(body):
        why = None if height <= judge.epochs.reach else "an empty batch, and nothing waits for it"
    else:
        why = judge.pool.judge(body)
    return BatchFault(why) if why else _time_fault(judge, now, body)


def is_undecidable(judge: Judgement, height: int, body: bytes) -> bool:
    """An empty batch above what we know to be filled: only who executed everything below can judge it."""
    return _is_empty(body) and height > judge.epochs.reach and judge.head < height - 1


def _time_fault(judge: Judgement, now: Now, body: bytes) -> BatchFault | None:
    """A leader's time must be near our wall clock, at first proposal only. A leader whose proposal was lost says the
    very same one again: it may have made that at any time since the last decision, or since its view was entered. So
    the time may lie back as far as that, up to the cap of the timers (decision 059)."""
    try:
        time_us = _BATCH_HEAD.decode(body).time_us
    except Malformed:
        return BatchFault("the batch has no time")
    parameters = judge.parameters
    cap_us = parameters.timer_cap_us
    standing_us = cap_us if judge.moved_us is None else min(cap_us, now.monotonic_us - judge.moved_us)
    skew_us = parameters.clock_skew_max_us
    age_us = now.wall_us - time_us
    if -skew_us <= age_us <= skew_us + standing_us:
        return None
    return BatchFault("the batch's time is too far from our clock", is_leaders=age_us < 0)


def _is_empty(body: bytes) -> bool:
    """Whether this is the canonical batch of no bundles."""
    if len(body) > EMPTY_BYTES_MAX:
        return False
    try:
        return not decode_batch(body).bundles
    except Malformed:
        return False
