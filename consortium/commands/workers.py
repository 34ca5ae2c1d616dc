"""Work spread over processes of this machine, or over the workers of a Dask cluster: jobs in, results as they come.

Each way is a generator of results in any order. What a worker does with a job is a function that is found by its name,
so that a process on another machine has the same. Closing the generator ends the work: what was not told is lost.
The pool of this machine is pebble's, which names the process that died and the job that it had (docs/decisions/057).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from pebble import ProcessExpired, ProcessPool

from consortium import __version__
from consortium.core.errors import UserError
from consortium.lab.measures.tables import need
from consortium.plugins.carry import with_plugins

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

CONNECT_S = 10
WORKERS_S = 30
TICK_S = 1.0
DEATHS_MAX = 20  # in a row, with nothing done in between: it is not the jobs
LOST = f"{DEATHS_MAX} worker processes died one after the other and did nothing: see what they said"


class ClusterError(UserError):
    """The cluster cannot be used. The sentence says what to do."""


def begin_work() -> None:
    """In a worker: Ctrl-C is the parent's to hear; and when the parent is gone, however it went, so is the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(TICK_S)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class WorkersLost(UserError):
    """Worker after worker died and none did anything. The sentence says so."""


class Death(NamedTuple, Generic[JobT]):
    """A worker died at this job. `is_final`: the second one did, and the job is given up."""

    job: JobT
    code: int
    is_final: bool

    def sentence(self, what: str) -> str:
        """For a person; `what` names the job, as `seed 3`."""
        how = f"was killed by signal {-self.code}" if self.code < 0 else f"ended with code {self.code}"
        why = " (out of memory?)" if self.code == -signal.SIGKILL else ""
        then = "given up: it is the second" if self.is_final else "it is run again"
        return f"the process of {what} {how}{why}; {then}"


def in_processes(
    work: Callable[[JobT], ResultT], jobs: Iterable[JobT], processes: int
) -> Generator[ResultT | Death[JobT] | None, None, None]:
    """The results of all jobs, from processes of this machine. A job is drawn from `jobs` when a process will soon be
    free for it, so that the iterable may end by the clock. None now and then, when nothing came for a second.

    Where a worker is killed, a Death names its job, which is done once more at the end; a second Death of the same job
    is final. No other job is lost. Raises WorkersLost."""
    work = with_plugins(work)
    os.environ["PYTHONSAFEPATH"] = "1"  # a worker takes no module from the working directory (docs/decisions/053)
    waiting_jobs = iter(jobs)
    suspects: deque[JobT] = deque()
    pool = ProcessPool(processes, initializer=begin_work, context=multiprocessing.get_context("spawn"))
    running: dict[Future[ResultT], tuple[JobT, bool]] = {}  # each with whether it had killed a worker before
    deaths_in_a_row = 0
    try:
        while True:
            _hand_out(pool, work, waiting_jobs, suspects, running, 2 * processes)
            if not running:
                return
            finished, _ = wait(running, timeout=TICK_S, return_when=FIRST_COMPLETED)
            if not finished:
                yield None
            for future in finished:
                job, is_suspect = running.pop(future)
                try:
                    result = future.result()
                except ProcessExpired as error:
                    deaths_in_a_row += 1
                    if deaths_in_a_row > DEATHS_MAX:
                        raise WorkersLost(LOST) from None
                    if not is_suspect:
                        suspects.append(job)
                    yield Death(job, error.exitcode or 0, is_suspect)
                else:
                    deaths_in_a_row = 0
                    yield result
    finally:
        pool.stop()  # type: ignore[no-untyped-call]  # a job that runs for minutes more is of no use
        pool.join()


def _hand_out(
    pool: ProcessPool,
    work: Callable[[JobT], ResultT],
    jobs: Iterator[JobT],
    suspects: deque[JobT],
    running: dict[Future[ResultT], tuple[JobT, bool]],
    count_max: int,
) -> None:
    """Fill up what runs: new jobs first, then those that have killed a worker."""
    for job in islice(jobs, count_max - len(running)):
        running[pool.schedule(work, args=[job])] = (job, False)
    while suspects and len(running) < count_max:
        job = suspects.popleft()
        running[pool.schedule(work, args=[job])] = (job, True)


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

    @property
    def processes(self) -> int:
        """How many runs it works on at once."""
        return max(1, sum(int(threads) for threads in self._client.nthreads().values()))

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
        work = with_plugins(work)
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
