"""The wrapper itself: times, timers, what passes through, and the two effects that only traitors have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from consortium.behaviours import load_behaviours, load_drawings, read_options
from consortium.behaviours.behaviour import Behaviour, Bent, Later, NoOptions, Occasion, Surroundings
from consortium.core.crypto import KeyedHash
from consortium.core.draws import Shape
from consortium.core.genesis import Parameters
from consortium.core.machine import (
    Available,
    Broadcast,
    Effect,
    Event,
    Expired,
    Mangled,
    Note,
    Now,
    Persist,
    Received,
    SetTimer,
    Started,
    Transmit,
    Utter,
    Wake,
)
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.messages import MessageCodec, decode_frame
from consortium.core.verifier import Verifier
from consortium.ledger.messages import Status
from consortium.node.host import Host
from consortium.node.run_start import RunStart
from consortium.scenario.streams import Stream

SUITE = KeyedHash()
EPOCHS = Epochs(
    (Epoch(0, 1, tuple(Member(n, "x", "validator", {"vote": SUITE.public_key(n.encode() * 32)}) for n in "abcd")),)
)
CODEC = MessageCodec(b"c" * 32, SUITE.name, (Status,))
AROUND = Surroundings("a", EPOCHS, Parameters(), CODEC, lambda limit: limit - 1)
SAID = Broadcast(Status(1, 0, 0))
VOTE = Persist(b"vote", 1)


class _Machine:
    """Says the same at every event, and remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        self.heard.append(event)
        return [VOTE, SAID]


class _Delaying(Behaviour):
    every_us = 100

    def bend(self, now: Now, effect: Effect) -> list[Any]:
        return [Later(70, (effect,))]

    def acts(self, now: Now) -> list[Effect]:
        return [Utter(b"noise")]


class _Naming(Behaviour):
    """Marks what passes through it, so that nesting is seen."""

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        return [effect, Note("passed", {})] if isinstance(effect, Broadcast) else [effect]


def at(t_us: int) -> Now:
    return Now(1_000 + t_us, 0)


def _bent(behaviour: Behaviour, from_us: int = 0, to_us: int | None = None) -> tuple[Bent, _Machine]:
    machine, start = _Machine(), RunStart()
    start.monotonic_us = 1_000
    return Bent(machine, behaviour, "x", start, from_us, to_us), machine


def test_before_and_after_its_time_a_behaviour_changes_nothing() -> None:
    bent, _ = _bent(_Delaying(AROUND, NoOptions()), 50, 150)
    assert list(bent.step(at(49), Available())) == [VOTE, SAID] == list(bent.step(at(150), Available()))
    assert SAID not in bent.step(at(50), Available())


def test_what_is_durable_is_never_bent() -> None:
    bent, _ = _bent(_Delaying(AROUND, NoOptions()))
    assert bent.step(at(0), Available())[0] == VOTE


def test_what_is_held_back_is_said_when_its_timer_runs_out_and_once() -> None:
    bent, machine = _bent(_Delaying(AROUND, NoOptions()))
    timer = bent.step(at(0), Available())[1]
    assert isinstance(timer, SetTimer) and timer.delay_us == 70
    assert list(bent.step(at(70), Expired(timer.name))) == [SAID]
    assert list(bent.step(at(70), Expired(timer.name))) == []
    assert machine.heard == [Available()]


def test_it_acts_by_itself_from_its_beginning_to_its_end() -> None:
    bent, _ = _bent(_Delaying(AROUND, NoOptions()), 50, 200)
    tick = bent.step(at(0), Started(()))[-1]
    assert isinstance(tick, SetTimer) and tick.delay_us == 50
    assert list(bent.step(at(50), Expired(tick.name))) == [Utter(b"noise"), SetTimer(tick.name, 100)]
    assert list(bent.step(at(200), Expired(tick.name))) == []


def test_behaviours_nest_and_timers_find_their_own() -> None:
    inner, machine = _bent(_Delaying(AROUND, NoOptions()))
    start = RunStart()
    outer = Bent(inner, _Naming(AROUND, NoOptions()), "y", start, 0, None)
    timer = outer.step(at(0), Available())[1]
    assert isinstance(timer, SetTimer)
    assert list(outer.step(at(70), Expired(timer.name))) == [SAID, Note("passed", {})]
    assert machine.heard == [Available()]


def test_a_deaf_machine_does_not_even_step() -> None:
    kind = load_behaviours()["silent"]
    bent, machine = _bent(kind.build(AROUND, kind.options(deaf=True)))
    message = Status(1, 0, 0)
    bent.step(at(0), Received("b", message, None, 0, b""))  # type: ignore[arg-type]
    assert machine.heard == []
    bent.step(at(0), Received("a", message, None, 0, b""))  # type: ignore[arg-type]
    assert len(machine.heard) == 1


class _Saying:
    def __init__(self, *effects: Any) -> None:
        self._effects = effects
        self.heard: list[Any] = []

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        self.heard.append(event)
        return self._effects if isinstance(event, Started) else ()


def _outputs(*effects: Any) -> tuple[list[Any], list[Any]]:
    machine = _Saying(*effects)
    host = Host("a", machine, Verifier(CODEC, SUITE), SUITE, {"vote": b"a" * 32}, EPOCHS, lambda: 0)
    outputs = host.boot(Now(0, 0), ())
    return [output for output in outputs if isinstance(output, Transmit)], machine.heard


def test_a_host_utters_bytes_as_they_are_and_loops_nothing_back() -> None:
    transmits, heard = _outputs(Utter(b"\xff\x00", "b"), Utter(b"x"))
    assert transmits == [Transmit("b", b"\xff\x00"), Transmit(None, b"x")]
    assert len(heard) == 1


def test_a_mangled_broadcast_is_broken_on_the_wire_and_whole_inside() -> None:
    transmits, heard = _outputs(Mangled(SAID, lambda payload: payload[:-1]), SAID)
    assert transmits[0].payload == transmits[1].payload[:-1]
    assert decode_frame(transmits[1].payload).signed.sender == "a"
    assert [event.message for event in heard[1:]] == [SAID.message, SAID.message]


def test_the_document_names_every_behaviour_with_its_options() -> None:
    text = (Path(__file__).resolve().parent.parent.parent.parent / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for name, kind in load_behaviours().items():
        row = next(line for line in rows if line.startswith(f"| `{name}`"))
        missing = [field for field in kind.options.__struct_fields__ if field not in row and field != "every_us"]
        assert missing == [], name


def test_wakes_of_a_traitor_are_ordinary_wakes() -> None:
    bent, _ = _bent(_Delaying(AROUND, NoOptions()))
    host = Host("a", bent, Verifier(CODEC, SUITE), SUITE, {"vote": b"a" * 32}, EPOCHS, lambda: 0)
    outputs = host.boot(at(0), ())
    wakes = [output for output in outputs if isinstance(output, Wake)]
    assert len(wakes) == 2  # the held broadcast, and the tick
    said = [output for wake in wakes for output in host.wake(at(100), wake.token) if isinstance(output, Transmit)]
    assert [each.payload for each in said if each.payload == b"noise"] == [b"noise"] and len(said) == 2


def test_an_explorer_draws_every_behaviour_with_options_that_it_takes() -> None:
    """Of the behaviours that are found: none is left out, and no two drawings have one place."""
    shape = Shape(("a", "b", "c", "d"), "", 1_000, 500_000)
    for seed in range(20):
        occasion = Occasion(Stream(seed, "test"), shape, ("a", "b", "c"), ("a",))
        for name, drawing in load_drawings():
            read_options(name, drawing.draw(occasion))
    assert {name for name, _ in load_drawings()} == set(load_behaviours())
    places = [drawing.place for _, drawing in load_drawings()]
    assert len(set(places)) == len(places)
