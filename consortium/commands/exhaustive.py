"""`consortium explore --exhaustive`: whole scopes, one after another, with progress, result and scope in words."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import product

from rich.console import Console

from consortium.commands.command import EXIT_HOLDS, EXIT_STOPPED, EXIT_UNSAFE
from consortium.core.errors import UserError
from consortium.exploration.exhaustive.scope import LEFT_OUT, Scope
from consortium.exploration.exhaustive.search import Search, Seen

TELL_S = 5.0
EACH = "each"
NUMBERS = {"members": (1, 10), "heights": (1, 3), "views": (1, 4), "crashes": (0, 3)}
NAMES = ("liar", "lost", "unnoticed")


def scopes_of(words: Sequence[str]) -> list[Scope]:
    """The scopes that `NAME=VALUE` words ask for; without a liar or a lost disk among them, each position of one liar
    and each of one lost disk. Raises UserError."""
    bare = Scope()
    names: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name in NUMBERS:
            bare = bare._replace(**{name: _number(name, value)})  # type: ignore[arg-type]
        elif name in NAMES:
            names[name] = value
        else:
            raise UserError(f"--scope {word}: known are {', '.join([*NUMBERS, *NAMES])}, as NAME=VALUE")
    if names:
        return list(_placed(bare, names))
    return [*_placed(bare, {"liar": EACH}), *_placed(bare, {"lost": EACH})]


def _number(name: str, value: str) -> int:
    least, most = NUMBERS[name]
    if not value.isdecimal() or not least <= int(value) <= most:
        raise UserError(f"--scope {name}={value}: expected a number in {least} … {most}")
    return int(value)


def _placed(bare: Scope, names: dict[str, str]) -> Iterator[Scope]:
    choices = {}
    for name, value in names.items():
        if value not in (EACH, "none", *bare.names):
            raise UserError(f"--scope {name}={value}: expected {', '.join(bare.names)}, {EACH} or none")
        choices[name] = bare.positions() if value == EACH else [None if value == "none" else value]
    for chosen in product(*choices.values()):
        placed = bare._replace(**dict(zip(choices, chosen, strict=True)))  # type: ignore[arg-type]
        if not placed.honest:
            raise UserError(f"--scope members={bare.members}: {placed.liar} lies, and nobody honest is left")
        named = [name for name in chosen if name is not None]
        if len(named) == len(set(named)):
            yield placed


def search_all(scopes: Sequence[Scope], minutes: float | None, states_max: int | None, console: Console) -> int:
    """Each scope, until it is complete or the budget of all is spent. The exit status: 0 nothing was broken, 1 a
    promise was, 130 stopped by Ctrl-C."""
    began_s = time.monotonic()
    end_s = None if minutes is None else began_s + minutes * 60
    status = EXIT_HOLDS
    for scope in scopes:
        console.print(f"\n[bold]scope[/]: {scope.sentence()}", highlight=False)
        if (warning := scope.warning()) is not None:
            console.print(f"f is exceeded: {warning}", style="yellow", highlight=False, soft_wrap=True)
        began_s = time.monotonic()
        search = Search(scope)
        try:
            seen = _run(search, end_s, states_max, console)
        except KeyboardInterrupt:
            console.print("stopped; what was searched so far:")
            _tell(search.seen, time.monotonic() - began_s, console)
            return EXIT_STOPPED
        _tell(seen, time.monotonic() - began_s, console)
        if seen.violation is not None:
            status = EXIT_UNSAFE
    console.print(f"\nleft out: {LEFT_OUT}", style="dim")
    return status


def _run(search: Search, end_s: float | None, states_max: int | None, console: Console) -> Seen:
    began_s = told_s = time.monotonic()
    for seen in search.run():
        now_s = time.monotonic()
        if now_s - told_s >= TELL_S:
            told_s = now_s
            console.print(_progress(seen, now_s - began_s), style="dim", soft_wrap=True)
        is_spent = (end_s is not None and now_s >= end_s) or (states_max is not None and seen.states >= states_max)
        if is_spent:
            break
    return search.seen


def _progress(seen: Seen, passed_s: float) -> str:
    return (
        f"{passed_s:6.0f} s  {seen.states:,} states, {seen.waiting:,} to visit, depth {seen.depth}; "
        f"{seen.standings:,} standings of members, {seen.steps:,} steps of hosts"
    )


def _tell(seen: Seen, passed_s: float, console: Console) -> None:
    end = "complete" if seen.is_complete else f"stopped at {seen.states:,} states, {seen.waiting:,} of them not visited"
    if seen.violation is not None:
        end = f"stopped at the first violation, after {seen.states:,} states"
    console.print(
        f"{end}: {seen.states:,} states, {seen.depth} acts deep, of {seen.standings:,} standings of members and "
        f"{seen.statements:,} statements; {seen.steps:,} steps of real hosts; {passed_s:.0f} s",
        soft_wrap=True,
    )
    if seen.violation is None:
        console.print("no violation" if seen.is_complete else "no violation so far", style="bold green")
        return
    console.print(f"{seen.violation.claim}: {seen.violation.sentence}", style="bold red", markup=False, soft_wrap=True)
    for number, step in enumerate(seen.violation.steps, 1):
        console.print(f"{number:4}. {step}", markup=False, soft_wrap=True)
