"""`consortium replay`: a recorded node of a real run is run again, and a person is told whether it did the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from consortium.commands.command import LOOK, Command, make_console
from consortium.core.codec import Malformed, encode
from consortium.core.genesis import Genesis
from consortium.core.messages import DOMAIN, decode_frame
from consortium.runs.folder import RunFolderError, check_format
from consortium.runs.recording import ARRIVAL, BOOT, GIVEN, WAKE, Step, WrongRecording, recordings
from consortium.runs.replay import Difference, Inputs, Replayed, replay_node
from nodes.process.inputs import load_inputs

EXIT_SAME, EXIT_DIFFERS = 0, 1
LINES_MAX = 24  # of outputs, for each of then and now
FIELD_CHARACTERS_MAX = 400


def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    node: Annotated[str, typer.Argument(help="The name of one of its nodes.", metavar="NODE")],
) -> None:
    raise typer.Exit(replay_told(run, node, lambda: load_inputs(run, node), make_console()))


def replay_told(run: Path, name: str, load: Callable[[], Inputs], console: Console) -> int:
    """Replay and tell; the exit status. `load` reads what the host is built from. Raises RunFolderError with a sentence
    where there is nothing to replay, and what `load` raises."""
    paths = find_recordings(run, name)
    inputs = load()
    try:
        replayed = replay_node(inputs, name, paths)
    except WrongRecording as error:
        raise RunFolderError(str(error)) from None

    if replayed.steps == 0:
        raise RunFolderError(f"the recording of {run}/nodes/{name} holds no whole step: there is nothing to replay")

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    counts = f"{_many(replayed.steps, 'step')} in {_many(replayed.boots, 'boot')}, {_many(replayed.blocks, 'block')}"
    say(f"replayed: {name} of {run}, {counts}")
    for line in _ends(replayed):
        say(line)
    if replayed.difference is None:
        say("identical: every step put out what it had put out in the run")
        return EXIT_SAME
    for line in tell_difference(replayed.difference, inputs.genesis):
        say(line)
    return EXIT_DIFFERS


def find_recordings(run: Path, name: str) -> list[Path]:
    """Raises RunFolderError."""
    if not (run / "scenario.json").is_file():
        raise RunFolderError(f"{run} is not the folder of a run: it has no scenario.json")
    check_format(run)
    names = sorted(path.name for path in (run / "nodes").glob("*") if path.is_dir())
    if name not in names:
        raise RunFolderError(f"{run} has no node {name!r}; it has {', '.join(names) or 'none'}")
    paths = recordings(run / "nodes" / name)
    if not paths:
        raise RunFolderError(
            f"{run}/nodes/{name} holds no recording: record a run with `consortium run SCENARIO --record` (a run in "
            "the simulator needs none: its seed repeats it)"
        )
    return paths


def _ends(replayed: Replayed) -> list[str]:
    told = []
    if replayed.unended:
        cut = f", {replayed.cut} of them in the middle of an entry" if replayed.cut else ""
        told.append(f"killed: the recording of {_many(replayed.unended, 'boot')} has no end{cut}")
    if replayed.failed:
        told.append(f"failed: {_many(replayed.failed, 'boot')} ended with the disk, which is not replayed")
    return told


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# --- the first difference --------------------------------------------------------------------------------------------


def tell_difference(difference: Difference, genesis: Genesis) -> list[str]:
    """Lines: where, what the step was given, what it put out in the run and what it puts out now. Kinds, numbers and
    notes alone: no content of any transaction."""
    place = f"boot {difference.boot}, step {difference.step}"
    told = [f"NOT IDENTICAL: at {place}: {difference.why}"]
    if difference.given is not None:
        told.append(f"  given: {describe_given(difference.given, difference.begun_us, genesis)}")
    if difference.then or difference.now:
        then = [describe_output(short, genesis) for short in difference.then]
        now = [describe_output(short, genesis) for short in difference.now]
        told += ["  put out in the run:", *_lines(then, now), "  put out now:", *_lines(now, then)]
        if then == now:
            told.append("  (the same in kind; they differ in the bytes that they carry)")
    return told


def _lines(these: Sequence[str], others: Sequence[str]) -> list[str]:
    """One line each, those that the other side lacks marked; the first ones from where they differ."""
    first = next((at for at, (one, other) in enumerate(zip(these, others, strict=False)) if one != other), 0)
    first = max(0, min(first - 3, len(these) - LINES_MAX))
    lines = [f"    ({first} more)"] if first else []
    lines += [f"  {'  ' if text in others else '* '}{text}" for text in these[first : first + LINES_MAX]]
    left = len(these) - first - LINES_MAX
    return [*lines, *([f"    ({left} more)"] if left > 0 else [])] or ["    nothing"]


def describe_given(step: Step, begun_us: int, genesis: Genesis) -> str:
    """`arrival of Prepare(view 0, height 12) from node-2, 312 bytes, 4.201 s after the run began`."""
    when = f"{(step.monotonic_us - begun_us) / 1e6:.6f} s after the run began on its clock"
    if step.kind == ARRIVAL:
        publisher, payload = step.given
        try:
            signer = decode_frame(payload).signed.sender
            in_name = "" if signer == publisher else f" in the name of {signer}"
        except Malformed:
            in_name = ", no frame"
        return f"arrival of {_message(payload, genesis)} from {publisher}{in_name}, {len(payload):,} bytes, {when}"
    if step.kind == WAKE:
        return f"wake {step.given}, {when}"
    if step.kind == BOOT:
        return f"boot with {len(step.given.records):,} records, {when} (Python {step.given.python})"
    return f"{GIVEN[step.kind]}, {when}"


def describe_output(short: Sequence[Any], genesis: Genesis) -> str:
    """One output in one line."""
    match list(short):
        case ["transmit", to, size, head]:
            return f"transmit {_message(head, genesis)} to {to or 'all'}, {size:,} bytes"
        case ["store", height, size]:
            return f"store {size:,} bytes" + (f" for height {height}" if height is not None else "")
        case ["apply", height, count]:
            return f"apply {count:,} rows of height {height}"
        case ["wake", token, delay_us]:
            return f"wake {token} after {delay_us:,} us"
        case ["note", kind, fields]:
            words = " ".join(f"{key}={value}" for key, value in fields.items())
            return f"note {kind} {words}"[:FIELD_CHARACTERS_MAX]
        case _:
            return " ".join(map(str, short))[:FIELD_CHARACTERS_MAX]


def _message(frame: bytes, genesis: Genesis) -> str:
    """The kind of the message in (the beginning of) a frame, and its first numbers: of a vote view and height."""
    before = encode(DOMAIN) + encode(genesis.chain) + encode(genesis.suite)
    at = frame.find(before)
    if at < 0:
        return "something"
    rest = frame[at + len(before) :]
    epoch, rest = _number(rest)
    if not rest or not 0x90 <= rest[0] <= 0x9F or not 0xA0 <= rest[1] <= 0xBF:
        return "something"
    size = rest[1] - 0xA0
    kind, rest = rest[2 : 2 + size].decode("ascii", "replace"), rest[2 + size :]
    numbers: list[str] = []
    while len(numbers) < 2:
        number, after = _number(rest)
        if number is None:
            break
        numbers.append(str(number))
        rest = after
    return f"{kind}({', '.join(numbers)})" + (f" of epoch {epoch}" if epoch else "")


def _number(data: bytes) -> tuple[int | None, bytes]:
    """A MessagePack integer at the beginning of `data`, and what follows; None if there is none."""
    if not data:
        return None, data
    if data[0] < 0x80:
        return data[0], data[1:]
    size = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}.get(data[0], 0)
    if not size or len(data) <= size:
        return None, data
    return int.from_bytes(data[1 : 1 + size], "big"), data[1 + size :]


COMMAND = Command(
    "replay",
    "Run a recorded node of a real run again, in this process, and compare what it puts out step by step."
    "\n\n\b\nExamples:\n  consortium run claim_day --record --out runs/day\n  consortium replay runs/day bureau\n\n"
    "Exit status: 0 identical, 1 not (the first step that differs is shown), 2 wrong usage or input.",
    replay,
    LOOK,
)
