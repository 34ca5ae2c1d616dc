"""The command of exhaustive searches: it says when more lie than are tolerated, and Ctrl-C tells what was searched."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from consortium.commands import exhaustive
from consortium.commands.command import EXIT_HOLDS, EXIT_STOPPED, EXIT_UNSAFE
from consortium.commands.exhaustive import scopes_of, search_all
from consortium.exploration.exhaustive.scope import Scope
from consortium.exploration.exhaustive.search import Search


def _said(*words: str, states_max: int | None = None) -> tuple[int, list[str]]:
    out = io.StringIO()
    status = search_all(scopes_of(words), None, states_max, Console(file=out, force_terminal=False, width=200))
    return status, out.getvalue().splitlines()


def test_a_scope_with_more_liars_than_f_says_so_before_it_begins() -> None:
    status, lines = _said("members=3", "views=1", "liar=m0")
    said = next(place for place, line in enumerate(lines) if line.startswith("f is exceeded: 3 members tolerate f = 0"))
    assert status == EXIT_UNSAFE
    assert said < next(place for place, line in enumerate(lines) if line.startswith("stopped at the first violation"))


def test_a_scope_within_f_says_nothing_of_it_and_a_disk_known_to_be_lost_does_not_count() -> None:
    status, lines = _said("views=1", "liar=m0", states_max=1)
    assert status == EXIT_HOLDS and not any("exceeded" in line for line in lines)
    assert Scope(liar="m0", lost="m1").warning() is None
    assert Scope(members=7, liar="m0", unnoticed="m1").warning() is None
    told = Scope(liar="m0", unnoticed="m1").warning()
    assert told is not None and "f = 1, and m0 and m1" in told


def test_ctrl_c_tells_what_was_searched_so_far_and_leaves_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Search):
        expanded = 0

        def _expand(self, place: int) -> None:
            self.expanded += 1
            if self.expanded > 3:
                raise KeyboardInterrupt
            super()._expand(place)

    monkeypatch.setattr(exhaustive, "Search", Interrupted)
    status, lines = _said("views=1", "liar=each")
    assert status == EXIT_STOPPED
    assert "stopped; what was searched so far:" in lines
    assert any(re.match(r"stopped at \d+ states, [1-9]\d* of them not visited: ", line) for line in lines)
    assert "no violation so far" in lines
    assert sum(line.startswith("scope: ") for line in lines) == 1, "the scopes after it are not begun"
