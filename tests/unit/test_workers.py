"""Work in processes: every job has one result, also where a process dies of it; and the worker's death is told."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path

import pytest

from consortium.commands.workers import Death, WorkersLost, in_processes


def square(number: int) -> int:
    if number == 13:
        os._exit(9)  # as the kernel does that needs memory
    return number * number


def test_a_job_that_kills_its_process_costs_no_other_job() -> None:
    found = [result for result in in_processes(square, range(10, 17), 2) if result is not None]
    squares = [result for result in found if not isinstance(result, Death)]
    assert sorted(squares) == [number * number for number in (10, 11, 12, 14, 15, 16)]
    deaths = [result for result in found if isinstance(result, Death)]
    assert deaths == [Death(13, 9, False), Death(13, 9, True)]
    assert deaths[1].sentence("seed 13") == "the process of seed 13 ended with code 9; given up: it is the second"


def work_that_dies(seed: int) -> int:
    """Seed 3 takes every worker with it, seed 5 the first one."""
    once = Path(os.environ["CREW_ONCE"])
    if seed == 3 or (seed == 5 and not once.exists()):
        if seed == 5:
            once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return seed * seed


def test_a_worker_that_is_killed_names_its_job_which_is_done_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREW_ONCE", str(tmp_path / "once"))
    found = [result for result in in_processes(work_that_dies, range(1, 7), 2) if result is not None]
    assert sorted(result for result in found if not isinstance(result, Death)) == [1, 4, 16, 25, 36]
    deaths = [result for result in found if isinstance(result, Death)]
    assert sorted((death.job, death.code, death.is_final) for death in deaths) == [
        (3, -signal.SIGKILL, False),
        (3, -signal.SIGKILL, True),
        (5, -signal.SIGKILL, False),
    ]
    assert "the process of seed 5 was killed by signal 9 (out of memory?); it is run again" in [
        death.sentence(f"seed {death.job}") for death in deaths
    ]


def work_that_cannot_begin(seed: int) -> int:
    os._exit(1)


def test_workers_that_all_die_end_the_work_instead_of_blaming_every_job() -> None:
    with pytest.raises(WorkersLost, match="died one after the other"):
        for _ in in_processes(work_that_cannot_begin, range(100), 2):
            pass


def test_jobs_are_drawn_as_they_are_needed_and_closing_ends_the_work() -> None:
    drawn = itertools.count(20)
    arriving = in_processes(square, drawn, 2)
    while next(arriving) is None:
        pass
    arriving.close()
    assert next(drawn) < 40, "a clock may end an endless row of jobs"


def sleeps_long(number: int) -> int:
    time.sleep(60)
    return number


def test_closing_does_not_wait_for_what_is_in_work() -> None:
    arriving = in_processes(sleeps_long, range(2), 2)
    assert next(arriving) is None
    begun_s = time.monotonic()
    arriving.close()
    assert time.monotonic() - begun_s < 20
