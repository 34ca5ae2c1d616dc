"""Plug-ins in other processes: workers of a pool or of a cluster do their work with exactly those of the process that
asked for it, out of the bytes that it had read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from consortium.plugins.load import current, load_sources
from consortium.plugins.source import PluginError

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")


class WithPlugins(Generic[JobT, ResultT]):
    """A function and the plug-ins that it needs, to be sent to another process. Calling it there loads them first,
    once, and raises PluginError where an installed plug-in is another there."""

    def __init__(self, work: Callable[[JobT], ResultT]) -> None:
        self._work = work
        self._loaded = current()

    def __call__(self, job: JobT) -> ResultT:
        if current() != self._loaded:
            found = load_sources(self._loaded.sources)
            if found.installed != self._loaded.installed:
                names = ", ".join(name for name, _ in self._loaded.installed) or "none"
                raise PluginError(f"a worker has other installed plug-ins than the process that sent the work: {names}")
        return self._work(job)


def with_plugins(work: Callable[[JobT], ResultT]) -> Callable[[JobT], ResultT]:
    """The same work with the plug-ins in use here; the function itself where there are none."""
    return WithPlugins(work) if current().digests else work
