"""Versions by service day: an adopted version is never changed, and a later one leaves the days before it as they were.

Catalogue items, case groups and policy packs have them. A record holds its versions by ascending `from_day`.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from consortium.contracts.checks import check_count, check_day
from consortium.core.contract import GENESIS, Context, Refused

VERSIONS_MAX = 64


class Version(Protocol):
    @property
    def from_day(self) -> int: ...


V = TypeVar("V", bound=Version)


def check_not_past(day: int, context: Context) -> None:
    """Refuses `effective-in-the-past`: in operation, policy is not changed backwards."""
    if context.role != GENESIS and day < context.day:
        raise Refused("effective-in-the-past", f"{day} is before today, {context.day}")


def with_version(versions: tuple[V, ...], version: V, what: str, context: Context) -> tuple[V, ...]:
    """All of them in order. Refuses `bad-date`, `effective-in-the-past`, `version-exists`, `bad-length`."""
    check_day(version.from_day, "from_day")
    check_not_past(version.from_day, context)
    if any(each.from_day == version.from_day for each in versions):
        raise Refused("version-exists", f"{what} has a version from {version.from_day} already")
    check_count(len(versions) + 1, VERSIONS_MAX, f"versions of {what}")
    return tuple(sorted((*versions, version), key=lambda each: each.from_day))


def version_on(versions: tuple[V, ...], day: int) -> V | None:
    """The one that is effective on a day; None before the first."""
    newest = versions[-1]
    if newest.from_day <= day:  # mostly
        return newest
    older = [version for version in versions if version.from_day <= day]
    return older[-1] if older else None
