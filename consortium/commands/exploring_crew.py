"""The workers of an exploration: a process a core, each with one seed at a time, and told apart when one dies.

A pool of `concurrent.futures` breaks as a whole when one of its processes is killed (out of memory, say), and does not
say by which task. Here a worker that dies is replaced, its seed is named and given once more, and only a seed that
takes a second worker with it is given up.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
DISMISS_S = 5.0
DEATHS_MAX = 20  # in a row, with nothing done in between: it is not the seeds


class CrewLost(Exception):
    """Worker after worker died and none did anything. The sentence says so."""


class Death(NamedTuple):
    """A worker died at this seed. `is_final`: the second one did, and the seed is given up."""

    seed: int
    code: int
    is_final: bool

    def sentence(self) -> str:
        how = f"was killed by signal {-self.code}" if self.code < 0 else f"ended with code {self.code}"
        why = " (out of memory?)" if self.code == -signal.SIGKILL else ""
        then = "given up: it is the second" if self.is_final else "it is run again"
        return f"the process of seed {self.seed} {how}{why}; {then}"


class _Worker(NamedTuple):
    process: SpawnProcess
    pipe: Connection


class Crew(Generic[T]):
    """`work(seed)` runs in `count` processes. Not for use by threads."""

    def __init__(self, work: Callable[[int], T], count: int) -> None:
        self._work = work
        self._context = multiprocessing.get_context("spawn")
        self._workers: dict[int, _Worker] = {}
        self._busy: dict[int, int] = {}  # worker -> seed
        self._queue: deque[int] = deque()
        self._suspects: set[int] = set()
        self._deaths: list[Death] = []
        self._deaths_in_a_row = 0
        for place in range(count):
            self._hire(place)

    @property
    def waiting(self) -> int:
        """Seeds given and not answered."""
        return len(self._queue) + len(self._busy)

    def give(self, seeds: Iterable[int]) -> None:
        self._queue.extend(seeds)
        self._hand_out()

    def take(self, timeout_s: float) -> list[T]:
        """What is done; waits for something to be, at most so long. Raises CrewLost."""
        pipes = {self._workers[place].pipe: place for place in self._busy}
        found: list[T] = []
        for pipe in wait(list(pipes), timeout_s) if pipes else ():
            place = pipes[pipe]  # type: ignore[index]
            try:
                result: T = self._workers[place].pipe.recv()
            except (EOFError, OSError):
                self._bury(place)
                continue
            del self._busy[place]
            self._deaths_in_a_row = 0
            found.append(result)
        self._hand_out()
        return found

    def deaths(self) -> list[Death]:
        """Since it was asked last."""
        found, self._deaths = self._deaths, []
        return found

    def dismiss(self) -> None:
        """All of them are gone when this returns, whatever they were doing."""
        for worker in self._workers.values():
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers.values():
            worker.process.join(DISMISS_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def _hire(self, place: int) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(self._work, theirs), daemon=True)
        process.start()
        theirs.close()
        self._workers[place] = _Worker(process, ours)

    def _hand_out(self) -> None:
        for place in [place for place in self._workers if place not in self._busy]:
            if not self._queue:
                return
            seed = self._queue.popleft()
            self._busy[place] = seed
            try:
                self._workers[place].pipe.send(seed)
            except OSError:
                self._bury(place)

    def _bury(self, place: int) -> None:
        """A worker is dead: another one takes its place, and its seed gets a second chance. Raises CrewLost."""
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row > DEATHS_MAX:
            raise CrewLost(
                f"{DEATHS_MAX} worker processes died one after the other and did nothing: see what they said"
            )
        seed, worker = self._busy.pop(place), self._workers.pop(place)
        worker.pipe.close()
        worker.process.join(DISMISS_S)
        is_final = seed in self._suspects
        self._deaths.append(Death(seed, worker.process.exitcode or 0, is_final))
        if not is_final:
            self._suspects.add(seed)
            self._queue.append(seed)
        self._hire(place)


def _serve(work: Callable[[int], T], pipe: Connection) -> None:
    """In a worker: one seed after another. Ctrl-C is the parent's to hear; and when the parent is gone, however it
    went, so is the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    try:
        while True:
            pipe.send(work(pipe.recv()))
    except (EOFError, OSError):
        return  # dismissed
