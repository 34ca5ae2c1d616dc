"""What a link's delay is drawn from: one distribution a file, found by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType, ModuleType

from consortium.core.discovery import offered_by_name, plugins
from consortium.scenario.network.distributions.distribution import Distribution
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream


def load_distributions() -> Mapping[str, Distribution]:
    """Every module's `DISTRIBUTION` by name, in order of name."""
    return _load(plugins())


def draw_us(link: Link, stream: Stream) -> int:
    """One delay of this link, in microseconds, without loss, doubling and reordering."""
    return _draws(plugins())[link.distribution](link, stream)


def explain_latency(link: Link) -> str | None:
    """Why this delay cannot be meant, in a sentence; None: it can. The distribution is a known one."""
    known = load_distributions()
    own = known[link.distribution]
    for each in () if own.fields else known.values():
        if any(getattr(link, field) for field in each.fields):
            are = "are" if len(each.fields) > 1 else "is"
            fields = f"{' and '.join(each.fields)} {are} for distribution {each.name!r}"
            return f"{fields}; this one is {link.distribution!r}"
    return own.explain(link)


@cache
def _load(_: tuple[ModuleType, ...]) -> Mapping[str, Distribution]:
    """With these plug-ins; looked for once: every link asks."""
    return MappingProxyType(offered_by_name(__name__, "DISTRIBUTION", Distribution))


@cache
def _draws(used: tuple[ModuleType, ...]) -> dict[str, Callable[[Link, Stream], int]]:
    return {name: each.draw for name, each in _load(used).items()}
