"""What the processes of a standing consortium used: CPU and memory, by kind."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
KINDS = {"nodes": "nodes", "nodes.gateway": "gateways", "mosquitto": "brokers"}


class Used(NamedTuple):
    """`rss_mb`, `peak_mb`: of the largest of its kind, now and at most."""

    cpu_s: float = 0.0
    rss_mb: float = 0.0
    peak_mb: float = 0.0


def used(folder: Path) -> dict[str, Used]:
    """By kind of process of this consortium."""
    found: dict[str, Used] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            kind = _kind(words, folder)
            if not kind:
                continue
            times = (path / "stat").read_text().rpartition(")")[2].split()
            pages = int((path / "statm").read_text().split()[1])
            status = (path / "status").read_text()
        except (OSError, IndexError):
            continue
        peak_mb = int(status.partition("VmHWM:")[2].split()[0]) * 1_024 / 1e6
        before, cpu_s = found.get(kind, Used()), (int(times[11]) + int(times[12])) * TICK_S
        rss_mb = pages * resource.getpagesize() / 1e6
        found[kind] = Used(before.cpu_s + cpu_s, max(before.rss_mb, rss_mb), max(before.peak_mb, peak_mb))
    return found


def _kind(words: Sequence[str], folder: Path) -> str:
    if not any(str(folder) in word for word in words):
        return ""
    if "-m" in words:
        module = words[words.index("-m") + 1]
        return KINDS.get(module, "brokers" if module.startswith("nodes.broker") else "")
    return KINDS.get(Path(words[0]).name, "")
