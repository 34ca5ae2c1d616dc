"""What a node says is counted by type and receiver, without decoding it and without growing."""

from __future__ import annotations

import pytest

from consortium.core.messages import Frame, Message, Signed, encode_frame, statement
from consortium.core.traffic import ALL, OTHER, ROWS_MAX, Traffic, kind_of_body, kind_of_frame
from consortium.ledger.catch_up import CatchUp
from consortium.ledger.sealer import Sealer
from consortium.node.submission import Submission
from consortium.protocols import load_protocols
from consortium.protocols.pbft.messages import Commit, Prepare

CHAIN = b"c" * 32


def frame_of(message: Message, sender: str = "hospital-1", epoch: int = 0, attachment: bytes = b"") -> bytes:
    body = statement(CHAIN, "ed25519", epoch, message)
    return encode_frame(Frame(Signed(sender, body, b"s" * 64), attachment))


@pytest.mark.parametrize("epoch", [0, 127, 128, 70_000, 1 << 40])
@pytest.mark.parametrize("sender", ["a", "m" * 31, "m" * 64])
@pytest.mark.parametrize("size", [0, 10, 300, 70_000])
def test_the_type_stands_in_the_bytes_whatever_their_length(epoch: int, sender: str, size: int) -> None:
    assert kind_of_frame(frame_of(Submission(b"d" * 32), sender, epoch, b"x" * size)) == "Submission"
    assert kind_of_body(statement(CHAIN, "keyed-hash", epoch, Commit(3, 4, b"d" * size))) == "Commit"


def test_every_message_that_there_is_has_a_name_that_can_be_read() -> None:
    kinds = [kind for protocol in load_protocols().values() for kind in protocol.messages]
    for kind in (*kinds, *Sealer.messages, *CatchUp.messages):
        assert len(kind.__name__) < 32, "the tag must be a short str"
        assert len(kind.__struct_fields__) < 15, "and its array a short one"


@pytest.mark.parametrize("payload", [b"", b"\x92", b"\x92\x93", bytes(300), b"\x92\x93\xa1a\xc4", b"\xff" * 90])
def test_bytes_that_are_no_statement_are_counted_as_other(payload: bytes) -> None:
    assert kind_of_frame(payload) == OTHER


def test_sums_are_by_receiver_and_type() -> None:
    traffic = Traffic(life=7)
    vote = frame_of(Prepare(0, 1, b"d" * 32))
    traffic.count(None, vote)
    traffic.count(None, vote)
    traffic.count("b", vote)
    traffic.add(None, "Commit", 5, 500)
    assert traffic.fields() == {
        "life": 7,
        "sent": [[ALL, "Commit", 5, 500], [ALL, "Prepare", 2, 2 * len(vote)], ["b", "Prepare", 1, len(vote)]],
    }
    assert traffic.messages == 8


def test_a_table_that_is_full_counts_on_under_other() -> None:
    traffic = Traffic()
    for place in range(ROWS_MAX + 50):
        traffic.add(f"m{place}", "Ask", 1, 10)
    rows = traffic.fields()["sent"]
    assert len(rows) <= ROWS_MAX + 1
    assert sum(row[2] for row in rows) == ROWS_MAX + 50
    assert [ALL, OTHER, 50, 500] in rows
