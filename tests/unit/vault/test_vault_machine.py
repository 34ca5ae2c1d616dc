"""A vault keeps, gives, gets and erases as the ledger says; durable first, and what is private is not told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.contracts.records.record import Ask, Deliver, Erase, Register
from consortium.core.codec import encode
from consortium.core.machine import Drop, Guard, Jumped, Keep, Note, Opened, Read, Receipted, Received, Send, Submit
from consortium.core.messages import Signed
from consortium.core.vault import BOX, Salts, commit, derive_secret
from consortium.lab.checks.private_records import anchored_reads
from consortium.ledger.rows import DictRows, state_key
from consortium.vault.audit import chain_fault, read_entries
from consortium.vault.boxes import DictBoxes
from consortium.vault.giving import GivenShare, Giver
from consortium.vault.locksmith import Locksmith
from consortium.vault.messages import AskRecord, GiveRecord
from tests.vault_net import NAMES, VaultNet, secrets_of

HANDLE, RECORD = "record/h1:r-1", b"a private record, word by word"
SECOND_US = 1_000_000


def salts_of(name: str) -> Salts:
    return Salts(derive_secret(secrets_of(name)["encrypt"], "salts", name))


COMMITMENT = salts_of("h1").commit(HANDLE, RECORD)


def registered(net: VaultNet, *others: str) -> VaultNet:
    """h1 keeps r-1 and has registered it."""
    net.step("h1", Guard(HANDLE, RECORD))
    net.execute("h1", "record", "register", Register("h1:r-1", "report", COMMITMENT, others))
    return net


def delivered(net: VaultNet) -> VaultNet:
    registered(net)
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    net.execute("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", COMMITMENT))
    return net


def kinds(effects: list[Any]) -> list[type]:
    return [type(effect) for effect in effects]


@pytest.mark.parametrize("suite", ["ed25519", "keyed-hash", "plain"])
def test_a_record_goes_to_whom_it_was_delivered_and_to_nobody_else(suite: str) -> None:
    net = delivered(VaultNet(suite))
    net.step("h2", Read(HANDLE, "treatment"))
    (told,) = net.told["h2"]
    assert told == Opened(HANDLE, RECORD, salts_of("h1").salt(HANDLE)) and commit(told.salt, RECORD) == COMMITMENT
    net.step("bureau", Read(HANDLE, "audit"))
    assert net.told["bureau"] == [Opened(HANDLE, None, why="not-entitled")]
    assert net.boxes["bureau"].names() == []


def test_a_holder_that_was_named_gets_the_record_by_itself() -> None:
    net = registered(VaultNet(), "bureau")
    assert HANDLE in net.boxes["bureau"].names() and net.asks() == [("bureau", "h1")]


def test_nothing_that_leaves_or_is_told_shows_the_record() -> None:
    net = delivered(VaultNet())
    frames = [encode((msgspec.to_builtins(send.message), send.attachment)) for _, send in net.sent]
    boxes = [net.boxes[name].get(row) or b"" for name in NAMES for row in net.boxes[name].names()]
    told = [repr(note) for notes in net.notes.values() for note in notes]
    shown = [repr(effect) for effects in net.effects.values() for effect in effects if not isinstance(effect, Send)]
    assert len(frames) > 1 and boxes and told and shown
    for piece in (RECORD, RECORD[2:18], salts_of("h1").salt(HANDLE)):
        assert not any(piece in data for data in (*frames, *boxes))
        assert not any(piece.decode("latin-1") in text or piece.hex() in text for text in (*told, *shown))
    assert "a private" not in repr(Guard(HANDLE, RECORD)) + repr(Opened(HANDLE, RECORD)) + repr(Keep(HANDLE, RECORD))


def test_the_box_stands_before_the_submission_and_the_audit_before_the_record() -> None:
    net = VaultNet()
    assert kinds(net.step("h1", Guard(HANDLE, RECORD))) == [Keep]
    assert net.step("h1", Guard(HANDLE, b"another")) == [], "what is held stays as it is"
    net.execute("h1", "record", "register", Register("h1:r-1", "report", COMMITMENT, ()))
    assert kinds(net.step("h1", Read(HANDLE, "treatment"))) == [Keep, Opened]
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    net.effects["h1"].clear()
    net.execute("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", COMMITMENT))
    assert kinds(net.effects["h1"]) == [Keep, Send, Note]
    entries = list(read_entries(net.boxes["h1"]))
    assert [(entry.reader, entry.handle, entry.purpose) for entry in entries] == [
        ("h1", HANDLE, "treatment"),
        ("h2", HANDLE, "holder"),
    ]
    assert chain_fault(entries) == "" and chain_fault(entries[1:]) != "" and chain_fault(entries[::-1]) != ""


def test_one_that_is_away_gets_it_later_and_is_asked_ever_less_often() -> None:
    net = registered(VaultNet())
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    net.away = {"h1"}
    net.house.run("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", COMMITMENT))
    net.boot("h2")
    assert not net.vaults["h2"].is_done
    net.wait(120 * SECOND_US)
    assert 5 <= len(net.asks()) <= 10, "1, 2, 4, … 60 s apart"
    net.away = set()
    net.wait(60 * SECOND_US)
    assert HANDLE in net.boxes["h2"].names() and net.vaults["h2"].is_done
    asked = len(net.asks())
    net.wait(600 * SECOND_US)
    assert len(net.asks()) == asked, "then it is quiet"


def test_an_asker_that_was_away_finds_after_its_boot_what_is_its_to_hold() -> None:
    net = registered(VaultNet())
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    net.away = {"h2"}
    net.execute("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", COMMITMENT))
    net.away = set()
    for again in (lambda: net.boot("h2"), lambda: net.step("h2", Jumped(9, lambda member: {}))):
        net.boxes["h2"].stage(HANDLE, None)
        net.boxes["h2"].settle(Drop(HANDLE))
        again()
        assert HANDLE in net.boxes["h2"].names()


def question(net: VaultNet, receiver: str = "h1", handle: str = HANDLE, height: int = 1) -> AskRecord:
    return AskRecord(receiver, b"n" * 16, handle, "treatment", height)


def ask(net: VaultNet, asker: str, asked: AskRecord) -> list[Any]:
    net.away = {asker}  # what is answered stays unheard: only what the vault says counts
    return net.step("h1", Received(asker, asked, Signed(asker, b"", b""), 0, b""))


@pytest.mark.parametrize(
    ("asker", "receiver", "handle", "height", "is_given"),
    [
        ("h2", "h1", HANDLE, 1, True),
        ("bureau", "h1", HANDLE, 1, False),
        ("stranger", "h1", HANDLE, 1, False),
        ("h2", "bureau", HANDLE, 1, False),
        ("h2", "h1", "record/h1:r-2", 1, False),
        ("h2", "h1", "", 1, False),
    ],
)
def test_one_condition_of_giving_at_a_time(asker: str, receiver: str, handle: str, height: int, is_given: bool) -> None:
    net = delivered(VaultNet())
    said = ask(net, asker, question(net, receiver, handle, height))
    assert (Send in kinds(said)) is is_given
    if not is_given:
        assert [note.kind for note in said] == ["withheld"], "one that may not have it is not answered at all"


def test_a_member_gets_its_share_and_no_more_in_a_second() -> None:
    net = delivered(VaultNet())
    given = sum(Send in kinds(ask(net, "h2", question(net))) for _ in range(400))
    assert given == 255, "256, and one was given with the delivery"
    net.now_us += SECOND_US
    assert Send in kinds(ask(net, "h2", question(net)))


def test_a_member_is_given_so_many_records_a_day_and_no_more_also_after_a_boot() -> None:
    """Regression: the audit of reads is kept for ever, and whoever asked could make another's disk grow."""
    net = delivered(VaultNet())  # which gave one

    def ask_often() -> tuple[int, int]:
        net.vaults["h1"]._giver = Giver("h1", CATALOGUE, net.house.state, GivenShare(reads_a_day=5))
        said = [effect for _ in range(9) for effect in ask(net, "h2", question(net))]
        return kinds(said).count(Send), kinds(said).count(Note) - kinds(said).count(Send)

    assert ask_often() == (4, 1), "it is told once that more was withheld"
    net.boot("h1")
    assert ask_often() == (0, 1)
    net.house.day += 1
    assert ask_often() == (5, 1)
    assert len([entry for entry in read_entries(net.boxes["h1"]) if entry.reader == "h2"]) == 10


@pytest.mark.parametrize(("asker", "handle"), [("h2", HANDLE), ("stranger", HANDLE), ("bureau", "record/h1:r-2")])
def test_a_flood_of_questions_fills_no_trace(asker: str, handle: str) -> None:
    net = delivered(VaultNet())
    asked = question(net, handle=handle)
    notes = [one for _ in range(1_000) for one in ask(net, asker, asked) if isinstance(one, Note)]
    assert len(notes) <= 257


def answer_of(net: VaultNet) -> tuple[Send, Received]:
    """What h1 answers to h2, which has not heard it yet."""
    net.away = {"h1"}
    net.boot("h2")
    (sent,) = [send for name, send in net.sent[-1:] if name == "h2"]
    asked = sent.message
    said = net.vaults["h1"].step(net.now, Received("h2", asked, Signed("h2", b"", b""), 0, b""))
    (answer,) = [effect for effect in said if isinstance(effect, Send)]
    for effect in said:
        if isinstance(effect, Keep):
            net.boxes["h1"].settle(effect)
    return answer, Received("h1", answer.message, Signed("h1", b"", b""), 0, answer.attachment)


def lacking(net: VaultNet) -> VaultNet:
    """h2 may have r-1, and has it not."""
    delivered(net)
    net.boxes["h2"].stage(HANDLE, None)
    net.boxes["h2"].settle(Drop(HANDLE))
    return net


def test_an_answer_is_taken_where_it_answers_and_is_the_record_of_the_commitment() -> None:
    net = lacking(VaultNet())
    answer, heard = answer_of(net)
    box = BOX.decode(answer.attachment)
    for bent in (
        heard._replace(sender="bureau"),
        heard._replace(message=msgspec.structs.replace(answer.message, nonce=b"x" * 16)),
        heard._replace(message=msgspec.structs.replace(answer.message, receiver="bureau")),
    ):
        assert [effect.kind for effect in net.step("h2", bent)] == ["rejected"]
        assert net.boxes["h2"].names() == []
    for worse in (
        msgspec.structs.replace(box, cipher=box.cipher[:-1] + bytes([box.cipher[-1] ^ 1])),
        msgspec.structs.replace(box, commitment=b"d" * 32),
        msgspec.structs.replace(box, handle="record/h1:r-2"),
        msgspec.structs.replace(box, wrap=b""),
    ):
        other = lacking(VaultNet())
        _, asked = answer_of(other)
        data = encode(worse)
        bent = asked._replace(message=_with_digest(asked.message, data), attachment=data)
        said = other.step("h2", bent)
        assert other.boxes["h2"].names() == [] and any(note.kind == "rejected" for note in other.notes["h2"]), said
    net.step("h2", heard)
    assert net.boxes["h2"].names() == [HANDLE]


def _with_digest(message: Any, data: bytes) -> GiveRecord:
    from hashlib import sha256

    changed: GiveRecord = msgspec.structs.replace(message, digest=sha256(data).digest())
    return changed


def test_an_attachment_that_was_not_signed_is_refused() -> None:
    net = lacking(VaultNet())
    _, heard = answer_of(net)
    net.step("h2", heard._replace(attachment=heard.attachment + b"x"))
    assert net.boxes["h2"].names() == []


def test_a_holder_whose_record_is_another_than_it_committed_to_gives_none_and_the_asker_is_told_so() -> None:
    net = VaultNet()
    net.step("h1", Guard(HANDLE, b"another record than was registered"))
    net.execute("h1", "record", "register", Register("h1:r-1", "report", COMMITMENT, ()))
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    net.house.run("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", COMMITMENT))
    net.step("h2", Read(HANDLE, "treatment"))
    net.wait(60 * SECOND_US)
    assert net.told["h2"] == [Opened(HANDLE, None, why="lacking")]
    assert net.boxes["h1"].names() == net.boxes["h2"].names() == []


def test_where_every_holder_gives_another_record_the_role_is_told_so() -> None:
    """A holder that lies: it gives a sound box under the right name, of something else."""
    net = lacking(VaultNet())
    answer, heard = answer_of(net)
    other = VaultNet()
    other.step("h1", Guard(HANDLE, b"something else"))
    net.step("h2", Read(HANDLE, "treatment"))
    smith = Locksmith(net.suite, secrets_of("h1"), "h1")
    key = net.suite.public_key(secrets_of("h2")["encrypt"])
    data = encode(smith.seal_to(BOX.decode(other.boxes["h1"].get(HANDLE) or b""), key, b"n" * 16))
    net.step("h2", heard._replace(message=_with_digest(answer.message, data), attachment=data))
    net.wait(SECOND_US)
    assert net.told["h2"] == [Opened(HANDLE, None, why="differs")] and net.boxes["h2"].names() == []


def test_a_box_that_a_disk_has_bent_is_dropped_and_fetched_from_another_holder() -> None:
    net = registered(VaultNet(), "bureau")
    stored = net.boxes["h1"].get(HANDLE) or b""
    net.boxes["h1"].stage(HANDLE, stored[:-70] + bytes([stored[-70] ^ 1]) + stored[-69:])
    net.boxes["h1"].settle(Drop(HANDLE))
    net.step("h1", Read(HANDLE, "treatment"))
    assert net.told["h1"] == [Opened(HANDLE, RECORD, salts_of("h1").salt(HANDLE))]
    assert ("h1", "bureau") in net.asks() and [note.kind for note in net.notes["h1"]].count("damaged") == 1


def test_a_lost_store_is_filled_again_from_other_holders_and_what_nobody_holds_is_said_to_be_missing() -> None:
    net = registered(VaultNet(), "bureau")
    net.step("h1", Guard("record/h1:r-2", b"mine alone"))
    alone = salts_of("h1").commit("record/h1:r-2", b"mine alone")
    net.execute("h1", "record", "register", Register("h1:r-2", "report", alone, ()))
    net.boxes["h1"] = DictBoxes(is_lacking=True)
    net.boot("h1")
    assert net.boxes["h1"].names() == [HANDLE] and net.vaults["h1"].is_done
    missing = [note.fields for note in net.notes["h1"] if note.kind == "record_missing"]
    assert missing == [{"handle": "record/h1:r-2", "why": "lost"}]


def test_erasure_destroys_everywhere_and_is_confirmed_when_it_is_durable() -> None:
    net = delivered(VaultNet())
    for effects in net.effects.values():
        effects.clear()
    net.execute("bureau", "record", "erase", Erase(HANDLE, "asked-by-patient"))
    for name in ("h1", "h2"):
        assert HANDLE not in net.boxes[name].names()
        assert kinds(net.effects[name])[:3] == [Drop, Note, Submit], "out of the store first, then said"
    net.carry_out_wishes()
    net.step("h1", Guard(HANDLE, RECORD))
    net.step("h2", Read(HANDLE, "treatment"))
    assert HANDLE not in net.boxes["h1"].names() and net.told["h2"] == [Opened(HANDLE, None, why="erased")]
    assert not any(net.wished.values())


def test_a_holder_that_was_away_erases_before_it_serves() -> None:
    net = delivered(VaultNet())
    net.away = {"h2"}
    net.execute("bureau", "record", "erase", Erase(HANDLE, "asked-by-patient"))
    assert HANDLE in net.boxes["h2"].names(), "positive control: it still has it"
    net.away = set()
    net.effects["h2"].clear()
    net.boot("h2")
    assert kinds(net.effects["h2"])[0] is Drop and HANDLE not in net.boxes["h2"].names()
    assert [reference for reference, _ in net.wished["h2"]] == [f"erased:{HANDLE}"]


def test_a_holder_whose_ledger_lags_does_not_serve_one_whose_ledger_does_not() -> None:
    """The ledger of h1 ends before the erasure; h2 asks from beyond it. h1 must not give what it cannot know erased."""
    net = delivered(VaultNet())
    head = net.heights["h1"]
    assert ask(net, "h2", question(net, height=head + 2)) == []
    for height, is_given in ((head + 1, False), (head + 2, True)):
        net.heights["h1"] = height
        said = net.step("h1", Receipted(height, net.now.wall_us, (), False))
        assert (Send in kinds(said)) is is_given


def test_of_questions_that_come_too_early_few_are_kept() -> None:
    net = delivered(VaultNet())
    head = net.heights["h1"]
    for number in range(100):
        ask(net, "h2", question(net, handle=f"record/h1:r-{number % 50}", height=head + 1))
    net.heights["h1"] += 1
    said = net.step("h1", Receipted(head + 1, net.now.wall_us, (), False))
    assert len([effect for effect in said if isinstance(effect, Note)]) == 16, "one of them is of a record"


def test_an_older_store_that_comes_back_after_the_confirmation_erases_again() -> None:
    net = delivered(VaultNet())
    older = net.boxes["h2"].durable_copy()
    net.execute("bureau", "record", "erase", Erase(HANDLE, "asked-by-patient"))
    net.carry_out_wishes()
    net.boxes["h2"] = older
    net.boot("h2")
    assert HANDLE not in net.boxes["h2"].names() and net.wished["h2"] == []


def test_a_day_of_reads_is_anchored_when_it_is_over_and_once() -> None:
    net = delivered(VaultNet())
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-2", "treatment"))
    assert not any(net.wished.values()), "today is not over"
    net.house.day += 1
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-3", "treatment"))
    (wish,) = net.wished["h1"]
    assert wish[0] == "reads:20241004" and (wish[1][2].first, wish[1][2].count) == (1, 1)
    net.carry_out_wishes()
    rows = DictRows()
    rows.stage([("state", state_key("anchor", key), raw) for key, raw in net.house.state.tables["anchor"].items()])
    (entry,) = read_entries(net.boxes["h1"])
    assert anchored_reads(rows, "h1") == [(entry.day, 1, 1, entry.digest)] and anchored_reads(rows, "h2") == []
    net.house.day += 1
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-4", "treatment"))
    assert not any(net.wished.values()), "there were no more reads"
    net.boot("h1")
    net.execute("h2", "record", "request", Ask("h1:r-1", "h2:q-5", "treatment"))
    assert not any(net.wished.values()), "nor is a day anchored again after a boot"


def test_a_member_without_a_key_keeps_nothing_and_says_so() -> None:
    net = VaultNet()
    net.epoch = msgspec.structs.replace(net.epoch, members=())
    (note,) = net.step("h1", Guard(HANDLE, RECORD))
    assert note.kind == "rejected" and net.boxes["h1"].names() == []
