"""Work spread over processes of this machine, or over the workers of a Dask cluster: jobs in, results as they come.

Each way is a generator of results in any order. What a worker does with a job is a function that is found by its name,
so that a process on another machine has the same. Closing the generator ends the work: what was not told is lost.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from typing import TypeVar

from consortium import __version__
from consortium.lab.measures.tables import need

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

CONNECT_S = 10
WORKERS_S = 30
TICK_S = 1.0


class ClusterError(Exception):
    """The cluster cannot be used. The sentence says what to do."""


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def begin_work() -> None:
    """In a worker: Ctrl-C is the parent's to hear; and when the parent is gone, however it went, so is the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(TICK_S)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def in_processes(
    work: Callable[[JobT], ResultT], jobs: Sequence[JobT], processes: int, died: Callable[[JobT], ResultT]
) -> Generator[ResultT | None, None, None]:
    """On this machine. None now and then, when nothing came for a second. Where a worker died, what was in work is done
    again, each in a process of its own; of a job that kills that one, too, `died` makes the result."""
    left = deque(jobs)
    while left:
        struck: list[JobT] = []
        yield from _in_pool(work, left, processes, struck)
        for job in struck:
            alone: deque[JobT] = deque((job,))
            again: list[JobT] = []
            yield from _in_pool(work, alone, 1, again)
            if again:
                yield died(job)


def _in_pool(
    work: Callable[[JobT], ResultT], left: deque[JobT], processes: int, struck: list[JobT]
) -> Generator[ResultT | None, None, None]:
    """Until nothing is `left`, or a worker died: then `struck` holds what was handed out and did not come back."""
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), begin_work)
    waiting: dict[Future[ResultT], JobT] = {}
    try:
        while (left and not struck) or waiting:
            while left and not struck and len(waiting) < 2 * processes:
                try:
                    waiting[pool.submit(work, left[0])] = left[0]
                except BrokenExecutor:
                    struck.extend(waiting.values())
                    return
                left.popleft()
            finished, _ = wait(waiting, timeout=TICK_S, return_when=FIRST_COMPLETED)
            if not finished:
                yield None
            for future in finished:
                job = waiting.pop(future)
                try:
                    result = future.result()
                except BrokenExecutor:
                    struck.append(job)
                else:
                    yield result
    finally:
        _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """Now: a job that runs for minutes more is of no use to anybody."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        with contextlib.suppress(Exception):
            process.terminate()
    for process in processes:
        with contextlib.suppress(Exception):
            process.join(5)


class Cluster:
    """The workers of the Dask scheduler at `address`, which must have this version of consortium. Raises ClusterError,
    MissingExtra."""

    def __init__(self, address: str) -> None:
        self._address = address
        if not re.fullmatch(r"([a-z]+://)?[^:/\s]+:[0-9]{1,5}", address):
            raise ClusterError(f"--on-cluster {address}: expected the address of a Dask scheduler, as tcp://host:8786")
        self._distributed = need("distributed", "--on-cluster", "cluster")
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what it has to say is in our sentence
        try:
            self._client = self._distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(
                f"--on-cluster {address}: no Dask scheduler answers there ({str(error) or type(error).__name__}); "
                "start one with `dask scheduler` and workers with `dask worker ADDRESS`, or name another address"
            ) from None
        try:
            self._check_workers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._client.close()

    def _check_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            raise ClusterError(
                f"--on-cluster {self._address}: the scheduler has no workers; start some with `dask worker "
                f"{self._address}`"
            ) from None
        for worker, version in self._client.run(worker_version, on_error="return").items():
            if version != __version__:
                raise ClusterError(
                    f"--on-cluster {self._address}: worker {worker} has no consortium {__version__} ({version}); "
                    "install the same version for the workers"
                )

    def run(self, work: Callable[[JobT], ResultT], jobs: Sequence[JobT]) -> Generator[ResultT | None, None, None]:
        """None now and then. Raises ClusterError where a job was lost for good."""
        futures = [self._client.submit(work, job, pure=False, retries=3) for job in jobs]
        arriving = self._distributed.as_completed(futures, loop=self._client.loop, raise_errors=False)
        del futures  # what is told is let go, here and there
        while arriving.count():
            batch = arriving.next_batch(block=False)
            if not batch:
                time.sleep(TICK_S / 4)
                yield None
            for future in batch:
                try:
                    result = future.result()
                except Exception as error:
                    words = f"--on-cluster {self._address}: a run was lost ({error}); the same command goes on"
                    raise ClusterError(words) from None
                yield result


def worker_version() -> str:
    """Of consortium, where this runs."""
    return __version__
