"""The parts that protocols share, each by itself: what one mend mends for all."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.codec import Malformed, encode
from consortium.core.crypto import KeyedHash
from consortium.core.machine import Behind, Broadcast, Note, Now, SetTimer
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate
from consortium.core.protocol import ReplicaContext
from consortium.core.verifier import Verifier
from consortium.protocols import load_protocols
from consortium.protocols.common.holders import Holders
from consortium.protocols.common.lag import Lag, behind
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.common.records import FORMAT, LostRecord, Record, RecordReader
from consortium.protocols.common.replica_state import CommonState
from consortium.protocols.common.retransmit_timer import TRIES_AT_ONCE, RetransmitTimer
from consortium.protocols.pbft.messages import Recall
from tests.fake_pool import FakePool
from tests.pbft_network import CHAIN, PARAMETERS, WALL_US, codec, epoch_of

T_US = PARAMETERS.timer_base_us
SEAL = Certificate(b"", ())


def at(time_us: int) -> Now:
    return Now(time_us, WALL_US + time_us)


def state_of(n: int = 4, me: str = "n1", observers: tuple[str, ...] = ()) -> CommonState:
    epochs = Epochs([epoch_of(n, observers)])
    verifier = Verifier(codec(), KeyedHash())

    def check_seal(seal: Certificate) -> int:
        if seal is not SEAL:
            raise Malformed("not a seal")
        return 9

    return CommonState(ReplicaContext(me, CHAIN, epochs, PARAMETERS, FakePool(4), verifier, 0, 0, None, check_seal))


def test_every_byzantine_protocol_watches_its_leader_with_the_one_timer() -> None:
    """So that a mend of the timer is a mend of both."""
    for name in ("pbft", "hotstuff"):
        replica: Any = load_protocols()[name].build(state_of().context)
        watch = replica._progress if name == "pbft" else replica._pacemaker
        assert type(watch._timer) is LeaderTimer


def leader_timer(owed: list[int | None]) -> LeaderTimer:
    """`owed` holds one value: since when work waits."""
    timer = LeaderTimer(state_of(), ("x", "progress"), lambda: owed[0])
    assert timer.has_moved(at(0), (0, 0))
    return timer


def set_to(delay_us: int) -> list[SetTimer]:
    return [SetTimer(("x", "progress"), delay_us)]


def test_the_leaders_time_doubles_after_the_first_change_up_to_its_cap_and_comes_back() -> None:
    timer = leader_timer([0])
    times = [timer.timeout_us]
    for _ in range(70):
        timer.grow()
        times.append(timer.timeout_us)
    assert times[:4] == [T_US, T_US, 2 * T_US, 4 * T_US] and times[-1] == PARAMETERS.timer_cap_us
    assert timer.ease(at(0)) == [] and timer.attempts == 0 and timer.timeout_us == T_US


@pytest.mark.parametrize(
    ("since_us", "owed_us", "left_us"),
    [(400, 100, 400 + T_US - 500), (100, 400, 400 + T_US - 500), (400, None, None)],
    ids=["moved after the work came", "work came after the last move", "no work"],
)
def test_the_leaders_time_counts_from_the_last_move_or_from_the_work_whichever_is_later(
    since_us: int, owed_us: int | None, left_us: int | None
) -> None:
    owed: list[int | None] = [owed_us]
    timer = leader_timer(owed)
    assert timer.has_moved(at(since_us), (0, 1)) and not timer.has_moved(at(450), (0, 1))
    assert timer.left_us(at(500)) == left_us
    assert timer.watch(at(500)) == (set_to(left_us) if left_us else []) and timer.is_armed is (left_us is not None)
    assert not timer.run_out(at(500 + (left_us or 0))) and not timer.is_armed


def test_a_timer_that_was_set_for_a_long_time_is_set_anew_when_that_time_falls() -> None:
    """Found after an outage: T was back at its base, and the timer that was set before went on to wait 64 T."""
    timer = leader_timer([0])
    timer.attempts = 7
    assert timer.watch(at(0)) == set_to(64 * T_US)
    timer.has_moved(at(100), (0, 1))
    assert timer.ease(at(100)) == set_to(T_US)
    timer.attempts = 7
    timer.run_out(at(100))
    assert timer.forgive(at(100)) == [] and timer.timeout_us == T_US, "where it is not set, nothing is to be set anew"
    timer.watch(at(200))
    assert timer.forgive(at(300)) == set_to(T_US - 200), "of an epoch with another base, perhaps"


def step(timer: LeaderTimer, time_us: int, height: int, ordered_us: int = 0) -> None:
    """The leader's next block is decided."""
    assert timer.has_moved(at(time_us), (0, height))
    timer.measure(at(time_us), ordered_us)


def test_the_leaders_time_falls_no_lower_than_twice_the_slowest_step() -> None:
    """Else a machine with more to do than it can would depose each leader after its first block."""
    for took_us, attempts in ((T_US // 2, 0), (T_US // 2 + 1, 2), (T_US, 2), (T_US + 1, 3), (9 * T_US, 5)):
        timer = leader_timer([0])
        timer.attempts = 5
        step(timer, took_us, 1)
        step(timer, took_us + 1, 2)  # the next one follows at once, as in a pipeline
        timer.ease(at(took_us + 1))
        assert timer.attempts == attempts
        timer.ease(at(took_us + 1))
        assert timer.attempts == 0, "the next time counts what was measured since"


def test_a_step_counts_from_the_work_that_it_did_and_another_leaders_steps_count_no_longer() -> None:
    timer = leader_timer([10 * T_US])
    timer.attempts = 5
    step(timer, 10 * T_US + 100, 1)
    timer.ease(at(10 * T_US + 100))
    assert timer.attempts == 0
    timer.attempts = 5
    step(timer, 20 * T_US, 2)
    timer.begin()
    timer.ease(at(20 * T_US))
    assert timer.attempts == 0


@pytest.mark.parametrize(("is_proven", "attempts"), [(True, 0), (False, 5)])
def test_the_wait_for_an_order_counts_once_the_time_fell_too_early(is_proven: bool, attempts: int) -> None:
    """An outage that ends under a leader delays its order, and says nothing of how long its steps take. But leaders
    that are always late with their orders, for they have much to do, are not to be deposed after each block."""
    timer = leader_timer([0])
    timer.attempts = 4
    step(timer, 8 * T_US, 1, ordered_us=8 * T_US - 100)
    assert timer.ease(at(8 * T_US)) == [] and timer.attempts == 0 and not timer.is_settled
    if is_proven:
        timer.prove()
        assert timer.is_settled
    for _ in range(5):
        timer.grow()
    timer.begin()
    step(timer, 17 * T_US, 2, ordered_us=17 * T_US - 100)
    timer.ease(at(17 * T_US))
    assert timer.attempts == attempts


def test_a_stalled_replica_speaks_often_at_first_then_rarely_and_not_while_something_moves() -> None:
    position, is_open, said = [0], [True], []
    timer = RetransmitTimer(
        state_of(),
        ("x", "retransmit"),
        lambda: tuple(position),
        lambda: is_open[0],
        lambda now: said.append(now.monotonic_us) or [],  # type: ignore[func-returns-value]
    )
    assert timer.arm() == [SetTimer(("x", "retransmit"), timer.first_us)] and timer.arm() == []
    delays = [timer.on_timer(at(step))[-1].delay_us for step in range(TRIES_AT_ONCE + 8)]  # type: ignore[union-attr]
    assert delays[: TRIES_AT_ONCE - 1] == [timer.first_us] * (TRIES_AT_ONCE - 1)
    assert delays[TRIES_AT_ONCE - 1] == 2 * timer.first_us and delays[-1] == 4 * T_US
    count = len(said)
    position[0] = 1
    assert timer.on_timer(at(99)) == [SetTimer(("x", "retransmit"), timer.first_us)] and len(said) == count
    is_open[0] = False
    assert timer.on_timer(at(100)) == [] and not timer.is_armed


def test_a_replica_that_spoke_rarely_speaks_often_again_once_something_moves() -> None:
    """A vote that is lost after an outage is said again after T/8, not after the 4 T of the outage."""
    timer = RetransmitTimer(state_of(), ("x", "retransmit"), tuple, lambda: True, lambda now: [])
    assert timer.hasten() == []
    timer.arm()
    assert timer.hasten() == []
    for step in range(TRIES_AT_ONCE + 8):
        timer.on_timer(at(step))
    assert timer.hasten() == [SetTimer(("x", "retransmit"), timer.first_us)] and timer.is_armed
    assert timer.hasten() == []


def test_f_and_one_validators_or_a_seal_show_that_we_lag_and_observers_do_not() -> None:
    lag = Lag(state_of(observers=("eye", "owl")))
    for name, height in (("eye", 70), ("owl", 70), ("n0", 50)):
        lag.note_head(name, height)
    assert lag.shown() == 0 and behind(0) == []
    lag.note_head("n2", 40)
    assert lag.shown() == 40 and lag.shown(45) == 45 and behind(40) == [Behind(40)]
    alone = Lag(state_of())
    with pytest.raises(Malformed):
        alone.note_seal(Certificate(b"x", ()))
    alone.note_seal(None)
    assert alone.shown() == 0
    alone.note_seal(SEAL)
    assert alone.shown() == 9


def test_each_round_asks_the_next_two_holders() -> None:
    holders: Holders[int] = Holders()
    names = ["n0", "n1", "n2"]
    assert [holders.next(7, names) for _ in range(3)] == [["n0", "n1"], ["n2", "n0"], ["n1", "n2"]]
    assert holders.next(8, ["n0"]) == ["n0"] and 8 in holders and len(holders) == 2
    holders.forget(lambda height: height <= 7)
    assert 7 not in holders and holders.next(7, names) == ["n0", "n1"]
    holders.clear()
    assert len(holders) == 0


class Voted(Record, frozen=True):
    """For this test."""

    height: int


def test_a_log_is_read_in_order_and_what_cannot_be_read_is_noted_and_may_have_been_a_vote() -> None:
    reader: RecordReader[Voted] = RecordReader("test", Voted)
    log = [encode(Voted(FORMAT, 0, 1)), encode(Voted(FORMAT + 1, 0, 2)), b"junk", encode(Voted(FORMAT, 0, 3))]
    records, notes = reader.read(log)
    assert [type(record) for record in records] == [Voted, LostRecord, LostRecord, Voted]
    assert [record.height for record in records if isinstance(record, Voted)] == [1, 3]
    whys = [note.fields["why"] for note in notes if isinstance(note, Note)]
    assert len(whys) == 2 and whys[0] == "a test record of format 2; this version reads format 1"


def test_who_is_no_member_is_heard_by_nobody() -> None:
    effects = [Broadcast(Recall(b"")), SetTimer(("x", "recall"), 1)]
    assert state_of(me="stranger").audible(list(effects)) == effects[1:]  # type: ignore[arg-type]
    assert state_of().audible(list(effects)) == effects  # type: ignore[arg-type]
