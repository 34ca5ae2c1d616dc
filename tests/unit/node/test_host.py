"""The host: what it lets through to its machine, when timers fire, and that it guards the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from consortium.core.codec import encode
from consortium.core.crypto import KeyedHash
from consortium.core.machine import (
    Broadcast,
    CancelTimer,
    Effect,
    Expired,
    Mangled,
    Note,
    Now,
    Received,
    Send,
    SetTimer,
    Submitted,
    Transmit,
    Utter,
    Wake,
)
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.messages import Frame, Message, MessageCodec, Signed, decode_frame, encode_frame
from consortium.core.verifier import Verifier
from consortium.node.host import REPEAT_US, REPEATS_REMEMBERED_MAX, Host
from consortium.node.publishers import FAULTS_MAX, NOTED_MAX, SHUT_OUT_US
from consortium.node.submission import Busy, Submission

SUITE = KeyedHash()
CHAIN = b"c" * 32
CODEC = MessageCodec(CHAIN, SUITE.name, (Submission, Busy))
EPOCH = Epoch(
    0, 1, tuple(Member(name, "x", "validator", {"vote": SUITE.public_key(name.encode() * 32)}) for name in "abc")
)


def at(us: int) -> Now:
    return Now(us, 1_000_000 + us)


class Scripted:
    """A machine that writes down what it hears, and answers by `answer`."""

    def __init__(self, answer: Callable[[Any], Sequence[Effect]]) -> None:
        self.heard: list[Any] = []
        self._answer = answer

    def step(self, now: Now, event: Any) -> Sequence[Effect]:
        self.heard.append(event)
        return self._answer(event)


def host(answer: Callable[[Any], Sequence[Effect]] = lambda event: ()) -> tuple[Host, Scripted]:
    machine = Scripted(answer)
    epochs = Epochs((EPOCH,))
    return Host("a", machine, Verifier(CODEC, SUITE), SUITE, {"vote": b"a" * 32}, epochs, lambda: 0), machine


def frame(sender: str, message: Busy, attachment: bytes = b"") -> bytes:
    body = CODEC.statement(0, message)
    return encode_frame(Frame(Signed(sender, body, SUITE.sign(sender.encode() * 32, body)), attachment))


def test_a_repeat_of_the_bus_is_dropped_and_a_statement_sent_again_is_heard() -> None:
    it, machine = host()
    said = frame("b", Busy(b"d" * 32, 1))
    for time_us, heard in ((0, 1), (REPEAT_US - 1, 1), (REPEAT_US, 2), (REPEAT_US + 1, 2), (3 * REPEAT_US, 3)):
        it.arrival(at(time_us), "b", said)
        assert len(machine.heard) == heard, time_us
    it.receive(at(3 * REPEAT_US), "b", decode_frame(said), b"a digest of its own")
    it.receive(at(3 * REPEAT_US), "b", decode_frame(said), b"a digest of its own")
    assert len(machine.heard) == 4, "a driver that decoded the frame is heard by the same rule"


def test_a_needless_statement_costs_no_look_at_its_signature_and_is_charged_to_nobody() -> None:
    needless, other = Busy(b"d" * 32, 1), Busy(b"d" * 32, 2)
    bodies = {CODEC.statement(0, needless)}
    machine, asked = Scripted(lambda event: ()), list[bytes]()

    class Counted(KeyedHash):
        def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
            asked.append(statement)
            return super().verify(key, statement, signature)

    it = Host(
        "a",
        machine,
        Verifier(CODEC, Counted()),
        SUITE,
        {"vote": b"a" * 32},
        Epochs((EPOCH,)),
        lambda: 0,
        is_needless=bodies.__contains__,
    )
    assert it.arrival(at(0), "b", frame("b", needless)) == [] and not asked and not machine.heard
    forged = Signed("b", CODEC.statement(0, needless), bytes(SUITE.signature_bytes))
    assert it.arrival(at(1), "b", encode_frame(Frame(forged, b""))) == [] and not asked
    assert it.arrival(at(2), "c", frame("b", needless, b"x")) != [], "nobody passes on what another signed"
    it.arrival(at(3), "b", frame("b", other))
    assert asked == [CODEC.statement(0, other)] and len(machine.heard) == 1


def test_what_is_remembered_of_frames_is_bounded() -> None:
    it, _ = host()
    for count in range(2 * REPEATS_REMEMBERED_MAX):
        it.arrival(at(0), "b", frame("b", Busy(b"d" * 32, count)))
    assert len(it._seen) == REPEATS_REMEMBERED_MAX


def test_a_timer_that_was_set_again_or_cancelled_never_fires_under_its_older_token() -> None:
    name = ("it", "tick")
    script = {1: [SetTimer(name, 50)], 2: [SetTimer(name, 70)], 3: [CancelTimer(name), CancelTimer(("it", "other"))]}
    it, machine = host(lambda event: script.get(event.message.refused, ()) if isinstance(event, Received) else ())  # type: ignore[arg-type, attr-defined, return-value]
    (first,) = it.arrival(at(0), "b", frame("b", Busy(b"d" * 32, 1)))
    (second,) = it.arrival(at(1), "b", frame("b", Busy(b"d" * 32, 2)))
    assert isinstance(first, Wake) and isinstance(second, Wake) and (first.delay_us, second.delay_us) == (50, 70)
    assert it.wake(at(50), first.token) == [] and not any(isinstance(event, Expired) for event in machine.heard)
    it.wake(at(71), second.token)
    assert machine.heard[-1] == Expired(name)
    it.wake(at(72), second.token)
    assert machine.heard.count(Expired(name)) == 1, "a token serves once"
    (third,) = it.arrival(at(80), "b", frame("b", Busy(b"e" * 32, 1)))
    it.arrival(at(81), "b", frame("b", Busy(b"e" * 32, 3)))
    assert isinstance(third, Wake) and it.wake(at(130), third.token) == []
    assert machine.heard.count(Expired(name)) == 1


def test_nothing_that_arrives_reaches_the_machine_unless_it_opens_and_each_refusal_is_told() -> None:
    it, machine = host()
    good = decode_frame(frame("b", Busy(b"d" * 32, 1))).signed
    for payload, why in (
        (b"", ""),
        (b"\xc1", ""),
        (encode_frame(Frame(Signed("b", good.body, b"\0" * 32))), "signature"),
        (encode_frame(Frame(Signed("c", good.body, good.signature))), "in the name of 'c'"),
        (encode_frame(Frame(Signed("stranger", good.body, good.signature))), "in the name of 'stranger'"),
        (encode_frame(Frame(Signed("b", b"x" + good.body, good.signature))), "another chain"),
    ):
        (note,) = it.arrival(at(0), "b", payload)
        assert isinstance(note, Note) and note.kind == "rejected" and why in note.fields["why"]
        assert note.fields["sender"] == "b", "whoever published it is named, not who stands in it"
    (note,) = it.arrival(at(0), "d", encode_frame(Frame(Signed("d", good.body, good.signature))))
    assert isinstance(note, Note) and "no member" in note.fields["why"]
    assert machine.heard == []


def test_a_statement_is_heard_from_its_signer_alone() -> None:
    """Regression (spoofing): a frame that came on c's topic in b's name was verified, and b was blamed for it."""
    it, machine = host()
    said = frame("b", Busy(b"d" * 32, 1))
    (note,) = it.arrival(at(0), "c", said)
    assert isinstance(note, Note) and note.fields == {"why": "published in the name of 'b'", "sender": "c"}
    assert machine.heard == []
    it.arrival(at(REPEAT_US), "b", said)
    assert [event.sender for event in machine.heard] == ["b"], "it is heard when it comes from b"


def forged(number: int) -> bytes:
    body = CODEC.statement(0, Busy(b"d" * 32, number))
    return encode_frame(Frame(Signed("b", body, bytes(32))))


def test_a_publisher_whose_frames_are_read_for_nothing_is_not_read_for_a_while() -> None:
    """A forged vote costs its sender far less than the check of its signature costs us."""
    it, machine = host()
    verified: list[bytes] = []
    it._verifier.suite = Counted(verified)
    outputs = [it.arrival(at(0), "b", forged(number)) for number in range(1_000)]
    assert len(verified) == FAULTS_MAX + 1 and sum(map(len, outputs)) == NOTED_MAX + 1
    assert outputs[FAULTS_MAX][0].kind == "shut_out"  # type: ignore[union-attr]
    it.arrival(at(1), "b", frame("b", Busy(b"e" * 32, 1)))
    it.arrival(at(1), "c", frame("c", Busy(b"e" * 32, 1)))
    assert [event.sender for event in machine.heard] == ["c"], "the others are heard as before"
    it.arrival(at(SHUT_OUT_US), "b", frame("b", Busy(b"f" * 32, 1)))
    assert [event.sender for event in machine.heard] == ["c", "b"], "and it is heard again after the stated time"


def test_what_a_broker_makes_up_in_a_members_name_does_not_silence_it_on_the_other_brokers() -> None:
    it, machine = host()
    notes = [note for number in range(1_000) for note in it.arrival(at(0), "b@broker-2", forged(number))]
    shut = next(note for note in notes if note.kind == "shut_out")  # type: ignore[union-attr]
    assert shut.fields["publisher"] == "b" and shut.fields["way"] == "broker-2"  # type: ignore[union-attr]
    assert {note.fields["sender"] for note in notes if note.kind == "rejected"} == {"b"}  # type: ignore[union-attr]
    it.arrival(at(1), "b@broker-2", frame("b", Busy(b"e" * 32, 1)))
    assert machine.heard == [], "by this way nothing of it is read"
    it.arrival(at(1), "b@broker-1", frame("b", Busy(b"e" * 32, 1)))
    assert [event.sender for event in machine.heard] == ["b"]
    (refused,) = it.arrival(at(1), "c@broker-1", frame("b", Busy(b"f" * 32, 1)))
    assert "in the name of 'b'" in refused.fields["why"], "a frame is heard from its signer alone"  # type: ignore[union-attr]
    assert it.arrival(at(1), "a@broker-1", frame("a", Busy(b"e" * 32, 1))) == [], "an echo"


class Counted(KeyedHash):
    def __init__(self, verified: list[bytes]) -> None:
        self._verified = verified

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        self._verified.append(statement)
        return super().verify(key, statement, signature)


def test_statements_of_an_epoch_that_we_do_not_know_yet_are_nobodys_fault() -> None:
    """A node that lags by an epoch hears hundreds of them a second, from the honest members that it must fetch from."""
    it, machine = host()
    for number in range(10 * FAULTS_MAX):
        body = CODEC.statement(7, Busy(b"d" * 32, number))
        outputs = it.arrival(at(number), "b", encode_frame(Frame(Signed("b", body, SUITE.sign(b"b" * 32, body)))))
        assert not any(isinstance(output, Note) and output.kind == "shut_out" for output in outputs)
    it.arrival(at(10 * FAULTS_MAX), "b", frame("b", Busy(b"d" * 32, 1)))
    assert len(machine.heard) == 1


class Newer(Message, frozen=True):
    """What another version says, and this one does not know."""

    number: int


def test_messages_of_a_kind_that_another_version_has_are_noted_and_are_nobodys_fault() -> None:
    it, machine = host()
    notes = []
    for number in range(10 * FAULTS_MAX):
        body = CODEC.statement(0, Newer(number))
        said = encode_frame(Frame(Signed("b", body, SUITE.sign(b"b" * 32, body))))
        notes += [output for output in it.arrival(at(number), "b", said) if isinstance(output, Note)]
    assert notes[0].fields["why"] == "a message Newer that this version does not know"
    assert {note.kind for note in notes} == {"rejected"} and len(notes) <= NOTED_MAX
    it.arrival(at(10 * FAULTS_MAX), "b", frame("b", Busy(b"d" * 32, 1)))
    assert len(machine.heard) == 1


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_strange_kind_excuses_neither_a_wrong_signature_nor_a_message_of_ours_that_is_wrong(is_signed: bool) -> None:
    it, _ = host()
    kinds = set()
    for number in range(2 * FAULTS_MAX):
        wrong = CODEC.prefix(0) + (encode(["Busy", "no digest", number]) if is_signed else encode(["Newer", number]))
        signature = SUITE.sign(b"b" * 32, wrong) if is_signed else bytes(32)
        outputs = it.arrival(at(0), "b", encode_frame(Frame(Signed("b", wrong, signature))))
        kinds |= {output.kind for output in outputs if isinstance(output, Note)}
    assert "shut_out" in kinds


def test_only_a_name_is_read_of_a_strange_message() -> None:
    for message, name in (
        (["Newer", 1], "Newer"),
        (["Newer", *range(20)], "Newer"),
        (["N" * 60], "N" * 60),
        (["N" * 300], ""),
        (["../etc"], ""),
        ([1, 2], ""),
        ([], ""),
        ("Newer", ""),
        ({"Newer": 1}, ""),
        (["Busy"], ""),
    ):
        assert CODEC.strange_kind(CODEC.prefix(0) + encode(message)) == name, message
    assert CODEC.strange_kind(b"no statement") == ""


def test_refusals_of_the_machine_are_noted_a_few_a_second() -> None:
    refusal = Note("rejected", {"why": "nonsense", "sender": "b", "message": "Busy"})
    it, machine = host(lambda event: [refusal, Note("other", {})])
    outputs = [out for number in range(100) for out in it.arrival(at(0), "b", frame("b", Busy(b"d" * 32, number)))]
    assert len(machine.heard) == 100, "signed nonsense is heard all the same"
    assert outputs.count(refusal) == NOTED_MAX and outputs.count(Note("other", {})) == 100
    (told, _) = it.arrival(at(1_000_000), "b", frame("b", Busy(b"x" * 32, 1)))
    assert isinstance(told, Note) and told.fields["more"] == 100 - NOTED_MAX


def test_an_echo_of_our_own_statement_is_not_heard_twice() -> None:
    it, machine = host(lambda event: [Broadcast(Busy(b"d" * 32, 1))] if isinstance(event, Submitted) else ())
    (said,) = it.submit(at(0), (b"bundle",))
    assert isinstance(said, Transmit) and said.to is None
    assert [type(event) for event in machine.heard] == [Submitted, Received], "looped back inside"
    assert it.arrival(at(1), "a", said.payload) == [] and len(machine.heard) == 2


def test_what_a_node_sends_to_itself_stays_inside() -> None:
    def answer(event: Any) -> Sequence[Effect]:
        return [Send("a", Busy(b"m" * 32, 1)), Send("b", Busy(b"y" * 32, 1))] if isinstance(event, Submitted) else ()

    it, machine = host(answer)
    (said,) = it.submit(at(0), ())
    assert isinstance(said, Transmit) and said.to == "b"
    assert [event.message for event in machine.heard[1:]] == [Busy(b"m" * 32, 1)]
    other, heard = host()
    other.me = "b"
    other.arrival(at(1), "a", said.payload)
    assert heard.heard[0].sender == "a" and heard.heard[0].message == Busy(b"y" * 32, 1)


def test_a_behaviour_may_say_any_bytes_and_bend_its_own_but_sign_as_nobody_else() -> None:
    def answer(event: Any) -> Sequence[Effect]:
        if not isinstance(event, Submitted):
            return ()
        return [Utter(b"noise", "b"), Mangled(Broadcast(Busy(b"d" * 32, 1)), lambda payload: payload[:-1] + b"\xff")]

    it, machine = host(answer)
    noise, bent = it.submit(at(0), ())
    assert noise == Transmit("b", b"noise")
    assert isinstance(bent, Transmit) and decode_frame(bent.payload[:-1] + b"\0").signed.sender == "a"
    assert [type(event) for event in machine.heard] == [Submitted, Received], "its own mind is not bent"


def test_salts_are_the_same_again_and_nobody_elses() -> None:
    it, _ = host()
    assert it.secret("salt", "person 1") == it.secret("salt", "person 1")
    assert len({it.secret("salt", "person 1"), it.secret("salt", "person 2"), it.secret("nonce", "person 1")}) == 3
    other = Host(
        "b", Scripted(lambda event: ()), Verifier(CODEC, SUITE), SUITE, {"vote": b"b" * 32}, Epochs((EPOCH,)), int
    )
    assert other.secret("salt", "person 1") != it.secret("salt", "person 1")


def test_an_effect_that_no_host_can_carry_out_is_our_mistake() -> None:
    it, _ = host(lambda event: [Submitted(())])
    with pytest.raises(AssertionError, match="Submitted"):
        it.submit(at(0), ())
