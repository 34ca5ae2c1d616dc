"""A host that writes down what it is given and what it puts out, for `consortium replay`. It wraps any driven host."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from consortium import __version__
from consortium.core.machine import HandIn, Now, Output
from consortium.core.membership import NodeId
from consortium.node.running import RunningNode
from consortium.runs.recording import (
    ARRIVAL,
    BOOT,
    END,
    FOLDER,
    HAND_IN,
    WAKE,
    Boot,
    Step,
    chain_digest,
    encode_head,
    encode_step,
    pack_hand_in,
    recordings,
    shorten,
)

BUFFER_BYTES_MAX = 1_000_000

_log = logging.getLogger("recording")


class Recorder:
    """The file of one boot, mode 0600: it holds what came over the bus. What is written survives `kill -9`, though not
    a loss of power. Where the disk refuses the recording ends, and the node goes on."""

    def __init__(self, node_folder: Path) -> None:
        older = recordings(node_folder)
        number = int(older[-1].stem) + 1 if older else 1
        self.path = node_folder / FOLDER / f"{number:04}.bin"
        self._descriptor: int | None = None
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            _log.warning("this node is not recorded: %s cannot be made (%s)", self.path, error.strerror)
        self._parts: list[bytes] = [encode_head()]
        self._waiting = len(self._parts[0])
        self._offset = self._waiting
        self._digest = b""

    def add(self, kind: int, now: Now, given: Any, outputs: Sequence[Output], raised: str = "") -> None:
        """One step; in the file after `flush`, at the latest."""
        if self._descriptor is None:
            return
        digest = b""
        if outputs:
            digest = self._digest = chain_digest(self._digest, outputs)
        step = Step(kind, now.monotonic_us, now.wall_us, given, [shorten(put) for put in outputs], digest, raised)
        entry = encode_step(self._offset, step)
        self._parts.append(entry)
        self._offset += len(entry)
        self._waiting += len(entry)
        if self._waiting > BUFFER_BYTES_MAX:
            self.flush()

    def flush(self) -> None:
        """To be called before anything that a recorded step put out is carried out."""
        if self._descriptor is None or not self._parts:
            return
        data = memoryview(b"".join(self._parts))
        self._parts, self._waiting = [], 0
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            _log.warning("the recording ends here: %s cannot be written (%s)", self.path, error.strerror)
            os.close(self._descriptor)
            self._descriptor = None

    def close(self, now: Now, code: int) -> None:
        """The node ends by itself."""
        self.add(END, now, code, ())
        self.flush()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class RecordedHost:
    """As the host inside, and every call stands in the recording. `known`, `mark`, `private`: see `recording.Boot`."""

    def __init__(
        self, host: RunningNode, recorder: Recorder, chain: bytes, known: bytes, mark: bytes, private: bytes = b""
    ) -> None:
        self._host = host
        self._recorder = recorder
        self._chain = chain
        self._known = known
        self._mark = mark
        self._private = private
        self._begun_us = 0

    def begin_run(self, monotonic_us: int) -> None:
        self._begun_us = monotonic_us
        self._host.begin_run(monotonic_us)

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]:
        place = (self._chain, self._host.me, self._begun_us, self._known, self._mark)
        given = Boot(*place, tuple(records), __version__, platform.python_version(), self._private)
        return self._step(BOOT, now, given, lambda: self._host.boot(now, records))

    def arrival(self, now: Now, publisher: NodeId, payload: bytes) -> list[Output]:
        return self._step(ARRIVAL, now, (publisher, payload), lambda: self._host.arrival(now, publisher, payload))

    def wake(self, now: Now, token: int) -> list[Output]:
        return self._step(WAKE, now, token, lambda: self._host.wake(now, token))

    def hand_in(self, now: Now, event: HandIn) -> list[Output]:
        return self._step(HAND_IN, now, pack_hand_in(event), lambda: self._host.hand_in(now, event))

    def _step(self, kind: int, now: Now, given: Any, call: Callable[[], list[Output]]) -> list[Output]:
        try:
            outputs = call()
        except Exception as error:
            self._recorder.add(kind, now, given, (), type(error).__name__)
            self._recorder.flush()
            raise
        self._recorder.add(kind, now, given, outputs)
        return outputs

    @property
    def is_done(self) -> bool:
        return self._host.is_done

    @property
    def is_member(self) -> bool:
        return self._host.is_member

    @property
    def head_height(self) -> int:
        return self._host.head_height

    @property
    def stable_height(self) -> int:
        return self._host.stable_height

    @property
    def view(self) -> int:
        return self._host.view

    @property
    def leader(self) -> NodeId:
        return self._host.leader

    @property
    def queues(self) -> Mapping[str, int]:
        return self._host.queues

    @property
    def costs_ns(self) -> Mapping[str, int]:
        return self._host.costs_ns
