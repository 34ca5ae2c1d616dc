"""Work in processes: every job has one result, also where a process dies of it."""

from __future__ import annotations

import os

from consortium.commands.workers import in_processes


def square(number: int) -> int:
    if number == 13:
        os._exit(9)  # as the kernel does that needs memory
    return number * number


def died(number: int) -> int:
    return -number


def test_a_job_that_kills_its_process_costs_no_other_job() -> None:
    results = [result for result in in_processes(square, range(10, 17), 2, died) if result is not None]
    assert sorted(results) == sorted([-13, *(number * number for number in (10, 11, 12, 14, 15, 16))])
