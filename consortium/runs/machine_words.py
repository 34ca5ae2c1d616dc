"""The machine that this process runs on, in a few words: what a figure of real time has to say beside it."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def machine_words() -> str:
    """`AMD EPYC, 2 cores, Linux 6.1.0, Python 3.11.2`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    system = f"{platform.system()} {platform.release()}".strip()
    return f"{processor()}, {cores} core{'' if cores == 1 else 's'}, {system}, Python {platform.python_version()}"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
